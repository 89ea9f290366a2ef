"""``glyphite convert``: a trained model to a fully quantized .tflite and its manifest."""

import argparse
import dataclasses
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from glyphite.convert.compiler.ops import definitions
from glyphite.convert.data.dataset import Numbers
from glyphite.convert.data.load import require_there
from glyphite.convert.data.options import Options
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.files import remove, require_room, write_bytes
from glyphite.convert.history import history_of
from glyphite.convert.hold import held
from glyphite.convert.manifest import RANDOM, DataRecord, Manifest, TensorInfo, sha256_of
from glyphite.convert.preprocessing import Preprocessing, named_preprocessing
from glyphite.convert.quantize import calibration, quantize, saved_model, search
from glyphite.convert.quantize.calibration import Calibration
from glyphite.convert.quantize.float_model import FORMS, FloatModel, open_model
from glyphite.convert.quantize.float_tflite import dead_tensor
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.shipped import MODELS
from glyphite.convert.text import command
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
from glyphite.host.cli.data import (
    MNIST,
    Source,
    add_data,
    add_preprocess,
    load_data,
    record_of,
    source_of,
)
from glyphite.host.cli.digits import DIGITS, is_image, next_step
from glyphite.host.runners.trial import try_out
from glyphite.train.networks.networks import NETWORKS

EXAMPLE = "glyphite convert seed"

