"""``glyphite stream``: test samples to a board, and its answers."""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from glyphite.convert.boards import load_board
from glyphite.convert.documents import now
from glyphite.convert.errors import GlyphiteError, InputError
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import counted, printable
from glyphite.convert.workspace import ModelFolder, default_model, find_model, writing_to
from glyphite.host.cli import stream_table
from glyphite.host.cli.arguments import (
    add_baud,
    add_count,
    add_json,
    add_model,
    add_port,
    add_trace,
    ports_of,
)
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.console import print_json, print_status, progress_bar
from glyphite.host.cli.data import add_data, calibrated_on, require_limits, test_samples
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.doubts import note_no_digits
from glyphite.host.cli.flash import build_missing
from glyphite.host.cli.judgement import hold_error
from glyphite.host.device.trace import Passing, tracing
from glyphite.host.device.transport import is_emulated
from glyphite.host.device.transport.firmware_files import emulated_board
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.measure import cluster, stream, stream_record
from glyphite.host.measure.aside import beside
from glyphite.host.measure.by_board import BoardPart, Judge, board_name, together
from glyphite.host.measure.foretold import Patience, patience
from glyphite.host.measure.one_scale import one_scale
from glyphite.host.measure.portion import BAUD
from glyphite.host.measure.received import KEPT, Received, is_written, read_kept, require_same
from glyphite.host.measure.running import firmware_at, place_of
from glyphite.host.measure.share import url_of
from glyphite.host.measure.stream_figures import RunningAccuracy, Streaming, check, summarize
from glyphite.host.measure.times import PC, clock_at
from glyphite.host.report import write_report
from glyphite.host.runners.base import Tensors
from glyphite.host.runners.kept import KeptRunner
from glyphite.host.runners.litert import read_manifest, require_unchanged
from glyphite.host.runners.oracle import explanation, kept_oracle
from glyphite.host.runners.tflm import has_tflm

EXAMPLE = "glyphite stream seed --port sim://cortex-m4 --count 1000"
LONG_SECONDS = 2.0
"""An inference that is foretold to take longer is told of."""
USUAL = 1000
"""Samples, where so many are there and ``--count`` is not given."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser, optional=True)
    add_port(parser, several=True)
    add_count(parser, count_of, None, f"{USUAL}, or all where there are fewer")
    parser.add_argument(
        "--jobs",
        type=count_of,
        default=1,
        metavar="N",
        help="how many at a time (emulated boards; default: 1)",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="the scheduler of a Dask cluster (its workers each have boards at the ports)",
    )
    add_baud(parser, BAUD)
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on with a run that was cut short (of the same model, firmware and data)",
    )
    add_trace(parser, "written anew, for `glyphite monitor`")
    add_budgets(parser, "min_accuracy", "max_error", "max_mismatched_bytes")
    add_data(parser, "that of the model's conversion, or MNIST if it reads digits")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Stream, compare with TFLM or what stands in for it, write stream.json, and update the report.

    Raises CheckFailedError where a byte of the board differs, or a figure is beyond its limit,
    InputError where a port was named twice, options exclude each other, or there is nothing to go
    on with.
    """
    if arguments.trace is not None and arguments.cluster is not None:
        raise InputError(
            "--trace keeps the bytes that pass ports of this PC, and --cluster asks boards of "
            "others. Leave one of them out."
        )
    with checking("stream", arguments) as checks, tracing(arguments.trace) as trace:
        _run(arguments, checks, trace)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks, trace: Passing | None) -> None:
    arguments.port = ports_of(arguments)
    folder = find_model(arguments.model or default_model())
    manifest = read_manifest(folder)
    tested = test_samples(arguments, manifest, arguments.count, usual=USUAL)
    tensors, truth = tested.tensors, tested.truth
    require_limits(arguments, truth)
    with writing_to(folder, print_status):  # what cannot be kept is not asked of a board
        pass
    links = _links(arguments, folder, manifest, trace)
    received = _received(arguments, folder, links, tensors)
    watch, again = RunningAccuracy(manifest, truth), _Again()
    with (
        cluster.executors(arguments.cluster, again.add) as executors,
        _kept(arguments, received),
        beside(lambda: kept_oracle(folder, manifest), tensors) as aside,
    ):
        streamed = _stream(links, tensors, watch, received, executors)
        before = time.monotonic()
        with progress_bar("TFLM" if has_tflm() else "This PC's C", len(tensors)) as progress:
            right, reference = aside.wait(progress)
        waited = time.monotonic() - before
        require_unchanged(folder, manifest)
        judge = Judge(right.name, reference, truth)
        with writing_to(folder, print_status):
            streaming = _save(folder, links[0], streamed, judge)
            received.forget()
    if isinstance(right, KeptRunner) and right.known:
        print_status(
            f"TFLM's answers to {right.known:,} of {counted(len(tensors), 'sample')} are those "
            f"of an earlier run, kept by their hashes in {right.path}."
        )
    stream_table.tell(streamed, explanation(right.name))
    note_no_digits(arguments, manifest, truth, streaming["correct"])
    # First, as another board's record may be damaged.
    if arguments.json:
        more = {} if arguments.cluster is None else {"portions_done_again": again.portions}
        print_json({**streaming, **calibrated_on(folder), **more})
    else:
        stream_table.show(streaming, folder, waited)
    with writing_to(folder, print_status):
        write_report(folder)
    of = subject(manifest.name, manifest.sha256, streaming["board"])
    hold_error(checks, streaming["task"], streaming["error"], of)
    if streaming["correct"] is not None:
        checks.hold("min_accuracy", 100 * streaming["correct"] / streaming["images"], of)
    known = one_scale(folder, tensors, streamed.scores, reference)
    checks.hold_bytes(streaming["mismatched_bytes"], of, lambda: check(streaming, known))


