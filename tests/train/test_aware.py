"""A training aware of int8 mends what rounding alone spoils, and its model has TFLM's bytes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.errors import ModelError
from glyphite.convert.preprocessing import NAMED
from glyphite.convert.quantize.by_scheme import quantized_by
from glyphite.convert.quantize.float_model import KerasModel
from glyphite.convert.quantize.quantize import manifest_of, operators
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.quantize.schemes import USUAL, scheme_named
from glyphite.host.measure import verify
from glyphite.host.runners.compiled import CompiledRunner
from glyphite.host.runners.tflm import infer
from glyphite.train.aware import AwareSettings, aware_tflite
from glyphite.train.fold import folded, places
from tests.builders.hard import hard_network, samples
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert", "tflite_micro")
load_tensorflow()
import keras  # noqa: E402
from keras import layers  # noqa: E402

SETTINGS = AwareSettings(epochs=10, batch_size=64, rate=1e-3)
CALIBRATION = samples(300, 1)
JUDGED = samples(2000, 3)


@pytest.fixture(scope="module")
def hard() -> Any:  # noqa: ANN401
    return hard_network()


@pytest.fixture(scope="module")
def aware(hard: Any) -> bytes:  # noqa: ANN401
    return aware_tflite(hard, samples(4000, 1), NAMED["raw"], CALIBRATION, settings=SETTINGS)


def right(content: bytes, model: Any, path: Path) -> NDArray[np.bool_]:  # noqa: ANN401
    """Whether the int8 model names the class that the float model names, for each sample."""
    path.write_bytes(content)
    inputs = replace(manifest_of(content, "x"), preprocessing=NAMED["raw"]).quantize(JUDGED)
    (scores,) = CompiledRunner(path).run(inputs)
    wanted = np.asarray(model(JUDGED, training=False)).argmax(axis=1)
    return np.asarray(scores.argmax(axis=1) == wanted)


def test_it_answers_as_the_float_model_where_rounding_alone_does_not(
    hard: Any,  # noqa: ANN401
    aware: bytes,
    tmp_path: Path,
) -> None:
    plain = quantized_by(USUAL, KerasModel(hard, b""), CALIBRATION)
    before, after = (right(each, hard, tmp_path / "m.tflite") for each in (plain, aware))
    won, lost = int((after & ~before).sum()), int((before & ~after).sum())
    assert before.mean() < 0.88
    assert after.mean() > before.mean() + 0.05
    assert metrics.mcnemar(won, lost) < 1e-6
    assert operators(aware) == operators(plain)  # the batch norm is folded, and nothing is added


@pytest.mark.parametrize("name", ["aware", "per-tensor", "per-tensor-dense", "percentile"])
def test_every_byte_of_the_c_is_tflm_s(name: str, aware: bytes, hard: Any, tmp_path: Path) -> None:  # noqa: ANN401
    scheme, model = scheme_named(name), KerasModel(hard, b"")
    content = aware if scheme.is_aware else quantized_by(scheme, model, CALIBRATION)
    (tmp_path / "m.tflite").write_bytes(content)
    inputs = np.concatenate([verify.random_inputs((8,), 200), verify.extreme_inputs((8,))])
    (ours,) = CompiledRunner(tmp_path / "m.tflite").run(inputs)
    assert np.array_equal(ours, infer(content, inputs))


def test_the_same_settings_give_the_same_model(hard: Any) -> None:  # noqa: ANN401
    brief = AwareSettings(epochs=1, batch_size=64)
    raw = samples(128, 2)
    one, other = (
        aware_tflite(hard, raw, NAMED["raw"], CALIBRATION, settings=brief) for _ in range(2)
    )
    assert one == other


def branched() -> Any:  # noqa: ANN401
    """Batch norms that fold into each kind of layer, and one that cannot; a sum; a sigmoid."""
    given = keras.Input((6, 6, 2))
    left = layers.Conv2D(4, 3, padding="same", use_bias=False, name="left")(given)
    left = layers.ReLU()(layers.BatchNormalization(name="folds")(left))
    deep = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="deep")(given)
    deep = layers.BatchNormalization(name="folds_deep", scale=False)(deep)
    both = layers.Add(name="both")([left, deep])
    both = layers.MaxPooling2D()(layers.Activation("relu")(both))
    both = layers.BatchNormalization(name="stays")(both)
    flat = layers.Dropout(0.5)(layers.Flatten()(both))
    model = keras.Model(given, layers.Dense(3, activation="sigmoid", name="last")(flat))
    draw = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([draw.uniform(0.2, 1, each.shape) for each in layer.get_weights()])
    return model


def test_folding_changes_no_answer_and_int8_rounds_where_the_converter_does() -> None:
    model = branched()
    made = folded(model)
    inputs = np.random.default_rng(2).random((5, 6, 6, 2), np.float32)
    assert np.allclose(model(inputs, training=False), made(inputs, training=False), atol=1e-4)
    kinds = {layer.name: type(layer).__name__ for layer in made.layers}
    assert (kinds["folds"], kinds["folds_deep"]) == ("Identity", "Identity")
    assert kinds["stays"] == "BatchNormalization"
    found = {place.layer for place in places(made)}
    assert {"deep", "stays", "last"} <= found
    assert not {"left", "both"} & found  # the ReLU behind is one step with them


def test_a_network_of_branches_is_trained_and_answers_as_it_did(tmp_path: Path) -> None:
    model = branched()
    raw = np.random.default_rng(3).random((64, 6, 6, 2), np.float32)
    content = aware_tflite(
        model, raw, NAMED["raw"], raw, settings=AwareSettings(epochs=1, batch_size=16)
    )
    (tmp_path / "m.tflite").write_bytes(content)
    manifest = replace(manifest_of(content, "x"), preprocessing=NAMED["raw"])
    (scores,) = CompiledRunner(tmp_path / "m.tflite").run(manifest.quantize(raw))
    apart = manifest.dequantize_output(scores) - np.asarray(model(raw, training=False))
    assert np.abs(apart).max() < 0.05


class Own(layers.Layer):  # type: ignore[misc, unused-ignore]
    """A layer that says nothing of how it is made."""

    def __init__(self, by: float) -> None:
        super().__init__()
        self.by = by

    def call(self, given: Any) -> Any:  # noqa: ANN401
        return self.by * given


def test_a_layer_that_cannot_be_made_anew_is_refused_in_a_sentence() -> None:
    model = keras.Sequential([keras.Input((8,)), Own(2.0), layers.Dense(2)])
    with pytest.raises(ModelError, match=r"cannot be made anew .* Take another scheme\.$"):
        aware_tflite(model, CALIBRATION, NAMED["raw"], CALIBRATION, settings=SETTINGS)
