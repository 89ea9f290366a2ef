"""``glyphite stream``: test samples to a board, and its answers."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glyphite.convert.boards import known_board, load_board
from glyphite.convert.errors import GlyphiteError, InputError
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder, default_model, find_model, writing_to
from glyphite.host.cli.arguments import (
    add_baud,
    add_count,
    add_json,
    add_model,
    add_port,
    add_trace,
    port_of,
)
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.console import print_json, print_status, print_table, progress_bar, say
from glyphite.host.cli.data import add_data, require_classes, require_int8, test_samples, title_of
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.flash import build_missing
from glyphite.host.cli.judgement import columns_of, judgement_row, of_data
from glyphite.host.device.trace import Passing, tracing
from glyphite.host.device.transport import EMULATED
from glyphite.host.device.transport.firmware_files import emulated_board
from glyphite.host.device.wire.messages import Answer
from glyphite.host.measure import stream, stream_record
from glyphite.host.measure.bench.watch import is_countable
from glyphite.host.measure.one_scale import one_scale
from glyphite.host.measure.received import Received, save_partial
from glyphite.host.measure.running import firmware_at, place_of
from glyphite.host.measure.times import TITLES, duration
from glyphite.host.report import write_report
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.litert import read_manifest, require_unchanged
from glyphite.host.runners.oracle import BRIEF, explanation, oracle

EXAMPLE = "glyphite stream seed --port sim://cortex-m4 --count 1000"
USUAL = 1000
"""Samples, where so many are there and ``--count`` is not given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser, optional=True)
    add_port(parser)
    add_count(parser, count_of, None, f"{USUAL}, or all where there are fewer")
    parser.add_argument(
        "--jobs",
        type=count_of,
        default=1,
        metavar="N",
        help="emulated boards in parallel (default: 1)",
    )
    add_baud(parser, stream.BAUD)
    add_trace(parser, "written anew, for `glyphite monitor`")
    add_budgets(parser, "min_accuracy", "max_mismatched_bytes")
    add_data(parser, "that of the model's conversion, or MNIST if it reads digits")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Stream, compare with TFLM or what stands in for it, write stream.json, and update the report.

    Raises CheckFailedError where a byte of the board differs, or a figure is beyond its limit.
    """
    with checking("stream", arguments) as checks, tracing(arguments.trace) as trace:
        _run(arguments, checks, trace)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks, trace: Passing | None) -> None:
    arguments.port = port_of(arguments)
    folder = find_model(arguments.model or default_model())
    manifest = read_manifest(folder)
    require_int8(manifest)
    tested = test_samples(arguments, manifest, arguments.count, usual=USUAL)
    tensors, truth = tested.tensors, tested.truth
    require_classes(arguments, truth)
    with writing_to(folder, print_status):  # what cannot be kept is not asked of a board
        pass
    build_missing(arguments.port, folder)
    firmware = firmware_at(arguments.port, folder.root)
    link = stream.Link(
        arguments.port, manifest.sha256, arguments.baud, arguments.jobs, manifest, folder.named,
        firmware, trace,
    )  # fmt: skip
    received = Received(len(tensors))
    with _kept(folder, link, received):
        watch = stream.RunningAccuracy(manifest, truth)
        streamed = _stream(link, tensors, watch, received)
        right = oracle(folder.tflite)
        with progress_bar(BRIEF[right.name], len(tensors)) as progress:
            (reference,) = right.run(tensors, progress=progress)
        require_unchanged(folder, manifest)
        judge = stream.Judge(right.name, reference, truth)
        streaming = stream.summarize(manifest, link, streamed, judge)
        with writing_to(folder, print_status):
            place = place_of(firmware, _place(folder, link, streaming["board"]))
            stream_record.save(place, streaming, streamed, judge)
    _tell(streamed, explanation(right.name))
    # First, as another board's record may be damaged.
    _print(streaming, folder, arguments.json)
    with writing_to(folder, print_status):
        write_report(folder)
    of = subject(manifest.name, manifest.sha256, streaming["board"])
    if streaming["correct"] is not None:
        checks.hold("min_accuracy", 100 * streaming["correct"] / streaming["images"], of)
    known = one_scale(folder, tensors, streamed.scores, reference)
    checks.hold_bytes(streaming["mismatched_bytes"], of, lambda: stream.check(streaming, known))


def _stream(
    link: stream.Link, tensors: Tensors, watch: stream.RunningAccuracy, received: Received
) -> stream.Streamed:
    with progress_bar("Streaming", len(tensors)) as progress:

        def on_answer(index: int, answer: Answer) -> None:
            share = watch.add(index, answer)
            progress(1, "" if share is None else f"accuracy {100 * share:.2f} %")

        return stream.stream(link, tensors, on_answer, received)


@contextmanager
def _kept(folder: ModelFolder, link: stream.Link, received: Received) -> Iterator[None]:
    """Keep the answers that have come where the block ends early, and say where they are."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        kept = _keep(folder, link, received, str(error) or "interrupted")
        if not isinstance(error, GlyphiteError):
            print_status(kept)
        elif kept:
            error.args = (f"{error} {kept}",)
        raise


