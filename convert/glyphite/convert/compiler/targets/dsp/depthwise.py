"""Constants of the DSP kernels for depthwise convolution (``kernels/dsp/depthwise_conv_2d*.h``)."""

from typing import Any

import numpy as np

from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.dsp.requantize import Int64
from glyphite.convert.compiler.targets.dsp.words import (
    Fields,
    Variant,
    choose_bits,
    inputs_of,
    interleave,
    is_simple,
    output_of,
    pairs_of,
    sides_of,
    start_of,
)

IMAGE_BELOW = 1020
"""GLYPHITE_IMAGE_BELOW of dsp/image.h."""


def depthwise_3x3(fields: Fields) -> Proof:
    """Whether each channel has one filter of 3x3, and channels come in fours."""
    channels, outputs = fields["input_channels"], fields["output_channels"]
    kernel, dilation = (sides_of(fields["window"], name) for name in ("kernel", "dilation"))
    return Proof(
        "depthwise filters are 3x3",
        kernel == "3x3" and dilation == "1x1" and channels % 4 == 0 and outputs == channels,
        f"filters of {kernel}, dilation {dilation}, {channels} channels to {outputs}",
    )


def depthwise_conv_2d(fields: Fields) -> Variant | None:
    """``dsp/depthwise_conv_2d_pair.h`` where the stride allows it, else the next one."""
    return _depthwise(fields, by_pairs=fields["window"]["stride_height"] == 1)


def depthwise_conv_2d_row(fields: Fields) -> Variant | None:
    """``dsp/depthwise_conv_2d.h``: 3x3, no dilation, by single rows."""
    return _depthwise(fields, by_pairs=False)


def depthwise_conv_2d_image(fields: Fields) -> Variant | None:
    """``dsp/depthwise_conv_2d_image.h``: stride 1 or 2, and outputs of the simplest form."""
    window = fields["window"]
    strides = (window["stride_height"], window["stride_width"])
    made = _depthwise_fields(fields, by_pairs=True) if strides in ((1, 1), (2, 2)) else None
    if made is None or not is_simple(made["requantize"]):
        return None
    columns = (window["output_width"] - 1) * strides[0] + 3
    if 16 * columns > IMAGE_BELOW:
        return None
    height = window["output_height"]
    pairs = height + 1 if strides[0] == 2 else (height + 3) // 2
    return Variant("dsp_depthwise_conv_2d_image", {"conv": made}, 4 * columns * pairs)


def _depthwise(fields: Fields, *, by_pairs: bool) -> Variant | None:
    made = _depthwise_fields(fields, by_pairs=by_pairs)
    if made is None:
        return None
    window = fields["window"]
    scratch = 8 * ((window["output_width"] - 1) * window["stride_width"] + 3)
    if not by_pairs:
        return Variant("dsp_depthwise_conv_2d", made, scratch)
    if window["output_height"] % 2 != 0:
        scratch += -(-window["output_width"] * fields["output_channels"] // 4)
    return Variant("dsp_depthwise_conv_2d_pair", {"conv": made}, scratch)


def _depthwise_fields(fields: Fields, *, by_pairs: bool) -> dict[str, Any] | None:
    channels = fields["input_channels"]
    if not depthwise_3x3(fields):
        return None
    flat = fields["weights"].astype(np.int64).reshape(9, channels).T
    found = choose_bits(output_of(fields, flat))
    if found is None:
        return None
    requantize, bits = found
    words = _depthwise_words(flat.reshape(channels, 3, 3) << bits, by_pairs=by_pairs)
    return {
        "inputs": inputs_of(fields, wide=True),
        "requantize": requantize.fields,
        "weights": interleave(start_of(fields, flat, requantize, bits), words, requantize, 1),
    }


def _depthwise_words(filters: Int64, *, by_pairs: bool) -> Int64:
    """(channels, words) filters (channels, 3, 3) in the order of the two kernels."""
    upper = pairs_of(filters[:, :2].transpose(0, 2, 1))
    if by_pairs:
        lower = pairs_of(filters[:, 1:].transpose(0, 2, 1))
        return np.stack([upper, lower], axis=2).reshape(len(filters), -1)
    last = np.pad(filters[:, 2], ((0, 0), (0, 1))).reshape(len(filters), 2, 2)
    return np.concatenate([upper, pairs_of(last)], axis=1)
