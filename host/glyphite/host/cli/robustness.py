"""``glyphite compare MODEL --robustness``: what shifted, noisy and badly lit samples cost."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from glyphite.convert.boards import all_boards, load_board
from glyphite.convert.data.corrupt_pictures import Pictures
from glyphite.convert.data.corrupt_readings import Readings
from glyphite.convert.data.corruption import Corruption
from glyphite.convert.data.corruptions import corruptions_of, layout_of
from glyphite.convert.documents import now
from glyphite.convert.errors import InputError
from glyphite.convert.files import require_room
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder, find_model, writing_to
from glyphite.host.cli.budgets import Checks, subject
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    progress_bar,
    say,
    say_loading,
    say_written,
)
from glyphite.host.cli.data import Tested, calibrated_on, require_limits, test_samples
from glyphite.host.cli.data import title_of as title_of_model
from glyphite.host.cli.flash import build_missing
from glyphite.host.cli.judgement import hold_error, of_data
from glyphite.host.device.transport.firmware_files import emulated_url
from glyphite.host.measure import robustness, stream
from glyphite.host.measure.compare import ORACLES, LeftOut
from glyphite.host.measure.corrupted_picture import Cell, require_png, write_picture
from glyphite.host.measure.robustness import Asked
from glyphite.host.measure.robustness_record import (
    CORRECTION,
    LEVEL,
    ROBUSTNESS,
    BoardOf,
    Condition,
    Engine,
    RobustnessRecord,
)
from glyphite.host.measure.running import firmware_at
from glyphite.host.measure.truth import Truth, classes_of
from glyphite.host.runners.base import FLOATS, SHORT, Runner, Scores, float_of, title_of
from glyphite.host.runners.keras import KerasRunner
from glyphite.host.runners.litert import read_manifest, require_unchanged
from glyphite.host.runners.oracle import TFLM, kept_oracle

USUAL = 1000
"""Samples of each corruption, where so many are there and ``--count`` is not given."""
STREAMED = 100
"""The first of them that a board is asked."""
SEED = 1
"""Of the random numbers: the same samples each time, for every model."""

Runners = Callable[[ModelFolder, Manifest, float | None], tuple[list[Runner], list[LeftOut]]]
"""Those of ``compare`` that can run here, and those that cannot."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare ``--robustness``."""
    group = parser.add_argument_group("robustness")
    group.add_argument(
        "--robustness",
        action="store_true",
        help="the same for samples that are shifted, noisy, badly lit, ...: docs/robustness.md; "
        f"--count is then {USUAL:,}, and of each the first {STREAMED} go to the emulated --board",
    )


def refuse_options(arguments: argparse.Namespace) -> None:
    """Make sure that ``--robustness`` is not given with what is for two models.

    Raises InputError where it is.
    """
    if not arguments.robustness:
        return
    for option, what in (("other", "a second model"), ("optimize", "--optimize")):
        if getattr(arguments, option) is not None:
            raise InputError(
                f"--robustness is of one model, by its usual build, and {what} is given. Leave "
                "one of them out."
            )


def run(
    arguments: argparse.Namespace, checks: Checks, runners_of: Runners, tools: dict[str, str]
) -> None:
    """Ask all engines, and print and keep what each corruption costs them.

    ``tools``: versions of the packages that run. Raises InputError where the board is not emulated,
    a picture has no name of a PNG, or nothing is known to be right for the samples.
    """
    folder = find_model(arguments.model)
    manifest = read_manifest(folder)
    if arguments.picture is not None:
        require_png(arguments.picture)
    url = None if arguments.board is None else _url(arguments.board)
    tested = test_samples(arguments, manifest, arguments.count, usual=USUAL)
    require_limits(arguments, tested.truth)
    robustness.require_task(tested.truth)
    path = folder.root / ROBUSTNESS
    with writing_to(folder, print_status):  # what cannot be kept is not asked
        require_room(path)
    layout = layout_of(tested.raw, tested.kind)
    able, _ = runners_of(folder, manifest, arguments.max_drop)
    runners = _kept(able, folder, manifest)
    asked = _ask(runners, manifest, tested, [None, *corruptions_of(layout)])
    require_unchanged(folder, manifest)
    board, given = (None, None) if url is None else _stream(url, folder, manifest, asked)
    record = _record(manifest, tested.truth, asked, (board, given), tools)
    with writing_to(folder, print_status):
        record.save(path)
    if arguments.json:
        said = {"verdict": robustness.verdict(record), **calibrated_on(folder)}
        print_json({**record.as_document(), **said})
    else:
        _print(record, title_of_model(folder), layout)
    if arguments.picture is not None:
        _draw(arguments.picture, record, manifest, tested, asked)
    if not arguments.json:
        say_written(path, *([arguments.picture] if arguments.picture else []))
    _hold(checks, record)


