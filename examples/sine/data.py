"""Points of a sine: numbers in, numbers out."""

import numpy as np
from numpy.typing import NDArray


def load() -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
    """1,000 points to learn from and 200 to test by: angles of 0 to 2 pi, and sines, (n, 1)."""
    rng = np.random.default_rng(1)
    angles = rng.uniform(0, 2 * np.pi, (1200, 1)).astype(np.float32)
    sines = np.sin(angles)
    return (angles[:1000], sines[:1000]), (angles[1000:], sines[1000:])
