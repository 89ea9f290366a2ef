"""The four pictures are there, show what they should, and in the right colours."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.errors import ToolError
from glyphite.train.pictures import DPI, RIGHT, TRAINING, VALIDATION, WRONG, Gallery
from tests.paths import PROJECT
from tests.strict import require_module

require_module("matplotlib")

HISTORY = {
    "accuracy": [0.9, 0.95, 0.96],
    "val_accuracy": [0.97, 0.98, 0.985],
    "loss": [0.3, 0.1, 0.08],
    "val_loss": [0.08, 0.05, 0.04],
}
NAMES = ["training_images.png", "accuracy.png", "loss.png", "prediction.png"]
SURE_OF_SEVEN = np.array([0, 0, 0.01, 0, 0, 0, 0, 0.98, 0, 0.01], np.float32)


def pixels(path: Path) -> NDArray[np.uint8]:
    """(height, width, 3)."""
    return np.asarray(Image.open(path).convert("RGB"))


def area(path: Path, colour: str) -> int:
    """How many pixels have this ``#rrggbb`` exactly."""
    wanted = np.frombuffer(bytes.fromhex(colour[1:]), np.uint8)
    return int((pixels(path) == wanted).all(axis=2).sum())


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """Draws into this test's own folder."""
    return Gallery(tmp_path)


def test_a_run_leaves_four_pictures(gallery: Gallery, mnist: Mnist) -> None:
    gallery.draw(mnist, HISTORY, SURE_OF_SEVEN)
    assert gallery.written == [gallery.folder / name for name in NAMES]
    assert sorted(path.name for path in gallery.folder.iterdir()) == sorted(NAMES)
    for path in gallery.written:
        shades = Image.open(path).convert("RGB").getcolors(maxcolors=1 << 24)
        assert shades is not None
        assert len(shades) > 20, f"{path.name} is nearly empty"


def test_the_training_images_are_drawn_in_their_places(gallery: Gallery, mnist: Mnist) -> None:
    gallery.training_images(mnist.train_images, mnist.train_labels)
    before = pixels(gallery.written[0])
    assert before.shape == (round(7.2 * DPI), round(6.4 * DPI), 3)
    without_last = mnist.train_images[:25].copy()
    without_last[24] = 0
    gallery.training_images(without_last, mnist.train_labels)
    rows, columns = np.nonzero((pixels(gallery.written[0]) != before).any(axis=2))
    assert rows.min() > 0.8 * before.shape[0]
    assert columns.min() > 0.8 * before.shape[1]


@pytest.mark.parametrize("what", ["accuracy", "loss"])
def test_both_curves_are_drawn(gallery: Gallery, what: str) -> None:
    gallery.by_epoch(what, HISTORY[what], HISTORY[f"val_{what}"])
    assert area(gallery.written[0], TRAINING) > 500
    assert area(gallery.written[0], VALIDATION) > 500


def test_fewer_test_values_than_epochs_stand_at_the_last_epochs(gallery: Gallery) -> None:
    gallery.by_epoch("loss", [0.9, 0.5, 0.4, 0.3], [0.1])
    picture = pixels(gallery.written[0])
    wanted = np.frombuffer(bytes.fromhex(VALIDATION[1:]), np.uint8)
    rows, columns = np.nonzero((picture == wanted).all(axis=2))
    drawn = columns[rows < 0.8 * picture.shape[0]]  # not the legend's, which lies below
    assert len(drawn) > 20
    assert drawn.min() > 0.8 * picture.shape[1]


def test_a_single_epoch_shows_as_points(gallery: Gallery) -> None:
    gallery.by_epoch("loss", [0.3], [0.1])
    assert area(gallery.written[0], TRAINING) > 100


def test_a_right_prediction_is_blue(gallery: Gallery, mnist: Mnist) -> None:
    gallery.prediction(mnist.test_images[0], SURE_OF_SEVEN, 7)
    assert area(gallery.written[0], RIGHT) > 10_000
    assert area(gallery.written[0], WRONG) == 0


def test_a_wrong_prediction_is_red_and_the_true_digit_blue(gallery: Gallery, mnist: Mnist) -> None:
    scores = np.full(10, 0.05, np.float32)
    scores[[3, 7]] = 0.4, 0.2
    gallery.prediction(mnist.test_images[0], scores, 7)
    red, blue = (area(gallery.written[0], colour) for colour in (WRONG, RIGHT))
    assert red > 1.8 * blue > 5_000


def test_showing_without_a_screen_is_refused_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib import pyplot

    pyplot.switch_backend("agg")
    with pytest.raises(ToolError) as caught:
        Gallery(tmp_path, show=True)
    assert str(caught.value) == (
        "--show needs a screen, and none was found. Leave out --show: the pictures are "
        "written as PNG files anyway."
    )


def test_shown_pictures_are_written_and_open(tmp_path: Path, mnist: Mnist) -> None:
    from matplotlib import pyplot

    pyplot.switch_backend("template")  # matplotlib's own backend that shows nothing
    try:
        gallery = Gallery(tmp_path, show=True)
        gallery.draw(mnist, HISTORY, SURE_OF_SEVEN)
        assert len(pyplot.get_fignums()) == 4
        gallery.show()
        assert area(tmp_path / "prediction.png", RIGHT) > 10_000
    finally:
        pyplot.close("all")
        pyplot.switch_backend("agg")


def test_without_matplotlib_the_way_out_is_named(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from glyphite.host.cli import main; sys.exit(main(['train', 'seed']))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert answer.stderr == (
        "glyphite train: The package matplotlib is not installed, and the pictures of a training "
        "run need it. Install it with `pip install 'glyphite[train]'`.\n"
    )
