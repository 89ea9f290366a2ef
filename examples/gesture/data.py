"""Windows of an accelerometer's readings, made by a seeded generator in the place of recordings."""

import numpy as np
from numpy.typing import NDArray

CLASSES = ("rest", "wave", "circle", "shake")
ROWS, AXES = 50, 3
"""A window: one second at 50 readings a second, of x, y and z."""
RATE = 50
"""Readings a second."""
GRAVITY = 1000
"""The unit is a thousandth of g, as sensors of 16 bits tell it."""


def load() -> dict[str, object]:
    """900 windows to learn from and 300 to test by, (n, ROWS, AXES), and the class of each."""
    rng = np.random.default_rng(1)
    train, test = np.arange(900) % len(CLASSES), np.arange(300) % len(CLASSES)
    return {
        "x_train": np.stack([window(label, rng) for label in train]),
        "y_train": train,
        "x_test": np.stack([window(label, rng) for label in test]),
        "y_test": test,
        "classes": CLASSES,
    }


def window(label: int, rng: np.random.Generator) -> NDArray[np.int16]:
    """One window: a movement of its class, with a hand, a speed and a moment of its own."""
    turns = rng.uniform(1.2, 2.5) * np.arange(ROWS) / RATE + rng.uniform(0, 1)
    size, side = rng.uniform(250, 700), rng.choice([-1, 1])
    beat, quarter = np.sin(2 * np.pi * turns), np.cos(2 * np.pi * turns)
    still = np.zeros(ROWS)
    moves = {
        "rest": (still, still, still),
        "wave": (size * beat, 0.2 * size * quarter, still),
        "circle": (size * beat, side * size * quarter, still),
        "shake": (still, 0.2 * size * quarter, size * beat),
    }[CLASSES[label]]
    tilt = rng.normal(0, 0.08, (AXES, AXES))
    readings = np.stack([*moves[:2], moves[2] + GRAVITY], axis=1) @ (np.eye(AXES) + tilt)
    return np.round(readings + rng.normal(0, 40, readings.shape)).astype(np.int16)
