"""``glyphite doctor --save``: the whole way on a board, and the file that its owner can send in."""

import argparse
from pathlib import Path

from glyphite.convert.boards import load_board
from glyphite.convert.documents import to_json
from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.convert.files import require_room, write_text
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder, default_model, find_model, model_names
from glyphite.host.cli.arguments import port_of
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    progress_bar,
    say,
    say_written,
)
from glyphite.host.cli.data import add_data, test_samples
from glyphite.host.cli.flash import build_and_flash, build_missing
from glyphite.host.device.flash import require_flashable
from glyphite.host.device.wire.messages import Hello
from glyphite.host.measure import seen, stream
from glyphite.host.measure.by_board import Judge
from glyphite.host.measure.foretold import patience
from glyphite.host.measure.seen import Seen, Subject, Way
from glyphite.host.runners.litert import read_manifest
from glyphite.host.runners.oracle import BRIEF, explanation, oracle

OTHER_PLACE = "Name another file with --save."
SEND_IN = (
    "Read it, and attach it to an issue of the repository that you have Glyphite from, with the "
    "name that is printed on the board: others then know that it works."
)


def run(arguments: argparse.Namespace) -> None:
    """Go the whole way and write what was seen, also where a step went wrong.

    Raises CheckFailedError where one did, InputError where the file cannot be written or no model
    is meant.
    """
    path: Path = arguments.save
    require_room(path)
    port = port_of(arguments)
    way = Way(print_status)
    port = _begin(arguments, port, way)
    if way.is_right:
        seen.greet(port, arguments.baud, way)
    if way.hello is not None:
        subject = _subject(arguments, _model(arguments, port, way.hello), port)
        with progress_bar("Images", len(subject.tensors)) as progress:
            seen.whole_way(subject, way, lambda *_: progress(1))
    found = seen.record(port, way, arguments.board)
    write_text(path, to_json(found), way_out=OTHER_PLACE)
    _print(arguments, found, path)
    wrong = [step for step in found["steps"] if step["state"] == seen.WRONG]
    if wrong:
        raise CheckFailedError(f"The step {wrong[0]['name']!r} went wrong: {wrong[0]['said']}")


def _begin(arguments: argparse.Namespace, port: str, way: Way) -> str:
    """Flash the board where that is asked; its port, which may have another name then."""
    if arguments.board is None:
        build_missing(port, find_model(arguments.model or default_model()))
        return port
    require_flashable(load_board(arguments.board), port)
    with way.step("flash") as outcome:
        model = arguments.model or default_model()
        _, flashed = build_and_flash(model, arguments.board, port)
        port = flashed.port
        tries = "1 try" if flashed.tries == 1 else f"{flashed.tries} tries"
        outcome.said = f"{tries}, {flashed.seconds:.1f} s."
    return port


def _model(arguments: argparse.Namespace, port: str, told: Hello) -> ModelFolder:
    """The model that was named, or else the one that the board holds."""
    if arguments.model is not None:
        return find_model(arguments.model)
    for name in model_names():
        try:
            if read_manifest(find_model(name)).sha256 == told.model_sha256:
                return find_model(name)
        except InputError:  # a damaged one is not the one
            continue
    raise InputError(
        f"The board on {port} holds the model {told.model_name!r}, and none of that SHA-256 can be "
        "named here. Name its .tflite, or flash one of yours with --flash BOARD."
    )


def _subject(arguments: argparse.Namespace, folder: ModelFolder, port: str) -> Subject:
    manifest: Manifest = read_manifest(folder)
    data = argparse.ArgumentParser()
    add_data(data, "")
    tested = test_samples(data.parse_args([]), manifest, usual=arguments.count)
    right = oracle(folder.tflite)
    with progress_bar(BRIEF[right.name], len(tested.tensors)) as progress:
        (reference,) = right.run(tested.tensors, progress=progress)
    if told := explanation(right.name):
        print_status(told)
    link = stream.Link(
        port,
        manifest.sha256,
        arguments.baud,
        manifest=manifest,
        named=folder.named,
        expected=patience(folder.tflite),
    )
    return Subject(link, manifest, tested.tensors, Judge(right.name, reference, tested.truth))


def _print(arguments: argparse.Namespace, found: Seen, path: Path) -> None:
    if arguments.json:
        print_json(found)
        return
    rows = [(step["name"], step["state"], step["said"]) for step in found["steps"]]
    device = found["device"]
    title = f"{device['board']}, {device['firmware']}" if device else "A board"
    print_table(("step", "", "seen"), rows, title=title, text=True)
    say_written(path)
    say(SEND_IN)
