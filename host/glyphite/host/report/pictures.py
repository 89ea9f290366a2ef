"""The report's pictures by matplotlib, as data URIs, so that the page needs no other files."""

import base64
import io
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

LIGHT_INK, DARK_INK = "#3a4048", "#c9ced6"
TRAINING, TEST = "#8aa9c8", "#3f7cb8"


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return find_spec("matplotlib") is not None


def sample(pixels: NDArray[np.uint8]) -> str:
    """A sample (height, width) or (height, width, 3) as the data URI of a PNG.

    What has one shade only is drawn dark on light; the page enlarges it.
    """
    from matplotlib import image

    content = io.BytesIO()
    image.imsave(content, pixels, cmap="gray_r", vmin=0, vmax=255, format="png")
    return _data_uri(content)


def training_curves(history: dict[str, Any], is_dark: bool) -> str:
    """Accuracy and loss by epoch as the data URI of a PNG with a transparent background."""
    import matplotlib
    from matplotlib.figure import Figure

    ink = DARK_INK if is_dark else LIGHT_INK
    inks = ("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color")
    settings: dict[Any, Any] = dict.fromkeys(inks, ink) | {"font.size": 10}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(8, 2.7), dpi=200, layout="constrained")
        keys = [key for key in ("accuracy", "loss") if history[key] is not None]
        for axes, key in zip(figure.subplots(1, len(keys), squeeze=False).flat, keys, strict=True):
            epochs = range(1, len(history[key]) + 1)
            axes.plot(epochs, history[key], "o-", color=TRAINING, label="training images")
            tested = history[f"val_{key}"]  # after each epoch, or after the last alone
            axes.plot(
                epochs[len(epochs) - len(tested) :], tested, "o-", color=TEST, label="test images"
            )
            axes.set(xlabel="epoch", title=key)
            axes.xaxis.get_major_locator().set_params(integer=True)
            axes.spines[["top", "right"]].set_visible(False)
            axes.grid(axis="y", alpha=0.25)
        axes.legend(frameon=False)
        content = io.BytesIO()
        figure.savefig(content, format="png", transparent=True)
    return _data_uri(content)


def _data_uri(png: io.BytesIO) -> str:
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()
