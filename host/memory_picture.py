"""The arena over time as a picture: a rectangle a tensor, as wide as it lives, as tall as it is."""

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
"""A rectangle less tall than this share of the arena has its label beside it."""
NAMED = 24
"""Steps that are named below the picture; more are numbered."""
KINDS = ("png", "svg", "pdf")


def draw(compiled: Compiled, path: Path) -> None:
    """Write the picture of ``compiled``'s arena to ``path``. InputError where it cannot be."""
    if path.suffix[1:].lower() not in KINDS:
        kinds = ", ".join(f".{kind}" for kind in KINDS)
        raise InputError(f"{path} is not a picture's name. Let it end in one of {kinds}.")
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    moments = describe.moments(compiled.plan)
    figure = Figure(figsize=(min(16.0, max(7.0, 1.0 * len(moments))), 6.0), layout="constrained")
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
    from matplotlib.patches import FancyBboxPatch

    total = compiled.arena_bytes
    for number, buffer in enumerate(describe.buffers(compiled)):
        colour = COLOURS[number % len(COLOURS)]
        width = buffer.last + 1 - buffer.first
        low = buffer.bytes < LABEL_SHARE * total
        axes.add_patch(
            FancyBboxPatch(
                (buffer.first + 0.03, buffer.offset), width - 0.06, buffer.bytes,
                boxstyle="round,pad=0,rounding_size=0.06", mutation_aspect=total / 12,
                facecolor=colour, edgecolor=colour if low else PAPER, linewidth=1.5, alpha=0.88,
            )
        )  # fmt: skip
        _label(axes, buffer, total, colour)
    axes.text(
        1, 1.005, "overlap: an output lies over input that its layer has read already",
        transform=axes.transAxes, ha="right", va="bottom", fontsize=8, color=INK,
    )  # fmt: skip
    axes.axhline(total, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(0, total * 1.06)
    axes.set_ylabel("bytes from the arena's start", color=INK)
    _plain(axes)


def _label(axes: Any, buffer: describe.BufferFacts, total: int, colour: str) -> None:  # noqa: ANN401
    shape = "×".join(map(str, buffer.shape[1:] or buffer.shape))  # noqa: RUF001
    text, low = f"{shape}\n{buffer.bytes:,} B", buffer.bytes < LABEL_SHARE * total
    middle = (buffer.first + buffer.last + 1) / 2
    if low:
        text = text.replace("\n", ", ")
    axes.text(
        middle,
        buffer.offset + (buffer.bytes + 0.01 * total if low else buffer.bytes / 2),
        text,
        ha="center",
        va="bottom" if low else "center",
        color=colour if low else PAPER,
        fontsize=8,
        fontweight="bold",
    )


def _draw_filled(axes: Any, compiled: Compiled) -> None:  # noqa: ANN401
    moments = describe.moments(compiled.plan)
    filled = [describe.occupied(compiled.plan, moment) for moment in moments]
    axes.stairs(filled, [*moments, moments.stop], fill=True, color=FAINT)
    axes.stairs(filled, [*moments, moments.stop], color=INK, linewidth=1.2, baseline=None)
    axes.set_ylim(0, compiled.arena_bytes * 1.15)
    axes.set_yticks([0, compiled.arena_bytes])
    axes.set_ylabel("in use", color=INK)
    _plain(axes)


def _name_moments(axes: Any, compiled: Compiled) -> None:  # noqa: ANN401
    moments = describe.moments(compiled.plan)
    axes.set_xlim(moments.start, moments.stop)
    steps = [
        layer.name for layer in compiled.program.layers if layer.lowered in compiled.program.steps
    ]
    if len(steps) == len(moments) - 2 <= NAMED:
        names = ["caller writes", *steps, "caller reads"]
        axes.set_xticks([moment + 0.5 for moment in moments])
        axes.set_xticklabels(names, rotation=28, ha="right", fontsize=8)
        axes.tick_params(axis="x", length=0)
    else:
        axes.set_xlabel("turn: a layer makes its next row", color=INK)


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
