"""A float model quantized by a scheme, but for one that trains the weights further."""

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.quantize.float_model import FloatModel
from glyphite.convert.quantize.ranges import FloatGraph, quantized_int16, ranges_by
from glyphite.convert.quantize.schemes import Rule, Scheme


def quantized_by(
    scheme: Scheme,
    model: FloatModel,
    calibration: NDArray[np.float32],
    progress: Progress = ignore_progress,
) -> bytes:
    """The .tflite of ``model`` by ``scheme``; ``calibration`` (n, *shape) are inputs like those of
    the training.

    ``progress`` gets what was looked at, twice the samples at the most. Raises ModelError where the
    model cannot be quantized so, ToolError where a package that it needs is not installed, and
    ValueError for a scheme that trains.
    """
    if scheme.is_aware:
        raise ValueError(f"{scheme.name} needs a training")
    if scheme.is_usual:
        return model.quantized(calibration)
    if scheme.activations == "int16":
        return quantized_int16(model.float_tflite, calibration)
    graph = FloatGraph(model.float_tflite)
    observed = graph.observe(calibration, progress, fine=scheme.rule is not Rule.WHOLE)
    return graph.quantized(ranges_by(scheme.rule, observed, graph.edges), scheme.weights)
