"""Each cause of lost accuracy is named at the layer that has it, and at no other."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.compiler.ir.graph import Graph, Quantization
from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.manifest import INT16, LIMITS, Manifest
from glyphite.convert.quantize.float_tflite import FloatTflite
from glyphite.convert.quantize.quantize import manifest_of
from glyphite.host.measure.layers import engines
from glyphite.host.measure.layers.advice import Way
from glyphite.host.measure.layers.causes import used
from glyphite.host.measure.layers.engines import compare_engines
from glyphite.host.measure.layers.gather import Gathered, gather
from glyphite.host.measure.layers.look import Subject, summarize
from glyphite.host.measure.layers.match import keras_layer, pairs_of
from glyphite.host.measure.layers.rewrite import apart, in_float
from glyphite.host.measure.layers.tally import BINS, Tally, decibels
from glyphite.host.measure.layers_record import Advice, Cause, LayersRecord, Reference
from glyphite.host.measure.truth import Task, Truth
from glyphite.host.runners.all_tensors import AllTensors
from glyphite.host.runners.tflm import all_tensors
from tests.builders import edges
from tests.builders.defects import Changed, per_tensor, rescaled, signed, with_bias, with_weights
from tests.builders.models import ModelBuilder
from tests.builders.truth import DATA, labelled
from tests.paths import PROJECT
from tests.strict import require_module

require_module("ai_edge_litert", "ai_edge_quantizer")

Floats = NDArray[np.float32]
COUNT = 120
"""Test images that are looked at."""
LAYERS = (
    *("input", "conv_2d_0", "conv_2d_1", "max_pool_2d_2", "conv_2d_3", "conv_2d_4"),
    *("fully_connected_5", "softmax_6"),
)
"""Those of the network ``uno``."""
WAY = Way("uno", (), 500, 60_000, "", is_random=False, data="MNIST")


@dataclass(frozen=True, eq=False)
class Uno:
    """The network in float, in int8 as it should be, and images."""

    floats: bytes
    int8: bytes
    samples: Floats
    calibration: Floats
    labels: NDArray[np.uint8]
    calibration_labels: NDArray[np.uint8]

    def quantized(self, floats: bytes | None = None, scale: float = 1.0) -> bytes:
        """The int8 .tflite of ``floats``, calibrated on images ``scale`` times as light."""
        return FloatTflite(floats or self.floats, "uno").quantized(self.calibration * scale)

    def gathered(self, content: bytes, floats: bytes | None = None) -> tuple[Gathered, Manifest]:
        """What is seen of ``content`` beside ``floats``."""
        manifest = dataclasses.replace(manifest_of(content, "uno"))
        levels = self.samples / manifest.input.scale
        tensors = np.clip(np.round(levels) + manifest.input.zero_point, -128, 127).astype(np.int8)
        return gather(content, floats or self.floats, self.samples, tensors), manifest

    def record(
        self,
        content: bytes,
        floats: bytes | None = None,
        reference: Reference = Reference.FLOAT,
    ) -> LayersRecord:
        """The record of ``content`` beside ``floats``."""
        found, manifest = self.gathered(content, floats)
        subject = Subject(manifest, labelled(self.labels), reference, "LiteRT", WAY, [])
        return summarize(found, subject)


@pytest.fixture(scope="module")
def uno() -> Uno:
    shipped = (PROJECT / "models" / "uno" / "model_int8.tflite").read_bytes()
    mnist = load_mnist()
    samples, calibration = (
        (images / np.float32(255)).astype(np.float32).reshape(-1, 28, 28, 1)
        for images in (mnist.test_images[:COUNT], mnist.train_images[::600])
    )
    floats = signed(in_float(shipped))
    int8 = FloatTflite(floats, "uno").quantized(calibration)
    return Uno(
        floats, int8, samples, calibration, mnist.test_labels[:COUNT], mnist.train_labels[::600]
    )


def test_a_small_column_beside_a_large_one_is_told_of_the_input_and_no_bias_is_blamed() -> None:
    """One scale of 4 for columns of 0 to 1,000 and 0 to 1; the bias is rounded to steps of 0.03,
    which are six of the output's."""
    model = ModelBuilder()
    source = model.tensor((1, 2), 4.0, -128)
    weights = model.weights(np.array([[0, 127]], np.int8), 1 / 127)
    sink = model.tensor((1, 1), 0.005, -128)
    bias = model.tensor((1,), 4 / 127, data=np.full(1, 10, np.int32), dtype="INT32")
    words = ("FullyConnectedOptions", 4)
    model.operator("FULLY_CONNECTED", [source, weights, bias], [sink], *words)
    content = model.build([source], [sink])
    floats = Changed(in_float(content))
    floats.set_data(floats.tensor(0, 2), np.array([0.3], np.float32))
    samples = np.random.default_rng(1).uniform(0, [1000, 0.95], (150, 2)).astype(np.float32)
    tensors = (np.round(samples / 4) - 128).clip(-128, 127).astype(np.int8)
    found = gather(content, floats.content, samples, tensors)
    truth = Truth(Task.NUMBERS, DATA, 150, values=samples[:, 1:].astype(np.float64))
    manifest = dataclasses.replace(manifest_of(content, "small"))
    record = summarize(found, Subject(manifest, truth, Reference.FLOAT, "LiteRT", WAY, []))
    assert told(record.advice) == [(Cause.UNEVEN_CHANNELS, "input", [])]
    assert "leaves 1 of 256 steps at the most to channel 1" in record.advice[0].text
    assert "(--preprocess standard), and train anew" in record.advice[0].text