class _Again:
    """Portions that a worker of a cluster had when it ended, which others do again."""

    def __init__(self) -> None:
        self.portions = 0

    def add(self, worker: str, portions: int) -> None:
        """Say that ``worker`` has ended."""
        self.portions += portions
        again = counted(portions, "portion")
        print_status(
            f"The worker {printable(worker)} ended. What it had, {again} of the samples, is done "
            "again by the others."
        )


def _links(
    arguments: argparse.Namespace, folder: ModelFolder, manifest: Manifest, trace: Passing | None
) -> list[stream.Link]:
    """The ports that were named, each once; an emulated board's firmware is built where there is
    none. Raises InputError where a real one was named twice."""
    links = []
    for url, times in Counter(arguments.port).items():
        if times > 1 and not is_emulated(url):
            raise InputError(
                f"--port {url} is given {times} times, and is one board. Name it once."
            )
        firmware = None
        if arguments.cluster is None:
            build_missing(url, folder)
            firmware = firmware_at(url, folder.root)
        links.append(
            stream.Link(
                url, manifest.sha256, arguments.baud, arguments.jobs * times, manifest,
                folder.named, firmware, print_status,
                patience(folder.tflite) if arguments.cluster else _foretold(folder), trace,
            )
        )  # fmt: skip
    return links


def _stream(
    links: list[stream.Link],
    tensors: Tensors,
    watch: RunningAccuracy,
    received: Received,
    executors: Sequence[Executor],
) -> stream.Streamed:
    with progress_bar("Streaming", len(tensors)) as progress:

        def on_answer(index: int, answer: Answer) -> None:
            share = watch.add(index, answer)
            progress(1, "" if share is None else f"accuracy {100 * share:.2f} %")

        return stream.stream(links, tensors, on_answer, received, executors)


def _save(
    folder: ModelFolder, link: stream.Link, streamed: stream.Streamed, judge: Judge
) -> Streaming:
    """Write a record for each kind of board, in its folder; the figures of all boards together."""
    places: dict[Path, list[BoardPart]] = {}
    for number, part in enumerate(streamed.parts):
        if (streamed.owners == number).any():
            board = _place(folder, part.port, part.name)
            places.setdefault(place_of(part.firmware, board), []).append(part)
    manifest, date = read_manifest(folder), now()
    whole = summarize(manifest, link, streamed, judge, date)
    for place, parts in places.items():
        if len(places) == 1:  # with those that were lost before they answered
            stream_record.save(place, whole, streamed, judge)
        else:
            own = streamed.of(parts)
            mine = judge.only(own.indices)
            stream_record.save(place, summarize(manifest, link, own, mine, date), own, mine)
    return whole


def _foretold(folder: ModelFolder) -> Callable[[Hello], float]:
    """Seconds that an inference will take on a board, of which a long one is told."""

    @cache
    def known() -> Patience:
        return patience(folder.tflite)

    @cache
    def tell(seconds: float) -> None:
        print_status(f"An inference will take about {seconds:.0f} s by the model of cycles.")

    def seconds(hello: Hello) -> float:
        found = known()(hello)
        if found > LONG_SECONDS and clock_at("", hello.board) != PC:  # of which nothing is known
            tell(found)
        return found

    return seconds


def _received(
    arguments: argparse.Namespace,
    folder: ModelFolder,
    links: list[stream.Link],
    tensors: Tensors,
) -> Received:
    """Where the answers go: after --resume, to those of the run that was cut short.

    Raises InputError where there is none to go on with, or it was another run.
    """
    manifest, urls = links[0].manifest, [link.url for link in links]
    firmwares = {link.url: link.firmware.sha256 if link.firmware else None for link in links}
    cut_short = [
        kept
        for path in sorted(folder.root.glob(f"*/{KEPT}"))
        if manifest and not is_written(path) and (kept := read_kept(path, manifest))
        if any(url_of(board["port"]) in urls for board in kept.of["boards"])
    ]
    cut_short.sort(key=lambda kept: -len(kept.answers))
    before = None
    if arguments.resume:
        if not cut_short:
            raise InputError(
                f"No run of {folder.named} on {' or '.join(urls)} was cut short. Leave out "
                "--resume."
            )
        before = cut_short[0]
        require_same(before, tensors, manifest, {} if arguments.cluster else firmwares)
        print_status(f"{len(before.answers):,} of {before.of['images']:,} answers are there.")
    elif cut_short:
        print_status(
            f"A run on {together(urls)} was cut short after {len(cut_short[0].answers):,} of "
            f"{counted(cut_short[0].of['images'], 'answer')}. This one starts anew; --resume "
            "would go on."
        )

    def place(port: str, hello: Hello) -> Path:
        return _place(folder, port, board_name(hello))

    return Received(tensors, place, manifest, firmwares, before)


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


def _place(folder: ModelFolder, port: str, told: str) -> Path:
    """The folder of the board that calls itself ``told``, which several board files may do."""
    if is_emulated(port):
        board = load_board(emulated_board(url_of(port)))
        return folder.board(board.key if board.name == told else told)
    return folder.board(told)
