"""``glyphite convert``: a trained model to a fully quantized .tflite and its manifest."""

import argparse
import hashlib
from importlib.metadata import version

import numpy as np

from convert.errors import ModelError
from convert.files import write_bytes
from convert.manifest import Manifest, TensorInfo
from convert.quantize import quantize
from convert.quiet import load_tensorflow
from convert.workspace import model_folder
from host.cli.console import STDERR, say
from train.data import load_mnist
from train.fit import unit_images

SUMMARY = "quantize a trained model to int8"
EXAMPLE = "glyphite convert seed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model's name below build/")


def run(arguments: argparse.Namespace) -> int:
    """Quantize, then write model_int8.tflite and manifest.json."""
    folder = model_folder(arguments.model)
    if not folder.keras.is_file():
        raise ModelError(f"No trained model: {folder.keras} does not exist.")
    load_tensorflow()
    import keras

    data = load_mnist(tell=STDERR.print)
    chosen = data.train_images[np.linspace(0, len(data.train_images) - 1, 500).astype(int)]
    content = quantize(keras.saving.load_model(folder.keras), unit_images(chosen))
    write_bytes(folder.tflite, content)
    _manifest(content, folder.name).save(folder.manifest)
    say(f"Written: {folder.tflite}, {folder.manifest}")
    return 0


def _manifest(content: bytes, name: str) -> Manifest:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    infos = []
    for detail in (interpreter.get_input_details()[0], interpreter.get_output_details()[0]):
        scale, zero_point = detail["quantization"]
        shape = tuple(int(size) for size in detail["shape"])
        infos.append(TensorInfo(shape, "int8", float(scale), int(zero_point)))
    return Manifest(
        name=name,
        sha256=hashlib.sha256(content).hexdigest(),
        input=infos[0],
        output=infos[1],
        labels=tuple("0123456789"),
        calibration="500 training images",
        tools={package: version(package) for package in ("tensorflow", "keras")},
    )
