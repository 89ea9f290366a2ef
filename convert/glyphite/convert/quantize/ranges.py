"""The ranges of a float model's tensors, and an int8 model of them.

TensorFlow's quantizer takes a float ``.tflite`` whose tensors have a least and a largest value.
Whoever fills these in decides how each tensor is rounded, and where it is cut off.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.frontend.tflite import IDENTIFIER
from glyphite.convert.errors import ModelError
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.quantize.quantize import float_operators, operators
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.convert.quantize.schemes import Rule, Weights
from glyphite.convert.text import printable

Floats = NDArray[np.float32]
Range = tuple[float, float]
"""The least and the largest value that int8 has to reach; 0 is within."""

BINS = 1 << 14
"""Of a tensor's histogram, from its least to its largest value."""
CUT = 1e-4
"""The share of a tensor's values that the rule of percentiles cuts off at each end: that of the
99.99th percentile, as H. Wu and others use it, "Integer Quantization for Deep Learning Inference"
(arXiv:2004.09602, 2020)."""
SHARES = np.linspace(0.1, 1.0, 91)
"""Of the whole range, among which that of the least squared error is looked for."""
STEPS = 255
"""Between the 256 values of int8."""
PASSING = {
    *("MAX_POOL_2D", "AVERAGE_POOL_2D", "RESHAPE", "PAD", "SQUEEZE", "EXPAND_DIMS"),
    *("TRANSPOSE", "STRIDED_SLICE"),
}
"""Operators that give out the values that they take: one range serves both."""
ALIKE = 1e-4
"""How far, of its largest value, a tensor may be from one computed elsewhere and still be it."""


@dataclass(frozen=True)
class Observed:
    """What a tensor holds for all calibration samples."""

    low: float
    high: float
    counts: NDArray[np.int64]
    """(BINS,): how many values lie in each part from ``low`` to ``high``; none of an edge."""


class FloatGraph:
    """A float32 ``.tflite`` whose tensors can be looked at, and given ranges."""

    def __init__(self, content: bytes) -> None:
        from ai_edge_litert import schema_py_generated as schema

        self._content = content
        model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
        self._graph = model.subgraphs[0]
        made = [int(index) for operator in self._graph.operators for index in operator.outputs]
        self.edges = {int(self._graph.inputs[0]), int(self._graph.outputs[0])}
        floats = {int(self._graph.inputs[0]), *made}
        kind = schema.TensorType.FLOAT32
        self.tensors = sorted(one for one in floats if self._graph.tensors[one].type == kind)
        """Those that hold activations, the input and the output among them."""

    def values(self, samples: Floats) -> Iterator[dict[int, NDArray[Any]]]:
        """The tensors by their number, for each of ``samples`` (n, *shape)."""
        from ai_edge_litert.interpreter import Interpreter, OpResolverType

        plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # a delegate keeps no tensors
        with quiet():
            interpreter = Interpreter(
                model_content=self._content,
                experimental_preserve_all_tensors=True,
                experimental_op_resolver_type=plain,
            )
            interpreter.allocate_tensors()
        source = interpreter.get_input_details()[0]["index"]
        for one in samples:
            interpreter.set_tensor(source, one[np.newaxis])
            interpreter.invoke()
            yield {at: interpreter.get_tensor(at) for at in self.tensors}

    def observe(
        self, samples: Floats, progress: Progress = ignore_progress, *, fine: bool = True
    ) -> dict[int, Observed]:
        """What each tensor holds for ``samples``, by its number; ``fine``: with histograms."""
        low = dict.fromkeys(self.tensors, np.inf)
        high = dict.fromkeys(self.tensors, -np.inf)
        for found in self.values(samples):
            for at, values in found.items():
                low[at] = min(low[at], float(values.min()))
                high[at] = max(high[at], float(values.max()))
            progress(1)
        counts = {at: np.zeros(BINS, np.int64) for at in self.tensors}
        inner = [at for at in self.tensors if at not in self.edges and low[at] < high[at]]
        for found in self.values(samples) if fine else ():
            for at in inner:
                counts[at] += np.histogram(found[at], BINS, (low[at], high[at]))[0]
            progress(1)
        return {at: Observed(low[at], high[at], counts[at]) for at in self.tensors}

    def matching(self, known: "list[tuple[Floats, Range]]", samples: Floats) -> dict[int, Range]:
        """The ranges of the tensors that hold what is ``known`` for ``samples`` (n, *shape).

        ``known`` has, for each place of a network, its values (n, ...) and its range. A tensor is
        told by its values, as names do not survive the fusing of layers.
        """
        rows = list(self.values(samples))
        ranges = {}
        for at in self.tensors:
            held = np.concatenate([row[at].ravel() for row in rows])
            for values, one in known:
                if values.size == held.size and _are_alike(values.ravel(), held):
                    ranges[at] = one
                    break
        return ranges

    def quantized(self, ranges: Mapping[int, Range], weights: Weights = Weights.CHANNEL) -> bytes:
        """The int8 ``.tflite`` of these ranges, by the number of each tensor.

        Raises ModelError where TensorFlow's quantizer refuses the model, ToolError where TensorFlow
        is not installed.
        """
        load_tensorflow()
        import tensorflow as tf
        from tensorflow.lite.python.convert import mlir_quantize

        whole = self._passed_on(ranges)
        content = self._with_ranges(whole)
        try:
            with quiet():
                made: bytes = mlir_quantize(
                    content,
                    disable_per_channel=weights is Weights.TENSOR,
                    disable_per_channel_for_dense_layers=weights is Weights.DENSE_TENSOR,
                    fully_quantize=True,
                    input_data_type=tf.int8,
                    output_data_type=tf.int8,
                )
        except Exception as error:  # whatever TensorFlow's many parts raise
            raise _refused(error) from error
        _require_integers(made)
        return bytes(made)

    def _passed_on(self, ranges: Mapping[int, Range]) -> dict[int, Range]:
        """What passes values on has, at both ends, the range of its input."""
        whole = dict(ranges)
        for operator, name in zip(self._graph.operators, operators(self._content), strict=False):
            source, made = int(operator.inputs[0]), int(operator.outputs[0])
            if name in PASSING and source in whole:
                whole[made] = whole[source]
        return whole

    def _with_ranges(self, ranges: Mapping[int, Range]) -> bytes:
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema

        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(self._content))
        for at, (low, high) in ranges.items():
            written = schema.QuantizationParametersT()
            written.min, written.max = [low], [high]
            model.subgraphs[0].tensors[at].quantization = written
        builder = flatbuffers.Builder(len(self._content))
        builder.Finish(model.Pack(builder), IDENTIFIER)
        return bytes(builder.Output())