def told(advice: Sequence[Advice]) -> list[tuple[Cause, str, list[str]]]:
    """Cause, first layer and the others of each advice."""
    return [(each.cause, each.layer, each.others) for each in advice]


def shares(record: LayersRecord) -> dict[str, float]:
    """The part of each layer in the error at the output."""
    return {layer.name: layer.output_share or 0.0 for layer in record.layers}


def test_a_sound_model_gets_no_advice(uno: Uno) -> None:
    shipped = (PROJECT / "models" / "uno" / "model_int8.tflite").read_bytes()
    for record in (uno.record(uno.int8), uno.record(shipped, reference=Reference.WEIGHTS)):
        assert record.advice == []
        assert tuple(layer.name for layer in record.layers) == LAYERS
        own = [layer.own_sqnr_db for layer in record.layers if layer.own_sqnr_db is not None]
        assert len(own) == 6  # the input is exact, and a pooling adds nothing
        assert min(own) > 36


@pytest.mark.parametrize("operators", [[0], [1, 2], [3], [4]])
def test_a_layer_that_saturates_is_named(uno: Uno, operators: list[int]) -> None:
    record = uno.record(rescaled(uno.int8, operators, 0.25))
    name = LAYERS[1 + operators[0]]
    assert told(record.advice) == [(Cause.CUT_OFF, name, [])]
    (advice,) = record.advice
    assert advice.command == "glyphite convert uno --calibration-samples 5000"
    layer = next(each for each in record.layers if each.name == name)
    assert layer.keras_layer is not None
    assert advice.text.startswith(f"{name} ({layer.keras_layer}): it saturates: ")
    assert layer.cut_off > 0.01
    assert layer.cut_off_high > 0 == layer.cut_off_low  # zeros of a ReLU are not cut off
    assert layer.range_used > 3
    parts = {each: part for each, part in shares(record).items() if "softmax" not in each}
    assert max(parts, key=parts.__getitem__) == name


def test_the_layer_that_costs_most_comes_first(uno: Uno) -> None:
    record = uno.record(rescaled(rescaled(uno.int8, [0], 0.7), [3], 0.125))
    assert told(record.advice) == [(Cause.CUT_OFF, "conv_2d_3", ["conv_2d_0"])]
    assert shares(record)["conv_2d_3"] > shares(record)["conv_2d_0"] > 0


