"""``glyphite compare MODEL --layers``: where int8 loses accuracy, layer by layer, and why."""

import argparse
import re
from importlib.util import find_spec
from math import log1p

from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.extras import remedy
from glyphite.convert.files import read_bytes, require_room
from glyphite.convert.manifest import Manifest, sha256_of
from glyphite.convert.quantize.float_model import open_model
from glyphite.convert.text import counted
from glyphite.convert.workspace import ModelFolder, find_model, writing_to
from glyphite.host.cli.budgets import BUDGETS, SHA_DIGITS
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    progress_bar,
    say,
    say_command,
    say_loading,
    say_written,
)
from glyphite.host.cli.data import Tested, calibrated_on, test_samples, title_of
from glyphite.host.cli.doubts import is_random
from glyphite.host.cli.judgement import of_data
from glyphite.host.measure.layers.advice import Way
from glyphite.host.measure.layers.engines import compare_engines
from glyphite.host.measure.layers.gather import Gathered, gather
from glyphite.host.measure.layers.look import Subject, summarize
from glyphite.host.measure.layers.rewrite import in_float
from glyphite.host.measure.layers_record import (
    Advice,
    EnginePair,
    LayerFigures,
    LayersRecord,
    Reference,
    place_of,
)
from glyphite.host.report.layers_picture import draw, require_kind
from glyphite.host.runners.litert import litert_version, read_manifest, require_unchanged

USUAL = 1000
"""Samples that are looked at where ``--count`` does not say."""
SPARKS = " ▁▂▃▄▅▆▇█"
SPARKLINE = 16
"""Characters of a histogram in a line of text."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of a look at the layers."""
    group = parser.add_argument_group("layers")
    group.add_argument(
        "--layers",
        action="store_true",
        help=f"tell each layer's part (of what int8 loses against float, on {USUAL:,} samples by "
        "default, and what mends it)",
    )


def refuse_options(arguments: argparse.Namespace) -> None:
    """Make sure that ``--layers`` is alone with what belongs to it.

    Raises InputError where it is not.
    """
    if not arguments.layers:
        return
    if arguments.other is not None:
        raise InputError(
            f"--layers looks at one model, and {arguments.other} is a second. Leave it out."
        )
    for name in (*BUDGETS, "junit", "board", "optimize"):
        if getattr(arguments, name, None) is not None:
            option = f"--{name.replace('_', '-')}"
            raise InputError(
                f"{option} has no figure in a look at the layers. Leave out {option}, or --layers."
            )


def run(arguments: argparse.Namespace) -> None:
    """Hold each layer against float, write layers.json, and print what was found.

    Raises InputError where ``--picture`` cannot be drawn or the data cannot be had, ModelError
    where the model cannot be run.
    """
    if arguments.picture is not None:
        require_kind(arguments.picture)
    folder = find_model(arguments.model)
    with writing_to(folder, print_status):
        require_room(place_of(folder))
        record = _look(arguments, folder)
        record.save(folder)
    if arguments.picture is not None:
        draw(record, arguments.picture)
    if arguments.json:
        print_json({**record.as_document(), **calibrated_on(folder)})
        return
    _print(record, folder)
    say_written(place_of(folder), *([arguments.picture] if arguments.picture else []))


def _look(arguments: argparse.Namespace, folder: ModelFolder) -> LayersRecord:
    manifest = read_manifest(folder)
    tested = test_samples(arguments, manifest, arguments.count, usual=USUAL)
    content = read_bytes(folder.tflite)
    floats = _float_tflite(folder, manifest)
    found, reference = _gather(content, floats, manifest, tested)
    engines = _engines(content, folder, tested)
    require_unchanged(folder, manifest)
    subject = Subject(
        manifest,
        tested.truth,
        reference,
        litert_version(),
        _way(folder, manifest, tested),
        engines,
    )
    return summarize(found, subject)


def _float_tflite(folder: ModelFolder, manifest: Manifest) -> bytes | None:
    """The float model as a .tflite; None, with a word on the reason, where it cannot be had."""
    path = folder.float_model
    missing = ""
    if not path.is_file():
        missing = f"there is no {path}"
    elif manifest.float_sha256 and manifest.float_sha256 != sha256_of(path):
        missing = f"{folder.tflite} was not made from {path}"
    elif path == folder.keras and find_spec("tensorflow") is None:
        missing = f"TensorFlow is not installed. {remedy()}".rstrip(".")
    if missing:
        _note_weights(missing)
        return None
    if path == folder.keras:
        say_loading()
    return open_model(path).float_tflite


def _note_weights(reason: str) -> None:
    print_status(
        f"The float model is left out: {reason}. The .tflite's own weights stand in for it, so "
        "what rounding the weights has cost is not seen."
    )


def _gather(
    content: bytes, floats: bytes | None, manifest: Manifest, tested: Tested
) -> tuple[Gathered, Reference]:
    samples, tensors = tested.floats(manifest), tested.tensors
    with progress_bar("Comparing layers", len(tensors)) as progress:
        if floats is not None:
            try:
                return gather(content, floats, samples, tensors, progress), Reference.FLOAT
            except ModelError as error:
                _note_weights(str(error).rstrip("."))
        return gather(content, in_float(content), samples, tensors, progress), Reference.WEIGHTS


def _engines(content: bytes, folder: ModelFolder, tested: Tested) -> list[EnginePair]:
    with progress_bar("Comparing engines", len(tested.tensors)) as progress:
        found, left_out = compare_engines(content, folder.name, tested.tensors, progress)
    for sentence in left_out:
        print_status(sentence)
    return found


