"""The seed model, exported for TensorFlow Lite Micro and compiled to C, once for all tests here."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.export.tflm import write_sketch
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from tests.firmware.tflm.kit import Kit


@pytest.fixture(scope="session")
def exported(trained_seed: Path, tmp_path_factory: pytest.TempPathFactory) -> Kit:
    """The exported sketch and what the double needs; not to be changed."""
    folder = tmp_path_factory.mktemp("tflm")
    model = ModelFolder(trained_seed, trained_seed / "model_int8.tflite")
    for file, text in compile_model(model.tflite.read_bytes(), "seed").files.items():
        (folder / "c").mkdir(exist_ok=True)
        (folder / "c" / file).write_text(text)
    (folder / "objects").mkdir()
    return Kit(write_sketch(model, folder / "sketch"), folder / "c", folder / "objects")


@pytest.fixture
def kit(exported: Kit, require_tool: Callable[..., None]) -> Kit:
    """The same, where this PC has compilers."""
    require_tool("gcc", "g++")
    return exported


@pytest.fixture(scope="session")
def digits(trained_seed: Path) -> NDArray[np.int8]:
    """Real test digits as the seed model's inputs (100, 28, 28, 1)."""
    manifest = Manifest.load(trained_seed / "manifest.json")
    return manifest.quantize(load_mnist().test_images[:100])


@pytest.fixture(scope="session")
def answers(trained_seed: Path, digits: NDArray[np.int8]) -> NDArray[np.int8]:
    """What TensorFlow Lite Micro (the package) answers to the digits, (100, 10)."""
    from glyphite.host.runners.tflm import infer

    return infer((trained_seed / "model_int8.tflite").read_bytes(), digits)
