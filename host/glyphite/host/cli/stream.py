"""``glyphite stream``: test samples to a board, and its answers."""

import argparse
import time
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
from glyphite.host.cli.data import (
    add_data,
    calibrated_on,
    require_limits,
    test_samples,
    title_of,
)
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.doubts import note_no_digits
from glyphite.host.cli.flash import build_missing
from glyphite.host.cli.judgement import columns_of, hold_error, judgement_row, of_data
from glyphite.host.device.trace import Passing, tracing
from glyphite.host.device.transport import is_emulated, on_pipes
from glyphite.host.device.transport.firmware_files import emulated_board
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.measure import stream, stream_record
from glyphite.host.measure.aside import beside
from glyphite.host.measure.bench.watch import is_countable
from glyphite.host.measure.foretold import patience
from glyphite.host.measure.one_scale import one_scale
from glyphite.host.measure.received import KEPT, Received, read_kept, require_same
from glyphite.host.measure.running import firmware_at, place_of
from glyphite.host.measure.times import TITLES, duration
from glyphite.host.measure.wire_use import BOUNDS, carried
from glyphite.host.report import write_report
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.kept import KeptRunner
from glyphite.host.runners.litert import read_manifest, require_unchanged
from glyphite.host.runners.oracle import BRIEF, explanation, has_tflm, kept_oracle

