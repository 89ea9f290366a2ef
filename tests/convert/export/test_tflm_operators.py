"""The table of operators is TensorFlow Lite Micro's own, neither more nor less."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from glyphite.convert.export.tflm_operators import ADD_CUSTOM_METHODS, ADD_METHODS

NOT_IN_A_TFLITE = {"L2NORM_REF", "ETHOSU"}
"""A second name of L2_NORMALIZATION's kernel, and a kernel for one vendor's accelerator."""
CUSTOM_KERNELS = {"BASIC_CLASSIFIER", "CIRCULAR_BUFFER", "DECODE", "DETECTION_POSTPROCESS"}


@pytest.fixture(scope="module")
def runtime() -> bytes:
    """The pinned package's compiled library, in which each kernel has a symbol."""
    spec = find_spec("tflite_micro")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0])
    return (folder / "python" / "tflite_micro" / "_runtime.so").read_bytes()


def test_table_has_exactly_the_builtin_operators_with_a_kernel(runtime: bytes) -> None:
    symbols = re.findall(rb"_ZN6tflite5micro\d+Register_([A-Z0-9_]+)Ev\0", runtime)
    kernels = {symbol.decode() for symbol in symbols}
    assert set(ADD_METHODS) == kernels - NOT_IN_A_TFLITE - CUSTOM_KERNELS


def test_every_builtin_operator_is_one_of_the_schema() -> None:
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    assert set(ADD_METHODS) <= set(vars(BuiltinOperator))


def test_every_custom_operator_has_the_name_that_its_kernel_is_found_by(runtime: bytes) -> None:
    for name in ADD_CUSTOM_METHODS:
        assert b"\0" + name.encode() + b"\0" in runtime, name


def test_no_method_stands_for_two_operators() -> None:
    methods = [*ADD_METHODS.values(), *ADD_CUSTOM_METHODS.values()]
    assert len(set(methods)) == len(methods)


def test_methods_read_as_their_operators_do() -> None:
    """Spelled otherwise than its operator, a method is a slip, but for TFLM's own few."""
    odd = {
        operator: method
        for operator, method in ADD_METHODS.items()
        if operator.replace("_", "").lower() != method.removeprefix("Add").lower()
    }
    assert odd == {}
