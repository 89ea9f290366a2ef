"""Limits on figures: every one that is broken is named, and ``--junit`` tells of each."""

import argparse
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.errors import CheckFailedError, DoesNotFitError, InputError
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.manifest import sha256_of
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.cli.budgets import BUDGETS, Checks, checking, subject
from glyphite.host.cli.junit import Case, write_junit
from glyphite.host.device.build import build
from tests.builders.tampered import tamper

ALLOWED = {
    "testsuites": {"name", "tests", "failures", "errors", "time"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "testcase": {"classname", "name"},
    **{outcome: {"message"} for outcome in ("failure", "error", "skipped")},
}
"""Elements and their attributes, all of which the schema junit-10.xsd of Jenkins knows."""
INSIDE = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure", "error", "skipped"},
}


def cases_in(path: Path) -> list[tuple[str, str, str]]:
    """Name, outcome and text of each case, once the file was found to be as the schema says."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) == ALLOWED[element.tag]
        assert {inner.tag for inner in element} <= INSIDE.get(element.tag, set())
    cases = list(root.iter("testcase"))
    for suite in (root, *root.iter("testsuite")):
        assert suite.get("tests") == str(len(cases))
        for outcome in ("failure", "error", "skipped"):
            counted = suite.get("skipped" if outcome == "skipped" else f"{outcome}s")
            assert counted in (None, str(len(list(root.iter(outcome)))))
    return [
        (case.attrib["name"], *(case[0].tag, case[0].text or "")) if len(case)
        else (case.attrib["name"], "", "")
        for case in cases
    ]  # fmt: skip


def arguments(**values: object) -> argparse.Namespace:
    return argparse.Namespace(**{"junit": None, **values})


HELD = [
    ("max_flash", 32768, 32768, 32769,
     "m takes 32,769 bytes of flash, and --max-flash allows 32,768. "
     "Try --optimize size or a smaller model, or allow more."),
    ("max_ram", 0, 0, 1,
     "m takes 1 byte of static RAM, and --max-ram allows 0. "
     "Try --optimize ram or a smaller model, or allow more."),
    ("max_cycles", 10**7, 10**7, 10**7 + 1,
     "m takes 10,000,001 cycles an inference, and --max-cycles allows 10,000,000. "
     "Try another --optimize or a smaller model, or allow more."),
    ("max_drop", 0.5, -3.0, 0.51,
     "m loses 0.51 percentage points against the float model, and --max-drop allows 0.5. "
     "Train longer or calibrate on more images, or allow a larger drop."),
    ("min_accuracy", 99.52, 100 * 9952 / 10000, 100 * 9951 / 10000,
     "m reads 99.51 % of the images right, and --min-accuracy asks for 99.52 %. "
     "Train longer, or ask for less."),
    ("max_error", 0.25, 0.25, 0.2500004,
     "m has a mean absolute error of 0.2500004, and --max-error allows 0.25. "
     "Train longer or calibrate on more samples, or allow a larger one."),
    ("max_mismatched_bytes", 3, 3, 4,
     "m gives 4 bytes that differ from the reference, and --max-mismatched-bytes allows 3. "
     "Find the layer with `glyphite verify`, or allow more."),
]  # fmt: skip
"""A limit, a figure just within and one beyond it, and what is said of that."""


@pytest.mark.parametrize(("name", "limit", "within", "beyond", "sentence"), HELD)
def test_a_figure_of_just_the_limit_passes_and_one_beyond_is_told_in_a_sentence(
    name: str, limit: float, within: float, beyond: float, sentence: str
) -> None:
    checks = Checks({name: limit})
    checks.hold(name, within, "m")
    option = f"--{name.replace('_', '-')}"
    assert checks.cases == [Case(f"{option} {limit}: m")]
    checks.hold(name, beyond, "m")
    assert checks.cases[1:] == [Case(f"{option} {limit}: m", "failure", sentence)]


def test_each_limit_is_tried_on_both_of_its_sides() -> None:
    assert [held[0] for held in HELD] == list(BUDGETS)


def test_a_figure_that_rounds_to_its_limit_is_told_with_more_digits() -> None:
    checks = Checks({"min_accuracy": 66.67})
    checks.hold("min_accuracy", 200 / 3, "m")
    assert "reads 66.666666667 % of the images right, and" in checks.cases[0].text


def test_all_that_failed_is_named_not_the_first_alone() -> None:
    with (
        pytest.raises(CheckFailedError) as caught,
        checking("build", arguments(max_flash=10, max_ram=10)) as checks,
    ):
        checks.hold("max_flash", 11, "a")
        checks.hold("max_flash", 9, "b")
        checks.hold("max_flash", 12, "c")
        checks.hold("max_ram", 13, "a")
    words = str(caught.value)
    assert [word in words for word in ("a takes 11", "b takes", "c takes 12", "a takes 13")] == [
        True, False, True, True
    ]  # fmt: skip


def test_without_a_limit_of_its_own_no_byte_may_differ() -> None:
    def refuse() -> None:
        raise CheckFailedError("2 bytes differ.")

    checks = Checks({})
    checks.hold_bytes(2, "m", refuse)
    checks.hold_bytes(0, "n", lambda: None)
    assert checks.cases == [
        Case("no byte differs: m", "failure", "2 bytes differ."), Case("no byte differs: n")
    ]  # fmt: skip
    allowed = Checks({"max_mismatched_bytes": 2})
    allowed.hold_bytes(2, "m", refuse)
    assert allowed.cases == [Case("--max-mismatched-bytes 2: m")]


def test_a_limit_to_which_nothing_was_held_has_not_passed() -> None:
    with (
        pytest.raises(CheckFailedError, match=r"^There is no figure here that --max-ram limits\."),
        checking("report", arguments(max_flash=10, max_ram=10)) as checks,
    ):
        checks.hold("max_flash", 10, "a")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["build", "--max-flash", "nan"], "'nan' is not a number of bytes: one such as 32768, "),
        (["build", "--max-flash", "-1"], "'-1' is not a number of bytes"),
        (["build", "--max-ram", "1.5"], "'1.5' is not a number of bytes"),
        (["build", "--max-ram", "32G"], "'32G' is not a number of bytes"),
        (["build", "--max-ram", "1" * 16], "is not a number of bytes"),
        (["bench", "--max-cycles", "32K"], "'32K' is not a number of cycles"),
        (["bench", "--max-cycles", "-5"], "'-5' is not a number of cycles"),
        (["compare", "--max-drop", "nan"], "'nan' is not a number of percentage points: 0 to 100"),
        (["compare", "--max-drop", "-1"], "'-1' is not a number of percentage points"),
        (["stream", "--min-accuracy", "101"], "'101' is not a number of percent: 0 to 100 is."),
        (["stream", "--min-accuracy", "inf"], "'inf' is not a number of percent"),
        (["verify", "--max-mismatched-bytes", "-1"], "'-1' is not a number of cycles or bytes"),
    ],
)
def test_what_is_no_limit_is_refused(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main([options[0], "uno", *options[1:]])
    assert words in capsys.readouterr().err


def test_k_stands_for_1024_bytes_and_m_for_as_many_of_those() -> None:
    for text, count in (("32K", 32768), ("32768", 32768), ("1M", 1048576)):
        assert BUDGETS["max_ram"].read(text) == count


class TestJunit:
    """``--junit`` is what servers read, whatever becomes of the command."""

    def test_tells_of_each_check_in_the_published_structure(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "new" / "uno.xml"
        assert main(["inspect", "uno", "--max-ram", "1K", "--junit", str(path)]) == 1
        of = f"the arena of {subject('uno', sha256_of(find_model('uno').tflite), goal='speed')}"
        sentence = (
            f"{of} takes 1,144 bytes of static RAM, and --max-ram allows 1,024. "
            "Try --optimize ram or a smaller model, or allow more."
        )
        assert capsys.readouterr().err == f"glyphite inspect: {sentence}\n"
        assert cases_in(path) == [(f"--max-ram 1024: {of}", "failure", sentence)]
        assert [file.name for file in path.parent.iterdir()] == ["uno.xml"]

    def test_what_xml_cannot_hold_stands_there_as_an_escape(self, tmp_path: Path) -> None:
        odd = "a\"<&>'\x00\x1b\udcff\ufffe\n</testcase> é 数"
        path = tmp_path / "odd.xml"
        write_junit(path, "glyphite build", [Case(odd, "failure", odd)], 0.1)
        shown = "a\"<&>'\\x00\\x1b\\xff\\ufffe\\n</testcase> é 数"
        assert cases_in(path) == [(shown, "failure", shown)]

    def test_says_that_the_command_did_not_end_until_it_has(self, tmp_path: Path) -> None:
        """No results of an earlier command are left where this one is killed."""
        path = tmp_path / "it.xml"
        with checking("build", arguments(junit=path)) as checks:
            checks.passed("it")
            before = cases_in(path)
        text = "The command did not come to its end."
        assert before == [("glyphite build", "error", text)]
        assert cases_in(path) == [("it", "", "")]

    @pytest.mark.parametrize(
        ("error", "name", "outcome"),
        [
            (DoesNotFitError("too large"), "the firmware fits", "failure"),
            (CheckFailedError("differs"), "glyphite build", "failure"),
            (InputError("no such thing"), "glyphite build", "error"),
        ],
    )
    def test_tells_of_what_ended_the_command(
        self, tmp_path: Path, error: Exception, name: str, outcome: str
    ) -> None:
        path = tmp_path / "it.xml"
        with (
            pytest.raises(type(error), match=str(error)),
            checking("build", arguments(junit=path)) as checks,
        ):
            checks.passed("something before")
            raise error
        assert cases_in(path) == [("something before", "", ""), (name, outcome, str(error))]

    @pytest.mark.parametrize("name", ["folder", "file/in.xml", "/dev/null"])
    def test_is_refused_before_the_work_where_it_cannot_be_written(
        self,
        tmp_path: Path,
        build_folder: Path,
        name: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "file").write_text("mine")
        words = ["build", "uno", "--board", "native", "--junit", str(tmp_path / name)]
        assert main(words) == 2
        captured = capsys.readouterr()
        assert captured.err.startswith("glyphite build: /") and captured.out == ""
        assert (tmp_path / "file").read_text() == "mine"
        assert Path("/dev/null").is_char_device()
        assert not build_folder.exists()

    def test_goes_where_a_link_leads(self, tmp_path: Path) -> None:
        (tmp_path / "link.xml").symlink_to(tmp_path / "there.xml")
        with checking("build", arguments(junit=tmp_path / "link.xml")) as checks:
            checks.passed("it")
        assert (tmp_path / "link.xml").is_symlink()
        assert cases_in(tmp_path / "there.xml") == [("it", "", "")]

    def test_is_refused_where_nothing_is_checked(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["inspect", "uno", "--junit", str(tmp_path / "it.xml")]) == 2
        assert capsys.readouterr().err == (
            "glyphite inspect: Nothing is checked that --junit could tell of. Add one of "
            "--max-ram.\n"
        )
        assert not (tmp_path / "it.xml").exists()


def test_verbs_hold_their_own_figures_to_the_limits(
    tmp_path: Path, require_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    """A native board whose first score is wrong by 1 in each of 20 images."""
    require_tool("cc")
    path = tmp_path / "it.xml"
    junit = ["--junit", str(path)]

    def outcomes(words: str, code: int) -> list[str]:
        capsys.readouterr()
        assert main([*words.split(), *junit]) == code, capsys.readouterr()
        return [f"{outcome or 'passed'} {name}".partition(":")[0] for name, outcome, _ in
                cases_in(path)]  # fmt: skip

    folder = find_model("uno")
    compile_folder(folder).write(folder.generated)
    tamper(folder)
    build(folder, load_board("native"))
    streamed = "stream uno --port sim://native --count 20 --max-mismatched-bytes 19"
    assert outcomes(f"{streamed} --min-accuracy 90", 1) == [
        "passed --min-accuracy 90.0", "failure --max-mismatched-bytes 19"
    ]  # fmt: skip
    report = "report uno --max-flash 1 --max-mismatched-bytes 20 --min-accuracy 100 --max-drop 0"
    assert outcomes(report, 1) == [
        "failure --max-flash 1", "passed --min-accuracy 100.0",
        "passed --max-mismatched-bytes 20", "failure --max-drop"
    ]  # fmt: skip
