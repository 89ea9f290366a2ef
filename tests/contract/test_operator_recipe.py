"""CONTRIBUTING's recipe for an operator, followed in a copy: one by a table, one by a kernel."""

from collections.abc import Callable

from tests.builders.clone import Clone, commands

COMPILER = "convert/glyphite/convert/compiler"
CONTRACT = (
    *(f"tests/contract/test_{name}.py" for name in ("operators", "twins", "kernel_twins")),
    "tests/contract/test_readme.py::test_the_tables_of_boards_and_operators_are_the_code_s",
)
ORACLE_TEST = "tests/convert/compiler/ops/test_trial.py"

OPERATOR = '''"""MAXIMUM: of two int8 tensors of one shape and scale."""

from typing import Any

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops import _operands
from glyphite.convert.compiler.targets.portable import maximum as portable

NAME = "MAXIMUM"
OPTIONS = ""
LAST_VERSION = 4


def parse(table: Any) -> None:  # noqa: ANN401 - the schema's classes have no types
    """Nothing: its options have no fields."""


def check(graph: Graph, operator: Operator) -> None:
    """Refuse what the kernel cannot do."""
    _operands.check_counts(operator, 2, 2)
    output = _operands.result(graph, operator)
    for position in (0, 1):
        source = _operands.activation(graph, operator, position)
        _operands.check_same_quantization(operator, source, output)
        _operands.check_shape(operator, source, f"input {position}", output.shape)


def lower(graph: Graph, operator: Operator) -> Step:
    """One call of kernels/portable/maximum.h."""
    return Step(
        kernel=portable.KERNEL,
        inputs=operator.inputs,
        output=operator.outputs[0],
        overlaps=(0, 0),
        constants=portable.MaximumConstants(graph.output_of(operator).count),
    )
'''
TWIN = '''"""The larger of two values."""

from dataclasses import dataclass
from typing import ClassVar

from glyphite.convert.compiler.ir.kernel import NOT_SHARED, Kernel
from glyphite.convert.compiler.ir.struct import Int32, Struct


@dataclass(frozen=True, eq=False)
class MaximumConstants(Struct):
    """``struct glyphite_maximum``."""

    C_NAME: ClassVar[str] = "maximum"

    count: Int32


KERNEL = Kernel("portable/maximum.h", MaximumConstants, sharing=NOT_SHARED)
'''
HEADER = """/* MAXIMUM: int8, value by value. */
#pragma once

#include <stdint.h>
#include "../kernel.h"

struct glyphite_maximum {
    int32_t count;
};

/* left, right and output (count); `output` may be `left` or `right`. */
GLYPHITE_KERNEL void glyphite_maximum(const struct glyphite_maximum *layer, const int8_t *left,
                                      const int8_t *right, int8_t *output) {
    for (int32_t i = 0; i < layer->count; i++) {
        output[i] = left[i] > right[i] ? left[i] : right[i];
    }
}
"""
BUILDER = '''

def maximum(source: Scaling, other: Scaling) -> bytes:
    """The larger of a value and its hard swish, which has the scaling ``other``."""
    model = ModelBuilder()
    scalings = (source, other, source)
    first, swish, last = (model.tensor((1, 2, 128), *each) for each in scalings)
    model.operator("HARD_SWISH", [first], [swish], "HardSwishOptions")
    model.operator("MAXIMUM", [first, swish], [last], "MaximumMinimumOptions")
    return model.build([first], [last])
'''
TESTS = '''"""Of ABS and MAXIMUM."""

import numpy as np
import pytest

from tests.builders.oracle import assert_same_bytes
from tests.builders.refusal import refusal
from tests.builders.tables import EVERY_INPUT, maximum, unary


def drawn(seed: int) -> tuple[float, int]:
    rng = np.random.default_rng(seed)
    return float(np.float32(rng.uniform(0.01, 0.1))), int(rng.integers(-128, 128))


@pytest.mark.oracle("ABS")
@pytest.mark.parametrize("seed", range(3))
def test_abs_gives_tflms_byte_for_every_input(seed: int) -> None:
    assert_same_bytes(unary("ABS", drawn(seed), drawn(seed + 8)), EVERY_INPUT)


@pytest.mark.oracle("MAXIMUM")
@pytest.mark.parametrize("seed", range(2))
def test_maximum_gives_tflms_bytes(seed: int) -> None:
    answers = assert_same_bytes(maximum(drawn(seed), drawn(seed)), EVERY_INPUT)
    assert (answers.ravel() != EVERY_INPUT.ravel()).any()


def test_what_they_cannot_do_is_refused() -> None:
    assert "below 2**22" in refusal(unary("ABS", (1000.0, 0), (1e-6, 0)))
    assert "must be equal" in refusal(maximum((0.1, 0), (0.2, 0)))
'''
BASES = """        "abs": _unary("ABS", (0.04, -7)),
        "maximum": maximum((0.05, 3), (0.05, 3)),
"""


