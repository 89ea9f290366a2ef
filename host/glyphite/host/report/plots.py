"""The plots of the page, each with its title, what it is of, and the names of its series."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from glyphite.host.report.memory_time import Rectangle
from glyphite.host.report.svg import Axis, Plot, key, linear, whole

Document = dict[str, Any]
LEVELS = 5
"""Of how often a class is taken for another, in the picture of a large confusion matrix."""
MOST_CLASSES = 200
"""Of such a picture: with more, a cell is too small to be seen."""
CALLS = "kernel call; 0: the input comes, last: the answer goes"
LAYER_COLOURS = 8
MATRIX = 400
"""The side of that picture, with its axes."""


@dataclass(frozen=True)
class Figure:
    """A plot as the page shows it."""

    title: str
    of: str
    """What it is of, and how it is read."""
    plot: Markup
    key: Markup | str = ""


def training(history: Document | None) -> list[Figure]:
    """Accuracy and loss by epoch."""
    curves = history["by_epoch"] if history else {}
    found = []
    for name, up in (("accuracy", "accuracy, %"), ("loss", "loss")):
        if not curves.get(name):
            continue
        scale = 100 if name == "accuracy" else 1
        learnt = [scale * value for value in curves[name]]
        tested = [scale * value for value in curves.get(f"val_{name}") or []]
        last = history["epochs"] if history else 0
        first = last - len(learnt) + 1
        low, high = min(learnt + tested), max(learnt + tested)
        room = (high - low) / 20
        plot = Plot(whole("epoch", first, last), linear(up, low - room, high + room))
        for series, values in enumerate((learnt, tested)):  # after each epoch, or after the last
            begin = last - len(values) + 1
            points = [(float(begin + place), value) for place, value in enumerate(values)]
            if points:
                plot.line(points, series, marks=len(points) <= 60)
        says = f"{up} by epoch. It ends at {learnt[-1]:.4g} for the samples that were learnt from"
        says += f", and at {tested[-1]:.4g} for those of the test." if tested else "."
        named = ("samples learnt from", "samples that it was judged by")
        of = f"{history['network']}, trained with seed {history['seed']}." if history else ""
        found.append(Figure(f"{name.capitalize()} by epoch", of, plot.svg(says), key(named)))
    return found


def reliability(found: Sequence[Document], titles: Document) -> Figure | None:
    """How often an engine is right by how sure it is."""
    if not found:
        return None
    percent = "{:.0f}".format
    plot = Plot(linear("how sure it is, %", 0, 100, percent), linear("right, %", 0, 100, percent))
    plot.guide((0, 0), (100, 100))
    for series, one in enumerate(found):
        points = [(100 * each["sure"], 100 * each["right"]) for each in one["bins"]]
        for (x, _), each in zip(points, one["bins"], strict=True):
            low, high = (100 * end for end in each["interval"])
            plot.whisker(x, low, high, series)
        plot.line(points, series, marks=False)
        plot.marks(points, series, [
            f"{titles[one['engine']]}: {each['answers']:,} answers, {100 * each['sure']:.1f} % "
            f"sure, {100 * each['right']:.1f} % right" for each in one["bins"]
        ])  # fmt: skip
    gaps = ", ".join(f"{titles[one['engine']]} {100 * one['gap']:.2f} points" for one in found)
    of = (
        f"{found[0]['samples']:,} answers, in ten bins by how sure the engine is of each. On the "
        f"broken line it is as often right as it is sure. Mean distance from it: {gaps}."
    )
    names = [titles[one["engine"]] for one in found]
    says = f"How often answers are right by how sure the engine is. Mean distance: {gaps}."
    return Figure("How sure it is, and how often right", of, plot.svg(says), key(names))


def memory(found: Document | None, drawn: Sequence[Sequence[Rectangle]]) -> Figure | None:
    """The arena over time: a rectangle for each row that lives in it."""
    if found is None:
        return None
    calls = whole(CALLS, 0, found["calls"] + 1)
    plot = Plot(calls, linear("bytes", 0, found["arena_bytes"], "{:,.0f}".format), 280)
    order = list(dict.fromkeys(buffer["layer"] for buffer in found["buffers"]))
    for buffer, rectangles in zip(found["buffers"], drawn, strict=True):
        kind = (
            "scratch" if buffer["scratch"] else f"l{order.index(buffer['layer']) % LAYER_COLOURS}"
        )
        what = "scratch memory of" if buffer["scratch"] else "output of"
        name = buffer["layer"] if buffer["operator"] else "the model's input"
        said = f"{what} {name}" if buffer["operator"] else name
        path = "".join(_rectangle(plot, _at_calls(each)) for each in rectangles)
        plot.parts.append(
            Markup('<path class="room {}" d="{}"><title>{}: {:,} bytes</title></path>').format(
                kind, path, said, buffer["bytes"]
            )
        )
    steps = "".join(
        f"L{plot.x(at - 0.5):.1f} {plot.y(taken):.1f}H{plot.x(at + 0.5):.1f}"
        for at, taken in enumerate(found["occupied"])
    )
    plot.add(f'<path class="used" d="M{plot.x(-0.5):.1f} {plot.y(0):.1f}{steps}"/>')
    least = ", which is proven to be the least" if found["proven_least"] else ""
    made = f"compiled for {found['board'] or 'any processor'}, --optimize {found['goal']}"
    of = (
        f"{found['arena_bytes']:,} bytes of RAM hold all tensors{least}; {made}. Each rectangle is "
        "a part of a tensor, as long as it is kept; the line is what is in use in all."
    )
    says = f"Which bytes of the arena of {found['arena_bytes']:,} are in use at each kernel call."
    return Figure("Memory over time", of, plot.svg(says))


def _at_calls(one: Rectangle) -> tuple[float, float, float, float]:
    """A rectangle on an axis of calls from 1, each of which has the room around its number."""
    return one[0] + 0.5, one[1] + 0.5, one[2], one[3]


def _rectangle(plot: Plot, one: tuple[float, float, float, float]) -> str:
    x, y = plot.x(one[0]), plot.y(one[3])
    return f"M{x:.1f} {y:.1f}H{plot.x(one[1]):.1f}V{plot.y(one[2]):.1f}H{x:.1f}z"


def matrix(found: Document, title: str) -> Figure | None:
    """A confusion matrix of many classes: the darker a cell, the more of the label's samples."""
    cells = found["matrix"]
    count = len(cells)
    if count > MOST_CLASSES:
        return None
    number = "{:,.0f}".format
    up = linear("label, by its number (down)", 0, count, number)
    flipped = Axis(up.name, count, 0, up.ticks)
    plot = Plot(linear("answer, by its number", 0, count, number), flipped, MATRIX)
    levels: dict[tuple[bool, int], list[str]] = {}
    for row, line in enumerate(cells):
        of = max(1, sum(line))
        for column, value in enumerate(line):
            if value:
                level = min(LEVELS, 1 + int(LEVELS * value / of / (1 if row == column else 0.25)))
                place = _rectangle(plot, (column, column + 1, row + 1, row))
                levels.setdefault((row == column, level), []).append(place)
    for (is_right, level), places in sorted(levels.items()):
        kind = "right" if is_right else "wrong"
        plot.add(f'<path class="cell {kind} h{level}" d="{"".join(places)}"/>')
    of = (
        f"{title}, {found['samples']:,} samples. Blue cells are right answers, red ones wrong; the "
        "deeper, the larger the part of the label's samples (a wrong one is deepest from 20 % on)."
    )
    says = f"Confusion matrix of {count} classes; the table tells the most frequent mistakes."
    return Figure(f"Confusion matrix of {count} classes", of, plot.svg(says))


