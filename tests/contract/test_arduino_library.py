"""The Arduino library passes the rules of arduino-lint that need no internet.

They are its published rules of libraries, at its strictest: ``--compliance strict --library-manager
submit``; their numbers stand beside them. PlatformIO's manifest has a published schema.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.paths import PROJECT

LIBRARY = PROJECT / "firmware" / "library" / "Glyphite"
REQUIRED = {
    *("name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url"),
    *("architectures", "includes"),
}
OPTIONAL = {"depends", "dot_a_linkage", "precompiled", "ldflags", "license", "email"}
CATEGORIES = {
    *("Display", "Communication", "Signal Input/Output", "Sensors", "Device Control", "Timing"),
    *("Data Storage", "Data Processing", "Other"),
}
ARCHITECTURES = {"avr", "esp32", "mbed_giga", "mbed_nano", "renesas_uno", "sam", "samd", "*"}
SEMVER = r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[\w.-]+)?(\+[\w.-]+)?"
IN_ROOT = {"LICENSE", "README.md", "keywords.txt", "library.json", "library.properties"}
IN_ROOT |= {"examples", "extras", "src"}
SOURCES = {".c", ".cpp", ".h", ".hpp", ".ino", ".cc", ".S"}


def files() -> list[Path]:
    return [path.relative_to(LIBRARY) for path in LIBRARY.rglob("*")]


@pytest.fixture
def properties() -> dict[str, str]:
    lines = (LIBRARY / "library.properties").read_text().splitlines()
    pairs = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert len(pairs) == len(lines)  # no field twice, no line without one
    return pairs


def test_the_fields_are_those_of_the_specification(properties: dict[str, str]) -> None:
    """LP003 to LP005 and all "missing" and "misspelled" rules; none has blanks around it."""
    assert set(properties) >= REQUIRED
    assert set(properties) <= REQUIRED | OPTIONAL
    for field, value in properties.items():
        assert value and value == value.strip() and field == field.strip(), field


def test_the_name_is_short_and_plain(properties: dict[str, str]) -> None:
    """LP007 to LP016: 16 characters, no blank, no "Arduino", no "library"; LS008: its header."""
    name = properties["name"]
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]{0,15}", name)
    assert not re.search("arduino|library", name, re.IGNORECASE)
    assert (LIBRARY / "src" / f"{name}.h").is_file()
    assert LIBRARY.name == name


def test_each_value_is_of_its_format(properties: dict[str, str]) -> None:
    """LP020 to LP056: strict semantic version, category of the list, addresses, architectures."""
    assert re.fullmatch(SEMVER, properties["version"])
    assert properties["category"] in CATEGORIES - {"Uncategorized"}
    assert re.fullmatch(r"https://[\w.-]+\.\w+(/[\w./-]*)?", properties["url"])
    assert {each.strip() for each in properties["architectures"].split(",")} <= ARCHITECTURES
    for field in ("author", "maintainer"):
        assert not re.search("arduino", properties[field], re.IGNORECASE)


def test_the_paragraph_does_not_repeat_the_sentence(properties: dict[str, str]) -> None:
    """LP035: the IDE shows both, one after the other."""
    assert not properties["paragraph"].startswith(properties["sentence"])
    assert properties["sentence"].endswith(".")


def test_what_is_included_is_there(properties: dict[str, str]) -> None:
    """LP052: files of ``src``, by their names."""
    for name in properties["includes"].split(","):
        assert (LIBRARY / "src" / name.strip()).is_file()


def test_nothing_is_there_that_keeps_it_from_the_library_manager() -> None:
    """LS004 to LS007: no submodule, link, .development or .exe."""
    assert not [path for path in files() if (LIBRARY / path).is_symlink()]
    assert not [path for path in files() if path.suffix.lower() == ".exe"]
    assert not [path for path in files() if path.name in {".git", ".gitmodules", ".development"}]


def test_the_folders_are_named_exactly_as_they_must_be() -> None:
    """LS009 to LS012, LP002, LD001, LD002: also in capitals, and README and licence among them."""
    assert {path.name for path in LIBRARY.iterdir()} == IN_ROOT
    assert (LIBRARY / "LICENSE").read_text() == (PROJECT / "LICENSE").read_text()


def test_every_name_is_taken_by_the_ide() -> None:
    """LS002, LS003: 63 characters at most, none but these, a letter or a digit first."""
    for path in files():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}", path.name), path


def test_an_example_is_a_folder_with_a_sketch_of_its_name() -> None:
    """SS001 to SS005: and no other .ino, no .pde; an example needs no library but this one."""
    folders = list((LIBRARY / "examples").iterdir())
    assert {"classify", "see_digits"} <= {folder.name for folder in folders}
    for folder in folders:
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", folder.name)
        assert [path.name for path in folder.glob("*.ino")] == [f"{folder.name}.ino"]
    sketches = [path for path in files() if path.suffix in {".ino", ".pde"}]
    assert len(sketches) == len(folders)


def test_sources_lie_in_src_and_in_examples_alone() -> None:
    """The recursive layout: what lies elsewhere would not be compiled."""
    sources = [path for path in files() if path.suffix in SOURCES]
    assert {path.parts[0] for path in sources} == {"src", "examples"}


def test_keywords_are_tabbed_and_named_once() -> None:
    lines = (LIBRARY / "keywords.txt").read_text().splitlines()
    names = [line.split("\t")[0] for line in lines if line and line[0] != "#"]
    assert len(set(names)) == len(names) > 5
    for line in lines:
        assert (
            not line or line[0] == "#" or re.fullmatch(r"\w+\t(KEYWORD[123]|LITERAL[12])", line)
        ), line


def test_the_files_have_one_kind_of_line_ends_and_no_mark_before_them() -> None:
    """A byte order mark would make the first field of library.properties a misspelled one."""
    for name in ("library.properties", "keywords.txt", "library.json", "README.md"):
        content = (LIBRARY / name).read_bytes()
        assert b"\r" not in content and content.isascii() and content.endswith(b"\n"), name


def test_platformio_s_manifest_has_the_fields_of_its_schema(properties: dict[str, str]) -> None:
    """Names, types and longest values as platformio-core publishes them."""
    manifest = json.loads((LIBRARY / "library.json").read_text())
    known = {"$schema", "name", "version", "description", "keywords", "homepage", "repository"}
    known |= {"authors", "license", "frameworks", "platforms", "headers"}
    assert set(manifest) == known
    assert re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", manifest["name"])
    assert len(manifest["name"]) <= 50 and len(manifest["version"]) <= 20
    assert len(manifest["description"]) <= 255 and len(manifest["homepage"]) <= 255
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", word) for word in manifest["keywords"])
    assert manifest["repository"] == {"type": "git", "url": f"{properties['url']}.git"}
    assert manifest["authors"] == [{"name": properties["author"], "maintainer": True}]
    assert (manifest["license"], manifest["platforms"]) == ("MIT", "*")
    assert manifest["frameworks"] == ["arduino"]
    assert manifest["headers"] == properties["includes"].split(",")
    for field in ("name", "version"):
        assert manifest[field] == properties[field]
    assert manifest["homepage"] == properties["url"]


def test_git_keeps_all_of_it() -> None:
    """Nothing of the library is ignored, or it would be missing after a download."""
    command = ["git", "check-ignore", "--", *map(str, files())]
    found = subprocess.run(command, cwd=LIBRARY, capture_output=True, text=True, check=False)
    assert found.stdout == ""
