"""The committed Uno model is the one that its recipe makes, and as accurate as is said of it."""

import json

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.manifest import Manifest, sha256_of
from glyphite.convert.quantize.quantize import operators
from glyphite.train.networks.networks import network
from tests.paths import PROJECT
from tests.strict import require_module

FOLDER = PROJECT / "models" / "uno"
TFLITE = FOLDER / "model_int8.tflite"


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """What is said of the model."""
    return Manifest.load(FOLDER / "manifest.json")


@pytest.fixture(scope="module")
def interpreter() -> Interpreter:
    """The model in LiteRT."""
    made = Interpreter(model_content=TFLITE.read_bytes())
    made.allocate_tensors()
    return made


def test_the_manifest_is_of_this_model(manifest: Manifest) -> None:
    assert manifest.name == "uno"
    assert manifest.sha256 == sha256_of(TFLITE)
    assert manifest.input.shape == (1, 28, 28, 1)
    assert manifest.output.shape == (1, 10)


def test_raw_pixels_minus_128_are_its_input(manifest: Manifest) -> None:
    levels = np.arange(256, dtype=np.uint8)
    pixels = np.resize(levels, (1, 28, 28))
    assert np.array_equal(manifest.quantize(pixels)[0, ..., 0], pixels[0].astype(int) - 128)


def test_it_has_the_network_that_the_recipe_trains(interpreter: Interpreter) -> None:
    require_module("tensorflow")
    kernels = [layer.kernel.shape for layer in network("uno")().layers if hasattr(layer, "kernel")]
    wanted = sorted(int(np.prod(shape)) for shape in kernels)
    found = sorted(
        int(np.prod(detail["shape"]))
        for detail in interpreter.get_tensor_details()
        if detail["dtype"] is np.int8 and detail["shape"][0] > 1  # an activation's is the batch
    )
    assert found == wanted


def test_its_operators_are_few_and_plain() -> None:
    assert operators(TFLITE.read_bytes()) == [
        *("CONV_2D", "CONV_2D", "MAX_POOL_2D", "CONV_2D", "CONV_2D"),
        *("FULLY_CONNECTED", "SOFTMAX"),
    ]


def test_it_reads_at_least_9940_of_the_10000_test_digits(
    interpreter: Interpreter, manifest: Manifest, mnist: Mnist
) -> None:
    source = interpreter.get_input_details()[0]["index"]
    sink = interpreter.get_output_details()[0]["index"]
    right = 0
    for tensor, label in zip(manifest.quantize(mnist.test_images), mnist.test_labels, strict=True):
        interpreter.set_tensor(source, tensor[np.newaxis])
        interpreter.invoke()
        right += int(interpreter.get_tensor(sink)[0].argmax() == label)
    assert right >= 9_940
    assert right == round(10_000 * manifest.accuracy["int8_litert"])


def test_the_history_says_how_it_was_trained(manifest: Manifest) -> None:
    history = json.loads((FOLDER / "history.json").read_text())
    assert history["network"] == "uno"
    assert len(history["loss"]) == history["epochs"]
