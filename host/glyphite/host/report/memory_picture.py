"""A picture of the arena over time: a rectangle per row of a buffer, its width is its lifetime."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler import describe
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.errors import InputError
from glyphite.convert.extras import absent
from glyphite.convert.files import write_bytes

INK, PAPER, FAINT, SCRATCH = "#22303c", "#ffffff", "#c9d2da", "#8a949d"
SHADES = "viridis"
"""The colour map that gives each layer a colour of its own, dark to light as they run."""
LINE_SHARE = 0.01
"""A row of less than this fraction of the arena has no line around it."""
LABEL_POINTS = (14, 10)
"""Width and height of the room that a layer's number needs, in points (1/72 inch)."""
NAMED = 24
"""Where calls change from layer to layer more often, no layer is named below the picture."""
MOST_LISTED = 40
"""Layers beside the picture: the largest."""
CALLS = "each time for its next row, or for all of its output"
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
    except ModuleNotFoundError as error:
        raise absent("matplotlib", "pictures") from error

    figure = Figure(figsize=(14, 6.5), layout="constrained")
    FigureCanvasAgg(figure)
    drawn, listed = np.asarray(figure.subfigures(1, 2, width_ratios=(10, 4)))
    arena, filled = drawn.subplots(2, 1, sharex=True, height_ratios=(5, 1))
    parts = _parts(compiled)
    _draw_buffers(arena, compiled, parts)
    _draw_filled(filled, compiled)
    _name_moments(filled, compiled)
    _list(listed, parts)
    arena.set_title(
        f"{compiled.name}: {compiled.arena_bytes:,} bytes of RAM hold all tensors",
        loc="left", color=INK, fontsize=13, fontweight="bold", pad=12,
    )  # fmt: skip
    figure.draw_without_rendering()  # so that the axes have their size
    _number(arena, parts)
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=160, facecolor=PAPER)
    write_bytes(path, picture.getvalue(), way_out="Name another path.")


@dataclass(frozen=True)
class _Part:
    """A buffer as it is drawn."""

    number: str
    """Its layer's place in the .tflite, as in the names of the generated C; or "in"."""
    title: str
    facts: describe.BufferFacts
    rows: list[describe.RowLife]
    colour: tuple[float, float, float]


def _parts(compiled: Compiled) -> list[_Part]:
    """All buffers, each layer's with its plain name and a colour that no other has."""
    from matplotlib import colormaps

    facts = describe.buffers(compiled)
    plain = {layer.name: plain_name(layer.operator) for layer in describe.layers(compiled)}
    makers = list(dict.fromkeys(fact.layer for fact in facts))
    shades = colormaps[SHADES].resampled(len(makers) + 1)  # the last, yellow, is too light
    return [
        _Part(
            number=fact.layer.rpartition("_")[2] if fact.layer in plain else "in",
            title=plain.get(fact.layer, "the model's input"),
            facts=fact,
            rows=describe.rows(buffer),
            colour=shades(makers.index(fact.layer))[:3],
        )
        for fact, buffer in zip(facts, compiled.plan.buffers, strict=True)
    ]


def plain_name(operator: str) -> str:
    """``conv 2d`` for ``CONV_2D``."""
    return operator.lower().replace("_", " ").replace("+", " + ")