def _place(folder: ModelFolder, link: stream.Link, told: str) -> Path:
    """The folder of the board that calls itself ``told``, which several board files may do."""
    if link.url.startswith(EMULATED):
        board = load_board(emulated_board(link.url))
        return folder.board(board.key if board.name == told else told)
    return folder.board(told)


def _keep(folder: ModelFolder, link: stream.Link, received: Received, reason: str) -> str:
    """Write what has come; returns a sentence on it, which is empty where nothing had come."""
    if received.hello is None:
        return ""
    board = stream.board_name(received.hello)
    run = {"board": board, "url": link.url, "sha256": link.sha256, "ended_by": reason}
    try:
        path = save_partial(_place(folder, link, board), received, **run)
    except InputError as error:
        return f"The answers that had come cannot be kept: {error}"
    answers = f"{len(received.sorted()):,} of {received.images:,}"
    return (
        f"The {answers} answers that had come are in {path}. No verb reads that file: numpy.load "
        "gives the numbers of the images, their scores and times."
    )


def _tell(streamed: stream.Streamed, stand_in: str) -> None:
    """Say on stderr what is strange about a run that came to its end."""
    if stand_in:
        print_status(stand_in)
    if streamed.doubt:
        print_status(streamed.doubt)
    if streamed.hello.remark:
        print_status(f"The board says of itself: {streamed.hello.remark}.")
    if streamed.restarts:
        print_status(
            f"The board restarted in this run ({streamed.restarts} times); it holds the same model."
        )


def _print(streaming: stream.Streaming, folder: ModelFolder, as_json: bool) -> None:
    if as_json:
        print_json(streaming)
        return
    images, scores = streaming["images"], streaming["scores"]
    right = BRIEF[streaming["reference"]]
    rows = [
        *_judged(streaming, right),
        (f"bytes that differ from {right}", f"{streaming['mismatched_bytes']:,} of {scores:,}"),
        ("images that differ", f"{streaming['mismatched_images']:,} of {images:,}"),
        ("largest difference", str(streaming["largest_difference"])),
        ("images a second", f"{streaming['images_per_second']:.1f}"),
        *_time_rows(streaming),
    ]
    if streaming["retries"]:
        rows.append(("requests repeated", f"{streaming['retries']:,}"))
    data = of_data(streaming["data"], images)
    title = f"{title_of(folder)} on {streaming['board']} ({streaming['port']}): {data}"
    print_table(("", "streamed"), rows, title=title)
    known = known_board(streaming["board"])
    if streaming["timed_by"] is None and known and is_countable(known):
        words = ("bench", folder.named, "--board", known.name)
        say(f"The time on a board is told by `{command('glyphite', *words)}`.")


def _judged(streaming: stream.Streaming, right: str) -> list[tuple[str, str]]:
    """How well the board does, and what the reference ``right`` does on the same samples."""
    correct, share, interval = streaming["correct"], streaming["accuracy"], streaming["interval"]
    expected, error = streaming["reference_accuracy"], streaming["error"]
    if correct is not None and share is not None and interval is not None and expected is not None:
        low, high = interval
        return [
            ("accuracy", f"{100 * share:.2f} %"),
            ("right", f"{correct:,} of {streaming['images']:,}"),
            ("95 % interval", f"{100 * low:.2f} to {100 * high:.2f} %"),
            (f"accuracy of {right} on the same images", f"{100 * expected:.2f} %"),
        ]
    if error is None:
        return []
    task = streaming["task"]
    return list(zip(columns_of(task), judgement_row(task, streaming, None), strict=True))


def _time_rows(streaming: stream.Streaming) -> list[tuple[str, str]]:
    """The board's own time, or the instructions where its emulator counts them."""
    times, clock = streaming["seconds_per_image"], streaming["timed_by"]
    if times is not None and clock is not None:
        return [
            (f"{TITLES[clock]}, mean", f"{duration(times['mean'])} an image"),
            ("least to most", f"{duration(times['min'])} to {duration(times['max'])}"),
        ]
    if streaming["instructions_per_image"] is not None:
        rounded = float(f"{streaming['instructions_per_image']:.3g}")  # as its timer has ticks
        return [("instructions, mean", f"about {rounded:,.0f} an image")]
    return []
