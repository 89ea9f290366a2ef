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
from glyphite.convert.compiler.targets import avr, dsp, portable

TARGETS = {"portable": portable, "avr": avr, "dsp": dsp}
_STRUCT = re.compile(r"^struct glyphite_(\w+) \{\n(.*?)^\};", re.MULTILINE | re.DOTALL)
_MEMBER = re.compile(r"^ +((?:\w+ )+\**)(\w+)(\[\w+\])?;", re.MULTILINE)
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)


@cache
def records() -> dict[str, Kernel]:
    """Every kernel by its Python file, ``dsp/conv_2d``."""
    found = {}
    for folder, package in TARGETS.items():
        for module in iter_modules(package.__path__):
            file = import_module(f"{package.__name__}.{module.name}")
            if hasattr(file, "KERNEL"):
                found[f"{folder}/{module.name}"] = file.KERNEL
    return found


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
    assert python_types(all_structs()[tag]) == c_structs()[tag]


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


@pytest.mark.parametrize("folder", ["avr", "dsp"])
def test_a_target_tries_each_of_its_kernels(folder: str) -> None:
    """A kernel without a place among the attempts would never be taken."""
    path = Path(str(TARGETS[folder].__file__)).with_name("target.py")
    named = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    kernels = {Path(file).name for file in records() if file.startswith(f"{folder}/")}
    assert {f"{kernel}.match" for kernel in kernels} <= named
