"""Constants of the DSP kernels, from the fields of the portable ones (``kernels/dsp``).

:func:`variant` takes a portable kernel's name and fields and gives a DSP kernel's, or None where
that kernel cannot give the same bytes: the portable one then stays.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.dsp.add import factors
from glyphite.convert.compiler.targets.dsp.depthwise import (
    depthwise_conv_2d,
    depthwise_conv_2d_image,
)
from glyphite.convert.compiler.targets.dsp.requantize import COMMON_SHIFT, Int64, Requantize, choose
from glyphite.convert.compiler.targets.dsp.winograd import (
    TRANSFORM_BITS,
    WINOGRAD_BITS,
    is_3x3,
    transform,
    winograd_exact,
)
from glyphite.convert.compiler.targets.dsp.words import (
    NARROW_BITS,
    SIDES,
    Fields,
    Variant,
    choose_bits,
    gather_words,
    in_order,
    inputs_of,
    interleave,
    is_simple,
    output_of,
    pairs_of,
    sides_of,
    start_of,
    weights_fit_pairs,
    words_of,
)

_SUBTRACTS = {"GLYPHITE_ADD": False, "GLYPHITE_SUB": True}
BLOCK_CALL = 110
"""Instructions of two calls of dsp/block.h."""
MOST_WIDE_INPUTS = 1024
"""Of a fully connected layer with weights of 16 bits."""
LOWERED = 127
"""What every other input of a narrow step is lowered by (dsp/patch.h)."""


def variant(kernel: str, fields: Fields) -> Variant | None:
    """The DSP kernel that does what a portable one does, with weights as large as before."""
    make = _VARIANTS.get(kernel)
    return None if make is None else make(fields)


def fastest(kernel: str, fields: Fields) -> Variant | None:
    """The DSP kernel of the fewest instructions: weights of convolutions grow to 2 or 4 times."""
    for make in _FASTEST.get(kernel, ()):
        found = make(fields)
        if found is not None:
            return found
    return variant(kernel, fields)


def as_one_row(fields: Fields) -> Fields:
    """A 1x1 convolution of all pixels as one of a single row: for tensors that lie whole."""
    window = fields["window"]
    ones = ("kernel_height", "kernel_width", "stride_height", "stride_width")
    if any(window[name] != 1 for name in ones):
        return fields
    pixels = window["input_height"] * window["input_width"]
    row = {"input_height": 1, "output_height": 1, "input_width": pixels, "output_width": pixels}
    return {**fields, "window": {**window, **row}}


def conv_2d(fields: Fields) -> Variant | None:
    """``dsp/conv_2d.h``.

    Blocks of three pixels where they leave none over, so that layers of different sizes share code.
    """
    thirds = fields["window"]["output_width"] % 3 == 0
    return _conv_2d(fields, 3 if thirds else None, expand=False)


def conv_2d_expanded(fields: Fields) -> Variant | None:
    """The same with weights of 16 bits, which take no instructions to widen."""
    return _conv_2d(fields, expand=True)


def _conv_2d(fields: Fields, pixels: int | None = None, *, expand: bool) -> Variant | None:
    made = _conv_2d_fields(fields, pixels, expand=expand)
    return None if made is None else Variant("dsp_conv_2d", made, _conv_2d_scratch(fields, made))


def conv_2d_winograd(fields: Fields) -> Variant | None:
    """``dsp/conv_2d_winograd.h``: 3x3, stride 1; much faster, with weights 3.6 times as large."""
    made = _winograd_fields(fields, -(-fields["window"]["output_width"] // 2))
    if made is None:
        return None
    window, channels = fields["window"], fields["input_channels"]
    scratch = 16 * made["tiles"] * (2 + channels // 2)
    if window["output_height"] % 2 != 0:
        scratch += -(-window["output_width"] * fields["output_channels"] // 4)
    return Variant("dsp_conv_2d_winograd", made, scratch)


def _winograd_fields(fields: Fields, tiles: int) -> dict[str, Any] | None:
    channels = fields["output_channels"]
    if not winograd_exact(fields):
        return None
    weights = fields["weights"].astype(np.int64)
    flat = weights.reshape(channels, -1)
    bits = WINOGRAD_BITS
    requantize = choose(output_of(fields, flat), bits)
    if requantize is None:
        return None
    places = transform(weights) << (bits - TRANSFORM_BITS)
    words = _wide(places.reshape(channels, -1), 0)
    return {
        "inputs": inputs_of(fields, wide=True),
        "requantize": requantize.fields,
        "output_channels": channels,
        "tiles": _pixels(tiles, fields["input_channels"] // 4, None),
        "weights": interleave(start_of(fields, flat, requantize, bits), words, requantize, 2),
    }


def conv_2d_max_pool_2d(fields: Fields) -> Variant | None:
    """``dsp/conv_2d_max_pool_2d.h``: pooling over 2x2 pixels that do not overlap."""
    made = _conv_2d_fields(fields["conv"], 4) if pools_pairs(fields) else None
    if made is None:
        return None
    scratch = _conv_2d_scratch(fields["conv"], made)
    return Variant("dsp_conv_2d_max_pool_2d", {"conv": made, "pool": fields["pool"]}, scratch)


def conv_2d_max_pool_2d_winograd(fields: Fields) -> Variant | None:
    """``dsp/conv_2d_max_pool_2d_winograd.h``."""
    conv, pool = fields["conv"], fields["pool"]
    made = _winograd_fields(conv, pool["output_width"]) if pools_pairs(fields) else None
    if made is None:
        return None
    scratch = 16 * made["tiles"] * (2 + conv["input_channels"] // 2)
    return Variant("dsp_conv_2d_max_pool_2d_winograd", {"conv": made, "pool": pool}, scratch)


def conv_2d_max_pool_2d_plane(fields: Fields) -> Variant | None:
    """``dsp/conv_2d_max_pool_2d_plane.h``: 3x3, stride 1, one input channel."""
    conv = fields["conv"]
    if not is_3x3(conv["window"]) or conv["input_channels"] != 1 or not pools_pairs(fields):
        return None
    flat = conv["weights"].astype(np.int64).reshape(conv["output_channels"], 9)
    requantize = choose(output_of(conv, flat), NARROW_BITS)
    if requantize is None:
        return None
    w = np.moveaxis(flat.reshape(-1, 3, 3) << NARROW_BITS, 0, -1)
    pairs = [(w[0, 0], w[0, 1]), (w[1, 0], w[1, 1]), (w[2, 0], w[2, 1]), (w[0, 2], w[1, 2])]
    words = pairs_of(np.array([*pairs, (w[2, 2], np.zeros_like(w[2, 2]))]).transpose(2, 0, 1))
    bias = start_of(conv, flat, requantize, NARROW_BITS)
    rows = np.concatenate([words[:, :3], bias[:, None], words[:, 3:], requantize.numbers.T], axis=1)
    made = {
        "inputs": inputs_of(conv, wide=True),
        "requantize": requantize.fields,
        "output_channels": conv["output_channels"],
        "pixels": 4,
        "rest": 0,
        "weights": words_of(rows),
    }
    return Variant("dsp_conv_2d_max_pool_2d_plane", {"conv": made, "pool": fields["pool"]}, 1)


def pools_pairs(fields: Fields) -> Proof:
    """Whether the pool takes 2x2 outputs of the convolution, each once and none from outside."""
    pool, window = fields["pool"], fields["conv"]["window"]
    sizes, strides = sides_of(pool, "kernel"), sides_of(pool, "stride")
    inside = all(2 * pool[f"output_{side}"] <= window[f"output_{side}"] for side in SIDES)
    return Proof(
        "pools are 2x2",
        sizes == strides == "2x2" and inside,
        f"pools of {sizes} at steps of {strides}, {'none' if inside else 'some'} from outside",
    )


def fully_connected(fields: Fields) -> Variant | None:
    """``dsp/fully_connected.h``; None where its weights must be wide."""
    flat = fields["weights"].astype(np.int64)
    stream = _narrow_stream(fields, flat, 4)
    if stream is None:
        return None
    sizes = {name: fields[name] for name in ("rows", "input_channels", "output_channels")}
    made = {**sizes, "requantize": stream[1].fields, "weights": stream[0]}
    return Variant("dsp_fully_connected", made, 2 * -(-fields["input_channels"] // 4))


def fully_connected_expanded(fields: Fields) -> Variant | None:
    """``dsp/conv_2d.h`` with weights of 16 bits, for sums or weights that are not narrow's.

    None for more inputs than are worth a copy of 16 bits in memory.
    """
    if fields["input_channels"] > MOST_WIDE_INPUTS:
        return None
    ones = ("kernel_height", "kernel_width", "stride_height", "stride_width", "dilation_height",
            "dilation_width", "input_height", "output_height")  # fmt: skip
    widths = {"input_width": fields["rows"], "output_width": fields["rows"]}
    window = {**dict.fromkeys(ones, 1), **widths, "padding_top": 0, "padding_left": 0}
    return _conv_2d({**fields, "window": window}, expand=True)


def adds_alike(fields: Fields) -> Proof:
    """Whether two computed tensors of the output's shape are added or subtracted."""
    steps = {
        "row": fields["pixels"] * fields["channels"],
        "pixel": fields["channels"],
        "channel": 1,
    }
    sizes = {"row": "rows", "pixel": "pixels", "channel": "channels"}
    name, operation = "two tensors of one shape are added", fields["operation"]
    if operation not in _SUBTRACTS:
        return Proof(name, False, f"the operation is {operation}")
    for side in ("left", "right"):
        operand = fields[side]
        if "constant" in operand:
            return Proof(name, False, f"the {side} operand is constant")
        if any(operand[step] != size and fields[sizes[step]] > 1 for step, size in steps.items()):
            return Proof(name, False, f"the {side} operand broadcasts")
    return Proof(name, True, f"the operation is {operation}")


