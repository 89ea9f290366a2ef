"""From the 32-bit sums of a layer with weights to its int8 outputs."""

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.fixed_point import INT32_MAX, quantize_multiplier, requantize
from glyphite.convert.compiler.ir.graph import Graph, Operator, Quantization, Tensor
from glyphite.convert.compiler.ops._operands import scaled, values
from glyphite.convert.compiler.targets.portable.output import OutputConstants


class Activation(IntEnum):
    """The schema's values of the activations that can be fused into an int8 operator."""

    NONE = 0
    RELU = 1
    RELU_N1_TO_1 = 2
    RELU6 = 3


_BOUNDS = {
    Activation.NONE: (None, None),
    Activation.RELU: (0.0, None),
    Activation.RELU_N1_TO_1: (-1.0, 1.0),
    Activation.RELU6: (0.0, 6.0),
}


def check_activation(operator: Operator, value: int) -> None:
    """Refuse a fused activation that int8 operators do not have. Raises ModelError."""
    if value not in list(Activation):
        names = ", ".join(activation.name for activation in Activation)
        operator.refuse(f"its fused activation is number {value}; {names} are allowed.")


def activation_range(activation: int, quantization: Quantization) -> tuple[int, int]:
    """The smallest and largest int8 output that the fused activation leaves.

    As CalculateActivationRangeQuantized of TensorFlow Lite's ``kernel_util.cc``.
    """
    low, high = _BOUNDS[Activation(activation)]
    minimum = -128 if low is None else max(-128, _quantize(low, quantization))
    maximum = 127 if high is None else min(127, _quantize(high, quantization))
    return minimum, maximum


def _quantize(real: float, quantization: Quantization) -> int:
    """A real number, quantized in float32 with halves rounded away from zero."""
    with np.errstate(over="ignore"):  # the clip below takes infinity, too
        quotient = float(np.float32(real) / np.float32(quantization.scale))
    rounded = np.floor(abs(quotient) + 0.5) * np.sign(quotient)
    return quantization.zero_point + int(np.clip(rounded, -1e6, 1e6))


_LARGEST_SHIFT = 30
"""Sums of 0 could be shifted any further, and mean the same; C cannot."""
MOST_CHANNELS = 2**16
"""Output channels of a layer with weights."""


def output_constants(
    graph: Graph, operator: Operator, bias: NDArray[np.int32], activation: int, axis: int = 0
) -> OutputConstants:
    """What kernels/output.h takes, for an operator of (input, weights, ...).

    ``bias`` has (channels) values; the weights have their channels along ``axis``.
    Refuses a layer whose sums can leave 32 bits: TensorFlow Lite Micro's answer is then not defined
    either.

    Raises ModelError.
    """
    source, weights = (graph.tensors[index] for index in operator.inputs[:2])
    if len(bias) > MOST_CHANNELS:
        operator.refuse(f"it has {len(bias)} output channels; {MOST_CHANNELS} are allowed.")
    output = scaled(operator, graph.output_of(operator), "output")
    scales = _factors(operator, source, weights, output, len(bias))
    constants = [quantize_multiplier(scale) for scale in scales]
    zero_point = scaled(operator, source, "input").zero_point
    largest = largest_sums(np.moveaxis(values(weights), axis, 0), bias, zero_point)
    for channel, (multiplier, shift) in enumerate(constants):
        bound = int(largest[channel]) << max(shift, 0)
        if (
            shift > _LARGEST_SHIFT
            or bound > INT32_MAX
            or requantize(bound, multiplier, min(shift, 0)) > INT32_MAX - 255
        ):
            operator.refuse(
                f"the sum of its channel {channel} can leave 32 bits (bias {bias[channel]}, "
                f"factor {scales[channel]:.3g}); check the scales and the bias."
            )
    minimum, maximum = activation_range(activation, output)
    return OutputConstants(
        offset=output.zero_point,
        minimum=minimum,
        maximum=maximum,
        bias=bias,
        multiplier=np.array([multiplier for multiplier, _ in constants], np.int32),
        shift=np.array([shift for _, shift in constants], np.int8),
    )


def _factors(
    operator: Operator, source: Tensor, weights: Tensor, output: Quantization, channels: int
) -> list[float]:
    """The real factor from sum to output, one a channel, in double precision as TFLM has it."""
    scale = scaled(operator, source, "input").scale
    scales = scaled(operator, weights, "weights").scales
    factors = [scale * weight_scale / output.scale for weight_scale in scales]
    return factors if len(factors) > 1 else factors * channels


def largest_sums(
    weights: NDArray[np.int8], bias: NDArray[np.int32], input_zero_point: int
) -> NDArray[np.int64]:
    """For each channel a bound on the magnitude of its sum, and of every part of it."""
    farthest = max(127 - input_zero_point, input_zero_point + 128)
    flat = np.abs(weights.reshape(len(weights), -1).astype(np.int64))
    return np.asarray(np.abs(bias.astype(np.int64)) + flat.sum(axis=1) * farthest)