def test_more_samples_are_advised_where_there_are_more(uno: Uno) -> None:
    """One by one, and what mends ranges that no sample reaches: samples that do."""
    ones = uno.calibration[np.flatnonzero(uno.calibration_labels == 1)]
    few = FloatTflite(uno.floats, "uno").quantized(ones)
    found, manifest = uno.gathered(few)

    def advised(**changed: Any) -> Advice:  # noqa: ANN401
        way = dataclasses.replace(WAY, **changed)
        of = Subject(manifest, labelled(uno.labels), Reference.FLOAT, "LiteRT", way, [])
        return summarize(found, of).advice[0]

    assert advised().cause is Cause.CUT_OFF
    convert = "glyphite convert uno"
    assert advised(calibrated=9000).command == f"{convert} --calibration-samples 60000"
    assert advised(scheme="samples-20", calibrated=20).command == f"{convert} --scheme samples-200"
    for scheme in ("percentile", "least-error"):
        other = advised(scheme=scheme, calibrated=60_000)
        assert other.command == f"{convert} --scheme per-channel"
        assert f"The scheme {scheme} leaves a part of what the samples show out" in other.text
    last = advised(calibrated=len(ones), available=len(ones))
    assert last.command is None
    assert f"All {len(ones)} samples that there are have calibrated it" in last.text
    assert "Put samples as varied as these among the training samples" in last.text
    data = advised(calibrated=9, available=9, data_words=("--data", "own.npz"))
    assert data.command == f"{convert} --data own.npz"
    assert uno.record(uno.int8).advice == []  # calibrated on digits as varied as these


def test_few_values_of_an_output_that_is_cut_off_are_enough_where_it_costs_the_answer() -> None:
    """A regression of one number, 4 of whose 150 answers are beyond what its output holds."""
    model = ModelBuilder()
    source = model.tensor((1, 3), 0.02, 0)
    weights = model.weights(np.full((1, 3), 127, np.int8), 1 / 127)
    sink = model.tensor((1, 1), 0.02, 0)
    bias = model.bias(np.zeros(1, np.int32))
    words = ("FullyConnectedOptions", 4)
    model.operator("FULLY_CONNECTED", [source, weights, bias], [sink], *words)
    content = model.build([source], [sink])
    samples = np.random.default_rng(1).uniform(-0.8, 0.8, (150, 3)).astype(np.float32)
    samples[::40] = 2.5
    tensors = np.round(samples / 0.02).clip(-128, 127).astype(np.int8)
    found = gather(content, in_float(content), samples, tensors)
    truth = Truth(Task.NUMBERS, DATA, 150, values=samples.sum(axis=1, keepdims=True))
    manifest = dataclasses.replace(manifest_of(content, "sum"))
    record = summarize(found, Subject(manifest, truth, Reference.FLOAT, "LiteRT", WAY, []))
    assert told(record.advice) == [(Cause.CUT_OFF, "fully_connected_0", [])]
    assert record.layers[1].cut_off == 4 / 150
    assert record.advice[0].command == "glyphite convert uno --calibration-samples 5000"


def test_int16_has_as_much_below_0_as_above_it() -> None:
    """So values of 0 to 1 take all of a range of -1 to 1."""
    found = Tally(Quantization((1 / 32767,), (0,)), *LIMITS[INT16], channels=1)
    value = np.array([[1.0]])
    found.add(0, value, np.array([[32767]]), value)
    assert used(found) == pytest.approx(1)
    int8 = Tally(Quantization((1 / 127,), (0,)), *LIMITS["int8"], channels=1)
    int8.add(0, value, np.array([[127]]), value)
    assert used(int8) == pytest.approx(127 / 255)


def test_a_range_that_is_far_wider_than_the_values_is_named(uno: Uno) -> None:
    record = uno.record(rescaled(uno.int8, [3], 8.0))
    assert told(record.advice) == [(Cause.TOO_WIDE, "conv_2d_3", [])]
    assert record.advice[0].command == "glyphite convert uno"


def test_a_range_too_wide_for_the_data_it_was_calibrated_on_gets_another_scheme(uno: Uno) -> None:
    """The same conversion of the same data would make the same range."""
    found, manifest = uno.gathered(rescaled(uno.int8, [3], 8.0))
    way = dataclasses.replace(WAY, is_same=True)
    subject = Subject(manifest, labelled(uno.labels), Reference.FLOAT, "LiteRT", way, [])
    (advice,) = summarize(found, subject).advice
    assert advice.command == "glyphite convert uno --scheme percentile"


