"""Licence and origin are told of everything that is fetched, and of nothing else."""

import re
import tomllib
from collections.abc import Iterable

from tests.paths import PROJECT

ROW = re.compile(r"^\| `(.+?)` \|([^|]+)\|([^|]+)\|", re.MULTILINE)


def section(title: str) -> str:
    text = (PROJECT / "THIRD_PARTY.md").read_text()
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> set[str]:
    """The packages of a section; each row has a licence and an address."""
    found = ROW.findall(section(title))
    for name, licence, origin in found:
        assert len(licence.strip()) > 2, name
        assert origin.strip().startswith("https://"), name
    return {name for name, _, _ in found}


def canonical(requirements: Iterable[str]) -> set[str]:
    """The names of requirements, as package indexes compare them."""
    names = (re.split(r"[^\w.-]", requirement.strip())[0] for requirement in requirements)
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}


def declared() -> set[str]:
    """What pyproject.toml asks for, extras and the build among it."""
    content = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    project = content["project"]
    extras = [each for extra in project["optional-dependencies"].values() for each in extra]
    return canonical([*project["dependencies"], *extras, *content["build-system"]["requires"]])


def pinned() -> set[str]:
    lines = (PROJECT / "constraints.txt").read_text().splitlines()
    return canonical(line for line in lines if not line.startswith("#"))


def test_every_python_package_has_its_row_and_no_row_is_left_over() -> None:
    assert rows("Python packages") == declared() | pinned()


def test_every_debian_package_has_its_row_and_no_row_is_left_over() -> None:
    lines = (PROJECT / "tools" / "apt-packages.txt").read_text().splitlines()
    assert rows("Debian packages") == {
        line.split()[0] for line in lines if not line.startswith("#")
    }
