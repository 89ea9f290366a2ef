"""``glyphite export --page``: one file with the page, an emulated Uno in it, and Web Serial."""

import argparse
from pathlib import Path

import numpy as np

from glyphite.convert.boards import load_board
from glyphite.convert.data.mnist import cache_folder
from glyphite.convert.errors import GlyphiteError, InputError
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import printable
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli.arguments import hold_place
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.console import print_json, print_status, print_table, say, say_written
from glyphite.host.cli.doubts import note_random
from glyphite.host.cli.predict_samples import classes_told
from glyphite.host.cli.serve import has_samples, reads_drawings, samples_of
from glyphite.host.runners.litert import read_manifest
from glyphite.host.runners.oracle import BRIEF, STAND_IN, TFLM, oracle
from glyphite.host.runners.tflm import has_tflm
from glyphite.host.serve.inputs import Inputs, Samples
from glyphite.host.serve.saved import Answered, page_of, write_page

BOARD = "uno"
"""The board that avr8js emulates."""
PAGE = "page.html"
MOST_SAMPLES = 20


def export_page(arguments: argparse.Namespace) -> None:
    """Write the page of a model.

    Raises InputError where another board is named or the file cannot be written, and what building
    for an Uno raises: DoesNotFitError, with the sizes, where the model is too large for it.
    """
    board = load_board(arguments.board or BOARD)
    if board.name != BOARD:
        raise InputError(
            f"--page emulates an {load_board(BOARD).description.partition(' (')[0]}, and "
            f"{board.name!r} was named. Leave --board out; for another board, `glyphite serve`."
        )
    model = find_model(arguments.model)
    path = _path(model, arguments.out)
    manifest = read_manifest(model)
    note_random(manifest)
    prepared = compile_and_build(model.named, BOARD)
    inputs = Inputs(manifest, reads_drawings(manifest), lambda: samples_of(manifest, MOST_SAMPLES))
    labels = classes_told(manifest)
    answered = _answered(model, manifest, inputs)
    with hold_place(model, arguments.out):
        text = page_of(
            inputs,
            labels or manifest.labels,
            board,
            prepared.built.image,
            answered,
            shares=labels is not None,
        )
        sha256 = write_page(path, text)
    count = len(answered.samples.labels) if answered else 0
    if arguments.json:
        told = {"path": str(path), "bytes": len(text.encode()), "sha256": sha256}
        print_json({**told, "model": _known(manifest), "board": board.name, "samples": count})
        return
    reference = f", with {answered.reference}'s answers" if answered else ""
    whose = f"{manifest.name} ({manifest.sha256[:12]})"
    rows = [
        ("the program of", f"{whose} on {board.name}, run by avr8js"),
        ("test samples", f"{count}{reference}"),
        ("size", f"{len(text.encode()):,} bytes; it loads nothing else"),
    ]
    print_table(("in the page", ""), rows)
    say_written(path)
    say("Open it in any browser. A board at this PC answers it in Chrome, Edge or Opera.")


def _path(model: ModelFolder, out: Path | None) -> Path:
    if out is None:
        return model.root / PAGE
    if out.is_dir():
        raise InputError(
            f"{printable(str(out))} is a folder, and a file is written. Name one with --out, such "
            f"as {printable(str(out / PAGE))}."
        )
    return out


def _answered(model: ModelFolder, manifest: Manifest, inputs: Inputs) -> Answered | None:
    """Some test samples, where their data are here already: an export fetches none."""
    is_here = not inputs.digits or cache_folder().is_dir()
    if not (is_here and has_samples(manifest)):
        return None
    try:
        samples: Samples = samples_of(manifest, MOST_SAMPLES)
    except GlyphiteError as error:
        print_status(f"The page has no test samples: {error}")
        return None
    raw = samples.raw[:MOST_SAMPLES]
    some = Samples(raw, samples.labels[: len(raw)])
    tensors = manifest.quantize(raw)
    answers = np.asarray(oracle(model.tflite).run(tensors)[0])
    return Answered(some, tensors, answers, BRIEF[TFLM if has_tflm() else STAND_IN])


def _known(manifest: Manifest) -> dict[str, str]:
    return {"name": manifest.name, "sha256": manifest.sha256}