def _record(
    manifest: Manifest,
    truth: Truth,
    asked: Sequence[Asked],
    streamed: tuple[BoardOf | None, list[Scores] | None],
    tools: dict[str, str],
) -> RobustnessRecord:
    """``streamed``: the board, and its scores for the first samples of each corruption."""
    board, given = streamed
    reference = next(name for name in ORACLES if name in asked[0].scores)
    return RobustnessRecord(
        model=manifest.name,
        sha256=manifest.sha256,
        float_sha256=manifest.float_sha256 if float_of(asked[0].scores) else "",
        task=truth.task,
        data=truth.data,
        images=truth.count,
        seed=SEED,
        reference=reference,
        level=LEVEL,
        correction=CORRECTION,
        board=board,
        conditions=robustness.conditions(asked, manifest, truth, reference, given),
        tools=tools,
        date=now(),
        activations=manifest.activations,
    )


def _kept(runners: list[Runner], folder: ModelFolder, manifest: Manifest) -> list[Runner]:
    """The same, with TFLM's scores kept by the samples' hashes: it takes longer than all others."""
    return [kept_oracle(folder, manifest) if one.name == TFLM else one for one in runners]


def _ask(
    runners: Sequence[Runner],
    manifest: Manifest,
    tested: Tested,
    corruptions: Sequence[Corruption | None],
) -> list[Asked]:
    if runners[0].name == KerasRunner.name:
        say_loading()
    steps = len(runners) * len(corruptions) * len(tested.raw)
    with progress_bar("Comparing", steps) as progress:
        return list(
            robustness.ask(
                runners,
                manifest,
                tested.raw,
                corruptions=corruptions,
                seed=SEED,
                first=STREAMED,
                watch=lambda runner: (
                    lambda done: progress(done, title_of(runner.name, manifest.activations))
                ),
            )
        )


def _url(board_name: str) -> str:
    """The port of the emulated board. Raises InputError where it is not emulated."""
    board = load_board(board_name)
    if board.emulator is None:
        names = ", ".join(each.name for each in all_boards() if each.emulator)
        raise InputError(
            f"--robustness asks emulated boards, and {board.name} is not. There are: {names}. "
            "Name one of them, or leave out --board: the generated C gives a board's bytes."
        )
    return emulated_url(board_name)


def _stream(
    url: str, folder: ModelFolder, manifest: Manifest, asked: Sequence[Asked]
) -> tuple[BoardOf, list[Scores]]:
    """The board, and its scores for the first samples of each corruption."""
    build_missing(url, folder)
    firmware = firmware_at(url, folder.root)
    tensors = np.concatenate([one.first for one in asked])
    link = stream.Link(url, manifest.sha256, manifest=manifest, named=folder.named)
    with progress_bar("Streaming", len(tensors)) as progress:
        streamed = stream.stream(link, tensors, lambda *_: progress(1))
    board = BoardOf(
        board=streamed.hello.board,
        port=url,
        firmware_sha256=firmware.sha256 if firmware else None,
        images=len(asked[0].first),
    )
    return board, np.split(streamed.scores, len(asked))


def _print(record: RobustnessRecord, title: str, layout: Pictures | Readings) -> None:
    data = of_data(record.data, record.images)
    engines = [one for one in record.conditions[0].engines if not _is_repeated(one, record)]
    columns = [each for one in engines for each in _columns(one, record)]
    what = "mean absolute error" if record.conditions[0].engines[0].error else "right, %"
    print_table(
        ("samples", *(heading for heading, _ in columns)),
        [(one.text, *(cell(one) for _, cell in columns)) for one in record.conditions],
        title=f"{title} on {data}: {what}",
    )
    tested = [(one.text, one.pair) for one in record.conditions if one.pair is not None]
    int8 = SHORT[record.reference]
    if tested:
        print_table(
            ("samples", "float alone", f"{int8} alone", "p", "corrected p"),
            [
                (text, pair.only_float_right, pair.only_int8_right,
                 f"{pair.p:.2g}", f"{pair.corrected_p:.2g}")
                for text, pair in tested
            ],
            title="right where the other is wrong, and McNemar's exact test",
        )  # fmt: skip
    sentences = (_of_the_c(record), _of_the_board(record), robustness.worst(record))
    for sentence in filter(None, (*sentences, robustness.verdict(record), _of_strokes(layout))):
        say(sentence)


def _is_repeated(engine: Engine, record: RobustnessRecord) -> bool:
    """Whether the engine is the generated C, and gave no byte that its reference did not."""
    return engine.name == "c" and not any(one.c_bytes_differ != 0 for one in record.conditions)


