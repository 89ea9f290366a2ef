"""Dense layers for libraries that know one scale a tensor: what they misread, and what mends it."""

from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import ModelT, QuantizationParametersT

from glyphite.convert.compiler.frontend.tflite import read, read_loosely
from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.errors import ModelError
from glyphite.convert.export.tflm_dense import by_tensor, common_scale, has_channels, misread
from glyphite.convert.manifest import Manifest
from glyphite.convert.shipped import MODELS
from glyphite.host.runners.tflm import infer
from tests.builders.dense import fully_connected
from tests.builders.models import ModelBuilder, hard_inputs, pack
from tests.paths import PROJECT

CHANNELS, COUNT = 7, 12
WITHOUT = "_experimental_disable_per_channel_quantization_for_dense_layers"


def made(*, per_channel: bool = True, bias: bool = True) -> bytes:
    """A model of one dense layer; the same each time, but for what is asked for."""
    rng = np.random.default_rng(3)
    options = {"per_channel": per_channel, "bias": bias}
    return changed(fully_connected(rng, (1, COUNT), COUNT, CHANNELS, **options), scale_of_bias)


def scale_of_bias(model: ModelT) -> None:
    """Give the bias its scales, as TensorFlow's converter does."""
    source, weights, *bias = model.subgraphs[0].tensors[:-1]
    for tensor in bias:
        tensor.quantization = QuantizationParametersT()
        tensor.quantization.scale = weights.quantization.scale * source.quantization.scale[0]
        tensor.quantization.zeroPoint = weights.quantization.zeroPoint


def changed(tflite: bytes, change: Callable[[ModelT], None]) -> bytes:
    """The file with something else in its tables."""
    model = ModelT.InitFromPackedBuf(tflite, 0)
    change(model)
    return pack(model)


def mended(tflite: bytes) -> bytes:
    return by_tensor(tflite, read_loosely(tflite))


@pytest.mark.parametrize("bias", [True, False])
def test_each_weight_moves_by_at_most_half_a_step_of_the_one_scale(bias: bool) -> None:
    before, after = read(tflite := made(bias=bias)), read(mended(tflite))
    old, new = before.tensors[1], after.tensors[1]
    assert old.quantization and new.quantization and old.data is not None and new.data is not None
    assert new.quantization.scales == (new.quantization.scale,)
    real = np.asarray(old.data, float) * np.array(old.quantization.scales)[:, None]
    assert np.abs(new.data * new.quantization.scale - real).max() <= new.quantization.scale * 0.501
    assert np.abs(new.data.astype(int)).max() == 127
    if bias:
        numbers = before.tensors[2].data, after.tensors[2].data
        assert numbers[0] is not None and numbers[1] is not None
        scaled = numbers[0] * np.array(old.quantization.scales) / new.quantization.scale
        assert np.abs(numbers[1] - scaled).max() <= 0.5


def test_the_answers_are_near_those_of_the_model_and_not_those_of_a_misread_one() -> None:
    tflite = made()
    inputs = hard_inputs(np.random.default_rng(1), (1, COUNT), 20)
    right = infer(tflite, inputs).astype(int)
    near, far = (
        np.abs(infer(one, inputs) - right).mean()
        for one in (mended(tflite), misread(tflite, read_loosely(tflite)))
    )
    assert near < 2 < far


def test_nothing_but_weights_biases_and_their_scales_changes() -> None:
    tflite = made()
    other = mended(tflite)
    assert len(other) == len(tflite)
    changed_bytes = sum(a != b for a, b in zip(tflite, other, strict=True))
    assert 0 < changed_bytes <= CHANNELS * COUNT + 4 * CHANNELS + 2 * 4 + 4 * 4
    assert other == mended(tflite)
    assert not has_channels(read_loosely(other))
    assert mended(other) == other


def test_a_model_with_one_scale_stays_as_it_is() -> None:
    tflite = made(per_channel=False)
    assert not has_channels(read_loosely(tflite))
    assert mended(tflite) == tflite


def test_misread_is_what_chirale_2_0_0_answered_on_a_board() -> None:
    """Measured there: 14 of the 2,000 bytes of 200 test images of the `uno` of then differed."""
    tflite = (PROJECT / "tests" / "data" / "uno_of_november.tflite").read_bytes()
    manifest = Manifest.load(MODELS / "uno" / "manifest.json")
    digits = manifest.quantize(load_mnist().test_images[:200])
    misreading = misread(tflite, read_loosely(tflite))
    assert (infer(tflite, digits) != infer(misreading, digits)).sum() == 14


def test_scale_has_room_for_the_largest_weight_and_the_largest_bias() -> None:
    weights = np.array([[100, -127], [1, 0]], np.int8)
    scales, bias = np.array([0.5, 0.25]), np.array([3, 4])
    assert common_scale(weights, bias, scales) == 0.5
    assert common_scale(weights[1:], bias[1:], scales[1:]) == pytest.approx(0.25 / 127)
    tiny = common_scale(weights[1:], np.array([2**30]), scales[1:])
    assert 2**30 * 0.25 / tiny <= 2**31
    assert tiny > 0.1
    assert common_scale(np.zeros((2, 2), np.int8), np.zeros(2), scales) == 0.5


def shared_weights(model: ModelT) -> None:
    model.subgraphs[0].tensors.append(model.subgraphs[0].tensors[1])


def used_twice(model: ModelT) -> None:
    graph = model.subgraphs[0]
    graph.operators = [graph.operators[0], graph.operators[0]]


def computed(model: ModelT) -> None:
    model.buffers[model.subgraphs[0].tensors[1].buffer].data = None


def asymmetric(model: ModelT) -> None:
    model.subgraphs[0].tensors[1].quantization.zeroPoint = [1] * CHANNELS


def other_bias(model: ModelT) -> None:
    model.subgraphs[0].tensors[2].quantization = None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (shared_weights, "shares its numbers with another tensor"),
        (used_twice, "shares weights or bias with another operator"),
        (computed, "has weights that are no int8 matrix of constants"),
        (asymmetric, "has weights that are not symmetric by output channel"),
        (other_bias, "has a bias that is not int32 constants with scales"),
    ],
)
def test_weights_that_cannot_be_changed_alone_are_refused(
    change: Callable[[ModelT], None], reason: str
) -> None:
    with pytest.raises(ModelError) as refused:
        mended(changed(made(), change))
    assert str(refused.value) == (
        f"Operator 0 (FULLY_CONNECTED) {reason}, so it cannot be quantized by tensor here. "
        f"Convert the model with converter.{WITHOUT} = True, or export it with --library current."
    )


def test_channels_of_a_convolution_are_no_matter() -> None:
    model = ModelBuilder()
    model.tensor((1, 2, 2, 1), 0.5)
    model.weights(np.ones((2, 1, 1, 1), np.int8), [0.1, 0.2])
    model.tensor((1, 2, 2, 2), 0.5)
    model.operator("CONV_2D", [0, 1], [2], "Conv2DOptions", strideH=1, strideW=1)
    assert not has_channels(read_loosely(model.build([0], [2])))
