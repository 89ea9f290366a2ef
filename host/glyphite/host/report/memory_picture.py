"""A picture of the arena over time: a rectangle per row of a buffer, its width is its lifetime."""

import io
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from glyphite.convert.compiler import describe
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.errors import InputError
from glyphite.convert.extras import absent
from glyphite.convert.files import write_bytes

INK, PAPER, FAINT = "#22303c", "#ffffff", "#c9d2da"
COLOURS = ("#2a6f97", "#e09f3e", "#5b8e7d", "#9e2a2b", "#7d5ba6", "#468faf", "#bc6c25", "#6a994e")
LABEL_SHARE = 0.035
"""A buffer of less than this fraction of the arena has its label above it."""
LABEL_WIDTH = 0.1
"""The width of a label, as a fraction of the time axis."""
LINE_SHARE = 0.01
"""A row of less than this fraction of the arena has no line around it."""
NAMED = 24
"""Where calls change from layer to layer more often, no layer is named below the picture."""
KINDS = ("png", "svg", "pdf")


def draw(compiled: Compiled, path: Path) -> None:
    """Write the picture of ``compiled``'s arena to ``path``.

    Raises InputError where it cannot be written or ``path`` does not end in one of ``KINDS``,
    ToolError where matplotlib is not installed.
    """
    if path.suffix[1:].lower() not in KINDS:
        kinds = ", ".join(f".{kind}" for kind in KINDS)
        raise InputError(f"{path} is not a picture's name. Let it end in one of {kinds}.")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise absent("matplotlib", "pictures") from error

    moments = describe.moments(compiled.plan)
    figure = Figure(figsize=(min(14.0, max(7.0, 0.5 * len(moments))), 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    arena, filled = figure.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    _draw_buffers(arena, compiled)
    _draw_filled(filled, compiled)
    _name_moments(filled, compiled)
    arena.set_title(
        f"{compiled.name}: {compiled.arena_bytes:,} bytes of RAM hold all tensors",
        loc="left", color=INK, fontsize=13, fontweight="bold", pad=12,
    )  # fmt: skip
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=160, facecolor=PAPER)
    write_bytes(path, picture.getvalue(), way_out="Name another path.")


def _draw_buffers(axes: Any, compiled: Compiled) -> None:  # noqa: ANN401 - matplotlib has no types
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    total = compiled.arena_bytes
    facts = describe.buffers(compiled)
    for buffer, fact, colour in zip(compiled.plan.buffers, facts, cycle(COLOURS), strict=False):
        rows = [
            Rectangle((row.first, row.start), row.last + 1 - row.first, row.bytes)
            for row in describe.rows(buffer)
        ]
        edge = PAPER if fact.bytes / fact.rows > LINE_SHARE * total else "none"
        axes.add_collection(
            PatchCollection(rows, facecolor=colour, edgecolor=edge, linewidth=0.6, alpha=0.9)
        )
    _draw_labels(axes, facts, total, len(describe.moments(compiled.plan)))
    axes.axhline(total, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(0, total * 1.06)
    axes.set_ylabel("bytes from the arena's start", color=INK)
    _plain(axes)


@dataclass(frozen=True)
class _Label:
    """A text and the place of its middle: x in moments, y in bytes."""

    text: str
    x: float
    y: float
    is_above: bool


def _label(buffer: describe.BufferFacts, total: int) -> _Label:
    """The label in the middle of its buffer, or above a small one."""
    text = "scratch" if buffer.scratch else "×".join(map(str, buffer.shape[1:]))  # noqa: RUF001
    if buffer.rows < buffer.height:
        text += f", {buffer.rows} of {buffer.height} rows"
    is_above = buffer.bytes < LABEL_SHARE * total
    text += f"{', ' if is_above else chr(10)}{buffer.bytes:,} B"
    middle = buffer.bytes + 0.025 * total if is_above else buffer.bytes / 2
    x = (buffer.first + buffer.last + 1) / 2
    return _Label(text, x, buffer.offset + middle, is_above)


def _draw_labels(
    axes: Any,  # noqa: ANN401
    facts: list[describe.BufferFacts],
    total: int,
    moments: int,
) -> None:
    """Write the labels of the largest buffers that have room for one."""
    placed: list[_Label] = []
    coloured = sorted(zip(facts, cycle(COLOURS), strict=False), key=lambda pair: -pair[0].bytes)
    for buffer, colour in coloured:
        label = _label(buffer, total)
        if label.is_above and buffer.last - buffer.first < moments // 20:
            continue
        near = (other for other in placed if abs(other.y - label.y) < 0.07 * total)
        if any(abs(other.x - label.x) < LABEL_WIDTH * max(moments, 14) for other in near):
            continue
        placed.append(label)
        axes.text(
            label.x, label.y, label.text, ha="center", va="center", color=colour,
            fontsize=8, fontweight="bold", linespacing=1.3,
            bbox={"boxstyle": "round,pad=0.25", "facecolor": PAPER, "edgecolor": "none",
                  "alpha": 0.0 if label.is_above else 0.88},
        )  # fmt: skip


def _draw_filled(axes: Any, compiled: Compiled) -> None:  # noqa: ANN401
    moments = describe.moments(compiled.plan)
    filled = describe.occupied(compiled.plan)
    axes.stairs(filled, [*moments, moments.stop], fill=True, color=FAINT)
    axes.stairs(filled, [*moments, moments.stop], color=INK, linewidth=1.2, baseline=None)
    axes.set_ylim(0, compiled.arena_bytes * 1.15)
    axes.set_yticks([0, compiled.arena_bytes])
    axes.set_ylabel("in use", color=INK)
    _plain(axes)


def _name_moments(axes: Any, compiled: Compiled) -> None:  # noqa: ANN401
    """Name the layers below the time axis, where there are few of them."""
    moments, schedule = describe.moments(compiled.plan), compiled.plan.schedule
    axes.set_xlim(moments.start, moments.stop)
    steps = [name for name, _ in describe.memory_by_layer(compiled)]
    axes.set_xlabel(
        "kernel calls: each time a layer makes its next row, or all of its output", color=INK
    )
    if len(schedule.runs) > NAMED:
        return
    at, places, names = 0, [-0.5], ["caller writes"]
    for step, calls in schedule.runs:
        places.append(at + calls / 2)
        names.append(steps[step] if step >= 0 else "caller writes")
        at += calls
    axes.set_xticks([*places, at + 0.5])
    axes.set_xticklabels([*names, "caller reads"], rotation=35, ha="right", fontsize=7)
    axes.tick_params(axis="x", length=0)


def _plain(axes: Any) -> None:  # noqa: ANN401
    from matplotlib.ticker import FuncFormatter

    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.tick_params(colors=INK, labelsize=8)
    axes.grid(axis="x", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FAINT)
