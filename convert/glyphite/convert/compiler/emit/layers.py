"""The C of each layer's function, and the order in which ``model_invoke`` calls them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from glyphite.convert.compiler.ir.graph import ABSENT, shape_text
from glyphite.convert.compiler.ir.program import Layer, Program, Step
from glyphite.convert.compiler.ir.rows import Rows, RowWindow, geometry
from glyphite.convert.compiler.memory.plan import Buffer, Plan
from glyphite.convert.compiler.memory.schedule import INPUT, Schedule, has_rows_of_its_own

COLUMNS = 100
"""Of the generated files."""
LARGEST_UINT8 = 255
"""The largest number in a table of bytes."""
LARGEST_UINT16 = 65535

_CAST = re.compile(r"\((?:const )?\w+ \*[^()]*\)")
"""To a pointer, or to an array of pointers."""
_JOINED = "\0"
"""Stands for a space at which no line may end."""


@dataclass(frozen=True)
class Function:
    """A layer's function in C."""

    name: str
    by_rows: bool
    lines: list[str]
    calls: int


@dataclass(frozen=True)
class Codes:
    """A schedule as a table of numbers.

    Below the number of layers, a layer's call; that number itself, the caller's row of input; above
    it by n, n more calls of the layer before.
    """

    values: list[int]
    most: int
    """The largest number that may occur."""

    @property
    def type(self) -> str:
        """The C type of a number."""
        return "uint8_t" if self.most <= LARGEST_UINT8 else "uint16_t"


class Names:
    """What the tensors and layers of a program are called in C."""

    def __init__(self, program: Program, plan: Plan) -> None:
        self.program = program
        self.plan = plan
        self.layers = program.computed
        self.shared: Mapping[str, str] = {}
        """Layer -> the function that it shares with others."""
        self.makers = {layer.operator.outputs[0]: layer.name for layer in program.layers}

    def place(self, tensor: int) -> str:
        """The name of the offset at which a tensor lies."""
        return f"AT_{self._maker(self.program.base(tensor)).upper()}"

    def pointer(self, tensor: int) -> str:
        """Where a kernel finds a whole tensor; one that is left out or constant is not passed."""
        return "NULL" if tensor == ABSENT else f"arena + {self.place(tensor)}"

    def ring(self, tensor: int) -> str:
        """The name of a tensor's ring: its memory's, unless it is a view with other rows."""
        if not has_rows_of_its_own(self.program, tensor):
            tensor = self.program.base(tensor)
        return f"rows_{self._maker(tensor)}"

    def scratch(self, step: Step, sums: int) -> list[str]:
        """The argument for scratch memory, where a step has any beside so many bytes of sums."""
        place = f"SCRATCH_OF_{self._maker(step.output).upper()}"
        pointer = f"({scratch_type(sums)} *)(void *)(arena + {place})"
        return [pointer] if step.scratch_bytes + sums else []

    def callee(self, layer: Layer, function: str) -> str:
        """The C function that a layer calls for a kernel's."""
        return self.shared.get(layer.name, f"glyphite_{function}")

    def _maker(self, tensor: int) -> str:
        return self.makers.get(tensor, "input")


def scratch_type(sums: int) -> str:
    """What a kernel takes its scratch memory for: ``sums`` bytes of sums, or words of any use."""
    return "int32_t" if sums else "uint32_t"


def offsets(names: Names) -> list[str]:
    """The offset of each buffer, with what it is and when."""
    return [_offset_line(names, buffer) for buffer in names.plan.buffers]


def ring_lines(names: Names) -> list[str]:
    """The rings that are read or written by rows, each once."""
    source = names.program.graph.inputs[0]
    tensors: dict[str, int] = {names.ring(source): source} if names.plan.streamed_input else {}
    for (_, step), task in zip(names.layers, names.plan.tasks, strict=True):
        used = [*step.inputs, step.output] if task.by_rows else []
        tensors.update({names.ring(tensor): tensor for tensor in used if tensor != ABSENT})
    return [_ring_line(names, name, tensor) for name, tensor in tensors.items()]


def functions(names: Names) -> list[Function]:
    """Each layer's function."""
    found = []
    for (layer, step), task in zip(names.layers, names.plan.tasks, strict=True):
        calls = len(task.reads)
        statements = (
            list(_row_lines(names, layer, step, step.rows, calls))
            if task.by_rows and step.rows is not None
            else list(_whole_lines(names, layer, step))
        )
        lines = [wrap(statement, 4) for statement in statements]
        found.append(Function(layer.name, task.by_rows, lines, calls))
    return found


def tallest(plan: Plan) -> int:
    """The most kernel calls of a layer, or rows of input that the caller gives."""
    return max((call.number + 1 for call in plan.schedule.calls), default=0)


def state_bytes(plan: Plan) -> int:
    """Static RAM beside the arena, where the input comes row by row."""
    if not plan.streamed_input:
        return 0
    row = 1 if tallest(plan) <= LARGEST_UINT8 else 2
    size = 2 + row * (1 + len(plan.tasks))
    return size + size % 2


def codes(schedule: Schedule, layers: int) -> Codes:
    """A schedule's table."""
    largest = LARGEST_UINT8 if layers <= LARGEST_UINT8 // 2 else LARGEST_UINT16
    values: list[int] = []
    for step, calls in schedule.runs:
        values.append(layers if step == INPUT else step)
        values.extend(
            [layers] * (calls - 1) if step == INPUT else _more(calls - 1, layers, largest)
        )
    return Codes(values, largest)


