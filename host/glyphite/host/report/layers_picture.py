"""A picture of a look at the layers: the noise of each, and its values in float and in int8."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from glyphite.convert.errors import InputError
from glyphite.convert.extras import absent
from glyphite.convert.files import write_bytes
from glyphite.host.measure.layers_record import LayerFigures, LayersRecord

INK, PAPER, FAINT = "#22303c", "#ffffff", "#c9d2da"
REAL, GIVEN, CUT = "#3f7cb8", "#e08a2e", "#b3261e"
KINDS = ("png", "svg", "pdf")
ACROSS = 3
"""Histograms in a row."""
MOST_DB = 60.0
"""Noise that lies deeper is drawn so."""


def require_kind(path: Path) -> None:
    """Make sure that a picture can have this name. Raises InputError where it cannot."""
    if path.suffix[1:].lower() not in KINDS:
        kinds = ", ".join(f".{kind}" for kind in KINDS)
        raise InputError(f"{path} is not a picture's name. Let it end in one of {kinds}.")


def draw(record: LayersRecord, path: Path) -> None:
    """Write the picture of ``record`` to ``path``.

    Raises InputError where it cannot be written or ``path`` does not end in one of ``KINDS``,
    ToolError where matplotlib is not installed.
    """
    require_kind(path)
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise absent("matplotlib", "pictures") from error

    layers = record.layers
    rows = -(-len(layers) // ACROSS)
    bars = 1.2 + 0.3 * len(layers)
    figure = Figure(figsize=(12, 0.8 + bars + 2.1 * rows), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(
        f"{record.model}: where {record.activations} loses accuracy, on {record.samples:,} "
        f"samples of {record.data['title']} (model {record.sha256[:12]})",
        color=INK, fontsize=13, fontweight="bold", ha="left", x=0.01,
    )  # fmt: skip
    above, below = np.asarray(figure.subfigures(2, 1, height_ratios=(bars, 2.1 * rows)))
    _draw_noise(above.subplots(), layers)
    grid = np.asarray(below.subplots(rows, ACROSS, squeeze=False)).reshape(-1)
    for axes, layer in zip(grid, layers, strict=False):
        _draw_histogram(axes, layer, record.activations)
    for axes in grid[len(layers) :]:
        axes.axis("off")
    grid[0].legend(frameon=False, fontsize=8)
    picture = io.BytesIO()
    figure.savefig(picture, format=path.suffix[1:].lower(), dpi=130, facecolor=PAPER)
    write_bytes(path, picture.getvalue(), way_out="Name another path.")


def _draw_noise(axes: Any, layers: list[LayerFigures]) -> None:  # noqa: ANN401 - matplotlib has no types
    places = np.arange(len(layers))
    sides = (
        ("all of its error", REAL, -0.2, [layer.sqnr_db for layer in layers]),
        ("the error that it adds itself", GIVEN, 0.2, [layer.own_sqnr_db for layer in layers]),
    )
    for label, colour, shift, values in sides:
        heights = [0.0 if each is None else min(max(each, 0.5), MOST_DB) for each in values]
        axes.barh(places + shift, heights, 0.36, color=colour, label=label)
        for place, value in zip(places, values, strict=True):
            text = "none" if value is None else f"{value:.0f}"
            at = 0.0 if value is None else min(max(value, 0.5), MOST_DB)
            axes.text(at + 0.4, place + shift, text, va="center", fontsize=7, color=INK)
    axes.set_yticks(places, [layer.name for layer in layers], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, MOST_DB + 4)
    axes.set_xlabel("dB of the values above the error (signal-to-quantization-noise ratio)")
    title = "Noise of each layer: a shorter bar is worse"
    axes.set_title(title, loc="left", color=INK, fontsize=10)
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    _plain(axes)


def _draw_histogram(axes: Any, layer: LayerFigures, kind: str) -> None:  # noqa: ANN401
    found = layer.histogram
    edges = np.linspace(found.low, found.high, len(found.real) + 1)
    for label, counts, colour in (("float", found.real, REAL), (kind, found.given, GIVEN)):
        shares = np.array(counts, np.float64) / max(layer.values, 1)
        axes.stairs(shares, edges, color=colour, label=label, linewidth=1.4, fill=label == "float",
                    alpha=0.45 if label == "float" else 1.0)  # fmt: skip
    beyond = found.below + found.above
    axes.set_yscale("log")
    axes.set_ylim(0.3 / max(layer.values, 1), 2)
    axes.set_title(
        f"{layer.name}: {100 * beyond / max(layer.values, 1):.2g} % beyond the range"
        if layer.cut_off
        else layer.name,
        loc="left", fontsize=9, color=CUT if layer.cut_off > 0.001 else INK,
    )  # fmt: skip
    axes.set_xlabel("value", fontsize=7)
    axes.set_ylabel("share of values", fontsize=7)
    _plain(axes)


def _plain(axes: Any) -> None:  # noqa: ANN401
    axes.tick_params(labelsize=7, colors=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
