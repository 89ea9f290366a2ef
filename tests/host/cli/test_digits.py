"""What the verbs that read digits take: a number of images, and models of ten digits."""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.errors import CONVERT_AGAIN, InputError, ModelError
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.host.cli import main
from glyphite.host.cli.digits import count_of, load_digits, next_step, reads_digits, require_digits
from tests.builders.models import ModelBuilder
from tests.paths import PROJECT

SEVEN = PROJECT / "tests" / "data" / "seven.png"
DIGITS = Manifest(
    name="mine",
    sha256="",
    input=TensorInfo((1, 28, 28, 1), "int8", 1 / 255, -128),
    output=TensorInfo((1, 10), "int8", 1 / 256, -128),
    labels=tuple("0123456789"),
)


def test_a_count_is_1_to_a_million() -> None:
    assert [count_of("1"), count_of("1000000")] == [1, 1000000]
    for text in ("0", "-1", "", "1.5", "ten", "²", "\u0661\u0660", "1000001", "9" * 5000):
        with pytest.raises(argparse.ArgumentTypeError, match="is no count: 1 to 1,0"):
            count_of(text)


def test_classes_in_another_order_are_refused() -> None:
    with pytest.raises(ModelError, match=r"calls the ten classes 9, 8, 7, .* in this order"):
        require_digits(replace(DIGITS, labels=tuple("9876543210")))


@pytest.mark.parametrize("shape", [(1, 28, 28, 1), (1, 784), (1, 1, 28, 28)])
def test_an_image_of_mnist_fits_in_any_order_of_its_axes(shape: tuple[int, ...]) -> None:
    model = replace(DIGITS, input=replace(DIGITS.input, shape=shape))
    require_digits(model)
    assert reads_digits(model.input, model.output)


@pytest.mark.parametrize("shape", [(1, 9), (1, 11), (1, 2, 10)])
def test_a_model_of_other_than_ten_scores_reads_no_digits(shape: tuple[int, ...]) -> None:
    """A model of letters may well take such images."""
    with pytest.raises(ModelError, match=r"a digit model takes 28x28 pixels and gives 10 scores"):
        require_digits(replace(DIGITS, output=replace(DIGITS.output, shape=shape)))


def test_a_model_of_larger_images_reads_no_digits() -> None:
    with pytest.raises(ModelError, match=r"mine takes int8 inputs of shape \(32, 32, 1\)"):
        require_digits(replace(DIGITS, input=replace(DIGITS.input, shape=(1, 32, 32, 1))))


@pytest.mark.parametrize("count", [10_000, None])
def test_all_test_images_are_the_most_that_there_are(count: int | None) -> None:
    tensors, labels = load_digits(DIGITS, count)
    assert (tensors.shape, labels.shape) == ((10_000, 28, 28, 1), (10_000,))
    with pytest.raises(InputError, match=r"--count 10001: MNIST has 10,000 test images\."):
        load_digits(DIGITS, 10_001)


def test_a_digit_model_goes_on_to_images_of_digits() -> None:
    edges = DIGITS.input, DIGITS.output
    assert next_step("my model", *edges) == "glyphite compare 'my model'"
    assert next_step("m", *edges, "uno") == "glyphite stream m --port sim://uno"
    assert next_step("m", *edges, "a b.toml") == "glyphite stream m --port sim://a%20b.toml"
    assert next_step("m", *edges, "uno", "COM3") == "glyphite stream m --port COM3 --count 100"


@pytest.mark.parametrize(
    "model",
    [
        replace(DIGITS, input=TensorInfo((1, 392, 2), "int8", 0.1, 0)),
        replace(DIGITS, output=TensorInfo((1, 2), "int8", 0.1, 0)),
    ],
)
def test_every_other_model_goes_on_to_be_verified(model: Manifest) -> None:
    """784 values of a sensor are no image."""
    edges = model.input, model.output
    assert not reads_digits(*edges)
    with pytest.raises(ModelError, match="Other models can be checked with `glyphite verify`"):
        require_digits(model)
    assert next_step("m", *edges) == "glyphite verify m --board native --optimize speed"
    assert next_step("m", *edges, "a b") == "glyphite verify m --board 'a b'"
    assert next_step("m", *edges, "uno", "COM3") == "glyphite verify m --board uno --port COM3"


@pytest.mark.parametrize(
    "words",
    [
        ["predict", str(SEVEN), "FILE"],
        ["compare", "FILE"],
        ["stream", "FILE", "--port", "sim://native"],
        ["verify", "FILE", "--board", "native"],
    ],
)
def test_a_model_of_floats_is_to_be_converted_again_and_not_to_be_verified(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights of int8 and all else of floats: what TensorFlow's converter makes of a Keras model
    without samples ("dynamic range")."""
    model = ModelBuilder()
    image, scores = (model.tensor(shape, dtype="FLOAT32") for shape in ((1, 28, 28, 1), (1, 10)))
    weights = model.weights(np.ones((10, 784), np.int8), 0.01)
    model.operator("FULLY_CONNECTED", [image, weights, -1], [scores], "FullyConnectedOptions")
    path = tmp_path / "dynamic.tflite"
    path.write_bytes(model.build([image], [scores]))
    assert main([str(path) if word == "FILE" else word for word in words]) == 2
    said = capsys.readouterr().err
    reason = "The .tflite's input is float32, and int8 is needed."
    assert said == f"glyphite {words[0]}: {reason} {CONVERT_AGAIN}\n"
