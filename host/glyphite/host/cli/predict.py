"""``glyphite predict``: what a model answers, on this PC or on a board.

To the digits in a picture; of a model that reads none: :mod:`.predict_samples`.
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import InputError
from glyphite.convert.manifest import RANDOM, Manifest
from glyphite.convert.workspace import ModelFolder, default_model, find_model
from glyphite.host.cli import predict_samples
from glyphite.host.cli.arguments import add_baud, add_count, add_json, add_model, add_port, port_of
from glyphite.host.cli.console import print_json, say
from glyphite.host.cli.data import MNIST, add_data
from glyphite.host.cli.digits import DIGITS, MOST_IMAGES, count_of, reads_digits
from glyphite.host.cli.doubts import note_random
from glyphite.host.cli.flash import build_missing
from glyphite.host.device.session import connect
from glyphite.host.measure.by_board import board_name
from glyphite.host.measure.digit_picture import Seen, read_picture
from glyphite.host.measure.foretold import patience
from glyphite.host.measure.picture.show import as_text, write_picture
from glyphite.host.measure.portion import BAUD
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.litert import (
    LitertRunner,
    litert_version,
    read_manifest,
    require_unchanged,
)

EXAMPLE = "glyphite predict digit.png seed --port sim://native"
BAR = 30
SURE = 0.9
"""A score below this is not sure. By `uno`, 80 of MNIST's 10,000 test images have such a one, and
among them are 30 of the 48 that it misreads."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add = parser.add_argument
    add(
        "image",
        metavar="IMAGE",
        nargs="?",
        help="a picture: of one digit, or of several in a row, where the model reads digits; or a "
        ".npy or .csv of values; left out with --data",
    )
    add_model(parser, optional=True)
    add_port(parser, "this PC reads")
    add_baud(parser, BAUD)
    add("--show", action="store_true", help="show pictures, too (as text: what the network sees)")
    add("--show-picture", metavar="FILE", type=Path, help="write what it sees to a .png")
    add_count(parser, count_of, None, "1 of --data, all of a file")
    add("--index", type=_index, default=0, metavar="N",
        help="the first sample of --data or of a file to take, from 0 (default: 0)")  # fmt: skip
    add_data(parser, "none: IMAGE is read")
    add_json(parser)


