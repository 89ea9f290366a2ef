"""Who may import whom; read from the sources, so that no run is needed to break it."""

import ast
import re
import subprocess
import sys
from functools import cache
from importlib import import_module

import pytest

from tests.builders.lazy import HEAVY, LAZY
from tests.paths import PROJECT, TESTS

PACKAGES = ("train", "convert", "host")
MAY_IMPORT = {
    "host.cli": ("train", "convert", "host"),
    "host.device.wire": ("convert", "host.device.wire"),
    "host.device": ("convert", "host.device"),
    "host.runners": ("convert", "host.device", "host.runners"),
    "host.measure": ("convert", "host.device", "host.runners", "host.measure"),
    "host.serve": ("convert", "host.device", "host.runners", "host.measure", "host.serve"),
    "host.report": ("convert", "host.measure", "host.runners", "host.report"),
    "train": ("convert", "train"),
    "convert.compiler": (
        "convert.compiler", "convert.errors", "convert.files", "convert.shipped", "convert.text",
        "convert.version",
    ),
    "convert.data": (
        "convert.archives", "convert.arrays", "convert.data", "convert.errors", "convert.files",
        "convert.programs", "convert.quantize.quiet", "convert.text", "convert.user_code",
    ),
    "convert": ("convert",),
}  # fmt: skip
"""A room -> the rooms that its files may import; the longest name that fits a file counts.

The compiler knows no board, no folder of the user and no quantization: bytes in, text out. A data
set knows no model.
"""
MAY_USE_TENSORFLOW = ("train", "convert.quantize", "host.runners.keras")


@cache
def _sources() -> list[str]:
    folders = (PROJECT / package / "glyphite" for package in PACKAGES)
    files = (path for folder in folders for path in folder.rglob("*.py"))
    return sorted(str(path.relative_to(PROJECT)) for path in files)


def _module(source: str) -> str:
    """``convert/glyphite/convert/errors.py`` as ``convert.errors``."""
    return ".".join(source.removesuffix(".py").removesuffix("/__init__").split("/")[2:])


def _below(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


@cache
def _tree(source: str) -> ast.Module:
    return ast.parse((PROJECT / source).read_text())


@cache
def _nodes(source: str) -> list[ast.AST]:
    return list(ast.walk(_tree(source)))


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


@cache
def _at_start(source: str) -> list[ast.AST]:
    """What runs when the module is imported: no bodies of functions, no ``if TYPE_CHECKING``."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(_tree(source).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        found.append(node)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def _own(nodes: list[ast.AST], top: str = "glyphite") -> set[str]:
    """The modules below ``top``, without its name, that the import statements among them name."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix(f"{top}.") for name in names if name.startswith(f"{top}.")}


def test_imports_go_in_the_allowed_direction() -> None:
    wrong = {source: found for source in _sources() if (found := _not_allowed(source))}
    assert not wrong


def _not_allowed(source: str) -> set[str]:
    """The modules that a file imports and must not."""
    module = _module(source)
    room = max((room for room in MAY_IMPORT if _below(module, (room,))), key=len, default=None)
    if room is None:
        return set()  # the face of the host package
    return {name for name in _own(_nodes(source)) if not _below(name, MAY_IMPORT[room])}


def test_the_architecture_s_page_has_this_table() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text()
    table = page.partition("| room | may import |\n|---|---|\n")[2].partition("\n\n")[0]
    rows = [re.findall(r"`([\w.]+)`", row) for row in table.splitlines()]
    assert {room: tuple(rooms) for room, *rooms in rows} == MAY_IMPORT


def test_the_architecture_s_page_fits_a_screen() -> None:
    assert len((PROJECT / "docs" / "architecture.md").read_text().splitlines()) <= 60


def test_tensorflow_stays_in_training_quantizing_and_the_float_runner() -> None:
    others = [each for each in _sources() if not _below(_module(each), MAY_USE_TENSORFLOW)]
    assert not [source for source in others if _imported(_nodes(source)) & HEAVY]


def test_slow_packages_are_imported_where_they_are_used() -> None:
    """So that ``glyphite --help`` answers at once and the host tool works without them."""
    assert not [source for source in _sources() if _imported(_at_start(source)) & LAZY]


def _modules_at_start(source: str) -> set[str]:
    """This project's modules that importing ``source`` imports, packages as such left out."""
    modules = {_module(each) for each in _sources()}
    names = _own(_at_start(source))
    parents = {name.rpartition(".")[0] for name in names - modules}
    return (names | parents) & modules - {_module(source)}


def test_no_module_imports_itself_by_way_of_others() -> None:
    waiting = {_module(source): _modules_at_start(source) for source in _sources()}
    while leaves := {module for module, imported in waiting.items() if not imported}:
        waiting = {
            module: imported - leaves
            for module, imported in waiting.items()
            if module not in leaves
        }
    assert not waiting, "these import each other, or what does"


def test_the_project_s_own_files_import_from_modules_not_from_a_face() -> None:
    """A face names what lies above its other modules: through it they would import each other."""
    faces = {name: import_module(f"glyphite.{name}").__all__ for name in PACKAGES}
    offered = {f"{package}.{name}" for package, names in faces.items() for name in names}
    assert not [source for source in _sources() if _own(_at_start(source)) & offered]


LISTING = """
import atexit, sys
atexit.register(lambda: print(*sys.modules, file=sys.stderr))
from glyphite.host.cli import main
main(sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], {"numpy", "serial", "rich", "msgspec", "jinja2", "PIL"}),
        (["--version"], {"numpy", "serial", "rich", "msgspec", "jinja2", "PIL"}),
        (["no-such-verb"], {"numpy", "serial", "rich", "msgspec", "jinja2", "PIL"}),
        (["stream", "--help"], set()),
    ],
)
def test_help_is_there_at_once(words: list[str], heavy: set[str]) -> None:
    """A verb's module is imported when the verb is called, and the slow packages when they run."""
    command = [sys.executable, "-c", LISTING, *words]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    loaded = set(answer.stderr.splitlines()[-1].split())
    assert "glyphite.host.cli" in loaded, answer.stderr
    assert not loaded & (LAZY | heavy)


def test_firmware_and_models_hold_no_python() -> None:
    folders = (PROJECT / "firmware", PROJECT / "models")
    assert not [path for folder in folders for path in folder.rglob("*.py")]


def _test_files() -> list[str]:
    return sorted(str(path.relative_to(PROJECT)) for path in TESTS.rglob("*.py"))


def test_what_several_tests_use_lies_in_no_file_of_tests() -> None:
    """It lies in ``tests/builders`` or beside them, so that a test's file can change freely."""
    for source in _test_files():
        names = {part for name in _own(_nodes(source), "tests") for part in name.split(".")}
        wrong = {name for name in names if name.startswith("test_") or name == "conftest"}
        assert not wrong, source