def _draw_buffers(axes: Any, compiled: Compiled, parts: list[_Part]) -> None:  # noqa: ANN401 - matplotlib has no types
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import Rectangle

    total = compiled.arena_bytes
    for part in parts:
        rows = [
            Rectangle((row.first, row.start), row.last + 1 - row.first, row.bytes)
            for row in part.rows
        ]
        axes.add_collection(PatchCollection(rows, **_style(part, total)))
    axes.axhline(total, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(0, total * 1.06)
    axes.set_ylabel("bytes from the arena's start", color=INK)
    _plain(axes)


def _style(part: _Part, total: int) -> dict[str, Any]:
    """One hatch for all scratch memory; a layer's colour for its output."""
    if part.facts.scratch:
        return {"facecolor": "none", "edgecolor": SCRATCH, "hatch": "/////", "linewidth": 0.4}
    lined = part.facts.bytes / part.facts.rows > LINE_SHARE * total
    return {"facecolor": part.colour, "edgecolor": PAPER if lined else "none", "linewidth": 0.5}


def _number(axes: Any, parts: list[_Part]) -> None:  # noqa: ANN401
    """Write each layer's number into its buffer, where one has room for it."""
    box = axes.get_window_extent()
    points = axes.figure.dpi / 72
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width = LABEL_POINTS[0] * points / box.width * (right - left)
    height = LABEL_POINTS[1] * points / box.height * (top - bottom)
    for index, part in enumerate(parts):
        above = [row for other in parts[index + 1 :] for row in other.rows]
        if part.facts.scratch or (place := _roomiest(part.rows, width, height, above)) is None:
            continue
        red, green, blue = part.colour
        ink = INK if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 else PAPER
        axes.text(
            *place, part.number, ha="center", va="center", color=ink, fontsize=9, fontweight="bold"
        )


def _roomiest(
    rows: list[describe.RowLife], width: float, height: float, above: list[describe.RowLife]
) -> tuple[float, float] | None:
    """The middle of the tallest room of ``width`` moments that these rows fill; None below
    ``height`` bytes. A label there lies on none of the rows ``above``, which are drawn later."""
    rooms = []
    ordered = sorted(rows, key=lambda row: row.start)
    edges = [(row.first, row.last + 1, row.start, row.start + row.bytes) for row in above]
    covers = np.array(edges, np.int64)
    for left in range(min(row.first for row in rows), max(row.last for row in rows) + 1):
        bottom = end = -1
        for row in ordered:
            if not (row.first <= left and left + width <= row.last + 1):
                continue
            bottom = bottom if row.start == end else row.start
            end = row.start + row.bytes
            if end - bottom >= height:
                rooms.append((end - bottom, left + width / 2, (bottom + end) / 2))
    rooms = [room for room in rooms if not _lies_on(covers, room[1:], width, height)]
    tallest = max((tall for tall, _, _ in rooms), default=0)
    places = [(x, y) for tall, x, y in rooms if tall == tallest]
    return places[len(places) // 2] if places else None


def _lies_on(
    covers: NDArray[np.int64], middle: tuple[float, float], width: float, height: float
) -> bool:
    """Whether a label lies on one of ``covers``: (n, 4) of left, right, bottom, top."""
    if not len(covers):
        return False
    x, y = middle
    beside = (covers[:, 0] < x + width / 2) & (covers[:, 1] > x - width / 2)
    return bool((beside & (covers[:, 2] < y + height / 2) & (covers[:, 3] > y - height / 2)).any())


def _list(figure: Any, parts: list[_Part]) -> None:  # noqa: ANN401
    """Beside the picture: number, layer, shape and bytes of each buffer."""
    from matplotlib.patches import Patch

    tensors = [part for part in parts if not part.facts.scratch]
    largest = sorted(tensors, key=lambda part: -part.facts.bytes)[:MOST_LISTED]
    shown = [part for part in tensors if part in largest]
    handles = [Patch(**_style(part, 1), label=_line(part)) for part in shown]
    if len(shown) < len(tensors):
        left = len(tensors) - len(shown)
        handles.append(Patch(facecolor="none", label=f"and {left} smaller ones"))
    if scratch := [part for part in parts if part.facts.scratch]:
        most = max(part.facts.bytes for part in scratch)
        label = f"scratch of a layer, at most {most:,} B"
        handles.append(Patch(**_style(scratch[0], 1), label=label))
    figure.legend(
        handles=handles, loc="upper left", frameon=False, fontsize=7.5, labelcolor=INK,
        title="output of layer", title_fontsize=8.5, alignment="left", handlelength=1.4,
    )  # fmt: skip


def _line(part: _Part) -> str:
    facts = part.facts
    shape = "×".join(map(str, facts.shape[1:]))  # noqa: RUF001
    held = f", {facts.rows} of {facts.height} rows" if facts.rows < facts.height else ""
    return f"{part.number}  {part.title}: {shape}{held}, {facts.bytes:,} B"


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
    steps = [name.rpartition("_")[2] for name, _ in describe.memory_by_layer(compiled)]
    if len(schedule.runs) > NAMED:
        axes.set_xlabel(f"kernel calls: {CALLS}", color=INK)
        return
    axes.set_xlabel(f"the layer that is called: {CALLS}", color=INK)
    at, places, names = 0, [-0.5], ["in"]
    for step, calls in schedule.runs:
        places.append(at + calls / 2)
        names.append(steps[step] if step >= 0 else "in")
        at += calls
    axes.set_xticks([*places, at + 0.5])
    axes.set_xticklabels([*names, "out"], fontsize=8)
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
