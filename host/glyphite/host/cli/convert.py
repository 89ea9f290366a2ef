"""``glyphite convert``: a trained model to a fully quantized .tflite and its manifest."""

import argparse
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.files import read_bytes, require_room, write_bytes
from glyphite.convert.hold import held
from glyphite.convert.manifest import LEAST_DIVISOR, MOST_DIVISOR, Manifest, TensorInfo, sha256_of
from glyphite.convert.quantize import calibration, quantize
from glyphite.convert.quantize.calibration import Calibration
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.workspace import (
    SHA_DIGITS,
    TFLITE,
    ModelFolder,
    is_file,
    model_folder,
    safe_name,
)
from glyphite.host.cli.arguments import add_json
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    progress_bar,
    say,
    say_loading,
    say_next,
    say_written,
)
from glyphite.host.cli.digits import is_image, next_step
from glyphite.train.data.mnist import load_mnist
from glyphite.train.networks.networks import NETWORKS

EXAMPLE = "glyphite convert seed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("model", metavar="MODEL", help="a model's name, or the path of a .keras")
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="the model's name from now on (default: made of the file's name)",
    )
    parser.add_argument(
        "--calibration",
        metavar="FILE.npy",
        type=Path,
        help="inputs (n, ...) as the model was trained on, or uint8 pixels (default: MNIST)",
    )
    parser.add_argument(
        "--calibration-images",
        metavar="N",
        type=int,
        default=calibration.IMAGES,
        help=f"how many of them to use (default: {calibration.IMAGES})",
    )
    parser.add_argument(
        "--pixel-divisor",
        metavar="X",
        type=float,
        default=255.0,
        help="what a pixel of 0..255 was divided by in training (default: 255)",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Quantize, then write model_int8.tflite and manifest.json.

    Raises InputError where an option has a wrong value, ModelError where there is no such model or
    it cannot be quantized, DataError where MNIST is needed and cannot be loaded.
    """
    _check(arguments)
    folder, source = _find(arguments.model, arguments.name)
    with held(folder.root, print_status):
        require_room(folder.keras, folder.manifest, folder.tflite)
        _convert(arguments, folder, source)
    return 0


def _convert(arguments: argparse.Namespace, folder: ModelFolder, source: Path) -> None:
    with progress_bar("Quantizing", 4) as progress:
        say_loading()
        progress(0, note="loading TensorFlow")
        load_tensorflow()
        progress(1, note=f"reading {source.name}")
        keras, model = read_bytes(source), quantize.load_keras(source)
        data = _calibration(arguments, quantize.input_shape(model))
        progress(1, note="to float32, for its size")
        floats = quantize.convert_float(model)
        progress(1, note=f"to int8, by {data.source}")
        content = quantize.quantize(model, data.inputs, floats)
        progress(1, note="")
    digest = hashlib.sha256(keras).hexdigest()
    manifest = quantize.manifest_of(
        content, folder.name, data.source, arguments.pixel_divisor, digest
    )
    if source != folder.keras:
        write_bytes(folder.keras, keras)  # the float runner looks for it there
    manifest.save(folder.manifest)  # before what it describes, which is not used without it
    write_bytes(folder.tflite, content)
    if arguments.json:
        print_json(_document(folder, manifest, content, len(floats)))
    else:
        _print(folder, manifest, content, len(floats))


def _check(arguments: argparse.Namespace) -> None:
    if arguments.calibration_images < 1:
        raise InputError(
            f"--calibration-images {arguments.calibration_images} is too small: "
            "at least 1 is needed."
        )
    if not LEAST_DIVISOR <= arguments.pixel_divisor <= MOST_DIVISOR:
        raise InputError(
            f"--pixel-divisor {arguments.pixel_divisor:g} is not allowed: it must be within "
            f"{LEAST_DIVISOR:g} to {MOST_DIVISOR:g}."
        )


def _find(text: str, name: str | None) -> tuple[ModelFolder, Path]:
    """The folder of the results, called ``name`` if that is given, and the .keras file."""
    own, source = _source(text)
    return (own if name is None else model_folder(name)), source


def _source(text: str) -> tuple[ModelFolder, Path]:
    """The folder where the results go by default, and the .keras file."""
    path = Path(text)
    if is_file(path / "model.keras"):
        path = path / "model.keras"
    if path.suffix == ".keras" or is_file(path):
        if not is_file(path):
            raise ModelError(f"No such file: {path}. Name a .keras file, or a model's name.")
        if path.name != "model.keras":
            return _folder_of(path), path
        return ModelFolder(path.parent, path.parent / TFLITE), path
    folder = model_folder(text)
    if not folder.keras.is_file():
        raise ModelError(
            f"No model called {text!r}: {folder.keras} does not exist. Make one with "
            f"`glyphite train` ({', '.join(sorted(NETWORKS))}), or name the path of a .keras file."
        )
    return folder, folder.keras


def _folder_of(keras: Path) -> ModelFolder:
    """The folder for a file of the user's own: not that of another model, trained here."""
    folder, digest = model_folder(safe_name(keras.stem)), sha256_of(keras)
    if folder.history.is_file() and folder.keras.is_file() and sha256_of(folder.keras) != digest:
        return model_folder(f"{folder.name}-{digest[:SHA_DIGITS]}")
    return folder


def _calibration(arguments: argparse.Namespace, shape: tuple[int, ...]) -> Calibration:
    count, divisor = arguments.calibration_images, arguments.pixel_divisor
    if arguments.calibration is not None:
        return calibration.from_file(arguments.calibration, count, shape, divisor)
    if is_image(shape):
        images = load_mnist(report=print_status).train_images
        return calibration.from_pixels(images, count, shape, divisor, "MNIST training images")
    print_status(
        "No calibration data: random pixels are used, so sizes are right and accuracy is not. "
        "Give inputs with --calibration FILE.npy."
    )
    return calibration.from_random(count, shape, divisor)


def _document(
    folder: ModelFolder, manifest: Manifest, content: bytes, float_bytes: int
) -> dict[str, Any]:
    return {
        "model": folder.name,
        "tflite": str(folder.tflite),
        "manifest": str(folder.manifest),
        "sha256": manifest.sha256,
        "float_bytes": float_bytes,
        "int8_bytes": len(content),
        "operators": quantize.operators(content),
        "calibration": manifest.calibration,
    }


def _print(folder: ModelFolder, manifest: Manifest, content: bytes, float_bytes: int) -> None:
    rows = [
        ("file", f"{float_bytes:,} B", f"{len(content):,} B ({len(content) / float_bytes:.0%})"),
        _tensor("input", manifest.input),
        _tensor("output", manifest.output),
    ]
    print_table([folder.name, "float32", "int8"], rows)
    counts = Counter(quantize.operators(content)).items()
    say(f"Operators: {', '.join(f'{count} {name}' for name, count in counts)}")
    say(f"Calibrated on {manifest.calibration}")
    say_written(folder.tflite, folder.manifest)
    say_next(next_step(folder.named, manifest.input, manifest.output))


def _tensor(name: str, info: TensorInfo) -> tuple[str, str, str]:
    """A row of the table: the range of real values that int8 represents, and the formula."""
    low, high = (info.scale * (value - info.zero_point) for value in (-128, 127))
    shape = " x ".join(map(str, info.shape))
    formula = f"{info.scale:.6g} * (int8 {-info.zero_point:+d})"
    return f"{name} {shape}", f"{low:.4g} .. {high:.4g}", formula
