"""The parts of the page on each layer's error, other ways to quantize, and harder samples."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from glyphite.host.measure import robustness
from glyphite.host.measure.layers_record import LayerFigures, LayersRecord, Reference
from glyphite.host.measure.robustness_record import Condition, RobustnessRecord
from glyphite.host.measure.schemes_record import Row, SchemesRecord
from glyphite.host.measure.truth import Task
from glyphite.host.report.headline import data_name
from glyphite.host.report.more import More
from glyphite.host.report.plots import Figure
from glyphite.host.report.svg import Axis, Bar, Plot, bars, key, linear, logarithmic
from glyphite.host.runners.base import FLOATS, SHORT, title_of

NOTHING = "\N{EN DASH}"
"""A figure that there is none of."""
LEAST_SHARE = 0.0001
"""A smaller one is shown as less than it."""
MOST_LAYERS = 40
"""In the plot of all layers; the table has more."""
MOST_HISTOGRAMS = 24

Document = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table: its cells are text, those of the first column headings."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Part:
    """A part of the page."""

    name: str
    title: str
    of: str
    """What its figures are of."""
    says: tuple[tuple[str, str], ...] = ()
    """Sentences, each with a command, or "" without."""
    plots: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    folded: tuple[Figure, ...] = ()
    """Plots for who asks for them."""


def parts(found: More) -> list[Part]:
    """Those whose records are there."""
    made = [
        layers(found.layers) if found.layers else None,
        schemes(found.schemes) if found.schemes else None,
        hardened(found.robustness) if found.robustness else None,
    ]
    return [part for part in made if part]


def layers(found: LayersRecord) -> Part:
    """Where int8 loses accuracy."""
    against = "the float model"
    if found.reference is Reference.WEIGHTS:
        against = "the .tflite's own weights in float, so without what rounding them has cost"
    of = (
        f"Each layer in {found.activations} against {against}: {found.samples:,} samples of "
        f"{data_name(found.data['title'])}, both models run by {found.engine}, "
        f"{found.date[:10]}, model {found.sha256[:12]}."
    )
    if found.answers_differ is not None:
        of += f" {found.answers_differ:,} answers differ."
    says = [(one.text, one.command or "") for one in found.advice]
    says = says or [("Nothing is found wrong with a layer.", "")]
    says += [(_engines(one), "") for one in found.engines]
    return Part(
        "layers", f"Where {found.activations} loses accuracy", of, tuple(says),
        (_noise(found.layers),), (_layer_table(found), _worst_table(found)),
        tuple(_histogram(layer, found.activations) for layer in found.layers[:MOST_HISTOGRAMS]),
    )  # fmt: skip


def _engines(one: Any) -> str:  # noqa: ANN401 - a pair of engines
    names = f"{one.first} and {one.second}"
    if one.difference is None:
        return f"{names} give the same bytes in all {one.layers:,} layers that both keep."
    at = one.difference
    return (
        f"{names} differ first in {at.layer}: {at.first_value} and {at.second_value} at "
        f"{at.place} of sample {at.sample:,}; {at.samples:,} of {one.samples:,} samples differ."
    )


def _noise(found: Sequence[LayerFigures]) -> Figure:
    shown = [layer for layer in found if layer.sqnr_db is not None][:MOST_LAYERS]
    values = [x for one in shown for x in (one.sqnr_db, one.own_sqnr_db) if x is not None]
    axis = linear("dB of the values above the error: a shorter bar is worse",
                  min(0.0, *values, 0.0), max(*values, 1.0))  # fmt: skip
    rows = [
        Bar(layer.name, tuple(
            (series, value, f"{value:.1f} dB")
            for series, value in enumerate((layer.sqnr_db, layer.own_sqnr_db))
            if value is not None
        ))
        for layer in shown
    ]  # fmt: skip
    lowest = min(shown, key=lambda one: one.sqnr_db or 0.0, default=None)
    says = f"Signal-to-quantization-noise ratio of {len(shown)} layers"
    if lowest:
        says += f"; the lowest is {lowest.sqnr_db:.1f} dB, of {lowest.name}"
    of = (
        "Signal-to-quantization-noise ratio of each layer's output, in the order in which they run."
    )
    names = ("all error, with what came from the layers before", "the layer's own error")
    return Figure("Error of each layer", of, bars(rows, axis, f"{says}."), key(names))


def _layer_table(found: LayersRecord) -> Table:
    columns = ("layer", "ratio, dB", "its own, dB", "largest error", "in steps", "cut off",
               "part of range used", "part of the answers' error", "answers changed")  # fmt: skip
    rows = [
        (
            one.name, _decibels(one.sqnr_db), _decibels(one.own_sqnr_db),
            f"{one.largest_error:.3g}", f"{one.largest_error_steps:.1f}", _part_of(one.cut_off),
            _part_of(one.range_used), NOTHING if one.output_share is None else
            _part_of(one.output_share),
            NOTHING if one.answers_changed is None else f"{one.answers_changed:,}",
        )
        for one in found.layers
    ]  # fmt: skip
    return Table(
        f"Each layer's output; a step is the scale of its {found.activations}", columns, tuple(rows)
    )


def _decibels(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.1f}"


def _part_of(share: float) -> str:
    if 0 < share < LEAST_SHARE:
        return f"<{100 * LEAST_SHARE:g} %"
    return f"{100 * share:.3g} %"


def _worst_table(found: LayersRecord) -> Table:
    columns = ("sample", "label", "float", found.activations, "largest difference")
    rows = [
        (
            f"{one.index:,}",
            *(text or NOTHING for text in (one.label, one.float_answer, one.int8_answer)),
            f"{one.error:.4g}",
        )
        for one in found.worst
    ]  # fmt: skip
    return Table(
        f"The samples whose answers {found.activations} changes most", columns, tuple(rows)
    )


def _histogram(layer: LayerFigures, kind: str) -> Figure:
    one = layer.histogram
    width = (one.high - one.low) / max(1, len(one.real))
    most = max(*one.real, *one.given, 1)
    plot = Plot(
        linear("value", one.low, one.high, "{:.3g}".format),
        linear("values", 0, most, "{:,.0f}".format), 180,
    )  # fmt: skip
    for series, counts in enumerate((one.real, one.given)):
        points = [(one.low, 0.0)]
        for place, count in enumerate(counts):
            begin = one.low + place * width
            points += [(begin, float(count)), (begin + width, float(count))]
        plot.line(points, series, marks=False)
    beyond = one.below + one.above
    of = f"{layer.kind}, {layer.values:,} values" + (f", {beyond:,} beyond" if beyond else "")
    says = f"Values of {layer.name} by equal parts of its {kind} range."
    return Figure(layer.name, f"{of}.", plot.svg(says), key(("float", kind)))


def schemes(found: SchemesRecord) -> Part:
    """Other ways to quantize the same float model, and the calibration curve."""
    of = (
        f"The float model {found.float_sha256[:12]}, quantized in {len(found.rows)} ways, each "
        f"judged by {found.images:,} test samples of {data_name(found.data['title'])}; "
        f"instructions on {found.board} with --optimize {found.goal}, {found.date[:10]}."
    )
    if not found.complete:
        of += " Not all schemes that were asked for are there yet."
    curve = _curve(found)
    reasons = [(f"{row.scheme}: {reason}", "") for row in found.rows for reason in row.reasons]
    return Part(
        "schemes", "Other ways to quantize", of, tuple(reasons), (curve,) if curve else (),
        (_scheme_table(found),),
    )  # fmt: skip


def _curve(found: SchemesRecord) -> Figure | None:
    """Accuracy, or of a regression the mean squared error, by the samples that calibrated."""
    is_class = found.task == Task.CLASSES
    known = [(count, row, _judged(row, is_class)) for count, row in found.curve]
    points = [(count, row, value) for count, row, value in known if value is not None]
    if len(points) < 2:
        return None
    ends = [value for _, row, value in points]
    if is_class:
        both = [end for _, row, _ in points for end in (row.low, row.high)]
        ends += [100 * end for end in both if end is not None]
    level = _level(found)
    ends += [] if level is None else [level]
    up = "accuracy, %" if is_class else "mean squared error"
    counts = [float(count) for count, *_ in points]
    plot = Plot(logarithmic("calibration samples", counts), linear(up, min(ends), max(ends)))
    if level is not None:
        plot.guide((counts[0], level), (counts[-1], level))
    for count, row, _ in points:
        if is_class and row.low is not None and row.high is not None:
            plot.whisker(float(count), 100 * row.low, 100 * row.high, 0)
    plot.line([(float(count), value) for count, _, value in points], 0)
    of = "The usual scheme. The broken line is the float model" + (
        "; whiskers are 95 % Wilson intervals." if is_class else "."
    )
    says = f"{up} by the number of calibration samples, from {counts[0]:g} to {counts[-1]:g}."
    return Figure("Calibration curve", of, plot.svg(says))


def _level(found: SchemesRecord) -> float | None:
    """The float model's figure, as :func:`_judged` has it of a scheme."""
    floats = found.float_figures
    if floats["accuracy"] is not None:
        return 100 * floats["accuracy"]
    return floats["error"]["mean_squared"] if floats["error"] else None


