"""Words of 32 bits, of which the constants of all DSP kernels with weights consist."""

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.targets.dsp.requantize import Requantize
from glyphite.convert.compiler.targets.epilogue import Int64, Weighted, flat_weights

WORD_BYTES = 4


def start_of(layer: Weighted, requantize: Requantize, bits: int) -> Int64:
    """(channels) what sums start from: the bias, less the input's zero point times all weights."""
    moved = layer.input_offset * flat_weights(layer).sum(axis=1)
    bias = layer.output.bias.astype(np.int64) + moved
    return np.asarray((bias << bits) + requantize.extra)


def pairs_of(halves: Int64) -> Int64:
    """Words from (..., 2) halves, the lower first."""
    return np.asarray((halves[..., 0] & 0xFFFF) | (halves[..., 1] & 0xFFFF) << 16)


def interleave(
    bias: Int64, words: Int64, requantize: Requantize, together: int
) -> NDArray[np.int32]:
    """For each ``together`` channels: biases, weights, numbers, their words side by side."""
    rows = np.concatenate([bias[:, None], words, requantize.numbers.T], axis=1)
    missing = -len(rows) % together
    rows = np.concatenate([rows, np.zeros((missing, rows.shape[1]), np.int64)])
    groups = rows.reshape(-1, together, rows.shape[1]).transpose(0, 2, 1)
    return words_of(groups)


def words_of(values: Int64) -> NDArray[np.int32]:
    """Any whole numbers as 32-bit words, one after another."""
    return (values.ravel() & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
