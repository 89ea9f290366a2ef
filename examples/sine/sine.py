"""A network that learns a curve, and fits an Arduino Uno."""

import keras
from keras import layers


def network() -> keras.Model:
    """A number in, a number out."""
    model = keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(16, activation="relu"),
            layers.Dense(16, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "mse")  # in larger steps than the usual 0.001
    return model
