"""Shapes and quantizations drawn at random, for models of one operator."""

import numpy as np

from tests.builders.models import SAME


def extent(size: int, kernel: int, stride: int, dilation: int, padding: int) -> int:
    """TensorFlow's output size, written down on its own."""
    if padding == SAME:
        return (size + stride - 1) // stride
    return (size - (kernel - 1) * dilation - 1) // stride + 1


def weight_scales(rng: np.random.Generator, channels: int, per_channel: bool) -> list[float]:
    """Scales for each channel, or one for all."""
    count = channels if per_channel else 1
    return [float(scale) for scale in np.exp(rng.uniform(-7, -4, count)).astype(np.float32)]


def zero_point_in(rng: np.random.Generator) -> int:
    """A zero point, often at int8's ends."""
    return int(rng.choice(np.array([-128, 127, rng.integers(-128, 128)])))


def output_scale_for(rng: np.random.Generator, scale: float, terms: int) -> float:
    """Spreads sums of ``terms`` products over a part of int8, or several times beyond it."""
    return float(np.float32(scale * np.sqrt(terms) * 50 * np.exp(rng.uniform(-1.5, 1.5))))
