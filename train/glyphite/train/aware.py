"""Quantization-aware training: a trained Keras model learns to answer in int8 as it does in float.

Each step computes with weights and activations rounded as the converter will round them, and moves
the weights that are not rounded, as if rounding had no effect on the slope: B. Jacob and others,
"Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference"
(arXiv:1712.05877, 2017). Weights have a symmetric range a channel. The range of each activation
begins where rounding and cutting off err least, and is learnt by the slope of the values that it
cuts off: J. Choi and others, "PACT: Parameterized Clipping Activation" (arXiv:1805.06085, 2018).

What is learnt are the float model's own answers, not the labels: so what the int8 model gains is
gained by bearing int8, and not by a longer training, and any task and loss will do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.errors import CheckFailedError, ModelError
from glyphite.convert.preprocessing import Preprocessing
from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.quantize.calibration import evenly
from glyphite.convert.quantize.quantize import convert_float
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.convert.quantize.ranges import FloatGraph, Floats, Range, ranges_by
from glyphite.convert.quantize.schemes import Rule
from glyphite.convert.text import printable
from glyphite.train.fit import held_interrupt
from glyphite.train.fold import Place, folded, places

if TYPE_CHECKING:
    import keras

KERNELS = ("kernel", "pointwise_kernel", "depthwise_kernel")
MATCHED = 4
"""Samples by which a tensor of the converted model is told from all others."""
AT_A_TIME = 500
"""Samples that the float model answers together."""
RANGE_RATE = 10.0
"""How many times faster a range is learnt than a weight: as a share of itself."""


@dataclass(frozen=True)
class AwareSettings:
    """The settings of the training: the same settings, model and samples give the same weights."""

    epochs: int = 2
    batch_size: int = 64
    """Samples per step."""
    rate: float = 3e-4
    """Of learning, at the begin; it falls to 0 along half a cosine."""
    seed: int = 1
    """Of the order of the samples."""

    def batches(self, samples: int) -> int:
        """Steps in all epochs together."""
        return self.epochs * -(-samples // self.batch_size)


def aware_tflite(
    model: "keras.Model",
    raw: NDArray[Any],
    preprocessing: Preprocessing,
    calibration: Floats,
    *,
    settings: AwareSettings,
    progress: NotedProgress = ignore_progress,
) -> bytes:
    """The int8 .tflite of ``model`` after a training that is aware of int8.

    ``raw`` (n, *shape) are the samples that it learns from, before ``preprocessing``;
    ``calibration`` (m, *shape) are those by which ranges begin. Raises ModelError where the model's
    layers cannot be made anew or converted, CheckFailedError where the training diverges, ToolError
    where TensorFlow is not installed.
    """
    load_tensorflow()
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    plain = _folded(model)
    found = places(plain)
    starts = _first_ranges(plain, found, calibration)
    aware, factors = _rounding(plain, found, starts)
    wanted = _answers(model, raw, preprocessing)
    step = _step(aware, _loss(wanted), _whole(calibration), settings, len(raw))
    with held_interrupt() as check:
        for chosen in _batches(settings, len(raw)):
            check()
            loss = float(step(_seen(raw[chosen], preprocessing), wanted[chosen]))
            if not np.isfinite(loss):
                raise CheckFailedError(
                    "The training aware of int8 has diverged: its loss is not finite. Train the "
                    "float model anew, with another seed or in smaller steps."
                )
            progress(1, note=f"loss {loss:.2g}")
    known = [
        (values, _scaled(starts[place.layer], float(np.asarray(factors[place.layer]))))
        for place, values in zip(found, _values(plain, found, calibration), strict=True)
    ]
    graph = FloatGraph(convert_float(plain))
    observed = graph.observe(calibration)
    ranges = ranges_by(Rule.LEAST_ERROR, observed, graph.edges)
    return graph.quantized(ranges | graph.matching(known, evenly(calibration, MATCHED)))


def _folded(model: "keras.Model") -> "keras.Model":
    try:
        with quiet():
            return folded(model)
    except Exception as error:  # whatever a layer of the user's own raises
        reason = printable(str(error).strip().partition("\n")[0]).rstrip(".")
        raise ModelError(
            f"The layers of {model.name!r} cannot be made anew for a training aware of int8: "
            f"{reason}. Take another scheme."
        ) from error


def _whole(values: Floats) -> Range:
    return min(float(values.min()), 0.0), max(float(values.max()), 0.0)


def _scaled(one: Range, factor: float) -> Range:
    by = float(np.exp(RANGE_RATE * factor))
    return one[0] * by, one[1] * by


def _first_ranges(
    plain: "keras.Model", found: list[Place], calibration: Floats
) -> dict[str, Range]:
    """The range of each place, by its layer, of the least squared error over ``calibration``."""
    graph = FloatGraph(convert_float(plain))
    ranges = ranges_by(Rule.LEAST_ERROR, graph.observe(calibration), graph.edges)
    by_layer: dict[str, Range] = {}
    for place, values in zip(found, _values(plain, found, calibration), strict=True):
        held = graph.matching([(values, _whole(values))], evenly(calibration, MATCHED))
        fitting = [ranges[at] for at in held if at in ranges]
        by_layer[place.layer] = fitting[0] if fitting else _whole(values)
    return by_layer


def _values(plain: "keras.Model", found: list[Place], calibration: Floats) -> list[Floats]:
    """What each place holds for the samples by which tensors are matched."""
    import keras

    with quiet():
        looking = keras.Model(plain.inputs[0], [place.tensor for place in found])
        values = looking(evenly(calibration, MATCHED), training=False)
    rows = values if isinstance(values, list | tuple) else [values]
    return [np.asarray(one, np.float32) for one in rows]


def _rounding(
    plain: "keras.Model", found: list[Place], starts: dict[str, Range]
) -> tuple["keras.Model", dict[str, Any]]:
    """``plain``, which shares its weights, with each place rounded; and the factors of the ranges,
    by layer."""
    import keras

    factors: dict[str, Any] = {}

    class Rounded(keras.layers.Layer):  # type: ignore[misc, unused-ignore]
        """Rounds to the 256 values of int8 in a range that is learnt."""

        def __init__(self, start: Range, **settings: Any) -> None:  # noqa: ANN401
            super().__init__(**settings)
            self.start = start
            self.factor = self.add_weight(shape=(), initializer="zeros", name="factor")

        def call(self, given: Any) -> Any:  # noqa: ANN401
            by = keras.ops.exp(RANGE_RATE * self.factor)
            return _as_int8(given, self.start[0] * by, self.start[1] * by)

    def call(layer: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401
        made = layer(*given, **named)
        if layer.name not in starts:
            return made
        rounded = Rounded(starts[layer.name], name=f"{layer.name}_int8")
        factors[layer.name] = rounded.factor
        return rounded(made)

    with quiet():
        aware = keras.models.clone_model(
            plain, clone_function=lambda layer: layer, call_function=call
        )
    return aware, factors


def _as_int8(values: Any, low: Any, high: Any) -> Any:  # noqa: ANN401
    """``values`` as int8 has them; their slope is that of cutting off alone."""
    import tensorflow as tf

    scale = (high - low) / 255
    zero = tf.round(-low / scale)
    within = tf.clip_by_value(values, -zero * scale, (255 - zero) * scale)
    return within + tf.stop_gradient(tf.round(within / scale) * scale - within)


def _rounded_kernel(kernel: Any, name: str) -> Any:  # noqa: ANN401
    """A kernel as int8 has it: one scale for each channel of its output."""
    import tensorflow as tf

    channels = 2 if name == "depthwise_kernel" else 1
    axes = list(range(len(kernel.shape) - channels))
    most = tf.reduce_max(tf.abs(kernel), axis=axes, keepdims=True)
    scale = tf.stop_gradient(tf.maximum(most, 1e-12) / 127)
    return kernel + tf.stop_gradient(tf.round(kernel / scale) * scale - kernel)


def _batches(settings: AwareSettings, samples: int) -> Iterator[NDArray[np.intp]]:
    """The places of each batch's samples, in all epochs."""
    order = np.random.default_rng(settings.seed)
    for _ in range(settings.epochs):
        mixed = order.permutation(samples)
        for start in range(0, samples, settings.batch_size):
            yield np.sort(mixed[start : start + settings.batch_size])


