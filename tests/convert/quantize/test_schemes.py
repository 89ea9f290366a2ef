"""Each scheme differs from the usual one in what it says, and the usual one is TensorFlow's own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.manifest import Manifest
from glyphite.convert.quantize.by_scheme import quantized_by
from glyphite.convert.quantize.float_model import KerasModel
from glyphite.convert.quantize.quantize import float_operators, manifest_of, operators
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.quantize.ranges import BINS, FloatGraph, Observed, ranges_by
from glyphite.convert.quantize.schemes import (
    USUAL,
    Rule,
    Weights,
    all_names,
    scheme_named,
)
from glyphite.host.runners.litert import LitertRunner
from glyphite.host.runners.tflm import infer
from tests.builders.hard import hard_network, samples
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert", "tflite_micro")
load_tensorflow()

CALIBRATION = samples(100, 1)


@pytest.fixture(scope="module")
def model() -> KerasModel:
    return KerasModel(hard_network(), b"")


@pytest.fixture(scope="module")
def usual(model: KerasModel) -> bytes:
    return quantized_by(USUAL, model, CALIBRATION)


@pytest.fixture(scope="module")
def int16(model: KerasModel) -> bytes:
    return quantized_by(scheme_named("int16"), model, CALIBRATION)


def tensors(content: bytes) -> list[Any]:
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content))
    return list(model.subgraphs[0].tensors)


def scales(content: bytes) -> list[list[float]]:
    """Of each matrix of weights and each activation, in their order."""
    return [
        [float(scale) for scale in one.quantization.scale]
        for one in tensors(content)
        if one.type == schema.TensorType.INT8
    ]


def test_ranges_filled_in_by_hand_give_what_tensorflow_s_own_way_gives(
    model: KerasModel, usual: bytes
) -> None:
    graph = FloatGraph(model.float_tflite)
    ranges = ranges_by(Rule.WHOLE, graph.observe(CALIBRATION, fine=False), graph.edges)
    made = graph.quantized(ranges)
    assert operators(made) == operators(usual)
    for ours, theirs in zip(scales(made), scales(usual), strict=True):
        assert ours == pytest.approx(theirs, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "several"), [("per-channel", 3), ("per-tensor-dense", 0), ("per-tensor", 0)]
)
def test_weights_have_a_scale_a_channel_or_one_in_all(
    name: str, several: int, model: KerasModel
) -> None:
    found = scales(quantized_by(scheme_named(name), model, CALIBRATION))
    assert sum(len(each) > 1 for each in found) == several


def observed(values: np.ndarray[Any, np.dtype[np.float64]]) -> dict[int, Observed]:
    low, high = float(values.min()), float(values.max())
    return {7: Observed(low, high, np.histogram(values, BINS, (low, high))[0])}


def test_rules_cut_off_what_is_rare_and_keep_what_is_not() -> None:
    draw = np.random.default_rng(1)
    plain = observed(draw.uniform(0, 1, 100_000))
    rare = observed(np.append(draw.uniform(0, 1, 100_000), 50.0))
    for rule in (Rule.PERCENTILE, Rule.LEAST_ERROR):
        low, high = ranges_by(rule, plain, set())[7]
        assert low == 0
        assert high == pytest.approx(1, abs=0.02)
    assert ranges_by(Rule.WHOLE, rare, set())[7] == (0, 50)
    assert ranges_by(Rule.PERCENTILE, rare, set())[7][1] < 1.1
    assert 1 < ranges_by(Rule.LEAST_ERROR, rare, set())[7][1] < 49
    assert ranges_by(Rule.PERCENTILE, rare, {7})[7] == (0, 50)  # of an edge, all is kept


def test_zero_is_within_every_range_and_a_range_of_nothing_has_some_width() -> None:
    assert ranges_by(Rule.WHOLE, {1: Observed(2, 3, np.zeros(BINS, np.int64))}, set())[1] == (0, 3)
    assert ranges_by(Rule.WHOLE, {1: Observed(0, 0, np.zeros(BINS, np.int64))}, set())[1] == (0, 1)


def test_int16_runs_where_it_can_and_is_refused_where_it_cannot(
    model: KerasModel, int16: bytes, tmp_path: Path
) -> None:
    (tmp_path / "m.tflite").write_bytes(int16)
    inputs = samples(50, 2)
    wanted = model.answers(inputs)
    (litert,) = LitertRunner(tmp_path / "m.tflite").run(inputs)
    assert np.abs(litert - wanted).mean() < 0.02  # the weights are int8, and read badly
    assert np.abs(infer(int16, inputs) - wanted).mean() < 0.02
    manifest = manifest_of(int16, "x")
    assert (manifest.input.dtype, manifest.output.scale) == ("float32", 1 / 32768)
    assert manifest.gives_shares  # else a softmax would be taken of shares
    with pytest.raises(ModelError, match="int16, and int8 is needed"):
        compile_model(int16, "x")


def test_an_operator_left_in_float_is_named(model: KerasModel, usual: bytes) -> None:
    assert set(float_operators(model.float_tflite)) == {"FULLY_CONNECTED", "SOFTMAX"}
    assert not float_operators(usual)


def test_names_lead_to_schemes_and_others_are_refused() -> None:
    assert len(set(map(scheme_named, all_names()))) == len(all_names())
    assert scheme_named("samples-321").samples == 321
    assert scheme_named("samples-321").is_usual
    assert scheme_named("per-tensor").weights is Weights.TENSOR
    for name in ("per-tensr", "samples-0", "samples-1000001", "samples-", ""):
        with pytest.raises(InputError, match=r"There is no scheme .* There are: per-channel, "):
            scheme_named(name)
    with pytest.raises(InputError, match=r"Did you mean per-tensor\?"):
        scheme_named("per-tensr")
    with pytest.raises(ValueError, match="needs a training"):
        quantized_by(scheme_named("aware"), KerasModel(hard_network(), b""), CALIBRATION)


def test_a_manifest_of_before_there_were_schemes_is_still_read(
    usual: bytes, tmp_path: Path
) -> None:
    before = manifest_of(usual, "x")
    before.save(tmp_path / "manifest.json")
    text = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(text.replace('  "scheme": "",\n', ""))
    assert Manifest.load(tmp_path / "manifest.json").scheme == ""
    (tmp_path / "manifest.json").write_text(text.replace('"scheme": ""', '"scheme": "aware"'))
    with pytest.raises(ModelError, match="changed by hand"):
        Manifest.load(tmp_path / "manifest.json")
