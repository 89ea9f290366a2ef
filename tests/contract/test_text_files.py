"""Text files are read and written alike on every system: as UTF-8, with one line end."""

import ast
from collections.abc import Iterator

import pytest

from tests.paths import PROJECT

OPENING = {"open", "fdopen", "TemporaryFile", "NamedTemporaryFile", "TextIOWrapper"}


def calls(source: str) -> Iterator[tuple[str, ast.Call]]:
    """The name and the node of every call of a function or method."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            yield getattr(node.func, "attr", getattr(node.func, "id", "")), node


def mode(node: ast.Call) -> str:
    """What a call that opens a file has as its mode; "" where it has none as text."""
    texts = [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    named = [word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)]
    modes = [
        text for text in [*texts, *named] if isinstance(text, str) and set(text) <= set("rwab+x")
    ]
    return modes[0] if modes else ""


def careless(source: str) -> Iterator[str]:
    """The lines that leave the encoding, or the line ends of what is written, to the system."""
    for name, node in calls(source):
        said = {word.arg for word in node.keywords}
        text = name in {"read_text", "write_text"}
        opens = name in OPENING and bool(mode(node)) and "b" not in mode(node)
        ours = isinstance(node.func, ast.Name) and name == "write_text"  # of files.py: always UTF-8
        if (text and not ours) or opens:
            writes = name == "write_text" or (opens and "r" not in mode(node))
            needed = {"encoding", "newline"} if writes else {"encoding"}
            if not needed <= said:
                yield f"line {node.lineno}: {name} without {', '.join(sorted(needed - said))}"


@pytest.mark.parametrize("room", ["train", "convert", "host", "tools"])
def test_no_text_file_is_left_to_the_system(room: str) -> None:
    found = {
        path.name: list(careless(path.read_text(encoding="utf-8")))
        for path in sorted((PROJECT / room).rglob("*.py"))
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_what_is_careless_is_noticed() -> None:
    source = """
path.read_text()
path.write_text("x", encoding="utf-8")
open(path, "w", newline="")
path.open("rb")
path.read_text(encoding="utf-8")
tempfile.TemporaryFile("w+", encoding="utf-8", newline="")
write_text(path, "text")
"""
    assert [line.partition(":")[0] for line in careless(source)] == ["line 2", "line 3", "line 4"]
