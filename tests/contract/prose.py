"""What the project's files say to a reader: comments, docstrings, pages and templates."""

import ast
import io
import re
import tokenize
from collections.abc import Callable, Iterator
from pathlib import Path

Prose = Iterator[tuple[int, str]]
"""The number of a line, the first one 1, and the text that begins there."""

_C = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
"""Comments, and the strings in which none begins."""
_HASH = re.compile(r"(?:^|\s)(#.*)")


def prose(path: Path) -> Prose:
    """The prose of a text file by lines; nothing where it is of a kind that has none."""
    reader = _READERS.get(path.suffix or path.name)
    if reader is not None:
        for first, text in reader(path.read_text()):
            yield from enumerate(text.splitlines(), first)


def _python(text: str) -> Prose:
    """Comments, docstrings, and the strings that stand below a name to describe it."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.lineno, str(node.value.value)


def _c(text: str) -> Prose:
    for found in _C.finditer(text):
        if not found[0].startswith('"'):
            yield text.count("\n", 0, found.start()) + 1, found[0]


def _hash(text: str) -> Prose:
    for number, line in enumerate(text.splitlines(), 1):
        found = _HASH.search(line)
        if found:
            yield number, found[1]


def _whole(text: str) -> Prose:
    yield 1, text


_READERS: dict[str, Callable[[str], Prose]] = {
    ".py": _python,
    **dict.fromkeys((".c", ".h", ".cc", ".cpp", ".ino", ".ld"), _c),
    **dict.fromkeys((".toml", ".sh", ".yml", ".yaml", "Makefile"), _hash),
    **dict.fromkeys((".md", ".j2", ".txt", ".html", ".properties"), _whole),
}
