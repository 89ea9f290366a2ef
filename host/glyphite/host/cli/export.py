"""``glyphite export``: the model for another engine or build system."""

import argparse
import hashlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.boards import MOST_AVR_ARRAY_BYTES, load_board
from glyphite.convert.compiler.driver import Compiled
from glyphite.convert.compiler.emit.text import PREFIX, c_prefix
from glyphite.convert.errors import GlyphiteError, InputError, ModelError, ToolError
from glyphite.convert.export.arduino import ArduinoLibrary, write_library
from glyphite.convert.export.avr_arrays import longest_array
from glyphite.convert.export.project import FORMS, README, write_project
from glyphite.convert.export.samples import (
    Answers,
    OwnSamples,
    Samples,
    digit_samples,
    value_samples,
)
from glyphite.convert.export.tflm import TflmSketch, write_sketch
from glyphite.convert.export.tflm_library import CURRENT, LIBRARIES, library_of
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli.arguments import add_board, add_json, add_model, add_out, hold_place
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    say,
    say_next,
    say_written,
)
from glyphite.host.cli.data import answers_classes, load_data, source_of
from glyphite.host.cli.digits import DIGITS, load_digits, next_step, reads_digits
from glyphite.host.cli.export_page import export_page
from glyphite.host.runners.litert import LitertRunner, read_manifest
from glyphite.host.runners.oracle import oracle

if TYPE_CHECKING:
    from glyphite.convert.data.dataset import Part

EXAMPLE = "glyphite export seed --arduino"
MOST_SAMPLES, MOST_SAMPLE_BYTES = 8, 2048
"""Of a model's data in the flash of its example: few enough for an Uno."""
USAGE = "%(prog)s [-h] MODEL FORM [--library LIBRARY] [--board BOARD]\n" + (
    f"{'':>23}[--prefix NAME] [--out PATH] [--json]\n\n"
    f"FORM: --arduino, --tflm, --page, {', '.join(f'--{name}' for name in FORMS)}"
)
"""By hand, as argparse breaks no list of alternatives into lines."""
OF_FORMS = f"{', '.join(f'--{name}' for name in list(FORMS)[:-1])} and --{list(FORMS)[-1]}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.usage = USAGE
    add_model(parser)
    _add_forms(parser)
    parser.add_argument(
        "--library",
        metavar="LIBRARY",
        help=f"with --tflm: the library that the sketch is for: {', '.join(LIBRARIES)} "
        f"(default: {CURRENT.name})",
    )
    add_board(parser, "C that runs on every board; with --tflm there is none")
    parser.add_argument(
        "--prefix",
        type=c_prefix,
        metavar="NAME",
        help=f"what files, functions and macros begin with (with {OF_FORMS}; default: {PREFIX})",
    )
    add_out(
        parser,
        "a .zip for --arduino, an .html for --page, else a folder; default: in build/<model>",
    )
    add_json(parser)


def _add_forms(parser: argparse.ArgumentParser) -> None:
    """What the model is exported as: one of these."""
    kinds = parser.add_mutually_exclusive_group(required=True)
    kinds.add_argument(
        "--arduino",
        dest="export",
        action="store_const",
        const=_export_arduino,
        help='the Arduino library with the model in its examples, for "Add .ZIP Library"',
    )
    kinds.add_argument(
        "--tflm",
        dest="export",
        action="store_const",
        const=_export_tflm,
        help="an Arduino sketch with the model as a C array and its operators",
    )
    for name, form in FORMS.items():
        kinds.add_argument(
            f"--{name}",
            dest="export",
            action="store_const",
            const=partial(_export_project, name),
            help=f"a folder with the model's C as {form.title} takes it",
        )
    kinds.add_argument(
        "--page",
        dest="export",
        action="store_const",
        const=export_page,
        help="one .html in which an emulated Uno answers, or a real board by Web Serial",
    )


def run(arguments: argparse.Namespace) -> int:
    """Export the model as the chosen kind.

    Raises InputError where ``--tflm`` has a board, or another kind a library or a prefix.
    """
    export: Callable[[argparse.Namespace], None] = arguments.export
    if arguments.prefix and not isinstance(export, partial):
        raise InputError(f"--prefix goes with {OF_FORMS}. Leave it out.")
    if arguments.library and export is not _export_tflm:
        raise InputError("--library goes with --tflm: compiled C needs no library. Leave it out.")
    export(arguments)
    return 0


