"""Constants of the AVR's kernel for layers of few channels (``kernels/avr/conv_2d_pair.h``)."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ops._window import lead_of
from glyphite.convert.compiler.targets.avr.channels import (
    LARGEST_ARRAY,
    LARGEST_BYTE,
    OUTPUT_CYCLES,
    Channels,
    Fields,
    as_convolution,
    limits,
    reach,
)

KERNEL = "avr_conv_2d_pair"
INPUTS = (-128, 127)
"""An input is taken as it is: there is no padding, which would have to count as nothing."""


def variant(step: Step) -> Step | None:
    """The step two pixels at a time; None where the kernel cannot give the same bytes."""
    if step.kernel not in ("conv_2d", "fully_connected"):
        return None
    conv = as_convolution(step)
    window, channels = conv["window"], Channels.of(conv, INPUTS)
    run = window["kernel_width"] * conv["input_channels"]
    if (
        not _geometry_fits(window)
        or max(window["kernel_height"], run, conv["output_channels"]) > LARGEST_BYTE
        or not channels.can_be_outputs()
    ):
        return None
    weights = np.frombuffer(b"".join(_stream(channels)), np.uint8)
    if len(weights) > LARGEST_ARRAY:
        return None
    fields = {
        "output_width": window["output_width"],
        "step": window["stride_width"] * conv["input_channels"],
        "output_channels": conv["output_channels"],
        "kernel_height": window["kernel_height"],
        "run": run,
        "limits": limits(conv["output"]),
        "weights": weights,
    }
    lead = _lead(fields)
    rows = step.rows and replace(step.rows, function=f"{KERNEL}_row", leads=(lead,))
    return replace(step, kernel=KERNEL, rows=rows, leads=(lead,), fields=fields)


def cycles(step: Step) -> int:
    """About what an inference takes by this kernel, where all outputs are within their limits."""
    fields, height = step.fields, step.macs // _macs_of_a_row(step.fields)
    pairs = height * ((fields["output_width"] + 1) // 2)
    sums = fields["kernel_height"] * (16 + 23 * fields["run"])
    return int(pairs * (60 + fields["output_channels"] * (100 + sums + 2 * OUTPUT_CYCLES)))


def _macs_of_a_row(fields: Fields) -> int:
    taps = fields["kernel_height"] * fields["run"]
    return int(fields["output_width"] * fields["output_channels"] * taps)


def _geometry_fits(window: Fields) -> bool:
    """Whether no window reaches over an edge, nor leaves inputs out along its rows."""
    return (
        window["dilation_width"] == 1
        and window["padding_left"] == window["padding_top"] == 0
        and all(reach(window, side) <= window[f"input_{side}"] for side in ("height", "width"))
    )


def _lead(fields: Fields) -> int:
    """How far before its input an output row must start.

    Both pixels of a pair are written while the first one's inputs are still read.
    """
    starts = np.arange(0, fields["output_width"], 2, dtype=np.int64) * fields["step"]
    pair = 2 * fields["output_channels"]
    return lead_of(starts[None, :], pair, pair)


def _stream(channels: Channels) -> Iterator[bytes]:
    """For each channel: whether 16 bits suffice for its sums, its bias, weights and scaling."""
    for index, narrow in enumerate(channels.totals_fit(16)):
        yield bytes([int(narrow)])
        yield channels.negated_bias(index)
        yield channels.weights[index].astype(np.int8).tobytes()
        yield channels.scaling(index)
