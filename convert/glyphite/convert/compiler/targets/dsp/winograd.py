"""Winograd's F(2x2, 3x3) in whole numbers (``kernels/dsp/winograd.h``): weights, and proofs.

The transforms of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks" (2015), with
both factors of 1/2 left to the requantization.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.dsp.requantize import Int64, sums_fit
from glyphite.convert.compiler.targets.dsp.words import output_of

Fields = Mapping[str, Any]

G_TWICE = np.array([[2, 0, 0], [1, 1, 1], [1, -1, 1], [0, 0, 2]], np.int64)
"""Twice the matrix G of F(2x2, 3x3), in whole numbers."""
TRANSFORM_BITS = 2
"""Fraction bits that the two factors of 2 make."""
WINOGRAD_BITS = 6
"""Those of Winograd's sums: 16 times a transformed weight, which is within 9 * 128, fits."""
WINOGRAD_PAYS = 0.75
"""Winograd's multiplications over a direct convolution's, above which its transforms eat the gain:
where few tiles cover few outputs."""


def transform(weights: Int64) -> Int64:
    """4 * G g G^T: (channels, 3, 3, inputs) filters as (channels, 16, inputs)."""
    channels, _, _, inputs = weights.shape
    turned = np.einsum("ph,chwi,qw->cpqi", G_TWICE, weights, G_TWICE)
    return np.asarray(turned.reshape(channels, 16, inputs))


def is_3x3(window: Fields) -> bool:
    """Whether the filter is 3x3, with stride and dilation 1."""
    expected = {"kernel": 3, "stride": 1, "dilation": 1}
    return all(
        window[f"{name}_{side}"] == value
        for name, value in expected.items()
        for side in ("height", "width")
    )


def winograd_exact(fields: Fields) -> Proof:
    """Whether Winograd's sums are a convolution's, to the last bit: nothing is rounded or cut off.

    Transformed inputs are sums of four bytes; transformed weights have to fit 16 bits, and what is
    left of the sums at the end, 32.
    """
    name, channels = "Winograd is exact", fields["output_channels"]
    if not is_3x3(fields["window"]):
        return Proof(name, False, "filters of 3x3 at steps of 1 are served")
    if channels % 2 or fields["input_channels"] % 4:
        counts = f"{fields['input_channels']} to {channels} channels"
        return Proof(name, False, f"{counts}; multiples of 4 to multiples of 2 are served")
    weights = fields["weights"].astype(np.int64)
    largest = int(np.abs(transform(weights)).max()) << (WINOGRAD_BITS - TRANSFORM_BITS)
    sums = sums_fit(output_of(fields, weights.reshape(channels, -1)), WINOGRAD_BITS)
    return Proof(
        name,
        largest < 2**15 and sums.holds,
        f"transformed weights reach {largest:,} of {2**15 - 1:,}"
        + ("" if sums else f"; {sums.detail}"),
    )


def winograd_pays(fields: Fields) -> Proof:
    """By multiplications: 16 for a tile of 2x2 outputs, against 9 for an output."""
    name = "Winograd pays"
    if "conv" in fields:
        return Proof(name, True, "tiles are pools, so that none reaches outside")
    window = fields["window"]
    height, width = window["output_height"], window["output_width"]
    ratio = 16 * -(-height // 2) * -(-width // 2) / (9 * height * width)
    return Proof(
        name,
        ratio <= WINOGRAD_PAYS,
        f"{ratio:.2f} of the multiplications; its transforms leave a gain up to {WINOGRAD_PAYS}",
    )