def test_a_model_calibrated_on_a_smaller_range_is_told_by_its_input_alone(uno: Uno) -> None:
    record = uno.record(uno.quantized(scale=0.5))
    assert told(record.advice) == [(Cause.INPUT_CUT_OFF, "input", [])]
    assert "float values reach from 0 to 1, and int8's range is 0 to 0.5" in record.advice[0].text
    assert record.advice[0].command == "glyphite convert uno"


def test_a_model_calibrated_on_a_larger_range_is_told_by_its_input_and_the_layers_behind(
    uno: Uno,
) -> None:
    record = uno.record(uno.quantized(scale=4.0))
    ((cause, layer, others),) = told(record.advice)
    assert (cause, layer) == (Cause.INPUT_TOO_WIDE, "input")
    assert set(others) <= {name for name in LAYERS if name.startswith(("conv", "fully"))}
    assert "the samples take 25 % of the range" in record.advice[0].text


@pytest.mark.parametrize(
    ("scale", "said"),
    [
        (0.5, "reach further. Prepare both alike, and convert anew. Where they are alike, "
              "calibrate on more of them (--calibration-samples 5000)."),
        (4.0, "Prepare both alike, leave outliers out, and convert anew."),
    ],
)  # fmt: skip
def test_training_samples_prepared_otherwise_are_told_of_and_not_calibrated_on_again(
    uno: Uno, scale: float, said: str
) -> None:
    found, manifest = uno.gathered(uno.quantized(scale=scale))
    way = dataclasses.replace(WAY, is_same=True)
    subject = Subject(manifest, labelled(uno.labels), Reference.FLOAT, "LiteRT", way, [])
    first = summarize(found, subject).advice[0]
    assert first.layer == "input"
    assert "calibrated on training samples of MNIST" in first.text
    assert first.text.endswith(said)
    assert first.command is None


def test_a_model_calibrated_on_random_numbers_is_told_so(uno: Uno) -> None:
    found, manifest = uno.gathered(rescaled(uno.int8, [3], 0.25))
    way = dataclasses.replace(WAY, is_random=True, data_words=("--data", "mnist"))
    subject = Subject(manifest, labelled(uno.labels), Reference.FLOAT, "LiteRT", way, [])
    (advice,) = summarize(found, subject).advice
    assert "was calibrated on random numbers" in advice.text
    assert advice.command == "glyphite convert uno --data mnist"


def test_without_a_float_model_the_command_stands_in_the_words(uno: Uno) -> None:
    found, manifest = uno.gathered(rescaled(uno.int8, [3], 0.25))
    way = dataclasses.replace(WAY, named=None)
    subject = Subject(manifest, labelled(uno.labels), Reference.WEIGHTS, "LiteRT", way, [])
    (advice,) = summarize(found, subject).advice
    assert advice.command is None
    assert "`glyphite convert MODEL.keras --calibration-samples 5000`" in advice.text


def test_a_dead_channel_is_named_and_loses_no_accuracy(uno: Uno) -> None:
    """Its bias is cut off, as its weights are 0, and that is not felt behind the ReLU."""

    def without(values: Floats) -> Floats:
        values[5] = 0 if values.ndim > 1 else -1
        return values

    floats = with_weights(uno.floats, 1, without, without)
    record = uno.record(uno.quantized(floats), floats)
    assert told(record.advice) == [(Cause.DEAD_CHANNELS, "conv_2d_1", [])]
    (advice,) = record.advice
    assert not advice.loses_accuracy
    assert advice.text == (
        f"conv_2d_1 (re_lu_1): channel 5 gives nothing but 0 for {COUNT} samples: dead. That costs "
        "flash and time, and no accuracy. Prune: build the layer with 15 in place of 16 channels, "
        "and train anew. More samples (--count) make sure of it."
    )
    assert record.layers[2].dead_channels == [5]


def test_a_dead_channel_is_said_to_give_what_it_gives(uno: Uno) -> None:
    def of(channel: int, constant: float) -> Callable[[Floats], Floats]:
        def without(values: Floats) -> Floats:
            values[channel] = 0 if values.ndim > 1 else constant
            return values

        return without

    floats = with_weights(uno.floats, 1, of(5, -1), of(5, -1))
    floats = with_weights(floats, 3, of(2, 0.9), of(2, 0.9))
    advice = uno.record(uno.quantized(floats), floats).advice[-1]
    assert "conv_2d_1 (re_lu_1): channel 5 gives nothing but 0 for" in advice.text
    assert "Dead, too, is channel 2 of conv_2d_3 (re_lu_2), with nothing but 0.9 (" in advice.text


