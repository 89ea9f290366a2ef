"""Nothing is skipped under ``make test``: what is absent fails there, and says why elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
SKIPS = re.compile(r"importorskip|pytest\.skip|mark\.skip|skipif|unittest")
ABSENT = """
from tests.strict import {name}
{at_start}
def test_of_something() -> None:
    {inside}
"""


def test_only_the_strict_helper_skips() -> None:
    found = {path for path in TESTS.rglob("*.py") if SKIPS.search(path.read_text())}
    assert found <= {TESTS / "strict.py", Path(__file__).resolve()}


def pytest_of(folder: Path, text: str, *, strict: bool) -> subprocess.CompletedProcess[str]:
    """What pytest says to a file of this text."""
    (folder / "test_absent.py").write_text(text)
    environment = {**os.environ, "GLYPHITE_STRICT_TESTS": "1" if strict else "0"}
    command = [sys.executable, "-m", "pytest", "-ra", "--rootdir", str(folder), "test_absent.py"]
    return subprocess.run(
        [*command, "-p", "no:cacheprovider"], cwd=folder, capture_output=True, text=True,
        check=False, env={**environment, "PYTHONPATH": str(TESTS.parent)},
    )  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        ABSENT.format(name="require_module", at_start="", inside="require_module('no_such')"),
        ABSENT.format(name="require_module", at_start="require_module('no_such')", inside="pass"),
    ],
    ids=["in a test", "at the start of a file"],
)
def test_an_absent_package_is_a_skip_with_its_reason_and_a_failure_where_it_counts(
    tmp_path: Path, text: str
) -> None:
    skipped = pytest_of(tmp_path, text, strict=False)
    assert "no_such is not installed." in skipped.stdout
    assert "1 skipped" in skipped.stdout
    failed = pytest_of(tmp_path, text, strict=True)
    assert failed.returncode != 0
    assert "no_such is not installed. Run `make setup`." in failed.stdout


def test_what_is_there_is_no_reason_to_skip(tmp_path: Path) -> None:
    text = ABSENT.format(name="require_module", at_start="", inside="require_module('numpy')")
    assert "1 passed" in pytest_of(tmp_path, text, strict=True).stdout
