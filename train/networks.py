"""The networks by name, as Keras models that are not trained yet."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from convert.errors import InputError

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


NETWORKS: dict[str, Callable[[], "keras.Model"]] = {"seed": seed}
"""Every network that ``glyphite train`` knows. A new one is a function and an entry here."""


def network(name: str) -> Callable[[], "keras.Model"]:
    """What makes the network called ``name``; InputError where there is none."""
    if name not in NETWORKS:
        raise InputError(
            f"No network called {name!r}. Known: {', '.join(sorted(NETWORKS))}. "
            "A new one is a function in train/networks.py."
        )
    return NETWORKS[name]
