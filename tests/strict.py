"""What happens where something that a test needs is absent."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.paths import PROJECT

STRICT = os.environ.get("GLYPHITE_STRICT_TESTS") == "1"
"""Set by ``make test``: there what is absent is a failure, elsewhere a skip with the reason."""


def absent(reason: str) -> None:
    """Skip the test or its whole file, or fail it under ``make test``, because ``reason``."""
    if STRICT:
        pytest.fail(f"{reason} Run `make setup`.", pytrace=False)
    pytest.skip(reason, allow_module_level=True)


def require_npm_package(name: str) -> Path:
    """The folder of a package of tools/page, which `make setup` installs where npm is there: not
    every system has it, so that the test is skipped where it is not, and says so."""
    folder = PROJECT / "tools" / "page" / "node_modules" / name
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("npm is not installed, which installs what checks the page.")
    if not folder.is_dir():
        absent(f"{name} is not installed.")
    return folder


def require_proc() -> None:
    """Go on only where a process is seen in /proc, as Linux has it: no other system could."""
    if not Path("/proc/self/maps").is_file():
        pytest.skip("There is no /proc, in which one sees what a process has loaded.")


def require_signals() -> None:
    """Go on only where a process can be sent signals that it may hear, as Windows has none."""
    if os.name == "nt":
        pytest.skip("Windows has no such signals.")


def require_module(*names: str) -> None:
    """Go on only where these Python packages are installed."""
    for name in names:
        if find_spec(name) is None:
            absent(f"{name} is not installed.")