def _judged(row: Row, is_class: bool) -> float | None:
    if is_class:
        return None if row.accuracy is None else 100 * row.accuracy
    return None if row.error is None else row.error["mean_squared"]


def _scheme_table(found: SchemesRecord) -> Table:
    is_class = found.task == Task.CLASSES
    judged = ("accuracy", "95 % interval", "p against float") if is_class else ("squared error",)
    columns = ("scheme", *judged, ".tflite, bytes", f"cost on {found.board}", "flash, bytes",
               "bytes of C that differ")  # fmt: skip
    return Table("All schemes", columns, tuple(_scheme_row(row, is_class) for row in found.rows))


def _scheme_row(row: Row, is_class: bool) -> tuple[str, ...]:
    value = _judged(row, is_class)
    cells = [NOTHING if value is None else f"{value:.2f} %" if is_class else f"{value:.4g}"]
    if is_class:
        known = row.low is not None and row.high is not None
        cells.append(
            f"{100 * (row.low or 0):.2f} to {100 * (row.high or 0):.2f} %" if known else NOTHING
        )
        cells.append(NOTHING if row.mcnemar is None else f"{row.mcnemar:.2g}")
    cells.append(NOTHING if row.tflite_bytes is None else f"{row.tflite_bytes:,}")
    cost = row.cost
    cells += (
        [f"{cost.count:,} {cost.unit}", f"{cost.flash_bytes:,}"] if cost else [NOTHING, NOTHING]
    )
    cells.append(NOTHING if row.bytes_differ is None else f"{row.bytes_differ:,}")
    return f"{row.title} ({row.scheme})", *cells


