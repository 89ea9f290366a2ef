"""What is counted of each layer, and which layers of two models are held together."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.compiler.ir.graph import Graph, Quantization
from glyphite.convert.manifest import INT16, LIMITS
from glyphite.host.measure.layers.causes import used
from glyphite.host.measure.layers.gather import gather
from glyphite.host.measure.layers.match import keras_layer, pairs_of
from glyphite.host.measure.layers.rewrite import apart, in_float
from glyphite.host.measure.layers.tally import BINS, Tally, decibels
from glyphite.host.runners.all_tensors import AllTensors
from tests.builders import edges
from tests.builders.looked_at import LAYERS, Uno
from tests.strict import require_module

require_module("ai_edge_litert", "ai_edge_quantizer")


def test_int16_has_as_much_below_0_as_above_it() -> None:
    """So values of 0 to 1 take all of a range of -1 to 1."""
    found = Tally(Quantization((1 / 32767,), (0,)), *LIMITS[INT16], channels=1)
    value = np.array([[1.0]])
    found.add(0, value, np.array([[32767]]), value)
    assert used(found) == pytest.approx(1)
    int8 = Tally(Quantization((1 / 127,), (0,)), *LIMITS["int8"], channels=1)
    int8.add(0, value, np.array([[127]]), value)
    assert used(int8) == pytest.approx(127 / 255)


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
