"""The list of faults stays true, and the command tells those caught from those that survive."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults import __main__ as command
from tests.faults.fault import Fault, FaultError, check
from tests.faults.faults import FAULTS
from tests.faults.trial import Outcome, try_out
from tests.paths import PROJECT, project_files

SOURCES = (".py", ".c", ".h", ".ino")
LIBRARY = "firmware/library/Glyphite/"
WITHOUT = ("firmware/emulators/", "firmware/ports/", f"{LIBRARY}examples/", f"{LIBRARY}src/uno/")
"""Folders of what only whole boards run; of examples; and of what is generated."""
CHEAP = "a stack may take all of the RAM"
HARMLESS = Fault(
    "a comment", "convert/glyphite/convert/boards.py", '"""The processor."""', '"""A chip."""',
    ("convert/test_boards.py",),
)  # fmt: skip


def test_every_fault_can_be_put_in() -> None:
    """Its old text stands in its file exactly once, and its tests exist."""
    wrong = []
    for fault in FAULTS:
        try:
            check(PROJECT, (fault,))
        except FaultError as error:
            wrong.append(str(error))
    assert not wrong


def test_the_faults_are_many_and_each_has_a_name_of_its_own() -> None:
    assert len(FAULTS) >= 60
    assert not [name for name, times in Counter(f.name for f in FAULTS).items() if times > 1]


def folders() -> set[str]:
    """All folders of the product with files that could be wrong."""
    paths = (Path(name) for name in project_files() if not name.startswith(WITHOUT))
    return {
        str(path.parent)
        for path in paths
        if path.parts[0] in ("convert", "firmware", "host", "train")
        and path.suffix in SOURCES
        and path.stem != "__init__"
    }


@pytest.mark.usefixtures("git")
def test_no_folder_of_the_product_is_without_a_fault() -> None:
    assert len(folders()) > 20
    assert not folders() - {str(Path(fault.path).parent) for fault in FAULTS}


@pytest.mark.parametrize(
    ("path", "old", "found"),
    [("CONTRIBUTING.md", "no such text", 0), ("CONTRIBUTING.md", "the", "[0-9]{2}")],
)
def test_a_fault_whose_text_is_not_there_once_is_an_error_that_names_it(
    path: str, old: str, found: str
) -> None:
    fault = Fault("the wrong one", path, old, "", ("contract",))
    with pytest.raises(FaultError, match=rf"'the wrong one' cannot be put in: .* {found} times"):
        check(PROJECT, (fault,))


def test_the_command_ends_with_2_where_a_fault_cannot_be_put_in(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = Fault("the wrong one", "CONTRIBUTING.md", "no such text", "", ("contract",))
    monkeypatch.setattr(command, "FAULTS", (*FAULTS, wrong))
    assert command.main(["--list"]) == 2
    assert "'the wrong one'" in capsys.readouterr().err


def test_a_room_is_a_files_folder_without_its_source_root(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["--list", "--room", "host/device/wire"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed
    assert all(line.startswith("host/device/wire: ") for line in listed)
    assert command.main(["--list", "--room", "host/dev"]) == 2
    assert command.main(["--only", "no such fault"]) == 2


@pytest.fixture
def git(require_tool: Callable[..., None]) -> None:
    """Copies of the tree have what git lists."""
    require_tool("git")


@pytest.mark.usefixtures("git")
def test_a_fault_that_a_test_notices_is_caught_and_the_tree_stays_as_it_is() -> None:
    (fault,) = (fault for fault in FAULTS if fault.name == CHEAP)
    before = (PROJECT / fault.path).read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults", "--only", CHEAP],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(f"caught   {CHEAP} (convert, ")
    assert "convert/test_boards.py::test_" in done.stdout
    assert done.stdout.endswith("1 of 1 faults were caught.\n")
    assert (PROJECT / fault.path).read_bytes() == before


@pytest.mark.usefixtures("git")
def test_a_fault_that_no_test_notices_is_said_to_survive(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "FAULTS", (HARMLESS,))
    assert command.main([]) == 1
    said = capsys.readouterr().out
    assert said.startswith("SURVIVED a comment (convert, ")
    assert said.endswith(
        "0 of 1 faults were caught.\nSURVIVED: a comment in convert/glyphite/convert/boards.py\n"
    )


@pytest.mark.usefixtures("git")
def test_tests_that_take_too_long_or_do_not_run_prove_nothing() -> None:
    assert try_out(PROJECT, HARMLESS, 0.05).outcome is Outcome.TOO_LONG
    unfit = Fault("no Python", HARMLESS.path, HARMLESS.old, '"', HARMLESS.tests)
    assert try_out(PROJECT, unfit, 600).outcome is Outcome.NO_TESTS


@pytest.mark.usefixtures("git")
def test_a_fault_that_ends_pytest_itself_is_caught() -> None:
    """As C does that runs into a sanitizer's trap in pytest's own process."""
    deadly = '__import__("os").kill(__import__("os").getpid(), 9)'
    verdict = try_out(PROJECT, replace(HARMLESS, new=deadly), 600)
    assert verdict.outcome is Outcome.CAUGHT
    assert verdict.witness == "pytest was ended by SIGKILL"