def hardened(found: RobustnessRecord) -> Part:
    """Samples that are shifted, noisy, badly lit."""
    of = (
        f"{found.images:,} samples of {data_name(found.data['title'])} under each corruption"
        f" with seed {found.seed}, model {found.sha256[:12]}, {found.date[:10]}."
    )
    if found.board:
        of += f" {found.board.board} got the first {found.board.images:,} of each."
    said = [
        sentence for sentence in (robustness.verdict(found), robustness.worst(found)) if sentence
    ]
    return Part(
        "robustness", "Harder samples", of, tuple((one, "") for one in said),
        tuple(_by_amount(found)), (_robust_table(found),),
    )  # fmt: skip


def _value(one: Condition, name: str) -> float | None:
    """An engine's accuracy in percent, or its mean squared error."""
    engine = one.engine(name)
    if engine is None:
        return None
    if engine.accuracy is not None:
        return 100 * engine.accuracy
    return engine.error["mean_squared"] if engine.error else None


def _by_amount(found: RobustnessRecord) -> list[Figure]:
    """Accuracy by how strong a corruption is, of float and int8; a plot for each corruption."""
    whole, *others = found.conditions
    engines = [one.name for one in whole.engines if one.name in (*FLOATS, found.reference)]
    is_class = found.task == Task.CLASSES
    up = "accuracy, %" if is_class else "mean squared error"
    low, high = _ends(found, engines)
    figures = []
    for name, group in groupby(others, key=lambda one: one.name):
        same = [whole, *group]
        if len(same) < 3:
            continue
        texts = ["as is", *(f"{one.amount:g}" for one in same[1:])]
        ticks = tuple((float(place), text) for place, text in enumerate(texts))
        across = Axis(f"{name}, {same[1].unit}", -0.25, len(same) - 0.75, ticks)
        plot = Plot(across, linear(up, low, high), 190)
        for series, engine in enumerate(engines):
            _strengths(plot, same, engine, series)
        says = f"{up} of {len(engines)} engines by how much samples are {name}."
        titles = [title_of(engine, found.activations) for engine in engines]
        figures.append(Figure(name.capitalize(), "", plot.svg(says), key(titles)))
    return figures