def _are_alike(first: Floats, second: Floats) -> bool:
    most = max(float(np.abs(first).max(initial=0)), 1e-6)
    return bool(np.abs(first - second).max(initial=0) <= ALIKE * most)


def ranges_by(rule: Rule, observed: Mapping[int, Observed], edges: set[int]) -> dict[int, Range]:
    """The range of each tensor by ``rule``; those of the ``edges``, input and output, are whole."""
    choose = _RULES[rule]
    return {
        at: _with_zero(*(_whole(one) if at in edges else choose(one)))
        for at, one in observed.items()
    }


def _with_zero(low: float, high: float) -> Range:
    """Zero has to be a value of int8: padding is made of it. A range of nothing gets some width."""
    low, high = min(low, 0.0), max(high, 0.0)
    return (low, high) if low < high else (0.0, 1.0)


def _whole(one: Observed) -> Range:
    return one.low, one.high


def _percentile(one: Observed) -> Range:
    """From the first to the last part of the histogram that is not cut off."""
    total = int(one.counts.sum())
    if not total:
        return _whole(one)
    below = np.cumsum(one.counts)
    first = int(np.searchsorted(below, CUT * total, side="right"))
    last = int(np.searchsorted(below, (1 - CUT) * total, side="left"))
    width = (one.high - one.low) / BINS
    low = one.low if first == 0 else one.low + first * width
    return low, one.low + (min(last, BINS - 1) + 1) * width


def _least_error(one: Observed) -> Range:
    """The share of the whole range by which rounding and cutting off together err least."""
    if not one.counts.any():
        return _whole(one)
    width = (one.high - one.low) / BINS
    middles = np.asarray(one.low + (np.arange(BINS) + 0.5) * width, np.float64)
    whole = _with_zero(one.low, one.high)
    errors = [_error(middles, one.counts, (whole[0] * share, whole[1] * share)) for share in SHARES]
    share = float(SHARES[int(np.argmin(errors))])
    return whole[0] * share, whole[1] * share


def _error(values: NDArray[np.float64], counts: NDArray[np.int64], within: Range) -> float:
    """The sum of the squared errors of ``values`` as int8 of the range ``within`` has them."""
    scale = (within[1] - within[0]) / STEPS
    zero = np.round(-within[0] / scale)
    steps = np.clip(np.round(values / scale) + zero, 0, STEPS)
    return float((counts * np.square((steps - zero) * scale - values)).sum())


_RULES: dict[Rule, Callable[[Observed], Range]] = {
    Rule.WHOLE: _whole,
    Rule.PERCENTILE: _percentile,
    Rule.LEAST_ERROR: _least_error,
}


def quantized_int16(content: bytes, calibration: Floats) -> bytes:
    """The ``.tflite`` of int16 activations and int8 weights, its input and output float32.

    ``content`` is a float32 ``.tflite``; ``calibration`` (n, *shape) sets the ranges. Raises
    ModelError where TensorFlow's quantizer refuses the model, ToolError where TensorFlow is not
    installed.
    """
    load_tensorflow()
    import tensorflow as tf
    from tensorflow.lite.python.optimize.calibrator import Calibrator

    def samples() -> Iterator[list[Floats]]:
        return ([one[np.newaxis]] for one in calibration)

    try:
        with quiet():
            made = Calibrator(content).calibrate_and_quantize(
                samples, tf.float32, tf.float32, False, tf.int16, tf.int64
            )
    except Exception as error:  # whatever TensorFlow's many parts raise
        raise _refused(error) from error
    return bytes(made)


def _require_integers(content: bytes) -> None:
    """ModelError where an operator was left in float32."""
    if left := float_operators(content):
        raise ModelError(
            f"The model has operators without an int8 form: {', '.join(left)}. Convert it by the "
            "usual scheme, which names their layers, and replace these."
        )


def _refused(error: Exception) -> ModelError:
    reason = printable(str(error).strip().partition("\n")[0]).rstrip(".")
    return ModelError(
        f"TensorFlow's quantizer refuses the model: {reason or type(error).__name__}. "
        "`glyphite convert` by its usual scheme names the layer."
    )