def arithmetic(fields: Fields) -> Variant | None:
    """``dsp/add.h``: both operands of the output's shape, and neither constant."""
    if not adds_alike(fields):
        return None
    count = fields["rows"] * fields["pixels"] * fields["channels"]
    found = factors(fields, subtract=_SUBTRACTS[fields["operation"]])
    if found is None:
        return None
    limits = {
        "activation_minimum": fields["minimum"],
        "activation_maximum": fields["maximum"],
    }
    return Variant("dsp_add", {"count": count, **found, **limits}, 0)


_FASTEST: Mapping[str, Sequence[Callable[[Fields], Variant | None]]] = {
    "conv_2d": (conv_2d_winograd, conv_2d_expanded),
    "conv_2d_max_pool_2d": (conv_2d_max_pool_2d_plane, conv_2d_max_pool_2d_winograd),
    "depthwise_conv_2d": (depthwise_conv_2d_image,),
    "fully_connected": (fully_connected, fully_connected_expanded),
}
_VARIANTS: Mapping[str, Callable[[Fields], Variant | None]] = {
    "arithmetic": arithmetic,
    "conv_2d": conv_2d,
    "conv_2d_max_pool_2d": conv_2d_max_pool_2d,
    "depthwise_conv_2d": depthwise_conv_2d,
    "fully_connected": fully_connected,
}


