"""No decision without a row of docs/compiler.md's table, and a test on the side where it fails."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from tests.paths import PROJECT, TESTS

COMPILER = PROJECT / "convert" / "glyphite" / "convert" / "compiler"
TRIALS = TESTS / "convert" / "compiler" / "targets"
OF_ALL_KERNELS = ("match", "match_wide", "by_rows")
"""Functions whose name in a test does not tell which decision is meant."""


@cache
def decisions() -> dict[str, str]:
    """Every decision's name, as a pattern, and the function that makes it."""
    functions = (
        node
        for path in sorted(COMPILER.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    )
    return {name: function.name for function in functions for name in made_by(function)}


def made_by(function: ast.FunctionDef) -> Iterator[str]:
    """The names of the decisions that a function makes."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Decision":
            yield from patterns(node.args[0], function)


def patterns(name: ast.expr, function: ast.FunctionDef) -> Iterator[str]:
    """What a name may be: a text, one with numbers in it, either of two, or a variable's value."""
    match name:
        case ast.Constant(value=str(text)):
            yield re.escape(text)
        case ast.JoinedStr(values=parts):
            yield "".join(
                re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[\d,]+"
                for part in parts
            )
        case ast.IfExp(body=one, orelse=other):
            yield from patterns(one, function)
            yield from patterns(other, function)
        case ast.Name(id=variable):
            yield from patterns(assigned(variable, function), function)
        case _:
            pytest.fail(f"{function.name} makes a decision whose name is no text")


def assigned(variable: str, function: ast.FunctionDef) -> ast.expr:
    """The value of a function's variable, also of one of several at a time."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            (target,), value = node.targets, node.value
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = value.elts if isinstance(value, ast.Tuple) else [value]
            for name, each in zip(names, values, strict=False):
                if ast.unparse(name) == variable:
                    return each
    return pytest.fail(f"{function.name} makes a decision of {variable}, which it does not set")


def test_decisions_are_found() -> None:
    assert {"Winograd\\ pays", "sums\\ fit\\ [\\d,]+\\ bits"} <= set(decisions())


@pytest.mark.parametrize("name", decisions(), ids=lambda name: name.replace("\\", ""))
def test_a_decision_has_its_row(name: str) -> None:
    page = (PROJECT / "docs" / "compiler.md").read_text()
    table = page.partition("| decision | where it holds |\n")[2].partition("\n\n")[0]
    assert re.search(rf"^\| ([^|]*[;:*] )?{name}( \||;)", table, re.MULTILINE)


@pytest.mark.parametrize("name", decisions(), ids=lambda name: name.replace("\\", ""))
def test_a_decision_is_tried_by_its_name(name: str) -> None:
    """Or by that of the function which makes it, where that is of its own."""
    texts = "".join(path.read_text() for path in TRIALS.glob("test_*.py"))
    function = decisions()[name]
    own = not function.startswith("_") and function not in OF_ALL_KERNELS
    assert re.search(f'"{name}"', texts) or (own and re.search(rf"\b{function}\(", texts))
