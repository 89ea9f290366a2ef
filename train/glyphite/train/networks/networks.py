"""The networks by name, as Keras models that are not trained."""

import difflib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from glyphite.convert.errors import InputError
from glyphite.convert.user_code import answer_of, named

if TYPE_CHECKING:
    import keras


def seed() -> "keras.Model":
    """The digit recogniser that Glyphite starts from: 93,322 parameters, 2,794,240 MACs."""
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Dropout(0.25),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ],
        name="seed",
    )


def uno() -> "keras.Model":
    """A digit CNN for 32 KB of flash and 2 KB of RAM: 20,360 weights, 201,992 MACs.

    The output of the last convolution is a single place of 36 channels. Batch normalization is for
    training only; the converter folds it into the convolutions. ``docs/uno-model.md`` gives the
    reasons for each layer.
    """
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((28, 28, 1)),
            *with_batch_norm(8, 4, strides=2),
            *with_batch_norm(16, 3),
            layers.MaxPooling2D(2),
            *with_batch_norm(40, 3),
            *with_batch_norm(36, 3),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ],
        name="uno",
    )


def uno_fast() -> "keras.Model":
    """A digit CNN that an Arduino Uno computes in at most 25 ms: 44,832 MACs, 12,864 weights.

    ``docs/uno-model.md`` gives the reasons for each layer.
    """
    from keras import Input, Sequential, layers

    return Sequential(
        [
            Input((28, 28, 1)),
            *with_batch_norm(8, 6, strides=3),
            *with_batch_norm(24, 3, strides=2),
            *with_batch_norm(48, 3),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ],
        name="uno-fast",
    )


def with_batch_norm(channels: int, kernel: int, strides: int = 1) -> "list[keras.Layer]":
    """A convolution without padding, batch normalization and ReLU."""
    from keras import layers

    return [
        layers.Conv2D(channels, kernel, strides=strides, use_bias=False),
        layers.BatchNormalization(momentum=0.95),
        layers.ReLU(),
    ]


NETWORKS: dict[str, Callable[[], "keras.Model"]] = {
    "seed": seed,
    "uno": uno,
    "uno-fast": uno_fast,
}
"""Every network that ``glyphite train`` knows. A new one is a function and an entry here."""


def network(name: str) -> Callable[[], Any]:
    """The function that makes the network ``name``: one of ours, or ``FILE.py:FUNCTION``.

    Raises InputError where there is none. What is returned for the user's own raises CodeError
    where that does.
    """
    if name in NETWORKS:
        return NETWORKS[name]
    if (own := named(name)) is not None:
        return lambda: answer_of(own)
    known = ", ".join(sorted(NETWORKS))
    if name.endswith((".keras", ".tflite")) or "/" in name or "\\" in name:
        raise InputError(
            f"{name!r} is a path, and no network: there are {known}, and FILE.py:FUNCTION that "
            "makes one. A .keras file that is trained already is quantized by `glyphite convert "
            "FILE.keras`; a .tflite needs neither: name its path wherever a model is asked for."
        )
    near = difflib.get_close_matches(name, NETWORKS, 1)
    meant = f"Did you mean {near[0]}? " if near else ""
    raise InputError(
        f"No network called {name!r}. {meant}There are: {known}. One of your own is "
        "FILE.py:FUNCTION, which makes a keras.Model; one that is trained already, as a .keras "
        "file, is quantized by `glyphite convert`."
    )
