"""The first layer at which two int8 engines differ is named, with the values."""

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.host.measure.layers import engines
from glyphite.host.measure.layers.engines import compare_engines
from glyphite.host.runners.tflm import all_tensors
from tests.builders import edges
from tests.builders.defects import Changed, with_bias
from tests.builders.looked_at import Uno
from tests.strict import require_module

require_module("ai_edge_litert", "ai_edge_quantizer")


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