def _way(folder: ModelFolder, manifest: Manifest, tested: Tested) -> Way:
    words, data = tested.truth.data["words"], manifest.data
    count, available = _calibrated(manifest.calibration)
    return Way(
        folder.named if folder.float_model.is_file() else None,
        tuple(words),
        count,
        available,
        manifest.scheme,
        is_random(manifest.data),
        tested.truth.data["title"] or "those that it will see",
        is_same=data is not None and data.sha256 == tested.truth.data["sha256"],
    )


def _calibrated(said: str) -> tuple[int | None, int | None]:
    """Of how many samples a manifest says that they calibrated the model, and of how many."""
    found = re.match(r"([\d,]+)(?: of ([\d,]+) (?:training|test) samples)?", said, re.ASCII)
    if found is None:
        return None, None
    count, available = (int(each.replace(",", "")) if each else None for each in found.groups())
    return count, available


def _print(record: LayersRecord, folder: ModelFolder) -> None:
    of = f"{title_of(folder)} (model {record.sha256[:SHA_DIGITS]})"
    title = f"{of}, layer by layer, on {of_data(record.data, record.samples)}"
    heads = ("layer", "noise dB", "own dB", "mean error", "largest error (steps)", "cut off")
    print_table(heads, [_errors(layer) for layer in record.layers], title=title)
    against = "the float model" if record.reference is Reference.FLOAT else "its weights in float"
    say(
        f"Against {against}, run by {record.engine}. Noise: the values above the error, in dB; "
        "fewer are worse. Own: of the error that the layer adds itself; the rest it inherits. Cut "
        "off: values beyond the range."
    )
    effects = ("layer", "of the error", "answers changed", "float", record.activations)
    print_table(effects, [_effects(layer) for layer in record.layers])
    say(
        "Of the error, answers changed: what the layer's own error alone does at the model's "
        f"output. Then histograms over the range that {record.activations} has, by the logarithm "
        "of the counts."
    )
    _print_worst(record)
    for pair in record.engines:
        say(_engine_sentence(pair))
    _print_advice(record.advice, record.activations)


def _errors(layer: LayerFigures) -> tuple[str, ...]:
    return (
        layer.name,
        _decibels(layer.sqnr_db),
        _decibels(layer.own_sqnr_db),
        f"{layer.mean_error:.2g}",
        f"{layer.largest_error:.2g} ({layer.largest_error_steps:.1f})",
        f"{100 * layer.cut_off:.2g} %" if layer.cut_off else "",
    )


def _effects(layer: LayerFigures) -> tuple[str, ...]:
    share, changed = layer.output_share, layer.answers_changed
    return (
        layer.name,
        "" if share is None else f"{100 * share:.0f} %",
        "" if changed is None else f"{changed:,}",
        _spark(layer.histogram.real),
        _spark(layer.histogram.given),
    )


def _decibels(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"


def _spark(counts: list[int]) -> str:
    """A histogram as characters, by the logarithm of its counts: ReLU's zeros outnumber all."""
    width = max(1, len(counts) // SPARKLINE)
    sums = [sum(counts[at : at + width]) for at in range(0, len(counts), width)]
    most = log1p(max(sums, default=0)) or 1.0
    return "".join(
        SPARKS[min(len(SPARKS) - 1, round((len(SPARKS) - 1) * log1p(each) / most) or bool(each))]
        for each in sums
    )


def _print_worst(record: LayersRecord) -> None:
    if record.answers_differ is not None:
        say(
            f"Float and {record.activations} answer {record.answers_differ:,} of "
            f"{counted(record.samples, 'sample')} otherwise. Those that {record.activations} "
            "changes most:"
        )
    rows = [
        (
            f"{one.index:,}",
            one.label or "",
            _answer(one.float_answer, one.float_scores),
            _answer(one.int8_answer, one.int8_scores),
            f"{one.error:.4g}",
        )
        for one in record.worst
    ]
    print_table(
        ("sample", "right", "float answers", f"{record.activations} answers", "largest error"), rows
    )


def _answer(answer: str | None, scores: list[float]) -> str:
    if answer is None:
        return ", ".join(f"{each:.4g}" for each in scores[:3]) + (", ..." if scores[3:] else "")
    return f"{answer} (score {max(scores):.3g})"


def _engine_sentence(pair: EnginePair) -> str:
    who = f"{pair.first} and {pair.second}"
    found = pair.difference
    if found is None:
        return (
            f"{who} give the same bytes in all {counted(pair.layers, 'layer')} of "
            f"{counted(pair.samples, 'sample')}."
        )
    return (
        f"{who} differ first at {found.layer}, in {found.samples:,} of "
        f"{counted(pair.samples, 'sample')}: "
        f"in sample {found.sample:,} at {found.place}, where {pair.first} has "
        f"{found.first_value} and {pair.second} {found.second_value} ({found.differing:,} of "
        f"{counted(found.values, 'value')})."
    )


def _print_advice(advice: list[Advice], kind: str) -> None:
    losses = [each for each in advice if each.loses_accuracy]
    if not losses:
        say(f"No layer stands out: none loses more than {kind} does as a rule.")
    for one in (*losses, *(each for each in advice if not each.loses_accuracy)):
        say(one.text)
        if one.command is not None:
            say_command("Try", one.command)
