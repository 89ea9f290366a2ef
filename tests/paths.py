"""Where the project lies, for tests at any depth, and copies of it."""

import shutil
import subprocess
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
TESTS = PROJECT / "tests"


def project_files() -> list[str]:
    """Every file of the project, also those that are not committed yet; nothing that was built."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.splitlines() if (PROJECT / name).is_file()]


def copy_project(to: Path) -> None:
    """Copy them to the folder ``to``, so that what a test changes or builds is not left here."""
    for name in project_files():
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, to / name)