def smaller(uno: Uno, factor: float, channel: int = 3) -> bytes:
    """The same network, in which a channel of the first layer is smaller by ``factor``."""

    def less(values: Floats) -> Floats:
        values[channel] /= factor
        return values

    def more(values: Floats) -> Floats:
        values[..., channel] *= factor
        return values

    return with_weights(with_weights(uno.floats, 0, less, less), 1, more)


def test_a_small_channel_is_lost_by_one_scale_for_all_weights_and_kept_by_one_each(
    uno: Uno,
) -> None:
    floats = smaller(uno, 12.0)
    each = uno.quantized(floats)
    assert uno.record(each, floats).advice == []
    model = Changed(floats)
    weights, bias = (model.data(model.tensor(0, place), "<f4") for place in (1, 2))
    record = uno.record(per_tensor(each, 0, weights, bias), floats)
    assert told(record.advice) == [(Cause.COARSE_CHANNELS, "conv_2d_0", [])]
    assert record.advice[0].command == "glyphite convert uno --scheme per-channel"
    assert record.layers[1].weights is not None
    assert (record.layers[1].weights.scales, record.layers[1].weights.coarse_channels) == (1, [3])
    assert "channel 3 reach" in record.advice[0].text


def test_one_scale_for_even_channels_gets_no_advice(uno: Uno) -> None:
    model = Changed(uno.floats)
    weights, bias = (model.data(model.tensor(3, place), "<f4") for place in (1, 2))
    assert uno.record(per_tensor(uno.int8, 3, weights, bias)).advice == []


@pytest.mark.parametrize(("factor", "steps"), [(30.0, 4), (200.0, 1)])
def test_channels_of_very_different_size_are_named_and_the_weights_that_make_up_for_it(
    uno: Uno, factor: float, steps: int
) -> None:
    """The channel, as it was before it was made smaller, costs nothing: that is what a
    BatchNormalization behind the layer makes of it."""
    floats = smaller(uno, factor, channel=5)
    record = uno.record(uno.quantized(floats), floats)
    assert told(record.advice) == [
        (Cause.UNEVEN_CHANNELS, "conv_2d_0", []),
        (Cause.COARSE_WEIGHTS, "conv_2d_1", []),
    ]
    wanted = f"leaves {steps} of 256 steps at the most to channel 5, which the answers need"
    assert wanted in record.advice[0].text
    assert "those for channel 5 of its input take the scale" in record.advice[1].text
    assert {advice.command for advice in record.advice} == {None}


def test_a_bias_that_was_cut_off_is_named_and_not_what_comes_of_it(uno: Uno) -> None:
    record = uno.record(with_bias(uno.int8, 1, 4, 2**31 - 1))
    assert told(record.advice) == [(Cause.BIAS_CUT_OFF, "conv_2d_1", [])]
    assert "the bias of channel 4 is not the float model's" in record.advice[0].text


def test_weights_of_another_model_are_named_and_not_what_comes_of_it(uno: Uno) -> None:
    model = Changed(uno.int8)
    tensor = model.tensor(3, 1)
    values = model.data(tensor, "i1")
    mixed = np.random.default_rng(1).permutation(values.ravel()).reshape(values.shape)
    model.set_data(tensor, mixed.astype(np.int8))
    record = uno.record(model.content)
    assert told(record.advice) == [(Cause.OTHER_WEIGHTS, "conv_2d_3", [])]
    assert record.answers_differ is not None
    assert record.answers_differ > COUNT / 2


def test_much_error_that_nothing_explains_is_named_at_the_layer_that_costs_most(uno: Uno) -> None:
    def grown(values: Floats) -> Floats:
        values[:, 0] *= 300
        return values

    floats = with_weights(uno.floats, 5, grown)
    record = uno.record(uno.quantized(floats), floats)
    assert told(record.advice) == [(Cause.UNEXPLAINED, "fully_connected_5", [])]
    assert shares(record)["fully_connected_5"] > 0.9


