"""The four pictures of a training run, as PNG files and, on request, on screen."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import Images, Mnist
from glyphite.convert.errors import ToolError
from glyphite.convert.extras import absent
from glyphite.convert.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIGHT, WRONG, OTHER = "#1f6fb4", "#c8382f", "#a9b0b7"
TRAINING, VALIDATION = "#e08a1e", "#1f6fb4"
INK, FAINT = "#22272c", "#d9dde1"
DPI = 150


class Gallery:
    """Draws each picture and writes it into ``folder``; with ``show`` it can be shown as well.

    Raises ToolError when it is made, and not after a long training, where matplotlib or the screen
    is missing.
    """

    def __init__(self, folder: Path, show: bool = False) -> None:
        self.folder = folder
        self.written: list[Path] = []
        self._show = show
        try:
            import matplotlib.figure  # noqa: F401
        except ModuleNotFoundError as error:
            package = str(error.name).partition(".")[0]
            raise absent(package, "the pictures of a training run") from error
        if show:
            _require_screen()

    def draw(
        self,
        data: Mnist,
        history: dict[str, list[float]],
        scores: NDArray[np.float32],
        judged_by: str = "test set",
    ) -> None:
        """Write all four pictures; ``scores`` (10,) are those of the first test image.

        ``judged_by`` names the samples of the ``val_`` figures.

        Raises InputError, as each method below does, where the folder cannot be written.
        """
        self.training_images(data.train_images, data.train_labels)
        for what in ("accuracy", "loss"):
            self.by_epoch(what, history[what], history[f"val_{what}"], judged_by)
        self.prediction(data.test_images[0], scores, int(data.test_labels[0]))

    def training_images(self, images: Images, labels: NDArray[np.uint8]) -> None:
        """``training_images.png``: the first 25 images (n, 28, 28), each above its label."""
        figure = self._figure(6.4, 7.2)
        figure.suptitle("The first 25 training images and their labels", color=INK, fontsize=13)
        for place, axes in enumerate(figure.subplots(5, 5).flat):
            _picture(axes, images[place])
            axes.set_xlabel(str(labels[place]), fontsize=12, color=INK, labelpad=3)
        self._write(figure, "training_images.png")

    def curves(self, history: Mapping[str, list[float]], judged_by: str) -> None:
        """The pictures of a run on any data: loss, and accuracy where there are classes.

        ``judged_by`` names the samples of the ``val_`` figures. Raises InputError as
        :meth:`by_epoch` does.
        """
        for what in ("accuracy", "loss"):
            if what in history:
                self.by_epoch(what, history[what], history[f"val_{what}"], judged_by)

    def by_epoch(
        self,
        what: str,
        training: Sequence[float],
        validation: Sequence[float],
        judged_by: str = "test set",
    ) -> None:
        """``accuracy.png`` or ``loss.png``: both curves over the epochs, with their last values.

        Where ``validation`` has fewer values than ``training``, they are those of the last epochs.
        """
        from matplotlib.ticker import MaxNLocator

        figure = self._figure(7.2, 4.8)
        axes = figure.subplots()
        percent = what == "accuracy"
        form = "{:.2f} %" if percent else "{:.4f}"
        factor = 100.0 if percent else 1.0
        epochs = range(1, len(training) + 1)
        curves = (
            ("training (while it learns)", training, TRAINING),
            (judged_by, validation, VALIDATION),
        )
        for name, values, colour in curves:
            scaled = [factor * value for value in values]
            label = f"{name}, at the end {form.format(scaled[-1])}"
            drawn = epochs[-len(scaled) :]
            axes.plot(drawn, scaled, "o-", color=colour, label=label, markersize=5, linewidth=1.8)
        frame_axes(axes)
        axes.set_xlim(0.5, len(training) + 0.5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=10, integer=True, min_n_ticks=1))
        axes.set_xlabel("epoch")
        axes.set_ylabel("accuracy (%)" if percent else "loss")
        axes.set_title(f"{what.capitalize()} by epoch", color=INK, fontsize=13, pad=10)
        figure.legend(frameon=False, loc="outside lower center", ncols=2)
        self._write(figure, f"{what}.png")

    def prediction(self, image: Images, scores: NDArray[np.float32], label: int) -> None:
        """``prediction.png``: a test image (28, 28) and the ten ``scores`` that it got.

        The predicted digit's bar is blue where it is right and red where it is wrong; then the
        true digit's bar is blue.
        """
        predicted = int(np.argmax(scores))
        colours = [OTHER] * len(scores)
        colours[label] = RIGHT
        colours[predicted] = RIGHT if predicted == label else WRONG
        figure = self._figure(8.4, 4.2)
        left, right = figure.subplots(1, 2, width_ratios=(1, 1.35))
        _picture(left, image)
        title = f"Predicted {predicted} with {100 * scores[predicted]:.1f} %, true label {label}"
        figure.suptitle(title, color=colours[predicted], fontsize=14)
        bars = right.bar(range(len(scores)), 100 * scores, color=colours, width=0.75)
        shown = [f"{100 * score:.1f}" if score >= 0.0005 else "" for score in scores]
        right.bar_label(bars, shown, fontsize=9, padding=2, color=INK)
        frame_axes(right)
        right.set_xticks(range(len(scores)))
        right.set_ylim(0, 108)
        right.set_yticks(range(0, 101, 20))
        right.set_xlabel("digit")
        right.set_ylabel("score (%)")
        self._write(figure, "prediction.png")

    def show(self) -> None:
        """Show every picture, and wait until the user closes the windows."""
        if self._show:
            from matplotlib import pyplot

            pyplot.show()

    def _figure(self, width: float, height: float) -> "Figure":
        """A figure, in inches; made by pyplot only where it is to be shown."""
        from matplotlib.layout_engine import ConstrainedLayoutEngine

        layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1)
        if self._show:
            from matplotlib import pyplot

            return pyplot.figure(figsize=(width, height), layout=layout)
        from matplotlib.figure import Figure

        return Figure(figsize=(width, height), layout=layout)

    def _write(self, figure: "Figure", name: str) -> None:
        content = io.BytesIO()
        figure.savefig(content, format="png", dpi=DPI, facecolor="white")
        write_bytes(self.folder / name, content.getvalue())
        self.written.append(self.folder / name)


def _require_screen() -> None:
    from matplotlib import pyplot

    if pyplot.get_backend().lower() == "agg":  # the fallback of matplotlib without a screen
        raise ToolError(
            "--show needs a screen, and none was found. Leave out --show: the pictures are "
            "written as PNG files anyway."
        )


def _picture(axes: "Axes", image: Images) -> None:
    """Dark strokes on white, framed, without ticks."""
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_color(FAINT)


def frame_axes(axes: "Axes") -> None:
    """Two grey axes, and a faint horizontal grid behind the values."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(OTHER)
    axes.tick_params(colors=INK, length=3)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
