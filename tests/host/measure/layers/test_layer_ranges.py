"""A range that is too narrow or too wide is named at the layer that has it, and at no other."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from glyphite.convert.quantize.float_tflite import FloatTflite
from glyphite.convert.quantize.quantize import manifest_of
from glyphite.host.measure.layers.gather import gather
from glyphite.host.measure.layers.look import Subject, summarize
from glyphite.host.measure.layers.rewrite import in_float
from glyphite.host.measure.layers_record import Advice, Cause, Reference
from glyphite.host.measure.truth import Task, Truth
from tests.builders.defects import rescaled
from tests.builders.looked_at import LAYERS, WAY, Uno, shares, told
from tests.builders.models import ModelBuilder
from tests.builders.truth import DATA, labelled
from tests.paths import PROJECT
from tests.strict import require_module

require_module("ai_edge_litert", "ai_edge_quantizer")


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
    assert "Try to calibrate on more samples" in advice.text
    assert "is not measured here" in advice.text
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