def test_the_parts_of_the_error_come_to_the_whole(uno: Uno) -> None:
    """The error at the output is the sum of what each layer's own error does there alone."""
    found, manifest = uno.gathered(rescaled(uno.int8, [3], 0.5))
    parts = sum(float(np.square(each - found.real_scores).sum()) for each in found.alone)
    real = manifest.dequantize_output(found.scores)
    assert parts == pytest.approx(float(np.square(real - found.real_scores).sum()), rel=0.3)


def test_the_samples_that_int8_changes_come_first(uno: Uno) -> None:
    record = uno.record(rescaled(uno.int8, [1, 2], 0.125))
    assert record.answers_differ is not None
    assert record.answers_differ >= 5
    for one in record.worst:
        assert one.float_answer != one.int8_answer
        assert one.label == str(uno.labels[one.index])
        assert int(np.argmax(one.float_scores)) == int(one.float_answer or -1)
    layer = record.layers[2]
    assert layer.answers_changed is not None
    assert layer.answers_changed > COUNT / 4


class TestTally:
    """What is counted of one tensor: scale 0.5, zero point -128, so 0 to 127.5."""

    NUMBERS = Quantization((0.5,), (-128,))

    def tally(self, real: list[float], levels: list[int], ideal: list[float]) -> Tally:
        found = Tally(self.NUMBERS, -128, 127, channels=2)
        found.add(7, *(np.array([each]) for each in (real, levels, ideal)))
        return found

    def test_the_ratio_is_that_of_the_sums_of_squares(self) -> None:
        found = self.tally([30.0, 40.0], [-68, -48], [30.0, 40.5])
        assert (found.signal, found.error, found.own_error) == (2500.0, 0.0, 0.25)
        found = self.tally([30.0, 40.0], [-68, -47], [30.0, 40.0])
        assert decibels(found.signal, found.error) == pytest.approx(40.0)  # 2500 / 0.25
        assert found.worst == (7, 1, 40.0, 40.5)
        assert decibels(1.0, 0.0) is None

    def test_what_the_range_cuts_off_is_saturation_and_a_relu_s_zero_is_not(self) -> None:
        found = self.tally([0.0, 200.0], [-128, 127], [0.0, 200.0])
        assert (found.cut_low, found.cut_high, found.at_limits) == (0, 1, 2)
        assert found.beyond == 0.5
        assert found.cut_error == (200 - 127.5) ** 2
        one_step = self.tally([0.0, 128.0], [-128, 127], [0.0, 128.0])  # as a softmax's 1 is
        assert one_step.cut == 0 == one_step.beyond

    def test_a_histogram_has_every_value(self) -> None:
        found = self.tally([0.0, 127.5], [-128, 127], [0.0, 127.5])
        assert found.real_bins.tolist() == [0, 1, *[0] * (BINS - 2), 1, 0]
        assert found.real_bins.tolist() == found.given_bins.tolist()
        beyond = self.tally([-9.0, 999.0], [-128, 127], [0.0, 127.5])
        assert (beyond.real_bins[0], beyond.real_bins[-1]) == (1, 1)


def test_each_layer_alone_gives_what_it_gives_in_the_model(uno: Uno) -> None:
    graph, alone = read_loosely(uno.floats)[0], apart(uno.floats)
    whole, parts = AllTensors(uno.floats, "whole"), AllTensors(alone.content, "parts")
    whole.run({graph.inputs[0]: uno.samples[:1]})
    feeds = {}
    for (number, place), source in alone.sources.items():
        feeds[source] = whole.tensor(graph.operators[number].inputs[place])
    parts.run(feeds)
    for operator in graph.operators:
        (output,) = operator.outputs
        np.testing.assert_array_equal(parts.tensor(output), whole.tensor(output))


