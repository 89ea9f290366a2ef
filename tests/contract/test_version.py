"""The version is said by pyproject.toml; whatever repeats it is held equal to it."""

import json
import re
import tomllib
from pathlib import Path

from tests.paths import PROJECT, project_files

LIBRARY = PROJECT / "firmware" / "library" / "Glyphite"
REPEATED = (
    "firmware/library/Glyphite/library.json",
    "firmware/library/Glyphite/library.properties",
    "firmware/library/Glyphite/src/glyphite_hello.h",
    "CHANGELOG.md",
)
MADE = ("firmware/library/Glyphite/src/uno/",)
"""Made by `make example`, and held by a test of their own."""
HISTORY = ("models/", "constraints.txt")
"""Which version made a model; versions of others."""


def version() -> str:
    found: str = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]
    return found


def says_the_version(path: Path) -> bool:
    try:
        return (
            re.search(rf"(?<![\d.]){re.escape(version())}(?![\d.])", path.read_text()) is not None
        )
    except UnicodeDecodeError:
        return False


def test_the_library_and_its_firmware_have_the_project_s_version() -> None:
    properties = dict(
        line.split("=", 1) for line in (LIBRARY / "library.properties").read_text().splitlines()
    )
    hello = (LIBRARY / "src" / "glyphite_hello.h").read_text()
    assert properties["version"] == version()
    assert json.loads((LIBRARY / "library.json").read_text())["version"] == version()
    assert re.findall(r'#define GLYPHITE_VERSION "(.*)"', hello) == [version()]


def test_the_newest_version_in_the_changelog_is_the_project_s() -> None:
    headings = re.findall(r"^## \[(.+?)\]", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[:2] == ["Unreleased", version()]


def test_nothing_else_repeats_the_version() -> None:
    allowed = ("pyproject.toml", *REPEATED, *MADE, *HISTORY)
    found = [name for name in project_files() if not name.startswith(allowed)]
    assert not [name for name in found if says_the_version(PROJECT / name)]