def _seen(raw: NDArray[Any], preprocessing: Preprocessing) -> Floats:
    return preprocessing.apply(raw).astype(np.float32)


def _answers(
    teacher: "keras.Model", raw: NDArray[Any], preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """What the float model gives for each sample: (n, *output shape)."""
    parts = (raw[at : at + AT_A_TIME] for at in range(0, len(raw), AT_A_TIME))
    given = (teacher(_seen(part, preprocessing), training=False) for part in parts)
    return np.concatenate([np.asarray(one, np.float32) for one in given])


def _loss(wanted: NDArray[np.float32]) -> Callable[[Any, Any], Any]:
    """Of what is given and what is wanted: the cross-entropy of shares beyond that of the float
    model with itself, else the squared error as a share of the variance."""
    import tensorflow as tf

    flat = wanted.reshape(len(wanted), -1)
    if metrics.are_shares(flat) and flat.shape[1] > 1:
        least = 1e-7

        def apart(given: Any, right: Any) -> Any:  # noqa: ANN401
            ratio = tf.math.log(tf.maximum(right, least) / tf.maximum(given, least))
            return tf.reduce_mean(tf.reduce_sum(right * ratio, axis=-1))

        return apart
    variance = max(float(flat.var()), 1e-12)
    return lambda given, right: tf.reduce_mean(tf.square(given - right)) / variance


def _step(
    aware: "keras.Model",
    loss_of: Callable[[Any, Any], Any],
    edge: Range,
    settings: AwareSettings,
    samples: int,
) -> Callable[[Floats, Floats], Any]:
    """A function of a batch's inputs and wanted answers that makes one step and gives the loss.

    ``edge`` is the range of the input.
    """
    import keras
    import tensorflow as tf

    falling = keras.optimizers.schedules.CosineDecay(settings.rate, settings.batches(samples))
    optimizer = keras.optimizers.Adam(falling)
    variables = aware.trainable_variables
    optimizer.build(variables)
    fixed = [variable.value for variable in aware.non_trainable_variables]

    def step(seen: Any, right: Any) -> Any:  # noqa: ANN401
        with tf.GradientTape() as tape:
            used = [
                _rounded_kernel(one.value, one.name) if one.name in KERNELS else one.value
                for one in variables
            ]
            given, _ = aware.stateless_call(used, fixed, _as_int8(seen, *edge), training=False)
            loss = loss_of(given, right)
        slopes = tape.gradient(loss, [one.value for one in variables])
        optimizer.apply([0 * one.value if slope is None else slope
                         for one, slope in zip(variables, slopes, strict=True)])  # fmt: skip
        return loss

    return tf.function(step, reduce_retracing=True)  # type: ignore[no-any-return, unused-ignore]
