"""Small pictures in colour, made by a seeded generator: a badge that is half red and half blue.

Its red half lies where a robot is to go. All classes have the same colours in the same amounts, so
that only the place of one beside the other tells them apart.
"""

import numpy as np
from numpy.typing import NDArray

CLASSES = ("up", "right", "down", "left")
SIDE = 16
"""Pixels of a picture's height and width."""
RED, BLUE = (200, 50, 50), (50, 70, 200)


def load() -> dict[str, object]:
    """800 pictures to learn from and 200 to test by, (n, SIDE, SIDE, 3), and their classes."""
    rng = np.random.default_rng(1)
    train, test = np.arange(800) % len(CLASSES), np.arange(200) % len(CLASSES)
    return {
        "x_train": np.stack([picture(label, rng) for label in train]),
        "y_train": train,
        "x_test": np.stack([picture(label, rng) for label in test]),
        "y_test": test,
        "classes": CLASSES,
    }


def picture(label: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One picture: the badge somewhere on a ground of any colour, in any light."""
    half = int(rng.integers(2, 5))
    badge = np.empty((2 * half, 2 * half, 3))
    badge[:half], badge[half:] = RED, BLUE
    picture = np.full((SIDE, SIDE, 3), rng.uniform(40, 215, 3))
    top, left = rng.integers(0, SIDE - 2 * half + 1, 2)
    picture[top : top + 2 * half, left : left + 2 * half] = np.rot90(badge, -label)
    lit = picture * rng.uniform(0.7, 1.2) + rng.normal(0, 12, picture.shape)
    return np.clip(lit, 0, 255).astype(np.uint8)
