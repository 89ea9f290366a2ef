"""One factor makes scores as sure as they are right, and changes no answer."""

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data.mnist import Mnist
from glyphite.train.fit import unit_images
from glyphite.train.networks.networks import network
from glyphite.train.networks.sharpen import best_factor, sharpen
from tests.strict import require_module


def drawn(factor: float, count: int = 20_000) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Scores that are right as often as they say once their logits are multiplied by ``factor``."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 2, (count, 5))
    honest = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (honest.cumsum(axis=1) > random.random((count, 1))).argmax(axis=1).astype(np.uint8)
    soft = np.exp(logits / factor)
    return (soft / soft.sum(axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_factor_is_found_that_makes_scores_honest(factor: float) -> None:
    assert best_factor(*drawn(factor)) == pytest.approx(factor, rel=0.05)


def test_the_last_layer_is_scaled_and_no_answer_changes(mnist: Mnist) -> None:
    require_module("tensorflow")
    model = network("uno")()
    images, labels = unit_images(mnist.test_images[:200]), mnist.test_labels[:200]
    before = np.asarray(model(images, training=False))
    factor = sharpen(model, before, labels)
    after = np.asarray(model(images, training=False))
    assert (before.argmax(axis=1) == after.argmax(axis=1)).all()
    scaled = before.astype(np.float64) ** factor
    assert after == pytest.approx(scaled / scaled.sum(axis=1, keepdims=True), abs=1e-4)