def _index(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text[:9]) < MOST_IMAGES):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a sample: 0 is the first.")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Print each answer with its scores.

    Raises InputError where neither a picture nor data is named, or both are.
    """
    _require_one(arguments)
    if arguments.port is not None:
        arguments.port = port_of(arguments)
    named = arguments.model if arguments.data is None else arguments.image
    folder = find_model(named or default_model())
    manifest = read_manifest(folder)
    if arguments.data is None and _is_of_digits(arguments.image, manifest):
        _read_digits(arguments, folder, manifest)
        return 0
    if arguments.show or arguments.show_picture:
        raise InputError(
            f"--show and --show-picture show the digits in a picture, and {manifest.name} is not "
            "given any. Leave them out."
        )
    samples = predict_samples.given(arguments, manifest)
    scores, where = _ask(arguments, folder, manifest, samples.tensors)
    predict_samples.tell(manifest, samples, scores, where, as_json=arguments.json)
    return 0


def _require_one(arguments: argparse.Namespace) -> None:
    """InputError unless either a picture is named or a data set."""
    if arguments.data is not None and arguments.model is not None:
        raise InputError(
            f"{arguments.image} and --data {arguments.data} are two sources of samples. Name one: "
            f"`glyphite predict {arguments.model} --data {arguments.data}`, say."
        )
    if arguments.data is None and arguments.image is None:
        raise InputError(
            "What is to be read is missing. Name a picture or a file of values, or --data SOURCE."
        )


def _is_of_digits(image: str, manifest: Manifest) -> bool:
    """Whether digits are looked for in a picture: the model knows them, and no other data."""
    known = manifest.data is None or manifest.data.source in (MNIST, RANDOM)
    is_digits = reads_digits(manifest.input, manifest.output) and manifest.labels == DIGITS
    is_picture = Path(image).suffix.lower() not in predict_samples.VALUES
    return known and is_digits and is_picture


def _read_digits(arguments: argparse.Namespace, folder: ModelFolder, manifest: Manifest) -> None:
    note_random(manifest)
    seen = read_picture(Path(arguments.image))
    if arguments.show_picture:
        write_picture(seen.digits, arguments.show_picture)
    tensors = manifest.quantize(seen.digits)
    scores, where = _ask(arguments, folder, manifest, tensors)
    answers = [_answer(manifest, one) for one in scores]
    if arguments.json:
        print_json(_document(manifest, answers, seen, where, shown=arguments.show))
        return
    _say_answers(manifest, answers, seen, where, shown=arguments.show)


def _ask(
    arguments: argparse.Namespace, folder: ModelFolder, manifest: Manifest, tensors: Tensors
) -> tuple[Scores, str]:
    """The int8 scores (n, 10), and a description of the runner."""
    if arguments.port is None:
        scores = LitertRunner(folder.tflite).run(tensors)[0]
        require_unchanged(folder, manifest)
        return scores, f"LiteRT on this PC ({litert_version()})"
    build_missing(arguments.port, folder)
    with connect(
        arguments.port,
        baud=arguments.baud,
        manifest=manifest,
        named=folder.named,
        expected=patience(folder.tflite),
    ) as session:
        hello = session.board
        scores = session.run(tensors)[0]
    return scores, f"{board_name(hello)} on {arguments.port} ({hello.firmware})"


def _answer(manifest: Manifest, scores: NDArray[np.generic]) -> dict[str, Any]:
    """A digit and its scores as shares of 1: see :meth:`Manifest.shares`."""
    real, output = manifest.shares(scores[np.newaxis])[0], manifest.output
    levels = manifest.dequantize_output(scores) / (output.scale or 1.0) + output.zero_point
    return {
        "digit": manifest.labels[int(scores.argmax())],
        "scores": [round(float(score), 6) for score in real],
        "scores_int8": [round(float(level)) for level in levels],
        "sure": bool(real.max() >= SURE),
    }


def _document(
    manifest: Manifest, answers: list[dict[str, Any]], seen: Seen, where: str, *, shown: bool
) -> dict[str, Any]:
    """For scripts. One digit's keys stand at the top too, those of several in ``digits`` alone."""
    if shown:
        answers = [
            {**answer, "pixels": as_text(pixels)}
            for answer, pixels in zip(answers, seen.digits, strict=True)
        ]
    one = answers[0] if len(answers) == 1 else {"sure": all(answer["sure"] for answer in answers)}
    told = {"digits": answers, "left_out": list(seen.left_out), "read_by": where}
    return {**one, **told, "model": manifest.name, "sha256": manifest.sha256}


def _say_answers(
    manifest: Manifest, answers: list[dict[str, Any]], seen: Seen, where: str, *, shown: bool
) -> None:
    number = "".join(answer["digit"] for answer in answers)
    doubt = "" if all(answer["sure"] for answer in answers) else ", but not sure"
    say(f"{number}{doubt}, read with {manifest.name} by {where}")
    if seen.left_out:
        say(f"beside it in the picture, and left out: {', '.join(seen.left_out)}")
    for answer, pixels in zip(answers, seen.digits, strict=True):
        for line in as_text(pixels) if shown else ():
            say(line)
        if len(answers) > 1:
            say(f"{answer['digit']}{'' if answer['sure'] else ', but not sure'}:")
        _say_scores(manifest.labels, answer["scores"])


def _say_scores(labels: tuple[str, ...], scores: list[float]) -> None:
    for label, score in zip(labels, scores, strict=True):
        bar = "█" * round(BAR * score)
        say(f"  {label} {bar:{BAR}} {100 * score:5.1f} %")