SUFFIXES = (".keras", ".h5", ".hdf5", ".tflite")
OLD_OPTIONS = {
    "--calibration": "--data, which takes the same file and more",
    "--calibration-images": "--calibration-samples",
    "--pixel-divisor": "--preprocess, which takes a number to divide by",
}
"""Options of earlier versions, and what does the same."""
NAME_DATA = (
    "Name its data with --data (see docs/data.md), or say --data random where sizes alone matter."
)
LOOKED_AT = 50
"""Calibration samples on which dead layers are looked for."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("model", metavar="MODEL", help=f"a model's name, or the path of {FORMS}")
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="the model's name from now on (default: made of the file's name)",
    )
    add_preprocess(parser, "the one under which the float model reads its data")
    parser.add_argument(
        "--calibration-samples",
        metavar="N",
        type=int,
        default=calibration.SAMPLES,
        help=f"how many set the scales (default: {calibration.SAMPLES})",
    )
    for old in OLD_OPTIONS:
        parser.add_argument(old, action=_Old, metavar="OLD", help=argparse.SUPPRESS)
    add_data(parser, "that of the model's last conversion, or MNIST if it reads digits")
    add_json(parser)


class _Old(argparse.Action):
    """An option of earlier versions, which is refused with the words that do the same."""

    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        """Refuse the option."""
        option = self.option_strings[0]
        parser.error(f"{option} is now {OLD_OPTIONS[option]}.")


def run(arguments: argparse.Namespace) -> int:
    """Quantize, then write model_int8.tflite and manifest.json.

    Raises InputError where an option has a wrong value, ModelError where there is no such model or
    it cannot be quantized, DataError where MNIST is needed and cannot be loaded.
    """
    _check(arguments)
    if arguments.data not in (None, RANDOM):
        require_there(arguments.data)
    folder, source = _find(arguments.model, arguments.name)
    with held(folder.root, print_status):
        require_room(folder.keras, folder.float_tflite, folder.manifest, folder.tflite)
        _convert(arguments, folder, source)
    return 0


def _convert(arguments: argparse.Namespace, folder: ModelFolder, source: Path) -> None:
    with progress_bar("Quantizing", 4) as progress:
        say_loading()
        progress(0, note="loading TensorFlow")
        load_tensorflow()
        progress(1, note=f"reading {source.name}")
        if source.suffix == ".tflite":
            try_out(source)
        model = open_model(source)
        progress(1, note="to float32, for its size")
        float_bytes = len(model.float_tflite)
        samples = _samples(arguments, folder, model)
        progress(1, note=f"to int8, by {samples.calibration.source}")
        content = model.quantized(samples.calibration.inputs)
        progress(1, note="")
    manifest = dataclasses.replace(
        quantize.manifest_of(content, folder.name, samples.classes),
        preprocessing=samples.preprocessing,
        data=samples.record,
        calibration=samples.calibration.source,
        float_sha256=hashlib.sha256(model.content).hexdigest(),
    )
    coarse = [*calibration.coarse_places(samples.calibration.inputs, manifest.input.scale)]
    if samples.numbers is not None:
        coarse += calibration.coarse_places(samples.numbers, manifest.output.scale, "output")
    for sentence in (*model.notes, *_doubts(model, samples.calibration), *coarse):
        print_status(sentence)
    kept = folder.root / model.file
    if source != kept:
        write_bytes(kept, model.content)  # the float runner looks for it there
    for other in {folder.keras, folder.float_tflite} - {kept}:
        remove(other)
    manifest.save(folder.manifest)  # before what it describes, which is not used without it
    write_bytes(folder.tflite, content)
    if arguments.json:
        print_json(_document(folder, manifest, content, float_bytes))
    else:
        _print(folder, manifest, content, float_bytes)


def _doubts(model: FloatModel, data: Calibration) -> Iterator[str]:
    """What the calibration shows of a model or of itself that is most likely not meant."""
    samples = calibration.evenly(data.inputs, LOOKED_AT)
    if len(samples) > 1 and (samples == samples[0]).all():
        yield (
            f"All calibration samples are equal ({data.source}): the scales fit that one alone. "
            "Take samples as varied as those of the training."
        )
        return
    if (tensor := dead_tensor(model.float_tflite, samples)) is not None:
        layer = model.layer_of(tensor)
        yield (
            f"{layer[0].upper()}{layer[1:]} gives nothing but 0 for {len(samples)} calibration "
            "samples: it is dead, and nothing of the input gets through it. Train the model anew, "
            "with another seed or in smaller steps."
        )


def _check(arguments: argparse.Namespace) -> None:
    if arguments.calibration_samples < 1:
        raise InputError(
            f"--calibration-samples {arguments.calibration_samples} is too small: "
            "at least 1 is needed."
        )


def _find(text: str, name: str | None) -> tuple[ModelFolder, Path]:
    """The folder of the results, called ``name`` if that is given, and the float model."""
    own, source = _source(text)
    return (own if name is None else model_folder(name)), source


def _source(text: str) -> tuple[ModelFolder, Path]:
    """The folder where the results go by default, and the float model."""
    path = Path(text)
    if (own := ModelFolder(path, path / TFLITE)).float_model.is_file():
        return own, own.float_model
    if is_file(path / saved_model.FILE):
        return _folder_of(path), path
    if path.suffix in SUFFIXES or is_file(path):
        if not is_file(path):
            raise ModelError(f"No such file: {path}. Name {FORMS}, or a model's name.")
        own = ModelFolder(path.parent, path.parent / TFLITE)
        return (own if path in (own.keras, own.float_tflite) else _folder_of(path)), path
    folder = model_folder(text)
    if not folder.float_model.is_file() and is_file(shipped := MODELS / text / folder.keras.name):
        return folder, shipped
    if not folder.float_model.is_file():
        raise ModelError(
            f"No model called {text!r}: {folder.keras} does not exist. Make one with "
            f"`glyphite train` ({', '.join(sorted(NETWORKS))}), or name the path of {FORMS}."
        )
    return folder, folder.float_model


def _folder_of(source: Path) -> ModelFolder:
    """The folder for a model of the user's own: not that of another, trained here."""
    folder = model_folder(safe_name(source.stem))
    if not folder.history.is_file() or not folder.keras.is_file():
        return folder
    digest = sha256_of(source / saved_model.FILE if source.is_dir() else source)
    if sha256_of(folder.keras) != digest:
        return model_folder(f"{folder.name}-{digest[:SHA_DIGITS]}")
    return folder


@dataclass(frozen=True)
class _Samples:
    """What the model is calibrated on, and what the manifest says of it."""

    calibration: Calibration
    preprocessing: Preprocessing
    record: DataRecord | None = None
    classes: tuple[str, ...] = ()
    numbers: NDArray[Any] | None = None
    """(n, outputs): what a regression is to meet."""


