"""A kernel's record and its header are twins: files of one name, one struct, one function."""

import ast
import re
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import get_type_hints

import pytest

from glyphite.convert.compiler.emit.kernels import KERNELS
from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.ir.struct import Struct, c_types
from tests.builders.kernel_records import TARGETS, records
from tests.paths import TESTS

TRIED_IN = {
    "avr": ("test_avr_kernels.py", "test_avr_models.py"),
    "dsp": ("test_dsp_kernels.py",),
}
"""The tests that run a processor's kernels against TensorFlow Lite Micro's bytes."""
_STRUCT = re.compile(r"^struct glyphite_(\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^ +((?:\w+ )+\**)(\w+)(\[\w+\])?;", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@cache
def c_structs() -> dict[str, dict[str, str]]:
    """Each struct of the headers, by its tag without ``glyphite_``: member -> type."""
    found = {}
    for path in KERNELS.rglob("*.h"):
        for name, body in _STRUCT.findall(path.read_text()):
            members = _MEMBER.findall(_COMMENT.sub("", body))
            found[name] = {member: kind.rstrip() + size for kind, member, size in members}
    return found


def python_types(struct: type[Struct]) -> dict[str, str]:
    """Member -> the type in C that a dataclass says it has."""
    hints = get_type_hints(struct)
    return {
        field.name: c_types(struct).get(field.name) or f"struct glyphite_{hints[field.name].C_NAME}"
        for field in fields(struct)
    }


@cache
def all_structs() -> dict[str, type[Struct]]:
    """Every struct of the records, those within others too, by its tag."""
    found: dict[str, type[Struct]] = {}
    waiting = [kernel.struct for kernel in records().values()]
    while waiting:
        struct = waiting.pop()
        found[struct.C_NAME] = struct
        hints = get_type_hints(struct).values()
        waiting += [hint for hint in hints if isinstance(hint, type) and issubclass(hint, Struct)]
    return found


@pytest.mark.parametrize(("file", "kernel"), records().items(), ids=records())
def test_a_record_lies_in_a_file_of_its_headers_name(file: str, kernel: Kernel) -> None:
    assert kernel.header == f"{file}.h"
    prefix = "" if kernel.folder == "portable" else f"{kernel.folder}_"
    assert kernel.name == prefix + Path(file).name
    text = (KERNELS / kernel.header).read_text()
    assert re.search(rf"\bglyphite_{kernel.name}(_row)?\(", text)


@pytest.mark.parametrize("folder", TARGETS)
def test_every_header_with_a_struct_of_its_name_has_a_file(folder: str) -> None:
    """A kernel's, or that of constants which several kernels have in common."""
    prefix = "" if folder == "portable" else f"{folder}_"
    headers = {
        path.stem
        for path in (KERNELS / folder).glob("*.h")
        if f"struct glyphite_{prefix}{path.stem} {{" in path.read_text()
    }
    files = {module.name for module in iter_modules(TARGETS[folder].__path__)}
    kernels = {Path(file).name for file in records() if file.startswith(f"{folder}/")}
    assert kernels <= headers <= files


@pytest.mark.parametrize("tag", all_structs())
def test_a_dataclass_has_the_members_and_types_of_its_c_struct(tag: str) -> None:
    found, expected = python_types(all_structs()[tag]), c_structs()[tag]
    assert list(found.items()) == list(expected.items())  # in order: C is filled by position


@pytest.mark.parametrize("tag", all_structs())
def test_what_selects_and_what_sizes_are_members(tag: str) -> None:
    struct = all_structs()[tag]
    assert {*struct.SELECTS, *struct.SIZES} <= {field.name for field in fields(struct)}


@pytest.mark.parametrize("folder", ["avr", "dsp"])
def test_a_kernel_of_one_processor_has_a_match(folder: str) -> None:
    for file in records():
        if file.startswith(f"{folder}/"):
            module = f"{TARGETS[folder].__name__}.{Path(file).name}"
            assert callable(import_module(module).match)


def own_kernels() -> list[str]:
    """The files of kernels made for a processor."""
    return [file for file in records() if not file.startswith("portable/")]


def functions(folder: str) -> dict[str, ast.FunctionDef]:
    """Those of a target's own file, by name."""
    path = Path(str(TARGETS[folder].__file__)).with_name("target.py")
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}


def attributes(node: ast.AST) -> set[str]:
    """What a piece of code names as ``module.function``."""
    found = (each for each in ast.walk(node) if isinstance(each, ast.Attribute))
    return {ast.unparse(each) for each in found}


@pytest.mark.parametrize("folder", ["avr", "dsp"])
def test_a_target_tries_each_of_its_kernels(folder: str) -> None:
    """A kernel without a place among the attempts would never be taken; nor one by rows."""
    named = set().union(*map(attributes, functions(folder).values()))
    for file in own_kernels():
        target, kernel = file.split("/")
        offered = vars(import_module(f"{TARGETS[target].__name__}.{kernel}"))
        expected = {f"{kernel}.{name}" for name in ("match", "by_rows") if name in offered}
        assert target != folder or expected <= named


def cases(*names: str) -> set[str]:
    """The structs of portable kernels that functions of the DSP's target tell apart."""
    nodes = [node for name in names for node in ast.walk(functions("dsp")[name])]
    told = {ast.unparse(node.cls) for node in nodes if isinstance(node, ast.MatchClass)}
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return told | {ast.unparse(c.args[1]) for c in calls if ast.unparse(c.func) == "isinstance"}


def test_what_the_dsp_takes_over_whole_tensors_it_takes_in_the_least_memory_too() -> None:
    """Else such a layer would stay portable with ``--optimize ram``, and nobody would notice."""
    whole = cases("_attempts", "_without_weights")
    assert len(whole) >= 5
    assert whole <= cases("_by_rows", "_rows_of")


def tried(path: Path) -> set[str]:
    """The kernels that a file's tests take a step by, or name by what C calls them."""
    tree = ast.parse(path.read_text())
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    refused = {id(part) for node in calls if ast.unparse(node.func) == "refuses"
               for part in ast.walk(node)}  # fmt: skip
    kept = [node for node in ast.walk(tree) if id(node) not in refused]
    kernels = {
        alias.asname or alias.name: f"{(node.module or '').rpartition('.')[2]}/{alias.name}"
        for node in kept
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    matched = {
        kernels.get(ast.unparse(node.value), "")
        for node in kept
        if isinstance(node, ast.Attribute) and node.attr.startswith("match")
    }
    texts = {node.value for node in kept if isinstance(node, ast.Constant)}
    return matched | {file for file, kernel in records().items() if kernel.name in texts}


@pytest.mark.parametrize("file", own_kernels())
def test_a_kernel_of_one_processor_is_tried_by_its_name(file: str) -> None:
    folder = file.partition("/")[0]
    paths = [TESTS / "firmware" / name for name in TRIED_IN[folder]]
    assert any(file in tried(path) for path in paths), (
        f"check kernels/{file}.h against TFLM's bytes in tests/firmware/{TRIED_IN[folder][0]}"
    )
