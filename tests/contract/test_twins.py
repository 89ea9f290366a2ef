"""The listings of convert/ops and of kernels/portable are the same architecture twice."""

import re
from pathlib import Path

import pytest

from convert import ops
from convert.emit.kernels import PORTABLE, header
from convert.ops import definitions, lowerings, supported

WITHOUT_KERNEL = {"reshape"}
"""Operators that move no byte."""


def files() -> set[str]:
    """The names of the operators' Python files."""
    names = {file.__name__.rsplit(".", 1)[1] for file in lowerings().values()}  # type: ignore[attr-defined]
    assert names
    return names


def test_every_operator_has_a_kernel_of_its_name_and_every_kernel_an_operator() -> None:
    assert files() - WITHOUT_KERNEL == {path.stem for path in PORTABLE.glob("*.h")}


@pytest.mark.parametrize("name", sorted(path.stem for path in PORTABLE.glob("*.h")))
def test_a_kernel_declares_a_struct_and_a_function_of_its_name(name: str) -> None:
    text = header(name).read_text()
    assert f"struct glyphite_{name} {{" in text
    assert re.search(rf"\bglyphite_{name}\(const struct glyphite_{name} \*", text)


def test_every_operator_of_a_tflite_has_options_a_version_and_checks() -> None:
    for name, definition in definitions().items():
        assert name == definition.NAME
        assert definition.LAST_VERSION >= 1
        assert callable(definition.parse)
        assert callable(definition.check)


def test_fused_operators_are_not_offered_to_users() -> None:
    assert "CONV_2D+MAX_POOL_2D" in lowerings()
    assert supported() == ["CONV_2D", "FULLY_CONNECTED", "MAX_POOL_2D", "RESHAPE", "SOFTMAX"]


def test_an_operators_file_is_found_by_being_there() -> None:
    assert ops.__file__ is not None
    assert {path.stem for path in Path(ops.__file__).parent.glob("[a-z]*.py")} == files()