def _samples(arguments: argparse.Namespace, folder: ModelFolder, model: FloatModel) -> _Samples:
    """The calibration data. Raises InputError where no data set is named and none is usual."""
    count, asked = arguments.calibration_samples, arguments.preprocess
    if arguments.data == RANDOM:
        print_status(
            "Random numbers are used to calibrate, so sizes are right and accuracy is not."
        )
        made = calibration.from_random(count, model.shape)
        record = DataRecord(RANDOM, {}, "random numbers", "", "")
        return _Samples(made, named_preprocessing(asked or "raw", made.inputs), record)
    digest = hashlib.sha256(model.content).hexdigest()
    learnt, before = history_of(folder, digest), _manifest_before(folder, digest)
    records = [each.data if each else None for each in (before, learnt)]
    named = (source_of(arguments, record) for record in records)
    known = next(filter(None, named), None)
    source = known or _digits(model)
    is_softmax = quantize.operators(model.float_tflite)[-1:] == ["SOFTMAX"]
    data = load_data(source, model.shape, model.output_shape, tells_classes=is_softmax)
    found = search.find(model, data, asked, learnt.preprocessing if learnt else None)
    if found.is_lost and known is None:  # else a model that has learnt little is one all the same
        few = calibration.from_data(data, LOOKED_AT, found.preprocessing)
        raise InputError(" ".join([found.doubt, *_doubts(model, few), NAME_DATA]))
    targets = calibration.learnt_from(data).targets
    for sentence in filter(None, (found.reason, found.doubt)):
        print_status(sentence)
    return _Samples(
        calibration.from_data(data, count, found.preprocessing),
        found.preprocessing,
        record_of(source, data, arguments),
        data.classes if len(data.classes) == prod(model.output_shape) else (),
        targets.values.reshape(len(targets.values), -1) if isinstance(targets, Numbers) else None,
    )


def _digits(model: FloatModel) -> Source:
    """MNIST, for a model that may read it. Raises InputError for any other one."""
    if is_image(model.shape) and prod(model.output_shape) == len(DIGITS):
        return Source(MNIST, Options(report=print_status))
    takes, gives = ("x".join(map(str, one)) for one in (model.shape, model.output_shape))
    raise InputError(f"The model takes {takes} and gives {gives}: it reads no digits. {NAME_DATA}")


def _manifest_before(folder: ModelFolder, float_sha256: str) -> Manifest | None:
    """The manifest of the last conversion, if it was of the same float model."""
    try:
        before = Manifest.load(folder.manifest)
    except InputError:
        return None
    return before if before.float_sha256 == float_sha256 else None


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
        "preprocessing": dataclasses.asdict(manifest.preprocessing),
        "data": manifest.data and dataclasses.asdict(manifest.data),
    }


def _print(folder: ModelFolder, manifest: Manifest, content: bytes, float_bytes: int) -> None:
    rows = [
        ("file", f"{float_bytes:,} B", f"{len(content):,} B ({len(content) / float_bytes:.0%})"),
        _tensor("input", manifest.input),
        _tensor("output", manifest.output),
    ]
    print_table([folder.name, "float32", "int8"], rows)
    counts = Counter(quantize.operators(content))
    say(f"Operators: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    say(f"Calibrated on {manifest.calibration}; {manifest.preprocessing.text}")
    say_written(folder.tflite, folder.manifest)
    if lacking := [name for name in counts if name not in definitions()]:
        say(
            f"The compiler lacks {', '.join(lacking)}, so the model gets on no board as it is: "
            f"`{command('glyphite', 'compile', folder.named)}` names the operators to build it of."
        )
        return
    has_data = manifest.data is not None and manifest.data.source != RANDOM
    say_next(next_step(folder.named, manifest.input, manifest.output, has_data=has_data))


def _tensor(name: str, info: TensorInfo) -> tuple[str, str, str]:
    """A row of the table: the range of real values that int8 represents, and the formula."""
    low, high = (info.scale * (value - info.zero_point) for value in (-128, 127))
    shape = " x ".join(map(str, info.shape))
    formula = f"{info.scale:.6g} * (int8 {-info.zero_point:+d})"
    return f"{name} {shape}", f"{low:.4g} .. {high:.4g}", formula