def _conv_2d_fields(
    fields: Fields, pixels: int | None = None, *, expand: bool = False
) -> dict[str, Any] | None:
    """``pixels``: a block's, where it is not for the fewest instructions to decide."""
    flat = in_order(fields["weights"])
    narrow = None if expand else _narrow_stream(fields, flat, 2)
    stream = narrow or _wide_stream(fields, flat, 2)
    if stream is None:
        return None
    simple = _is_simple(fields, stream[1], wide=narrow is None)
    width = fields["window"]["output_width"]
    if pixels is None:
        call = BLOCK_CALL / len(flat) if simple else None
        pixels = _pixels(width, -(-flat.shape[1] // 4), call)
    return {
        "inputs": inputs_of(fields, wide=narrow is None),
        "requantize": stream[1].fields,
        "output_channels": fields["output_channels"],
        "pixels": pixels,
        "rest": width % pixels,
        "simple": int(simple),
        "weights": stream[0],
    }


def _is_simple(fields: Fields, requantize: Requantize, *, wide: bool) -> bool:
    """Whether dsp/block.h has the form."""
    even = fields["output_channels"] % 2 == 0
    shift = requantize.fields["shift"]
    return wide and even and shift == COMMON_SHIFT and is_simple(requantize.fields)


def _conv_2d_scratch(fields: Fields, made: Fields) -> int:
    """The patch of a block, and what it takes to put it together."""
    steps = -(-fields["weights"][0].size // 4)
    return int(2 * steps * made["pixels"]) + gather_words(fields)


def _pixels(width: int, steps: int, call: float | None) -> int:
    """The block of pixels that takes the fewest instructions for a row, by count of a loop's.

    A step of a pair of channels takes so many; loops turn every four steps. Blocks of three and
    four may be for dsp/block.h, whose loops turn every eight; a call of it takes ``call`` for a
    pair.
    """
    step = {1: 7, 2: 12, 3: 16, 4: 22}
    around = {3: 37, 4: 43}

    def block(pixels: int) -> float:
        if call is not None and pixels in around:
            return steps * step[pixels] + around[pixels] + call + 3 * -(-(steps - 1) // 8)
        return steps * step[pixels] + 30 + 6 * pixels + 3 * (steps // 4) if pixels else 0

    return min(range(min(4, width), 0, -1), key=lambda n: width // n * block(n) + block(width % n))


def _narrow_stream(
    fields: Fields, flat: Int64, together: int
) -> tuple[NDArray[np.int32], Requantize] | None:
    """Biases, narrow weights and numbers; None where sums or weights do not fit."""
    requantize = choose(output_of(fields, flat), NARROW_BITS)
    if requantize is None or not weights_fit_pairs(flat):
        return None
    padded = _padded(flat)
    lowered = padded.reshape(len(flat), -1, 2, 2)[..., 1].sum(axis=(1, 2)) * LOWERED
    bias = start_of(fields, flat, requantize, NARROW_BITS) + (lowered << NARROW_BITS)
    return interleave(bias, _narrow(padded), requantize, together), requantize


def _wide_stream(
    fields: Fields, flat: Int64, together: int
) -> tuple[NDArray[np.int32], Requantize] | None:
    """Biases, wide weights and numbers; None where sums do not fit."""
    found = choose_bits(output_of(fields, flat))
    if found is None:
        return None
    requantize, bits = found
    bias = start_of(fields, flat, requantize, bits)
    return interleave(bias, _wide(_padded(flat), bits), requantize, together), requantize


def _padded(flat: Int64) -> Int64:
    """Zeros behind the inputs, to whole steps of four."""
    return np.pad(flat, ((0, 0), (0, -flat.shape[1] % 4)))


def _narrow(padded: Int64) -> Int64:
    """(channels, steps) words of four bytes whose halves are the numbers 256 * b1 + b0."""
    bytes_ = padded.reshape(len(padded), -1, 2, 2)
    return pairs_of(bytes_[..., 0] + 256 * bytes_[..., 1])


def _wide(padded: Int64, bits: int) -> Int64:
    """(channels, pairs) weights 1 and 3, then 0 and 2, of each step as pairs, scaled."""
    bytes_ = (padded << bits).reshape(len(padded), -1, 2, 2)
    return pairs_of(bytes_.transpose(0, 1, 3, 2)[:, :, ::-1]).reshape(len(padded), -1)
