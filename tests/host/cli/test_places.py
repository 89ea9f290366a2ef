"""What is made for one board and goal does not replace what was made for another."""

import json
import re
from pathlib import Path

import pytest

from glyphite.convert.export.project import FORMS
from glyphite.convert.workspace import ModelFolder, build_root, find_model
from glyphite.host.cli import main
from glyphite.host.device.transport.firmware_files import emulated_url
from glyphite.host.measure.running import firmware_at

Out = pytest.CaptureFixture[str]
BUILT = {"c", "firmware.elf", "size.json"}


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file below ``folder``."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_goals_of_a_board_have_a_folder_each_with_their_own_c(capsys: Out) -> None:
    assert main(["build", "uno", "--board", "native", "--json"]) == 0
    first = Path(json.loads(capsys.readouterr().out)["image"])
    before = contents(first.parent)
    assert main(["build", "uno", "--board", "native", "--optimize", "ram", "--json"]) == 0
    second = Path(json.loads(capsys.readouterr().out)["image"])
    root = build_root() / "uno" / "native"
    assert (first.parent, second.parent) == (root / "speed", root / "ram")
    assert contents(first.parent) == before
    assert {path.name for path in second.parent.iterdir()} == BUILT
    texts = [(image.parent / "c" / "model.h").read_text() for image in (first, second)]
    assert [goal in text for goal, text in zip(("speed", "ram"), texts, strict=True)] == [True] * 2
    assert not (build_root() / "uno" / "c").exists()
    for verb in (["export", "uno", "--cmake"], ["compile", "uno"]):
        assert main([*verb, "--out", str(first.parent / "c")]) == 2
        assert "c is where a build keeps the C of its firmware, which" in capsys.readouterr().err
    assert contents(first.parent) == before
    running = firmware_at(emulated_url("native"), build_root() / "uno")
    assert running is not None
    assert (running.image.resolve(), running.goal) == (second.resolve(), "ram")


def test_c_for_any_processor_stays_where_c_for_a_board_is_made(capsys: Out) -> None:
    assert main(["compile", "uno"]) == 0
    root = build_root() / "uno"
    before = contents(root / "c")
    others = (
        (["--board", "cortex-m4"], "c-cortex-m4"),
        (["--board", "cortex-m4", "--optimize", "size"], "c-cortex-m4-size"),
        (["--optimize", "ram"], "c-ram"),
        (["--stream-input"], "c-stream-input"),
        (["--prefix", "ram"], "c-prefix-ram"),
    )
    for words, place in others:
        assert main(["compile", "uno", *words]) == 0
        assert any((root / place).glob("*.c")), place
    assert main(["build", "uno", "--board", "native", "--out", str(root)]) == 2
    assert "is the folder of a model, and a build would replace the C" in capsys.readouterr().err
    assert contents(root / "c") == before
    made = {path.name for path in root.iterdir() if path.is_dir()}
    assert made == {"c", *(place for _, place in others)}


def test_a_form_for_a_board_does_not_replace_that_for_all() -> None:
    for words in ([], ["--board", "cortex-m4"], ["--prefix", "net"]):
        assert main(["export", "uno", "--cmake", *words]) == 0
    made = {path.name for path in (build_root() / "uno").iterdir() if path.is_dir()}
    assert made == {"cmake", "cmake-cortex-m4", "cmake-prefix-net"}


@pytest.mark.parametrize("name", ["c-ram", "CMake-uno", "tflm", "pictures-1"])
def test_a_board_called_like_a_folder_of_ours_has_another(name: str) -> None:
    model = ModelFolder(Path("seed"), Path("seed/model_int8.tflite"))
    assert model.board(name) == Path("seed") / f"board-{name}"
    assert model.board(f"my-{name}") == Path("seed") / f"my-{name}"


