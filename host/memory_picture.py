"""The arena over time as a picture: a rectangle a row, as wide as it lives, as tall as it is."""

import io
from pathlib import Path
from typing import Any

from convert import describe
from convert.compiler import Compiled
from convert.errors import InputError
from convert.files import write_bytes

INK, PAPER, FAINT = "#22303c", "#ffffff", "#c9d2da"
COLOURS = ("#2a6f97", "#e09f3e", "#5b8e7d", "#9e2a2b", "#7d5ba6", "#468faf", "#bc6c25", "#6a994e")
LABEL_SHARE = 0.035
"""A buffer less tall than this share of the arena has its label above it."""
LINE_SHARE = 0.01
"""A row less tall than this share of the arena has no line around it."""
NAMED = 24
"""Runs of a layer's turns that are named below the picture; where there are more, none is."""
KINDS = ("png", "svg", "pdf")


def draw(compiled: Compiled, path: Path) -> None:
    """Write the picture of ``compiled``'s arena to ``path``. InputError where it cannot be."""
    if path.suffix[1:].lower() not in KINDS:
        kinds = ", ".join(f".{kind}" for kind in KINDS)
        raise InputError(f"{path} is not a picture's name. Let it end in one of {kinds}.")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

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
    try:
        write_bytes(path, picture.getvalue())
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}. Name another path."
        ) from error


def _draw_buffers(axes: Any, compiled: Compiled) -> None:  # noqa: ANN401 - matplotlib has no types
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    total = compiled.arena_bytes
    facts = describe.buffers(compiled)
    for number, (buffer, fact) in enumerate(zip(compiled.plan.buffers, facts, strict=True)):
        colour = COLOURS[number % len(COLOURS)]
        rows = [
            Rectangle((row.first, row.start), row.last + 1 - row.first, row.bytes)
            for row in describe.rows(buffer)
        ]
        edge = PAPER if fact.bytes / fact.rows > LINE_SHARE * total else "none"
        axes.add_collection(
            PatchCollection(rows, facecolor=colour, edgecolor=edge, linewidth=0.6, alpha=0.9)
        )
        _label(axes, fact, describe.rows(buffer), total, colour)
    axes.axhline(total, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(0, total * 1.06)
    axes.set_ylabel("bytes from the arena's start", color=INK)
    _plain(axes)


def _label(
    axes: Any,  # noqa: ANN401
    buffer: describe.BufferFacts,
    rows: list[describe.RowLife],
    total: int,
    colour: str,
) -> None:
    """What it is, in the middle of the row that lives longest, or above a buffer that is low."""
    text = "scratch" if buffer.scratch else "×".join(map(str, buffer.shape[1:]))  # noqa: RUF001
    if buffer.rows < buffer.height:
        text += f"\n{buffer.rows} rows at a time"
    text += f"\n{buffer.bytes:,} B"
    low = buffer.bytes < LABEL_SHARE * total
    if low:
        text = text.replace("\n", ", ")
    middle = (buffer.first + buffer.last + 1) / 2
    axes.text(
        middle,
        buffer.offset + (buffer.bytes + 0.01 * total if low else buffer.bytes / 2),
        text,
        ha="center",
        va="bottom" if low else "center",
        color=colour,
        fontsize=8,
        fontweight="bold",
        bbox={"boxstyle": "round,pad=0.25", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.85},
    )


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
    """Runs of turns of one layer by its name, where there are few."""
    moments, schedule = describe.moments(compiled.plan), compiled.plan.schedule
    axes.set_xlim(moments.start, moments.stop)
    steps = [name for name, _ in describe.memory_by_layer(compiled)]
    axes.set_xlabel("turns: each time a layer makes its next row, or all of its output", color=INK)
    if len(schedule.runs) > NAMED:
        return
    at, places, names = 0, [-0.5], ["caller writes"]
    for step, turns in schedule.runs:
        places.append(at + turns / 2)
        names.append(steps[step] if step >= 0 else "caller writes")
        at += turns
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
