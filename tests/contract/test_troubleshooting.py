"""What docs/troubleshooting.md quotes is the product's own, and its variables are all there are."""

import ast
import re
import sys
from pathlib import Path

import pytest

from glyphite.host.cli import main
from tests.paths import PROJECT

PAGE = (PROJECT / "docs" / "troubleshooting.md").read_text()
PACKAGES = ("train", "convert", "host")
GAP = "…"
PRODUCED = {
    "No model called …": ["inspect", "none"],
    "There is no port …": ["stream", "uno", "--port", "/dev/nothing", "--count", "1"],
    "… cannot be written: …": ["compile", "uno"],
}  # fmt: skip
"""Quoted sentences that a wrong command gives at once; a file is in the place of the folder."""


TREES = [
    ast.parse(path.read_text())
    for package in PACKAGES
    for path in sorted((PROJECT / package / "glyphite").rglob("*.py"))
]


def shape(node: ast.AST) -> str:
    """A string of the source with `…` for what is filled in; "" for another node."""
    if isinstance(node, ast.JoinedStr):
        return "".join(shape(part) or GAP for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def shapes() -> set[str]:
    return {shape(node) for tree in TREES for node in ast.walk(tree)} - {""}


def quotes() -> list[str]:
    """The first cells of the tables of what one sees."""
    cells = re.findall(r"^\| `([^`]+)` \|", PAGE.partition("## Environment")[0], re.MULTILINE)
    assert len(cells) > 20
    return cells


def pattern(quote: str) -> re.Pattern[str]:
    """Whatever stands in a gap; two messages may be one sentence, so a gap may be large."""
    return re.compile(".*?".join(map(re.escape, quote.split(GAP))), re.DOTALL)


KNOWN = shapes()


@pytest.mark.parametrize("quote", quotes())
def test_a_quoted_sentence_is_in_the_source(quote: str) -> None:
    assert [text for text in KNOWN if pattern(quote).search(text)], "reworded, or gone"


def test_a_sentence_that_nobody_says_is_noticed() -> None:
    assert not [text for text in KNOWN if pattern("No moddel called …").search(text)]


@pytest.mark.parametrize("quote", PRODUCED)
def test_a_quoted_sentence_is_what_one_sees(
    quote: str, build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert quote in quotes()
    if "written" in quote:
        build_folder.write_bytes(b"")
    assert main(PRODUCED[quote]) in (1, 2)
    assert pattern(quote).search(capsys.readouterr().err)


def constants(tree: ast.Module) -> dict[str, str]:
    """The texts that a module gives a name."""
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }


def variables(tree: ast.Module) -> set[str]:
    """What a module asks the environment for, also by a copy called ``variables``."""
    named = constants(tree)
    found: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.func, ast.Attribute):
            source = ast.unparse(node.func.value)
            if source in ("os.environ", "variables") or ast.unparse(node.func) == "os.getenv":
                found.append(node.args[0])
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            found.append(node.slice)
    return {named.get(ast.unparse(each), shape(each)) for each in found}


def test_the_variables_are_those_that_the_product_reads() -> None:
    read = set().union(*map(variables, TREES))
    told = re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Environment")[2], re.MULTILINE)
    assert {name.upper() for name in read} == set(told)
    assert len(told) == len(set(told))


def test_every_way_to_read_a_variable_is_found() -> None:
    text = 'import os\nA = "X"\nos.environ[A]\nos.getenv("Y")\nos.environ.get("Z", 1)\n'
    assert variables(ast.parse(text)) == {"X", "Y", "Z"}


def test_the_exit_codes_are_those_of_the_readme() -> None:
    codes = re.findall(r"^\| ([\d, ]+) \|", PAGE, re.MULTILINE)
    assert codes == ["0", "2", "1", "130, 143, 129", "141"]
    readme = (PROJECT / "README.md").read_text()
    assert "ends with 2, what was tried and failed" in readme
    assert sys.platform == "win32" or "docs/troubleshooting.md" in readme
