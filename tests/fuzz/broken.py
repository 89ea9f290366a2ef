"""Compilers that do each thing that the fuzzer must notice."""

import dataclasses
import os

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.errors import ModelError


def hang(content: bytes, name: str) -> Compiled:
    """Never answers."""
    while True:
        pass


def hoard(content: bytes, name: str) -> Compiled:
    """Takes more memory than there may be."""
    assert bytearray(3 << 30)
    return compile_model(content, name)


def stumble(content: bytes, name: str) -> Compiled:
    """Raises what is no sentence."""
    raise IndexError("tuple index out of range")


def die(content: bytes, name: str) -> Compiled:
    """Ends its process."""
    os._exit(3)


def ramble(content: bytes, name: str) -> Compiled:
    """Refuses in two lines."""
    raise ModelError("One line.\nAnd another.")


def lie(content: bytes, name: str) -> Compiled:
    """Computes something else."""
    return _after(compile_model(content, name), "*(int8_t *)model_output() ^= 1;")


def overrun(content: bytes, name: str) -> Compiled:
    """Writes behind the arena."""
    behind = "((volatile int8_t *)arena)[MODEL_ARENA_BYTES] = 1;"
    return _after(compile_model(content, name), behind)


def garble(content: bytes, name: str) -> Compiled:
    """Writes what is no C."""
    return _with(compile_model(content, name), "int8_t arena", "int8_t arena arena")


def _after(found: Compiled, statement: str) -> Compiled:
    """``statement`` is done behind each inference."""
    renamed = _with(found, "void model_invoke(void) {", "static void sound(void) {")
    more = f"\nvoid model_invoke(void) {{\n    sound();\n    {statement}\n}}\n"
    files = {**renamed.files, "model.c": renamed.files["model.c"] + more}
    return dataclasses.replace(renamed, files=files)


def _with(found: Compiled, old: str, new: str) -> Compiled:
    assert old in found.files["model.c"]
    files = {name: text.replace(old, new) for name, text in found.files.items()}
    return dataclasses.replace(found, files=files)
