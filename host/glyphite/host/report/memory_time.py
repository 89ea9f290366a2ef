"""The memory of a model over time, as its report tells it."""

from functools import lru_cache
from itertools import pairwise
from typing import Any

from glyphite.convert.boards import load_board
from glyphite.convert.compiler import describe
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import BoardError, ModelError, ToolError
from glyphite.host.report.memory_picture import plain_name

MOST_RECTANGLES = 3_000
"""Of a picture: where the rows are more, a buffer is drawn as a whole."""

Document = dict[str, Any]
Rectangle = tuple[int, int, int, int]
"""First call, the call behind the last one, first byte, the byte behind the last one."""


@lru_cache(maxsize=8)
def compiled(content: bytes, name: str, architecture: str, goal: Goal) -> Compiled:
    """The model in the bytes of a .tflite, as :func:`compile_model` compiles it."""
    return compile_model(content, name, architecture=architecture, goal=goal)


def over_time(
    content: bytes, name: str, board: str | None, goal: str | None
) -> tuple[Document, list[list[Rectangle]]]:
    """The arena over time, for a board and what was asked of its compiler, and what is drawn of
    each of its buffers.

    Without a board that is known here, the kernels are those for any processor. Raises ModelError
    where the compiler does not take the model.
    """
    known = _architecture(board)
    made = compiled(content, name, known or "", Goal(goal or Goal.SPEED))
    kinds = {layer.name: plain_name(layer.operator) for layer in describe.layers(made)}
    facts = describe.buffers(made)
    document = {
        "board": board if known else None,
        "goal": str(made.goal),
        "arena_bytes": made.arena_bytes,
        "proven_least": made.plan.proven,
        "calls": len(made.plan.schedule.calls),
        "occupied": describe.occupied(made.plan),
        "layers": _layers(made, kinds),
        "buffers": [
            {
                "layer": fact.layer, "operator": kinds.get(fact.layer), "scratch": fact.scratch,
                "bytes": fact.bytes, "offset": fact.offset, "first": fact.first, "last": fact.last,
            }
            for fact in facts
        ],
    }  # fmt: skip
    return document, _drawn(made)


def try_over_time(
    content: bytes, name: str, board: str | None, goal: str | None
) -> tuple[Document | None, list[list[Rectangle]]]:
    """The same; nothing where the compiler does not take the model, or cannot read one here."""
    try:
        return over_time(content, name, board, goal)
    except (ModelError, ToolError):
        return None, []


def _architecture(board: str | None) -> str | None:
    """The processor's, of a board that is known here."""
    if board is None:
        return None
    try:
        return load_board(board).mcu.architecture
    except BoardError:
        return None


def _layers(made: Compiled, kinds: dict[str, str]) -> list[Document]:
    """For each layer when it runs, and the most bytes in use while it does."""
    most = describe.memory_by_layer(made)
    calls: dict[int, list[int]] = {}
    for number, call in enumerate(made.plan.schedule.calls):
        calls.setdefault(call.step, []).append(number)
    return [
        {
            "layer": layer, "operator": kinds[layer], "bytes": taken,
            "first": calls[step][0], "last": calls[step][-1], "calls": len(calls[step]),
        }
        for step, (layer, taken) in enumerate(most)
        if step in calls
    ]  # fmt: skip


def _drawn(made: Compiled) -> list[list[Rectangle]]:
    by_buffer = [
        _joined([
            (row.first, row.last + 1, row.start, row.start + row.bytes)
            for row in describe.rows(buffer)
        ])
        for buffer in made.plan.buffers
    ]  # fmt: skip
    if sum(map(len, by_buffer)) <= MOST_RECTANGLES:
        return by_buffer
    return [[_around(rectangles)] for rectangles in by_buffer]


def _joined(rows: list[Rectangle]) -> list[Rectangle]:
    """The rows that lie on each other and live equally long as one."""
    ordered = sorted(rows, key=lambda row: (row[0], row[1], row[2]))
    found = ordered[:1]
    for before, row in pairwise(ordered):
        if row[:2] == before[:2] and row[2] == found[-1][3]:
            found[-1] = (*row[:2], found[-1][2], row[3])
        else:
            found.append(row)
    return found


def _around(rows: list[Rectangle]) -> Rectangle:
    firsts, lasts, starts, ends = zip(*rows, strict=True)
    return min(firsts), max(lasts), min(starts), max(ends)
