"""Channels, weights and biases that lose accuracy are named at their layer, and at no other."""

import dataclasses
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.quantize.quantize import manifest_of
from glyphite.host.measure.layers.advice import _coarse_weights
from glyphite.host.measure.layers.gather import gather
from glyphite.host.measure.layers.look import Subject, summarize
from glyphite.host.measure.layers.made_up import reads_samples
from glyphite.host.measure.layers.rewrite import in_float
from glyphite.host.measure.layers_record import Cause, Reference
from glyphite.host.measure.truth import Task, Truth
from tests.builders.defects import Changed, per_tensor, rescaled, with_bias, with_weights
from tests.builders.looked_at import COUNT, WAY, Floats, Uno, shares, smaller, told
from tests.builders.models import ModelBuilder
from tests.builders.truth import DATA
from tests.strict import require_module

require_module("ai_edge_litert", "ai_edge_quantizer")


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


def test_one_scale_for_all_weights_is_told_where_it_starts_and_not_of_the_layer_behind(
    uno: Uno,
) -> None:
    """That one's weights for the small channel take its one scale: one mend is both layers'."""
    floats = smaller(uno, 12.0)
    content, model = uno.quantized(floats), Changed(floats)
    for number in (0, 1):
        weights, bias = (model.data(model.tensor(number, place), "<f4") for place in (1, 2))
        content = per_tensor(content, number, weights, bias)
    record = uno.record(content, floats)
    assert told(record.advice) == [(Cause.COARSE_CHANNELS, "conv_2d_0", [])]
    assert record.layers[2].own_sqnr_db is not None
    assert record.layers[2].own_sqnr_db < 25  # it is the one that loses most


def test_a_dead_channel_is_not_called_coarse(uno: Uno) -> None:
    def least(values: Floats) -> Floats:
        values[5] = values[5] / 50 if values.ndim > 1 else -1
        return values

    floats = with_weights(uno.floats, 1, least, least)
    model = Changed(floats)
    weights, bias = (model.data(model.tensor(1, place), "<f4") for place in (1, 2))
    record = uno.record(per_tensor(uno.quantized(floats), 1, weights, bias), floats)
    assert told(record.advice) == [(Cause.DEAD_CHANNELS, "conv_2d_1", [])]
    assert record.layers[2].weights is not None
    assert record.layers[2].weights.coarse_channels == [5]


def test_coarse_weights_of_the_first_layer_are_no_matter_of_a_layer_before_it(uno: Uno) -> None:
    graph = read_loosely(uno.int8)[0]
    first = [reads_samples(graph, each) for each in graph.operators]
    assert first == [True, *[False] * (len(first) - 1)]
    for is_first in (True, False):
        seen: Any = SimpleNamespace(weights=None, is_first=is_first)
        mend = _coarse_weights(seen, WAY, 0)[1]
        assert ("BatchNormalization before this layer" in mend) is not is_first
        assert "weight decay" in mend


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
