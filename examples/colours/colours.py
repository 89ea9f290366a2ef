"""A small convolutional network for pictures in colour."""

import keras
from keras import layers


def network() -> keras.Model:
    """Pictures of 16x16 pixels in 3 colours in, a share for each of 4 directions out."""
    model = keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(5),  # wherever the badge lies
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )
    model.compile(
        keras.optimizers.Adam(0.01),  # in larger steps than the usual 0.001: it learns in seconds
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