@pytest.mark.parametrize(
    ("tensor", "layer"),
    [
        ("fixed_1/seed_1/conv2d_1_2/Relu;fixed_1/seed_1/conv2d_1_2/BiasAdd", "conv2d_1"),
        ("fixed_1/seed_1/flatten_1/Reshape", "flatten"),
        ("fixed_1/net_1/inner_1/third_1/Relu", "third"),
        ("serving_default_input:0", None),
        ("model/conv2d/Relu", None),
    ],
)
def test_the_keras_layer_is_told_by_its_tensor_s_name(tensor: str, layer: str | None) -> None:
    assert keras_layer(tensor) == layer


def test_layers_are_told_by_their_order_where_their_names_are_others(uno: Uno) -> None:
    graph, floats = (read_loosely(each)[0] for each in (uno.int8, uno.floats))
    renamed = Graph(
        tuple(dataclasses.replace(each, name=f"t{n}") for n, each in enumerate(floats.tensors)),
        *(floats.operators, floats.inputs, floats.outputs),
    )
    assert pairs_of(graph, renamed) == pairs_of(graph, floats)
    assert tuple(pair.name for pair in pairs_of(graph, floats)) == LAYERS


def test_a_model_with_float_edges_is_looked_at(tmp_path: Path) -> None:
    content = edges.network()
    samples = np.random.default_rng(1).uniform(-5, 5, (40, 5, 1, 3)).astype(np.float32)
    found = gather(content, in_float(content), samples, samples)
    assert [pair.name for pair in found.pairs] == ["input", "max_pool_2d_1", "tanh_2", "add_3"]
    assert [round(decibels(t.signal, t.error) or 0) > 25 for t in found.tallies] == [True] * 4
    assert found.scores.dtype == np.float32


class TestEngines:
    """The first layer at which two int8 engines differ."""

    @pytest.fixture
    def tensors(self, uno: Uno) -> NDArray[np.int8]:
        return np.round(uno.samples[:20] * 255 - 128).astype(np.int8)

    def test_the_c_is_tflm_in_all_layers_and_litert_is_not(
        self, uno: Uno, tensors: NDArray[np.int8]
    ) -> None:
        require_module("tflite_micro")
        done: list[int] = []
        found, left_out = compare_engines(uno.int8, "uno", tensors, done.append)
        assert (left_out, sum(done)) == ([], len(tensors))
        litert, c = found
        assert (c.first, c.second, c.samples, c.difference) == ("C", "TFLM", 20, None)
        assert litert.first == "LiteRT"
        difference = litert.difference
        assert difference is not None
        operator = read_loosely(uno.int8)[0].operators[int(difference.layer.rpartition("_")[2])]
        made = all_tensors(uno.int8, tensors[difference.sample], list(operator.outputs))
        value = made[operator.outputs[0]][(0, *difference.place)]
        assert value == difference.second_value != difference.first_value
        assert 1 <= difference.differing <= difference.values
        assert 1 <= difference.samples <= litert.samples

    def test_the_first_layer_of_all_samples_is_named_and_how_many_differ_there(
        self, uno: Uno, tensors: NDArray[np.int8], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The C has a bias that is a little larger in one layer, and a far larger one behind it."""
        require_module("tflite_micro")
        model = Changed(uno.int8)
        little = int(model.data(model.tensor(3, 2), "<i4")[4]) + 4
        other = with_bias(with_bias(uno.int8, 3, 4, little), 4, 0, 90_000)
        monkeypatch.setattr(
            "glyphite.host.measure.layers.engines.compile_model",
            lambda _, name: compile_model(other, name),
        )
        c = compare_engines(uno.int8, "uno", tensors)[0][1]
        assert c.difference is not None
        assert (c.difference.layer, c.difference.kind) == ("conv_2d_3", "CONV_2D")
        assert c.difference.place[-1] == 4
        assert 1 <= c.difference.samples < len(tensors)  # the others differ behind it

    def test_an_engine_that_cannot_be_is_left_out_with_the_reason(
        self, uno: Uno, tensors: NDArray[np.int8], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(engines, "has_tflm", lambda: False)
        found, left_out = compare_engines(uno.int8, "uno", tensors[:2])
        assert [(pair.first, pair.second) for pair in found] == [("LiteRT", "C")]
        assert left_out == []
        found, left_out = compare_engines(edges.not_compiled(), "net", tensors[:1])
        assert found == []
        assert left_out[0].startswith("C is left out layer by layer: ")
