"""Weights of the Winograd kernels (``kernels/dsp/winograd.h``)."""

import numpy as np

from convert.layouts.dsp_requantize import Int64

G_TWICE = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]], np.int64)
"""Twice the matrix G of F(2x2, 3x3), in whole numbers."""
TRANSFORM_BITS = 2
"""Fraction bits that the two factors of 2 make."""


def transform(weights: Int64) -> Int64:
    """4 * G g G^T: (channels, 3, 3, inputs) filters as (channels, 16, inputs)."""
    channels, _, _, inputs = weights.shape
    turned = np.einsum("ph,chwi,qw->cpqi", G_TWICE, weights, G_TWICE)
    return np.asarray(turned.reshape(channels, 16, inputs))