MISSING = {
    *(
        f"test_operators.py::{test}[{kind}]"
        for kind in ("ABS", "MAXIMUM")
        for test in (
            "test_every_operator_is_held_against_the_oracle",
            "test_every_operator_is_in_a_base_of_the_fuzzer",
            "test_every_operator_refuses_wrong_counts_and_floats",
            "test_the_last_version_is_the_newest_of_tensorflow_lites_table",
        )
    ),
    "test_twins.py::test_every_operator_has_its_kernel_and_every_kernel_an_operator",
    "test_kernel_twins.py::test_a_record_lies_in_a_file_of_its_headers_name[portable/maximum]",
    "test_kernel_twins.py::test_every_header_with_a_struct_of_its_name_has_a_file[portable]",
    "test_kernel_twins.py::test_a_dataclass_has_the_members_and_types_of_its_c_struct[maximum]",
    "test_readme.py::test_the_tables_of_boards_and_operators_are_the_code_s",
}  # fmt: skip
"""What the contract misses while the operators' files and the twin are all that is there: two of
an operator's tests need its base."""


def test_an_operator(clone: Clone, require_tool: Callable[..., None]) -> None:
    """All that the contract asks for fails where it is missing, and passes in the end."""
    require_tool("cc")
    _add_files(clone)
    assert clone.failures(*CONTRACT) == MISSING
    clone.add("firmware/library/Glyphite/src/kernels/portable/maximum.h", HEADER)
    clone.insert("tests/builders/tables.py", r"    return model.build\(.*\n", BUILDER)
    clone.add(ORACLE_TEST, TESTS)
    imported = "from tests.builders.tables import maximum\n"
    clone.insert("tests/fuzz/bases.py", r"^from tests.builders.moving.*\n", imported)
    clone.insert("tests/fuzz/bases.py", r'        "tanh": .*\n', BASES)
    (readme,) = commands("An operator")
    clone.run(readme)
    clone.insert(
        "CHANGELOG.md", r"^## \[Unreleased\]\n\n### Added\n", "- Operators ABS and MAXIMUM.\n"
    )
    assert not clone.failures(*CONTRACT, ORACLE_TEST)
    assert (
        "| ABS | int8, input and output of any scales |" in (clone.root / "README.md").read_text()
    )


def _add_files(clone: Clone) -> None:
    """The operators' own, and the twin of a kernel."""
    clone.derive(
        f"{COMPILER}/ops/abs.py",
        f"{COMPILER}/ops/relu.py",
        ("RELU on its own: int8", "ABS: int8"),
        ('"RELU"', '"ABS"'),
        ("LAST_VERSION = 3", "LAST_VERSION = 5"),
        ("max(scaled(x), 0)", "scaled(abs(x))"),
    )
    clone.add(f"{COMPILER}/ops/maximum.py", OPERATOR)
    clone.add(f"{COMPILER}/targets/portable/maximum.py", TWIN)