def wrap(statement: str, indent: int) -> str:
    """A C statement as lines that fit the page, the first one without its indent.

    A cast stays on one line.
    """
    whole = _CAST.sub(lambda found: found[0].replace(" ", _JOINED), statement)
    more = " " * (indent + 4)
    lines = textwrap.fill(whole, COLUMNS - indent, subsequent_indent=more, break_long_words=False)
    return lines.replace(_JOINED, " ")


def _more(calls: int, layers: int, largest: int) -> Iterator[int]:
    while calls > 0:
        yield layers + min(calls, largest - layers)
        calls -= largest - layers


def _offset_line(names: Names, buffer: Buffer) -> str:
    ring = buffer.ring
    tensor = names.program.graph.tensors[buffer.tensor]
    until = "the caller" if buffer.last == len(names.plan.schedule.calls) else f"{buffer.last}"
    since = "the caller" if buffer.first < 0 else f"{buffer.first}"
    place, what = names.place(buffer.tensor), shape_text(tensor.shape)
    if ring.scratch:
        place, what = place.replace("AT_", "SCRATCH_OF_", 1), "scratch"
    kept = f" ({ring.rows} of {ring.height} rows)" if ring.rows < ring.height else ""
    return (
        f"{place} = {buffer.offset}, /* {buffer.bytes} bytes, {what}{kept}: {since} to {until} */"
    )


def _ring_line(names: Names, name: str, tensor: int) -> str:
    height, row_bytes = geometry(names.program.graph.tensors[tensor])
    own = has_rows_of_its_own(names.program, tensor)
    buffer = names.plan.buffer_of(names.program.base(tensor))
    kept = height if own else buffer.ring.rows
    numbers = f"{names.pointer(tensor)}, {height}, {kept}, {row_bytes}"
    return wrap(f"static const GLYPHITE_CONST struct glyphite_ring {name} = {{{numbers}}};", 0)


def _whole_lines(names: Names, layer: Layer, step: Step) -> Iterator[str]:
    """The statements that make a whole tensor."""
    inputs = ", ".join(names.pointer(tensor) for tensor in step.inputs)
    if step.kernel.pointer_array:
        yield f"const int8_t *const inputs[] = {{{inputs}}};"
        inputs = "inputs"
    given = [f"&{layer.name}", inputs, names.pointer(step.output), *names.scratch(step, 0)]
    yield f"{names.callee(layer, step.kernel.name)}({', '.join(given)});"


def _row_lines(names: Names, layer: Layer, step: Step, rows: Rows, calls: int) -> Iterator[str]:
    """The statements that make row y, 0 <= y < calls."""
    if rows.pointer_array:
        yield from _array_lines(names, step, rows)
        inputs = ["rows"]
    else:
        inputs = [
            "NULL" if window is None else _row_pointer(names.ring(tensor), window, calls)
            for tensor, window in zip(step.inputs, rows.windows, strict=True)
        ]
    given = [
        f"&{layer.name}",
        *rows.arguments,
        *inputs,
        *_outputs(names, step, rows),
        *names.scratch(step, rows.sums_bytes),
    ]
    yield f"{names.callee(layer, rows.function)}({', '.join(given)});"


def _outputs(names: Names, step: Step, rows: Rows) -> Iterator[str]:
    """Pointers to the rows that a call makes."""
    ring = names.ring(step.output)
    height = geometry(names.program.graph.tensors[step.output])[0]
    if rows.accumulated:
        yield f"glyphite_ring_row(&{ring}, 0)"
        return
    for i in range(rows.made):
        row = _linear(rows.made, i)
        found = f"glyphite_ring_row(&{ring}, {row})"
        always_there = i < (height % rows.made or rows.made)
        yield found if always_there else f"{row} < {height} ? {found} : NULL"


def _array_lines(names: Names, step: Step, rows: Rows) -> Iterator[str]:
    windows = [window for window in rows.windows if window is not None]
    yield f"const int8_t *rows[{sum(window.count for window in windows)}];"
    at = 0
    for tensor, window in zip(step.inputs, rows.windows, strict=True):
        if window is None:
            continue
        for first in _firsts(window):
            to = f"rows + {at}" if at else "rows"
            ring = names.ring(tensor)
            yield f"glyphite_ring_rows(&{ring}, {first}, {window.dilation}, {window.kernel}, {to});"
            at += window.kernel


def _row_pointer(ring: str, window: RowWindow, calls: int) -> str:
    """The one row under a window."""
    (first,) = _firsts(window)  # such a window has one row
    padded = any(row is None for y in (0, calls - 1) for row in window.under(y))
    return f"glyphite_ring_{'padded_' if padded else ''}row(&{ring}, {first})"


def _firsts(window: RowWindow) -> Iterator[str]:
    """C of the first input row under each of a window's rows."""
    pool = window.pool
    if pool is None:
        yield _linear(window.stride, -window.before)
        return
    for i in range(pool.kernel):
        if pool.padded:
            inside = (
                f"glyphite_clamp({_linear(pool.stride, i - pool.before)}, 0, {pool.height - 1})"
            )
            yield f"{inside} * {window.stride} - {window.before}"
        else:
            offset = (i - pool.before) * window.stride - window.before
            yield _linear(pool.stride * window.stride, offset)


def _linear(factor: int, offset: int) -> str:
    """``factor * y + offset``."""
    product = "y" if factor == 1 else f"{factor} * y"
    return product if offset == 0 else f"{product} {'-' if offset < 0 else '+'} {abs(offset)}"
