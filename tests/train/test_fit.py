"""A training run learns, is repeatable to the last bit, and keeps what it learnt."""

import hashlib
import json
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.train.fit import Settings, Trained, fit, unit_images
from glyphite.train.networks.recipes import train
from tests.builders.training import digest, digests_elsewhere, few
from tests.strict import require_module

require_module("tensorflow")

FEW = Settings("seed", epochs=2, batch_size=32, seed=7)

IMAGES = 1000


@pytest.fixture(scope="module")
def trained(mnist: Mnist) -> Trained:
    """One run that several tests look at, by the recipe of the network's name."""
    return train(FEW, few(mnist, IMAGES))


def test_a_run_learns(trained: Trained) -> None:
    loss, accuracy = trained.history["loss"], trained.history["val_accuracy"]
    assert loss[1] < 0.8 * loss[0]
    assert accuracy[1] > 0.6


def test_the_history_has_each_figure_once_an_epoch(trained: Trained) -> None:
    """As ``fit`` does it; the recipe of the network `uno` judges once."""
    assert trained.model.name == "seed"
    assert set(trained.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(row) for row in trained.history.values()} == {2}


def test_the_same_seed_gives_the_same_weights_and_history(trained: Trained, mnist: Mnist) -> None:
    again = fit(FEW, few(mnist, IMAGES))
    assert digest(again) == digest(trained)
    assert again.history == trained.history


def test_runs_in_other_processes_are_the_same_and_say_nothing() -> None:
    assert len(digests_elsewhere(FEW, 128)) == 1


def test_another_seed_gives_other_weights_and_progress_counts_every_batch(
    trained: Trained, mnist: Mnist
) -> None:
    data, settings = few(mnist, IMAGES), replace(FEW, seed=8)
    reports: list[tuple[int, str | None]] = []

    def progress(steps: int = 1, note: str | None = None) -> None:
        reports.append((steps, note))

    other = fit(settings, data, progress)
    assert digest(other) != digest(trained)
    assert sum(steps for steps, _ in reports) == settings.batches(len(data.train_images)) == 64
    assert reports[0] == (0, "loading TensorFlow")
    assert str(reports[-1][1]).startswith("epoch 2/2  loss ")


def test_an_interrupt_waits_for_the_end_of_a_batch_and_then_ends_the_run(mnist: Mnist) -> None:
    """Raised at once, in the midst of TensorFlow's work, it can come out as a SystemError."""
    before = signal.getsignal(signal.SIGINT)
    outlived: list[int] = []

    def progress(steps: int = 1, note: str | None = None) -> None:
        if steps:
            os.kill(os.getpid(), signal.SIGINT)
            outlived.append(steps)

    with pytest.raises(KeyboardInterrupt):
        fit(FEW, few(mnist, IMAGES), progress)
    assert outlived == [1]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_saved_model_answers_as_the_trained_one(
    trained: Trained, mnist: Mnist, tmp_path: Path
) -> None:
    import keras

    trained.save(tmp_path / "model.keras", tmp_path / "history.json")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    images = mnist.test_images[:20]
    scores = trained.scores(images)
    assert scores.shape == (20, 10)
    assert np.array_equal(np.asarray(loaded(unit_images(images), training=False)), scores)


def test_the_history_file_says_what_was_run(trained: Trained, tmp_path: Path) -> None:
    trained.save(tmp_path / "model.keras", tmp_path / "history.json")
    document = json.loads((tmp_path / "history.json").read_text())
    settings: dict[str, object] = {"network": "seed", "epochs": 2, "batch_size": 32, "seed": 7}
    settings["parameters"] = 93_322
    content = (tmp_path / "model.keras").read_bytes()
    settings["float_sha256"] = hashlib.sha256(content).hexdigest()
    settings |= {"recipe": "plain", "hyperparameters": None, "judged_by": "test"}
    settings |= {"preprocessing": {"divisor": 255, "mean": [0], "deviation": [1], "colours": "rgb"}}
    assert document == settings | trained.history | {"data": None}


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_training_that_diverged_is_not_kept(
    trained: Trained, tmp_path: Path, value: float
) -> None:
    diverged = replace(trained, history={"loss": [0.5, value]})
    with pytest.raises(CheckFailedError, match="training of 'seed' has diverged"):
        diverged.save(tmp_path / "model.keras", tmp_path / "history.json")
    assert not list(tmp_path.iterdir())


def test_pixels_become_the_unit_range(mnist: Mnist) -> None:
    images = unit_images(mnist.test_images[:9])
    assert images.shape == (9, 28, 28, 1)
    assert images.dtype == np.float32
    assert (images.min(), images.max()) == (0, 1)


def test_an_unknown_network_is_refused_before_any_work(mnist: Mnist) -> None:
    with pytest.raises(InputError, match="No network called 'none'"):
        fit(replace(FEW, network="none"), mnist)