@pytest.mark.parametrize("words", ["compile", "build --board native", "export --cmake", "report"])
def test_an_empty_path_is_not_the_folder_of_the_call(words: str, capsys: Out) -> None:
    verb, *more = words.split()
    with pytest.raises(SystemExit, match="2"):
        main([verb, "uno", *more, "--out", ""])
    assert "argument --out: the path is empty. Name one, or leave" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["compile", "uno"], "model.c"),
        (["export", "uno", "--tflm"], "README.txt"),
        *((["export", "uno", f"--{form}", "--board", "uno"], "README.md") for form in FORMS),
    ],
)
def test_files_of_ones_own_are_replaced_by_no_export(
    words: list[str], file: str, tmp_path: Path, capsys: Out
) -> None:
    """And those that an export has made, by the same again."""
    made, mine = tmp_path / "made", tmp_path / "mine"
    for _ in range(2):
        assert main([*words, "--out", str(made)]) == 0
    mine.mkdir()
    (mine / file).write_text("mine")
    assert main([*words, "--out", str(mine)]) == 2
    assert f"mine has a {file} that Glyphite has not made" in capsys.readouterr().err
    assert contents(mine) == {mine / file: b"mine"}


def test_a_build_and_a_report_go_where_out_says(tmp_path: Path, capsys: Out) -> None:
    place = tmp_path / "mine"
    words = ["build", "uno", "--board", "native", "--out", str(place), "--json"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["image"] == str(place / "firmware.elf")
    assert {path.name for path in place.iterdir()} == BUILT
    assert not any((build_root() / "uno").glob("native/**/*"))
    port = f"sim://native?firmware={place}/firmware.elf"
    assert main(["stream", "uno", "--port", port, "--count", "3"]) == 0
    assert main(["verify", "uno", "--board", "native", "--port", port, "--count", "1"]) == 0
    assert main(["verify", "uno", "--board", "cortex-m4", "--port", port]) == 2
    said = f"{port} is the board 'native', and --board says 'cortex-m4'. Give one board: --board"
    assert said in capsys.readouterr().err
    report = tmp_path / "report"
    assert main(["report", "uno", "--out", str(report)]) == 0
    assert {path.name for path in report.iterdir()} == {"report.html", "report.json"}
    streamed = json.loads((report / "report.json").read_text())["boards"]
    assert [one["name"] for one in streamed] == ["native"]


@pytest.mark.parametrize(
    "words",
    [
        ["build", "uno", "--board", "native"],
        ["compile", "uno"],
        *(["export", "uno", form] for form in ("--cmake", "--tflm", "--arduino")),
    ],
)
@pytest.mark.parametrize("place", ["/proc/x.zip", "/dev/null/x.zip"])
def test_a_place_of_out_that_cannot_be_written_asks_for_another(
    words: list[str], place: str, capsys: Out
) -> None:
    """The folder of the results, build/, is none of it."""
    assert main([*words, "--out", place]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert re.search(
        r"cannot be written: .* (N|n)ame another (place|folder|file) with --out\.$", said
    )


def test_verify_runs_the_build_of_the_board_that_is_the_latest(capsys: Out) -> None:
    for goal in ("speed", "ram"):
        assert main(["build", "uno", "--board", "native", "--optimize", goal]) == 0
    (find_model("uno").board("native") / "speed" / "firmware.elf").unlink()
    capsys.readouterr()
    assert main(["verify", "uno", "--board", "native", "--count", "1"]) == 0
    assert "it is built" not in capsys.readouterr().err


def test_a_report_is_made_of_a_build_alone(capsys: Out) -> None:
    assert main(["report", "uno"]) == 2
    assert "`glyphite build uno --board native` first." in capsys.readouterr().err
    assert main(["build", "uno", "--board", "native"]) == 0
    assert main(["report", "uno"]) == 0
    page = (build_root() / "uno" / "report.html").read_text()
    assert "It was built, and neither compared nor streamed to yet." in page
    assert "glyphite build uno --board native --optimize speed" in page
