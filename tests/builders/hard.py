"""A network that int8 reads badly: one channel of it is a hundred times as large as all others."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGER = 100


def hard_network() -> Any:  # noqa: ANN401 - Keras has no types
    """8 inputs, a large channel among 16, a batch norm, 4 classes; its weights are fixed."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(16),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    first, second, norm, _, last = model.layers
    kernel, bias = first.get_weights()
    kernel[:, 0] *= LARGER
    first.set_weights([kernel, bias])
    kernel, bias = second.get_weights()
    kernel[0] /= LARGER
    second.set_weights([kernel, bias])
    ends = ((0.5, 2.0), (-0.1, 0.1), (-0.2, 0.2), (0.01, 0.5))
    norm.set_weights([np.linspace(low, high, 16) for low, high in ends])
    kernel, bias = last.get_weights()
    last.set_weights([4 * kernel, bias])
    return model


def samples(count: int, seed: int) -> NDArray[np.float32]:
    """(count, 8) numbers of -1 to 1."""
    return np.random.default_rng(seed).uniform(-1, 1, (count, 8)).astype(np.float32)
