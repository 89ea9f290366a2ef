"""Scores as sure as they are right: one factor for what goes into the last softmax.

A network that learns from soft targets answers softly, whatever it knows. The factor changes no
answer, only how sure it is. C. Guo et al., "On Calibration of Modern Neural Networks" (2017), where
it is the inverse of the temperature.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import Labels

if TYPE_CHECKING:
    import keras

LEAST, MOST = 0.1, 10.0
"""The factors that are looked at."""
_STEPS = 40
"""Each leaves two thirds of the interval, so it ends far below what an int8 score can show."""


def sharpen(model: "keras.Model", scores: NDArray[np.float32], labels: Labels) -> float:
    """Multiply the weights of the last layer, dense with a softmax, by the best factor.

    ``scores`` (n, classes) are the model's own. Returns the factor.
    """
    factor = best_factor(scores, labels)
    last = model.layers[-1]
    last.set_weights([np.float32(factor) * values for values in last.get_weights()])
    return factor


def best_factor(scores: NDArray[np.float32], labels: Labels) -> float:
    """The factor of the logits under which ``labels`` (n,) have the least mean cross-entropy.

    ``scores`` (n, classes) are shares; their logarithms are the logits up to a constant. The loss
    is convex in the factor, so a search of thirds finds its minimum.
    """
    logits = np.log(np.maximum(scores.astype(np.float64), 1e-30))
    right = np.arange(len(labels)), labels

    def loss(factor: float) -> float:
        scaled = factor * logits
        return float((np.log(np.exp(scaled).sum(axis=1)) - scaled[right]).mean())

    low, high = LEAST, MOST
    for _ in range(_STEPS):
        third = (high - low) / 3
        if loss(low + third) < loss(high - third):
            high -= third
        else:
            low += third
    return (low + high) / 2