def distribution(found: Document | None, titles: Document) -> Figure | None:
    """How many errors are how large."""
    if not found:
        return None
    edges, groups = found["edges"], found["groups"]
    most = max(max(group["counts"]) for group in groups)
    across = linear(found["of"], edges[0], edges[-1], "{:.3g}".format)
    plot = Plot(across, linear("how many", 0, most, "{:,.0f}".format))
    names = []
    for series, group in enumerate(groups):
        points = [(edges[0], 0.0)]
        for place, count in enumerate(group["counts"]):
            points += [(edges[place], float(count)), (edges[place + 1], float(count))]
        plot.line([*points, (edges[-1], 0.0)], series, marks=False)
        names.append(", ".join(filter(None, (titles[group["engine"]], group["samples"]))))
    total = sum(groups[0]["counts"])
    says = f"How many errors are how large: from {edges[0]:.3g} to {edges[-1]:.3g}."
    kinds = len(edges) - 1
    of = f"{total:,} errors of {names[0]}, in {kinds} bars of equal width."
    return Figure("How large the errors are", of, plot.svg(says), key(names))


def answers(found: Sequence[Document], titles: Document, labels: Sequence[str]) -> list[Figure]:
    """Answers against what is right, of each of the first numbers."""
    figures = []
    for number in dict.fromkeys(one["number"] for one in found):
        of_it = [one for one in found if one["number"] == number]
        values = [value for one in of_it for point in one["points"] for value in point]
        low, high = min(values), max(values)
        short = "{:.4g}".format
        plot = Plot(linear("right", low, high, short), linear("answer", low, high, short))
        plot.guide((low, low), (high, high))
        for series, one in enumerate(of_it):
            plot.dots([(right, given) for right, given in one["points"]], series)
        names = [titles[one["engine"]] for one in of_it]
        name = labels[number] if len(labels) > number else str(number)
        of = f"{len(of_it[0]['points']):,} samples; right answers lie on the broken line."
        says = f"Answers for {name} against what is right."
        figures.append(Figure(f"Answers: {name}", of, plot.svg(says), key(names)))
    return figures


def roc(found: Sequence[Document], titles: Document) -> Figure | None:
    """Odd samples found against false alarms."""
    if not found:
        return None
    percent = "{:.0f}".format
    plot = Plot(
        linear("usual samples taken for odd, %", 0, 100, percent),
        linear("odd samples found, %", 0, 100, percent),
    )
    plot.guide((0, 0), (100, 100))
    for series, one in enumerate(found):
        plot.line([(100 * x, 100 * y) for x, y in one["points"]], series, marks=False)
    names = [titles[one["engine"]] for one in found]
    of = "The ROC curve: each point is a limit on the error of a sample, above which it is odd."
    says = "Odd samples found against usual samples taken for odd."
    return Figure("Finding what is odd", of, plot.svg(says), key(names))
