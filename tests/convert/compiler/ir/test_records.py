"""What the compiler's records say of themselves: rows, structs, steps and views."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from glyphite.convert.compiler.ir.decision import Decision
from glyphite.convert.compiler.ir.graph import Graph, Operator, Quantization, Tensor
from glyphite.convert.compiler.ir.program import Layer, Program, Step, View
from glyphite.convert.compiler.ir.rows import accumulating, geometry
from glyphite.convert.compiler.ir.struct import Int32, Struct, flat
from tests.builders.networks import NO_KERNEL, NoConstants


def tensor(*shape: int) -> Tensor:
    return Tensor("t", shape, "int8", Quantization((0.1,), (0,)))


@pytest.mark.parametrize(
    ("shape", "rows"),
    [((1, 5, 4, 3), (5, 12)), ((2, 5, 4, 3), (1, 120)), ((5, 4), (1, 20)), ((), (1, 1))],
)
def test_only_a_single_image_has_rows(shape: tuple[int, ...], rows: tuple[int, int]) -> None:
    assert geometry(tensor(*shape)) == rows


def test_rows_are_added_up_one_by_one_where_that_saves_a_byte() -> None:
    """Of 5 rows of 4 bytes, one is kept: 16 bytes are saved, as much as four sums take."""
    assert accumulating("sum", tensor(1, 5, 4, 1), (), 4) is None
    found = accumulating("sum", tensor(1, 5, 4, 1), (), 3)
    assert found is not None
    assert (found.accumulated, found.sums_bytes) == (5, 12)


@dataclass(frozen=True, eq=False)
class Inner(Struct):
    SELECTS: ClassVar[tuple[str, ...]] = ("way",)
    SIZES: ClassVar[tuple[str, ...]] = ("size",)

    way: Int32
    size: Int32


@dataclass(frozen=True, eq=False)
class Outer(Struct):
    inner: Inner
    size: Int32


def test_a_struct_in_a_struct_says_itself_what_selects_and_what_is_a_size() -> None:
    fields = list(flat(Outer(Inner(1, 2), 3)))
    assert [field.path for field in fields] == ["inner.way", "inner.size", "size"]
    assert [field.selects for field in fields] == [True, False, False]
    assert [field.is_size for field in fields] == [False, True, False]


def test_a_view_of_a_view_lies_in_the_memory_of_the_first_tensor() -> None:
    views = (View(0, 1), View(1, 2), View(2, 3))
    layers = [
        Layer(Operator(index, "RESHAPE", None, (view.input,), (view.output,)), view)
        for index, view in enumerate(views)
    ]
    graph = Graph((tensor(4),) * 4, tuple(layer.operator for layer in layers), (0,), (3,))
    program = Program(graph, tuple(layers))
    assert [program.base(index) for index in range(4)] == [0, 0, 0, 0]


def test_what_was_asked_before_is_told_before() -> None:
    first, second = Decision("one", True, "1"), Decision("two", True, "2")
    step = Step(NO_KERNEL, (0,), 1, (None,), NoConstants())
    assert replace(step, decisions=(second,)).after(first).decisions == (first, second)
