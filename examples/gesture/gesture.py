"""A network for windows of an accelerometer that fits an Arduino Uno."""

import keras
from keras import layers


def network() -> keras.Model:
    """50 readings of 3 axes in, a share for each of 4 gestures out."""
    model = keras.Sequential(
        [
            keras.Input((50, 3)),
            layers.Conv1D(8, 5, strides=2, activation="relu"),
            layers.Conv1D(8, 5, strides=2, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01),  # in larger steps than the usual 0.001: it learns in seconds
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
