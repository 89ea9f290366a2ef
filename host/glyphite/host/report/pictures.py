"""Pictures of samples for the page, as data URIs or as SVG, so that it needs no other files."""

import base64
import io
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from PIL import Image

from glyphite.host.report import samples
from glyphite.host.report.samples import Shown
from glyphite.host.report.svg import Plot, key, linear

MOST_SIDE = 96
"""Of a picture, in pixels: a larger one is made smaller."""
DARK = 64
"""Of 255: half of what is strokes on black is below."""
MOST_BYTES = 300_000
"""Of all pictures of a page together: the samples behind have none."""
MOST_READINGS = 256
"""Of a sample that is no picture, as it is drawn: of more, some that are evenly spread."""
MOST_AXES = 6

Document = dict[str, Any]


def of_samples(shown: list[Shown]) -> list[Document]:
    """For each sample its entry, and what the page shows of its inputs."""
    found, left = [], MOST_BYTES
    for one in shown:
        inputs = [_drawn(name, raw) for name, raw in one.inputs] if left > 0 else []
        left -= sum(len(each.get("source") or each.get("plot") or "") for each in inputs)
        found.append({**one.entry, "inputs": inputs})
    return found


def _drawn(name: str, raw: NDArray[Any]) -> Document:
    seen = samples.pixels(raw)
    if seen is None:
        return {"name": name, "source": None, "plot": _readings(raw), "is_grey": False}
    drawn, is_grey = sample(seen), is_strokes(seen)
    return {"name": name, "source": drawn, "plot": None, "is_grey": is_grey}


def is_strokes(pixels: NDArray[np.uint8]) -> bool:
    """Whether it is light strokes on black, as MNIST's digits are: drawn dark on light here."""
    return pixels.ndim == 2 and bool(np.median(pixels) < DARK)


def sample(pixels: NDArray[np.uint8]) -> str:
    """A sample (height, width) or (height, width, 3) as the data URI of a PNG.

    Light strokes on black are drawn dark on light; the page enlarges it.
    """
    image = Image.fromarray(255 - pixels if is_strokes(pixels) else pixels)
    if max(image.size) > MOST_SIDE:
        image.thumbnail((MOST_SIDE, MOST_SIDE))
    content = io.BytesIO()
    image.save(content, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def _readings(raw: NDArray[Any]) -> Markup:
    """A sample that is no picture: each axis of a sensor, or a vector, as a line."""
    series = raw.reshape(-1, raw.shape[-1]).T if raw.ndim > 1 and raw.shape[-1] <= MOST_AXES else (
        raw.reshape(1, -1)
    )  # fmt: skip
    places = np.unique(
        np.linspace(0, series.shape[1] - 1, min(series.shape[1], MOST_READINGS)).astype(int)
    )
    across = linear("place in the sample", 0, max(1, series.shape[1] - 1), "{:,.0f}".format)
    plot = Plot(across, linear("value", float(raw.min()), float(raw.max()), "{:.4g}".format), 170)
    for number, one in enumerate(series):
        points = [(float(place), float(one[place])) for place in places]
        plot.line(points, number, marks=len(points) <= 12)
    names = [f"axis {number + 1}" for number in range(len(series))]
    shown = plot.svg("The values of the sample, by their place in it.")
    return shown + key(names) if len(names) > 1 else shown
