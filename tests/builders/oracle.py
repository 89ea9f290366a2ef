"""The oracle: what TensorFlow Lite Micro answers, against what the generated C does.

A test of an operator says which one it holds against the oracle: by ``@pytest.mark.oracle("PAD")``,
or by ``@each_of("ADD", "SUB")``, which runs it for each ``kind``. It fails where no such operator
was in a model that it compared, and ``tests/contract/test_operators.py`` fails where an operator of
the compiler has no such test.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.host.runners.compiled import SharedModel
from glyphite.host.runners.tflm import infer

UNDEFINED_TRAPS = ("-fsanitize=undefined", "-fsanitize-undefined-trap-on-error")
"""Compiler flags: undefined behaviour ends the process."""

_compared: set[str] = set()
"""The operators of all models that were compared since ``forget``, by TensorFlow Lite's names."""


def assert_same_bytes(content: bytes, tensors: NDArray[Any]) -> NDArray[np.int8]:
    """Compile a .tflite, run it, and hold each byte against TensorFlow Lite Micro's."""
    flags = ("-shared", "-fPIC", "-O0", *UNDEFINED_TRAPS)
    found = SharedModel(compile_model(content, "small"), flags)
    answers = np.asarray(found.infer(tensors)).view(np.int8)
    expected = infer(content, tensors).view(np.int8)
    worst = int(np.max(np.abs(answers.astype(int) - expected)))
    wrong = int((answers != expected).sum())
    assert wrong == 0, f"{wrong} of {answers.size} bytes differ, by {worst} at most"
    _compared.update(kinds(content))
    return answers


def kinds(content: bytes) -> set[str]:
    """The operators that a .tflite contains, by TensorFlow Lite's names."""
    return {operator.kind for operator in read(content).operators}


def each_of(*names: str) -> pytest.MarkDecorator:
    """Runs a test for each ``kind``, and says that it holds this operator against the oracle."""
    cases = [pytest.param(name, marks=pytest.mark.oracle(name), id=name) for name in names]
    return pytest.mark.parametrize("kind", cases)


def named(marks: Iterable[pytest.Mark]) -> set[str]:
    """The operators that a test's ``oracle`` marks name."""
    return {name for mark in marks if mark.name == "oracle" for name in mark.args}


def forget() -> None:
    """Begin anew with what was compared."""
    _compared.clear()


def not_compared(marks: Iterable[pytest.Mark]) -> set[str]:
    """The operators that a test names and that were in no model compared since ``forget``."""
    return named(marks) - _compared
