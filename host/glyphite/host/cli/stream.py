"""``glyphite stream``: MNIST's test images to a board, and its answers."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import GlyphiteError, InputError
from glyphite.convert.workspace import ModelFolder, default_model, find_model, writing_to
from glyphite.host.cli.arguments import add_model
from glyphite.host.cli.console import print_json, print_status, print_table, progress_bar
from glyphite.host.cli.digits import count_of, load_digits
from glyphite.host.device.wire.messages import Answer
from glyphite.host.measure import stream, stream_record
from glyphite.host.measure.one_scale import one_scale
from glyphite.host.report import write_report
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.litert import read_manifest, require_unchanged
from glyphite.host.runners.oracle import BRIEF, explanation, oracle

EXAMPLE = "glyphite stream seed --port sim://cortex-m4 --count 1000"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser, optional=True)
    parser.add_argument(
        "--port", required=True, metavar="URL", help="/dev/ttyACM0, COM3, sim://cortex-m4, ..."
    )
    parser.add_argument("--count", type=count_of, default=1000, help="images (default: 1000)")
    parser.add_argument(
        "--jobs", type=count_of, default=1, help="emulated boards in parallel (default: 1)"
    )
    parser.add_argument(
        "--baud", type=int, default=stream.BAUD, help="bits per second (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Stream, compare with TFLM or what stands in for it, write stream.json, and update the report.

    Raises CheckFailedError where a byte of the board differs.
    """
    folder = find_model(arguments.model or default_model())
    manifest = read_manifest(folder)
    tensors, labels = load_digits(manifest, arguments.count)
    with writing_to(folder, print_status):  # what cannot be kept is not asked of a board
        pass
    link = stream.Link(
        arguments.port, manifest.sha256, arguments.baud, arguments.jobs, manifest, folder.named
    )
    received = stream.Received(len(tensors))
    with _kept(folder, link, received):
        streamed = _stream(link, tensors, labels, received)
        right = oracle(folder.tflite)
        with progress_bar(BRIEF[right.name], len(tensors)) as progress:
            reference = right.run(tensors, progress)
        require_unchanged(folder, manifest)
        judge = stream.Judge(right.name, reference, labels)
        streaming = stream.summarize(manifest, link, streamed, judge)
        with writing_to(folder, print_status):
            stream_record.save(folder.board(streaming["board"]), streaming, streamed, judge)
    _tell(streamed, explanation(right.name))
    _print(streaming, arguments.json)  # first, as another board's record may be damaged
    with writing_to(folder, print_status):
        write_report(folder)
    stream.check(streaming, one_scale(folder, tensors, streamed.scores, reference))
    return 0


def _stream(
    link: stream.Link, tensors: Tensors, labels: NDArray[np.uint8], received: stream.Received
) -> stream.Streamed:
    accuracy = stream.RunningAccuracy(labels)
    with progress_bar("Streaming", len(tensors)) as progress:

        def on_answer(index: int, answer: Answer) -> None:
            progress(1, f"accuracy {100 * accuracy.add(index, answer):.2f} %")

        return stream.stream(link, tensors, on_answer, received)


@contextmanager
def _kept(folder: ModelFolder, link: stream.Link, received: stream.Received) -> Iterator[None]:
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


def _keep(folder: ModelFolder, link: stream.Link, received: stream.Received, reason: str) -> str:
    """Write what has come; returns a sentence on it, which is empty where nothing had come."""
    if received.hello is None:
        return ""
    board = folder.board(stream.board_name(received.hello))
    try:
        path = stream.save_partial(board, link, received, reason)
    except InputError as error:
        return f"The answers that had come cannot be kept: {error}"
    answers = f"{len(received.sorted()):,} of {received.images:,}"
    return f"The {answers} answers that had come are in {path}."


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


def _print(streaming: stream.Streaming, as_json: bool) -> None:
    if as_json:
        print_json(streaming)
        return
    images, scores = streaming["images"], streaming["scores"]
    right = BRIEF[streaming["reference"]]
    low, high = streaming["interval"]
    rows = [
        ("accuracy", f"{100 * streaming['accuracy']:.2f} %"),
        ("right", f"{streaming['correct']:,} of {images:,}"),
        ("95 % interval", f"{100 * low:.2f} to {100 * high:.2f} %"),
        (f"bytes that differ from {right}", f"{streaming['mismatched_bytes']:,} of {scores:,}"),
        ("images that differ", f"{streaming['mismatched_images']:,} of {images:,}"),
        ("largest difference", str(streaming["largest_difference"])),
        ("images a second", f"{streaming['images_per_second']:.1f}"),
        *_time_rows(streaming),
    ]
    if streaming["retries"]:
        rows.append(("requests repeated", f"{streaming['retries']:,}"))
    title = f"{streaming['model']} on {streaming['board']} ({streaming['port']})"
    print_table(("", "streamed"), rows, title=title)


def _time_rows(streaming: stream.Streaming) -> list[tuple[str, str]]:
    """The board's own time, and the instructions where its emulator counts them."""
    times, rows = streaming["seconds_per_image"], []
    if times is not None:
        rows.append(("time on the board, mean", f"{1000 * times['mean']:.3f} ms an image"))
        rows.append(("least to most", f"{1000 * times['min']:.3f} to {1000 * times['max']:.3f} ms"))
    if streaming["instructions_per_image"] is not None:
        # The emulator counts instructions, not cycles: its time is not that of a real processor.
        rows.append(("instructions, mean", f"{streaming['instructions_per_image']:,} an image"))
    return rows
