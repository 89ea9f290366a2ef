"""``glyphite convert``: a trained model to a fully quantized .tflite and its manifest."""

import argparse
import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

from glyphite.convert.compiler.ops import definitions
from glyphite.convert.data.load import require_there
from glyphite.convert.errors import InputError
from glyphite.convert.files import require_room
from glyphite.convert.hold import held
from glyphite.convert.manifest import INT16, LIMITS, RANDOM, Manifest, TensorInfo
from glyphite.convert.names import safe_name
from glyphite.convert.quantize import calibration, quantize
from glyphite.convert.quantize.by_scheme import quantized_by
from glyphite.convert.quantize.float_model import FORMS
from glyphite.convert.quantize.schemes import SCHEMES, USUAL, Scheme, scheme_named
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder, model_folder
from glyphite.host.cli.arguments import add_json
from glyphite.host.cli.calibrating import doubts, samples_of
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
from glyphite.host.cli.data import add_data, add_preprocess
from glyphite.host.cli.digits import next_step
from glyphite.host.cli.float_source import float_source
from glyphite.host.cli.quantizing import (
    add_aware,
    count_for,
    manifest_of,
    opened,
    scheme_of,
    trained_further,
    write_model,
)

EXAMPLE = "glyphite convert seed"

OLD_OPTIONS = {
    "--calibration": "--data, which takes the same file and more",
    "--calibration-images": "--calibration-samples",
    "--pixel-divisor": "--preprocess, which takes a number to divide by",
}
"""Options of earlier versions, and what does the same."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("model", metavar="MODEL", help=f"a model's name, or the path of {FORMS}")
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="the model's name from now on (default: made of the file's name and the scheme's)",
    )
    add_preprocess(parser, "the one under which the float model reads its data")
    parser.add_argument(
        "--calibration-samples",
        metavar="N",
        type=int,
        default=calibration.SAMPLES,
        help=f"how many set the scales (default: {calibration.SAMPLES})",
    )
    parser.add_argument(
        "--scheme",
        metavar="NAME",
        help=f"how to quantize: {', '.join(SCHEMES)}, or samples-N; `glyphite schemes` compares "
        f"them (default: that of the model's last conversion, or {USUAL.name})",
    )
    add_aware(parser)
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
    own, source = float_source(arguments.model)
    folder = own if arguments.name is None else model_folder(arguments.name)
    last = scheme_of(folder)
    scheme = last if arguments.scheme is None else scheme_named(arguments.scheme)
    if arguments.name is None and scheme != last:
        folder = model_folder(safe_name(f"{own.name}-{scheme.name}"))
    with held(folder.root, print_status):
        require_room(folder.keras, folder.float_tflite, folder.manifest, folder.tflite)
        _convert(arguments, scheme, [folder, own], source)
    return 0


def _convert(
    arguments: argparse.Namespace, scheme: Scheme, folders: list[ModelFolder], source: Path
) -> None:
    folder = folders[0]
    with progress_bar("Quantizing", 4) as progress:
        say_loading()
        model = opened(source, progress)
        progress(1, note="to float32, for its size")
        float_bytes = len(model.float_tflite)
        samples = samples_of(arguments, folders, model)
        calibrated = samples.calibration(count_for(scheme, arguments.calibration_samples))
        progress(1, note=f"to {scheme.activations}, by {calibrated.source}")
        if not scheme.is_aware:
            content = quantized_by(scheme, model, calibrated.inputs)
        progress(1, note="")
    if scheme.is_aware:
        content = trained_further(model, samples, calibrated, arguments)
    manifest = manifest_of(
        scheme, content, folder.name, model=model, samples=samples, calibrated=calibrated
    )
    coarse = [*calibration.coarse_places(calibrated.inputs, manifest.input.scale)]
    if samples.numbers is not None:
        coarse += calibration.coarse_places(samples.numbers, manifest.output.scale, "output")
    for sentence in (*model.notes, *doubts(model, calibrated), *coarse):
        print_status(sentence)
    write_model(folder, source, model, manifest, content)
    if arguments.json:
        print_json(_document(folder, manifest, content, float_bytes))
    else:
        _print(folder, manifest, content, float_bytes)


def _check(arguments: argparse.Namespace) -> None:
    if arguments.calibration_samples < 1:
        raise InputError(
            f"--calibration-samples {arguments.calibration_samples} is too small: "
            "at least 1 is needed."
        )


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
        "scheme": manifest.scheme,
        "calibration": manifest.calibration,
        "preprocessing": dataclasses.asdict(manifest.preprocessing),
        "data": manifest.data and dataclasses.asdict(manifest.data),
    }


def _print(folder: ModelFolder, manifest: Manifest, content: bytes, float_bytes: int) -> None:
    kind = manifest.activations
    rows = [
        ("file", f"{float_bytes:,} B", f"{len(content):,} B ({len(content) / float_bytes:.0%})"),
        _tensor("input", manifest.input, kind),
        _tensor("output", manifest.output, kind),
    ]
    print_table([folder.name, "float32", kind], rows)
    counts = Counter(quantize.operators(content))
    say(f"Operators: {', '.join(f'{count} {name}' for name, count in counts.items())}")
    say(f"Calibrated on {manifest.calibration}; {manifest.preprocessing.text}")
    if manifest.scheme not in ("", USUAL.name):
        say(f"Scheme: {manifest.scheme}, {scheme_named(manifest.scheme).title}")
    say_written(folder.tflite, folder.manifest)
    has_data = manifest.data is not None and manifest.data.source != RANDOM
    if kind == INT16:
        say("The compiler takes int8 alone, so the model gets on no board.")
        if has_data:
            say_next(command("glyphite", "compare", folder.named))
        return
    if lacking := [name for name in counts if name not in definitions()]:
        say(
            f"The compiler lacks {', '.join(lacking)}, so the model gets on no board as it is: "
            f"`{command('glyphite', 'compile', folder.named)}` names the operators to build it of."
        )
        return
    say_next(next_step(folder.named, manifest.input, manifest.output, has_data=has_data))


def _tensor(name: str, info: TensorInfo, kind: str) -> tuple[str, str, str]:
    """A row of the table: the range of real values that the integers represent, and the formula."""
    low, high = (info.scale * (value - info.zero_point) for value in LIMITS[kind])
    shape = " x ".join(map(str, info.shape))
    formula = f"{info.scale:.6g} * ({kind} {-info.zero_point:+d})"
    return f"{name} {shape}", f"{low:.4g} .. {high:.4g}", formula