def _ends(found: RobustnessRecord, engines: Sequence[str]) -> tuple[float, float]:
    """The least and the largest that is drawn: one scale for all plots."""
    values = []
    for one, name in ((one, name) for one in found.conditions for name in engines):
        value, engine = _value(one, name), one.engine(name)
        values += [] if value is None else [value]
        values += [100 * end for end in (engine.interval or ())] if engine else []
    return min(values), max(values)


def _strengths(plot: Plot, same: Sequence[Condition], name: str, series: int) -> None:
    """An engine's figures, from the samples as they are to the strongest corruption."""
    points = []
    for place, one in enumerate(same):
        value, engine = _value(one, name), one.engine(name)
        if value is None or engine is None:
            continue
        points.append((float(place), value))
        if engine.interval:
            low, high = (100 * end for end in engine.interval)
            plot.whisker(place + 0.03 * series, low, high, series)
    plot.line(points, series)


def _robust_table(found: RobustnessRecord) -> Table:
    names = [one.name for one in found.conditions[0].engines]
    tested = any(one.pair for one in found.conditions)
    is_class = found.task == Task.CLASSES
    interval = (f"95 % interval of {SHORT[found.reference]}",) if is_class else ()
    behind = ("p, corrected",) if tested else ()
    columns = ("samples", *(SHORT[name] for name in names), *interval, *behind)
    rows = []
    for one in found.conditions:
        cells = [_cell(one, name) for name in names]
        cells += [_interval(one, found.reference)] if is_class else []
        cells += [f"{one.pair.corrected_p:.2g}" if one.pair else NOTHING] if tested else []
        rows.append((one.text, *cells))
    what = "Accuracy" if is_class else "Mean squared error"
    of = f"; p is of float against {SHORT[found.reference]}" if tested else ""
    return Table(f"{what} under each corruption{of}", columns, tuple(rows))


def _interval(one: Condition, name: str) -> str:
    engine = one.engine(name)
    if engine is None or engine.interval is None:
        return NOTHING
    low, high = (100 * end for end in engine.interval)
    return f"{low:.2f} to {high:.2f} %"


def _cell(one: Condition, name: str) -> str:
    value, engine = _value(one, name), one.engine(name)
    if value is None or engine is None:
        return NOTHING
    return f"{value:.2f} %" if engine.accuracy is not None else f"{value:.4g}"