def _export_arduino(arguments: argparse.Namespace) -> None:
    board = load_board(arguments.board) if arguments.board else None
    model = find_model(arguments.model)
    with hold_place(model, arguments.out):
        library = write_library(model, board, arguments.out, lambda made: _samples(model, made))
    if arguments.json:
        print_json(_arduino_result(library))
        return
    sketches = [name for name in library.files if name.endswith(".ino")]
    print_table(
        ("in the .zip", "files"),
        [
            ("library: properties and src", f"{_outside_examples(library)}"),
            *((name.rpartition("/")[0], _beside(library, name)) for name in sketches),
        ],
        title=f"{library.compiled.name} as an Arduino library",
    )
    say_written(library.path)
    say("Arduino IDE: Sketch > Include Library > Add .ZIP Library; take an earlier one out first.")
    say(f"Then File > Examples > Glyphite > {_shown(library)}, Upload, Tools > Serial Monitor.")
    say("To stream or verify from here, upload the example classify instead.")
    if board is None:
        say(f"{_runs_on(library)}; --board BOARD takes kernels for that board's processor.")
    edges, named = library.compiled.edges, board.named if board else "BOARD"
    step = next_step(model.named, *edges, named, "PORT")
    name = " and its name for BOARD" if " BOARD " in step else ""
    say_next(step)
    say(f"With your board's port for PORT (/dev/ttyACM0 or COM3, say){name}.")


def _samples(model: ModelFolder, compiled: Compiled) -> Samples:
    """What the example for the serial monitor shows, with this PC's answers where it has any."""
    try:
        return _chosen(model, compiled, lambda tensors: oracle(model.tflite).run(tensors)[0])
    except (ToolError, ModelError) as error:
        print_status(f"The example for the serial monitor has no answers of this PC: {error}")
        return _chosen(model, compiled, None)


def _chosen(model: ModelFolder, compiled: Compiled, answers: Answers | None) -> Samples:
    manifest = read_manifest(model) if model.manifest.is_file() else None
    if reads_digits(*compiled.edges) and {edge.dtype for edge in compiled.edges} == {"int8"}:
        digits = manifest or read_manifest(model)
        if digits.labels == DIGITS:
            return digit_samples(digits, answers)
    return value_samples(compiled, answers, manifest, _own_samples(manifest, compiled))