def _columns(
    engine: Engine, record: RobustnessRecord
) -> list[tuple[str, Callable[[Condition], str]]]:
    """An engine's figures, and of the reference, which stands for all boards, their interval."""
    name = engine.name
    found = [(_heading(engine, record), lambda one: _cell(one.engine(name)))]
    if name == record.reference and engine.interval is not None:
        found.append(("95 % interval", lambda one: _interval(one.engine(name))))
    return found


def _heading(engine: Engine, record: RobustnessRecord) -> str:
    is_board = engine.name == "board" and record.board is not None
    return record.board.board if is_board and record.board else SHORT[engine.name]


def _cell(engine: Engine | None) -> str:
    if engine is None:
        return ""
    if engine.error is not None:
        return f"{engine.error['mean_absolute']:.4g}"
    if engine.accuracy is None:
        return ""
    if engine.name == "board":
        return f"{engine.correct} of {engine.images}"
    return f"{100 * engine.accuracy:.2f}"


def _interval(engine: Engine | None) -> str:
    if engine is None or engine.interval is None:
        return ""
    low, high = engine.interval
    return f"{100 * low:.2f} to {100 * high:.2f}"


def _of_the_c(record: RobustnessRecord) -> str:
    first = record.conditions[0].c_bytes_differ
    if first is None:
        return ""
    differing = sum(one.c_bytes_differ or 0 for one in record.conditions)
    asked = record.images * len(record.conditions)
    if not differing:
        return (
            f"The generated C gave TFLM's bytes to all {asked:,} samples: what is said of TFLM is "
            "so on every board that gives them."
        )
    return f"The generated C differs from TFLM in {differing:,} bytes."


def _of_the_board(record: RobustnessRecord) -> str:
    board = record.board
    if board is None or record.conditions[0].board_bytes_differ is None:
        return ""
    differing = sum(one.board_bytes_differ or 0 for one in record.conditions)
    asked = board.images * len(record.conditions)
    return (
        f"{board.board} was asked the first {board.images:,} samples of each row: {differing:,} "
        f"bytes of its answers to {asked:,} samples differ from {SHORT[record.reference]}'s."
    )


def _of_strokes(layout: Pictures | Readings) -> str:
    if isinstance(layout, Pictures) and not layout.is_plain:
        return "These pictures have no plain ground, so no strokes are made thicker or thinner."
    return ""


def _draw(
    path: Path, record: RobustnessRecord, manifest: Manifest, tested: Tested, asked: Sequence[Asked]
) -> None:
    """Draw the first sample of all."""
    truth, first = tested.truth, tested.raw[:1]
    cells = []
    for one in asked:
        corruption, scores = one.corruption, one.scores[record.reference][:1]
        sample = first if corruption is None else corruption.apply(first, SEED)
        answer, is_right = _answer(manifest, truth, scores)
        name = corruption.name if corruption else ""
        text = corruption.extent if corruption else ""
        cells.append(Cell(sample[0], name, text, answer, is_right))
    layout = layout_of(tested.raw, tested.kind)
    kind = f"{record.activations} ({SHORT[record.reference]})"
    title = f"{record.model}: the first test sample, and what {kind} answers"
    write_picture(path, title, cells, layout)


def _answer(manifest: Manifest, truth: Truth, scores: Scores) -> tuple[str, bool]:
    if truth.labels is None:
        return "", True
    found = int(classes_of(manifest, scores)[0])
    labels = manifest.labels
    name = labels[found] if found < len(labels) and len(labels) > 1 else str(found)
    return f"answer: {name}", found == int(truth.labels[0])


def _hold(checks: Checks, record: RobustnessRecord) -> None:
    """Hold each int8 engine's figures under each corruption to the limits."""
    of = subject(record.model, record.sha256, record.board.board if record.board else "")
    for condition in record.conditions:
        floats = next((one for one in condition.engines if one.name in FLOATS), None)
        for one in condition.engines:
            if one.name in FLOATS or one.name == "board":
                continue
            name = f"{title_of(one.name, record.activations)} of {of}, {condition.text},"
            hold_error(checks, record.task, one.error, name)
            if one.accuracy is not None:
                checks.hold("min_accuracy", 100 * one.accuracy, name)
                if floats is not None and floats.accuracy is not None:
                    checks.hold("max_drop", _drop(floats, one), name)
    if any(_compared(one) for one in record.conditions):
        figure = robustness.differing_bytes(record)
        checks.hold_bytes(figure, of, lambda: robustness.check_bytes(record))


def _drop(floats: Engine, int8: Engine) -> float:
    """In percentage points."""
    return 100 * ((floats.correct or 0) - (int8.correct or 0)) / int8.images


def _compared(one: Condition) -> bool:
    return one.c_bytes_differ is not None or one.board_bytes_differ is not None