EXAMPLE = "glyphite stream seed --port sim://cortex-m4 --count 1000"
LONG_SECONDS = 2.0
"""An inference that is foretold to take longer is told of."""
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
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a run that was cut short, of the same model, firmware and data",
    )
    add_trace(parser, "written anew, for `glyphite monitor`")
    add_budgets(parser, "min_accuracy", "max_error", "max_mismatched_bytes")
    add_data(parser, "that of the model's conversion, or MNIST if it reads digits")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Stream, compare with TFLM or what stands in for it, write stream.json, and update the report.

    Raises CheckFailedError where a byte of the board differs, or a figure is beyond its limit;
    InputError where there is no run to go on with, or it was another.
    """
    with checking("stream", arguments) as checks, tracing(arguments.trace) as trace:
        _run(arguments, checks, trace)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks, trace: Passing | None) -> None:
    arguments.port = port_of(arguments)
    folder = find_model(arguments.model or default_model())
    manifest = read_manifest(folder)
    tested = test_samples(arguments, manifest, arguments.count, usual=USUAL)
    tensors, truth = tested.tensors, tested.truth
    require_limits(arguments, truth)
    with writing_to(folder, print_status):  # what cannot be kept is not asked of a board
        pass
    build_missing(arguments.port, folder)
    firmware = firmware_at(arguments.port, folder.root)
    link = stream.Link(
        arguments.port, manifest.sha256, arguments.baud, arguments.jobs, manifest, folder.named,
        firmware, print_status, lambda hello: _foretold(folder, hello), trace,
    )  # fmt: skip
    received = _received(arguments, folder, link, tensors)
    watch = stream.RunningAccuracy(manifest, truth)
    with (
        _kept(arguments, received),
        beside(lambda: kept_oracle(folder, manifest), tensors) as aside,
    ):
        streamed = _stream(link, tensors, watch, received)
        before = time.monotonic()
        with progress_bar("TFLM" if has_tflm() else "This PC's C", len(tensors)) as progress:
            right, reference = aside.wait(progress)
        waited = time.monotonic() - before
        require_unchanged(folder, manifest)
        judge = stream.Judge(right.name, reference, truth)
        streaming = stream.summarize(manifest, link, streamed, judge)
        with writing_to(folder, print_status):
            place = place_of(firmware, _place(folder, link, streaming["board"]))
            stream_record.save(place, streaming, streamed, judge)
            received.forget()
    if isinstance(right, KeptRunner) and right.known:
        print_status(
            f"TFLM's answers to {right.known:,} of {len(tensors):,} samples are those of an "
            f"earlier run, kept by their hashes in {right.path}."
        )
    _tell(streamed, explanation(right.name))
    note_no_digits(arguments, manifest, truth, streaming["correct"])
    # First, as another board's record may be damaged.
    _print(streaming, folder, waited, arguments.json)
    with writing_to(folder, print_status):
        write_report(folder)
    of = subject(manifest.name, manifest.sha256, streaming["board"])
    hold_error(checks, streaming["task"], streaming["error"], of)
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


def _foretold(folder: ModelFolder, hello: Hello) -> float:
    """Seconds that an inference will take, of which a long one is told."""
    seconds = patience(folder.tflite, known_board(hello.board))
    if seconds > LONG_SECONDS:
        print_status(f"An inference will take about {seconds:.0f} s by the model of cycles.")
    return seconds


def _received(
    arguments: argparse.Namespace, folder: ModelFolder, link: stream.Link, tensors: Tensors
) -> Received:
    """Where the answers go: after --resume, to those of the run that was cut short.

    Raises InputError where there is none to go on with, or it was another run.
    """
    manifest, digest = link.manifest, link.firmware.sha256 if link.firmware else None
    cut_short = [
        kept
        for path in sorted(folder.root.glob(f"*/{KEPT}"))
        if manifest and (kept := read_kept(path, manifest)) and kept.of["port"] == link.url
    ]
    before = None
    if arguments.resume:
        if not cut_short:
            raise InputError(
                f"No run of {folder.named} on {link.url} was cut short. Leave out --resume."
            )
        before = cut_short[0]
        require_same(before, tensors, manifest, digest)
        print_status(f"{len(before.answers):,} of {before.of['images']:,} answers are there.")
    elif cut_short:
        print_status(
            f"A run on {link.url} was cut short after {len(cut_short[0].answers):,} of "
            f"{cut_short[0].of['images']:,} answers. This one starts anew; --resume would go on."
        )

    def place(hello: Hello) -> Path:
        return _place(folder, link, stream.board_name(hello))

    return Received(tensors, place, manifest, digest, before)


@contextmanager
def _kept(arguments: argparse.Namespace, received: Received) -> Iterator[None]:
    """Say where the answers are that have come, where the block ends early."""
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        count = len(received.sorted())
        kept = ""
        if received.path is not None and count:
            kept = (
                f"The {count:,} of {received.images:,} answers that had come are in "
                f"{received.path}: the same command with --resume goes on."
            )
        if not isinstance(error, GlyphiteError):
            print_status(kept)
        elif kept:
            error.args = (f"{error} {kept}",)
        raise
    finally:
        received.close()


def _place(folder: ModelFolder, link: stream.Link, told: str) -> Path:
    """The folder of the board that calls itself ``told``, which several board files may do."""
    if is_emulated(link.url):
        board = load_board(emulated_board(link.url))
        return folder.board(board.key if board.name == told else told)
    return folder.board(told)


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


def _print(streaming: stream.Streaming, folder: ModelFolder, waited: float, as_json: bool) -> None:
    """``waited``: seconds for the oracle's scores after the last answer."""
    if as_json:
        print_json({**streaming, **calibrated_on(folder)})
        return
    images, scores = streaming["images"], streaming["scores"]
    right = BRIEF[streaming["reference"]]
    rows = [
        *_judged(streaming, right),
        (f"bytes that differ from {right}", f"{streaming['mismatched_bytes']:,} of {scores:,}"),
        ("images that differ", f"{streaming['mismatched_images']:,} of {images:,}"),
        ("largest difference", str(streaming["largest_difference"])),
        ("images a second on the link", f"{streaming['images_per_second']:,.1f}"),
        *_wire_rows(streaming, waited),
        *_time_rows(streaming),
    ]
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


def _wire_rows(streaming: stream.Streaming, waited: float) -> list[tuple[str, str]]:
    """What passed over the line, what bounded the rate, and the requests that were repeated."""
    wire, count = streaming["wire"], streaming["images"]
    seconds = count / streaming["images_per_second"]
    each = f"{wire['sent'] / count:,.0f} B to the board, {wire['received'] / count:,.0f} back"
    line = "pipes: no baud rate"
    if not on_pipes(streaming["port"]):
        share = carried(wire, seconds, streaming["baud"])
        line = f"{100 * share:.0f} % of {streaming['baud']:,} baud"
    bound = BOUNDS[streaming["bound_by"]]
    if waited > seconds:
        bound += f"; the command by {BRIEF[streaming['reference']]}, {waited:.1f} s more"
    rows = [("an image on the wire", each), ("the line", line), ("bounded by", bound)]
    repeats = wire["repeats"].items()
    return rows + [(f"repeated: {why}", f"{times:,}") for why, times in repeats]


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
