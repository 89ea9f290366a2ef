"""Who may import whom; read from the sources, so that no run is needed to break it."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("train", "convert", "host")
HEAVY = {"tensorflow", "keras"}
MAY_USE_TENSORFLOW = ("train/", "convert/quantize.py", "convert/quiet.py", "host/runners/keras.py")
"""``convert/quiet.py`` imports it on behalf of the others, its log silenced."""
LAZY = HEAVY | {"matplotlib", "ai_edge_litert", "tflite_runtime", "tflite_micro"}


def _sources() -> list[str]:
    files = (path for package in PACKAGES for path in (PROJECT / package).rglob("*.py"))
    return sorted(str(path.relative_to(PROJECT)) for path in files)


def _tree(source: str) -> ast.Module:
    return ast.parse((PROJECT / source).read_text())


def _imported(nodes: list[ast.AST]) -> set[str]:
    """The top-level packages that the import statements among ``nodes`` name."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, "relative imports hide the direction"
            names.add(node.module.split(".")[0])
    return names


def _at_start(tree: ast.Module) -> list[ast.AST]:
    """What runs when the module is imported: no bodies of functions, no ``if TYPE_CHECKING``."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return found


@pytest.mark.parametrize("source", _sources())
def test_imports_go_in_the_allowed_direction(source: str) -> None:
    imported = _imported(list(ast.walk(_tree(source))))
    if source.startswith("host/cli/"):
        allowed = set(PACKAGES)
    elif source.startswith("convert/"):
        allowed = {"convert"}
    else:
        allowed = {"convert", source.split("/", maxsplit=1)[0]}
    assert imported & set(PACKAGES) <= allowed


@pytest.mark.parametrize("source", _sources())
def test_tensorflow_stays_in_training_quantizing_and_the_float_runner(source: str) -> None:
    if not source.startswith(MAY_USE_TENSORFLOW):
        assert not _imported(list(ast.walk(_tree(source)))) & HEAVY


@pytest.mark.parametrize("source", _sources())
def test_slow_packages_are_imported_where_they_are_used(source: str) -> None:
    """So that ``glyphite --help`` answers at once and the host tool works without them."""
    assert not _imported(_at_start(_tree(source))) & LAZY


def test_the_console_command_starts_without_the_slow_packages() -> None:
    listing = "import sys, host.cli; host.cli._parser(); print(*sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", listing], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    assert not set(answer.stdout.split()) & LAZY


def test_firmware_holds_no_python_but_its_doc_line() -> None:
    assert [path.name for path in (PROJECT / "firmware").rglob("*.py")] == ["__init__.py"]
