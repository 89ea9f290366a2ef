"""The results of checks as JUnit XML, which servers for continuous integration show.

The structure is that of the schema ``junit-10.xsd`` of Jenkins' xunit plugin, which pytest calls
xunit2: a ``testsuite`` of ``testcase`` elements, each empty or with what is wrong in it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

from glyphite.convert.errors import InputError
from glyphite.convert.files import require_room, write_bytes
from glyphite.convert.text import MOST_OF_A_LINE, printable

WAY_OUT = "Name another file with --junit."


@dataclass(frozen=True)
class Case:
    """One check and what became of it."""

    name: str
    outcome: str = ""
    """"failure", "error" or "skipped"; empty where it passed."""
    text: str = ""
    """The sentence on that."""


def place_of(path: Path) -> Path:
    """The file that ``path`` leads to, which a new one may replace.

    Raises InputError where it is a folder, a pipe or a device.
    """
    place = Path(os.path.realpath(path))
    require_room(place)
    if place.exists() and not place.is_file():
        raise InputError(f"{printable(str(path))} is no file that can be replaced. {WAY_OUT}")
    return place


def write_junit(path: Path, suite: str, cases: Sequence[Case], seconds: float) -> None:
    """Write the file whole. Raises InputError where it cannot be written."""
    tests = {"tests": str(len(cases))}
    counted = {f"{name}s": _count(cases, name) for name in ("failure", "error")}
    figures = {"name": suite, **tests, **counted, "time": f"{seconds:.3f}"}
    root = ElementTree.Element("testsuites", figures)
    beside = {"skipped": _count(cases, "skipped"), "timestamp": _now()}
    inner = ElementTree.SubElement(root, "testsuite", figures | beside)
    for case in cases:
        _add(inner, suite.replace(" ", "."), case)
    content = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    write_bytes(path, content + b"\n", way_out=WAY_OUT)


def _count(cases: Sequence[Case], outcome: str) -> str:
    return str([case.outcome for case in cases].count(outcome))


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _add(suite: ElementTree.Element, classname: str, case: Case) -> None:
    """XML has no sign for most control characters, so that they stand there as escapes."""
    names = {"classname": classname, "name": printable(case.name, MOST_OF_A_LINE)}
    element = ElementTree.SubElement(suite, "testcase", names)
    if case.outcome:
        said = printable(case.text, MOST_OF_A_LINE)
        ElementTree.SubElement(element, case.outcome, {"message": said}).text = said