def _own_samples(manifest: Manifest | None, compiled: Compiled) -> OwnSamples | None:
    """Test samples of the data that the model was calibrated on, one of each class first.

    None where there are none, they are no longer there, or one alone takes too much flash.
    """
    taken = compiled.edges[0]
    source = None if manifest is None else source_of(argparse.Namespace(data=None), manifest.data)
    count = min(MOST_SAMPLES, MOST_SAMPLE_BYTES // taken.bytes)
    if manifest is None or source is None or taken.quantization is None or count == 0:
        return None
    try:
        shapes = manifest.input.shape[1:], manifest.output.shape[1:]
        data = load_data(source, *shapes, tells_classes=answers_classes(manifest))
    except GlyphiteError as error:
        print_status(f"The example shows fixed inputs, as its data are not there: {error}")
        return None
    part = data.test.take(_of_each_class(data.test, count))
    labels = part.labels
    titles = (
        [f"test sample {index} of the data" for index in range(len(part))]
        if labels is None
        else [f"from the data: {data.class_name(int(label))}" for label in labels]
    )
    return OwnSamples(manifest.quantize(part.inputs), tuple(titles))


def _of_each_class(part: "Part", count: int) -> NDArray[np.intp]:
    """The places of at most ``count`` samples: the first of each class, or the first ones."""
    if part.labels is None:
        return np.arange(min(count, len(part)))
    _, first = np.unique(part.labels, return_index=True)
    return np.asarray(first[:count], np.intp)


def _shown(library: ArduinoLibrary) -> str:
    """The example that shows itself in the serial monitor."""
    return library.samples.sketch if library.samples else "minimal"


def _beside(library: ArduinoLibrary, sketch: str) -> str:
    """The files of an example; ``sketch`` is the path of its .ino in the .zip."""
    folder = sketch.rpartition("/")[0]
    names = [name.rpartition("/")[2] for name in library.files if name.startswith(f"{folder}/")]
    return ", ".join(sorted(names))


def _runs_on(library: ArduinoLibrary) -> str:
    """For which boards C for any processor is."""
    largest, layer = longest_array(library.compiled)
    if largest <= MOST_AVR_ARRAY_BYTES:
        return "The C runs on every board"
    return (
        f"The C runs on every board but an Uno or Mega, whose compiler takes at most "
        f"{MOST_AVR_ARRAY_BYTES:,} bytes in an array, and that of {layer} has {largest:,}"
    )


def _outside_examples(library: ArduinoLibrary) -> int:
    return sum("/examples/" not in name for name in library.files)


def _arduino_result(library: ArduinoLibrary) -> dict[str, object]:
    return {
        "path": str(library.path),
        "bytes": library.bytes,
        "files": list(library.files),
        "model": library.compiled.name,
        "sha256": library.compiled.sha256,
        "arena_bytes": library.compiled.arena_bytes,
        "constant_bytes": library.compiled.constant_bytes,
    }


def _export_project(form: str, arguments: argparse.Namespace) -> None:
    board = load_board(arguments.board) if arguments.board else None
    model = find_model(arguments.model)
    with hold_place(model, arguments.out):
        project = write_project(model, form, board, arguments.out, arguments.prefix or PREFIX)
    if arguments.json:
        print_json(
            {
                "folder": str(project.folder),
                "project": project.name,
                "files": list(project.files),
                "model": project.compiled.name,
                "sha256": project.compiled.sha256,
                "arena_bytes": project.compiled.arena_bytes,
                "constant_bytes": project.compiled.constant_bytes,
            }
        )
        return
    print_table(("file", "in"), [(name, str(project.folder)) for name in project.files])
    say_written(project.folder)
    say(f"{README} there has the lines that use it.")


def _export_tflm(arguments: argparse.Namespace) -> None:
    if arguments.board:
        raise InputError("--board does not go with --tflm: a .tflite is the same for every board.")
    model, library = find_model(arguments.model), library_of(arguments.library or CURRENT.name)
    with hold_place(model, arguments.out):
        sketch = write_sketch(model, arguments.out, library, next_step)
    loss = _loss(model, sketch)
    if arguments.json:
        print_json({**_tflm_result(sketch), "accuracy": loss})
        return
    print_table(
        ("operator", "method of tflite::MicroMutableOpResolver"),
        [(operator.name, operator.add_method) for operator in sketch.operators],
        title=f"{model.name} in TensorFlow Lite Micro",
    )
    arena = sketch.arena
    needs = "needs" if arena.tried else "needs at most (reckoned, as tflite-micro is not installed)"
    say(
        f"Arena: {arena.bytes:,} bytes, of which TensorFlow Lite Micro {needs} {arena.measured:,}, "
        f"optimised convolutions may take {arena.scratch:,}, and the rest is a margin."
    )
    if sketch.variant is not None:
        say(
            f"{library.title} knows one scale for a dense layer, so the sketch has a model of its "
            f"own, {sketch.variant.root}: name it to the verbs that compare."
        )
        say(_loss_text(loss))
    say_written(sketch.folder)
    say(f"It is for {library.title}: README.txt there says how to build it.")


def _loss(model: ModelFolder, sketch: TflmSketch) -> dict[str, float] | None:
    """The accuracy of the model and of its variant on MNIST's test images; None without either."""
    from glyphite.convert.data.mnist import cache_folder

    if sketch.variant is None or not cache_folder().is_dir():  # an export fetches none
        return None
    try:
        tensors, labels = load_digits(read_manifest(model), None)
    except GlyphiteError:  # no model of digits, or no digits: then nothing is known
        return None
    tflites = {"model": model.tflite, "variant": sketch.variant.tflite}
    runs = {name: LitertRunner(tflite).run(tensors)[0] for name, tflite in tflites.items()}
    return {
        name: metrics.accuracy(metrics.answers(scores), labels).value
        for name, scores in runs.items()
    }


def _loss_text(loss: dict[str, float] | None) -> str:
    if loss is None:
        return "What that costs is not known, as no digits were at hand: try it on your data."
    before, after = (f"{100 * loss[name]:.2f} %" for name in ("model", "variant"))
    return f"It reads {after} of MNIST's test images, and the model it is made from {before}."


def _tflm_result(sketch: TflmSketch) -> dict[str, object]:
    return {
        "folder": str(sketch.folder),
        "library": sketch.library.name,
        "model": str(sketch.variant.tflite) if sketch.variant else None,
        "sha256": hashlib.sha256(sketch.model.tflite).hexdigest(),
        "self_test": sketch.test is not None,
        "files": list(sketch.files),
        "operators": [operator.name for operator in sketch.operators],
        "arena": {
            "bytes": sketch.arena.bytes,
            "reckoned": sketch.arena.measured,
            "tried": sketch.arena.tried,
            "scratch": sketch.arena.scratch,
            "margin": sketch.arena.margin,
        },
    }
