"""The Python interface: docs/api.md shows every name, and its examples run as they stand there."""

import contextlib
import io
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import pytest

from tests.builders.lazy import LAZY
from tests.paths import PROJECT
from tests.strict import require_module

PAGE = (PROJECT / "docs" / "api.md").read_text()
FACES = ("convert", "host", "train")
EXAMPLE = re.compile(r"```python\n(.*?)```\n```text\n(.*?)```", re.DOTALL)


def names_on_the_page(package: str) -> list[str]:
    """The names in the first column of the package's table."""
    table = PAGE.partition(f"| from `glyphite.{package}` |")[2].partition("\n\n")[0]
    return [
        name
        for row in table.splitlines()[2:]
        for name in re.findall(r"`(\w+)`", row[: row.index(" |")])
    ]


@pytest.mark.parametrize("package", FACES)
def test_the_page_lists_all_names_of_a_package(package: str) -> None:
    assert sorted(names_on_the_page(package)) == import_module(f"glyphite.{package}").__all__


@pytest.mark.parametrize("package", FACES)
def test_every_name_is_there(package: str) -> None:
    face = import_module(f"glyphite.{package}")
    for name in face.__all__:
        assert getattr(face, name).__name__ == name
    with pytest.raises(AttributeError, match=f"'glyphite.{package}' has no attribute 'nothing'"):
        _ = face.nothing


def test_naming_everything_imports_no_slow_package() -> None:
    listing = "import sys\n" + "\n".join(f"from glyphite.{package} import *" for package in FACES)
    answer = subprocess.run(
        [sys.executable, "-c", f"{listing}\nprint(*sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(answer.stdout.split())
    assert "glyphite.host.runners.keras" in loaded
    assert not loaded & LAZY


def test_a_face_alone_imports_next_to_nothing() -> None:
    listing = "import sys, glyphite.convert, glyphite.host, glyphite.train; print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=True
    )
    assert not set(answer.stdout.split()) & {"numpy", "jinja2", "serial"}


def test_the_examples_print_what_the_page_says(require_tool: Callable[..., None]) -> None:
    require_tool("cc")
    require_module("ai_edge_litert", "tflite_micro")
    examples = EXAMPLE.findall(PAGE)
    assert len(examples) == PAGE.count("```python") >= 4
    scope: dict[str, object] = {}
    for code, expected in examples:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(code, "docs/api.md", "exec"), scope)
        assert said.getvalue() == expected
