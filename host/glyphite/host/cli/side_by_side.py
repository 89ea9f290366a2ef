"""``glyphite compare A B``: two models, or two builds, on the same samples and on a board."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import (
    DataError,
    DoesNotFitError,
    InputError,
    LinkError,
    ModelError,
    ToolError,
)
from glyphite.convert.files import read_bytes
from glyphite.convert.manifest import RANDOM, Manifest
from glyphite.convert.places import find_build
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder, find_model, is_file
from glyphite.host.cli.arguments import add_board, add_goal
from glyphite.host.cli.bench import measured
from glyphite.host.cli.budgets import SHA_DIGITS, Checks, subject
from glyphite.host.cli.build import compile_and_build
from glyphite.host.cli.console import (
    each_once,
    print_json,
    print_status,
    print_table,
    progress_bar,
    say,
)
from glyphite.host.cli.data import Tested, require_limits, test_samples
from glyphite.host.cli.judgement import columns_of, hold_error, judgement_row, of_data
from glyphite.host.device.build import SIZE
from glyphite.host.measure import side_by_side
from glyphite.host.measure.bench.watch import is_countable
from glyphite.host.measure.side_by_side import Side, SideBySide
from glyphite.host.measure.times import duration
from glyphite.host.report.records import Records
from glyphite.host.runners.base import Scores
from glyphite.host.runners.compiled import CompiledRunner
from glyphite.host.runners.litert import LitertRunner, read_manifest, require_unchanged
from glyphite.host.runners.oracle import BRIEF, LONG
from glyphite.host.runners.tflm import TflmRunner, has_tflm

BOARD = "cortex-m4"
COUNTED = 5
"""Samples that an inference is counted on, as by `glyphite bench`."""


class BuildFigures(TypedDict):
    """What a build takes of its board; None where there is none."""

    board: str | None
    goal: str | None
    flash: int | None
    """Bytes, of the whole firmware, as the next."""
    ram: int | None
    stack: int | None
    bench: dict[str, Any] | None
    """The content of bench.json: what an inference takes."""


@dataclass(frozen=True)
class _Candidate:
    """A model or a build that is named."""

    text: str
    folder: ModelFolder
    manifest: Manifest


def add_other(parser: argparse.ArgumentParser, to: str = "show both side by side") -> None:
    """Declare ``OTHER``, and what two models are built for; ``to`` says what it is named for."""
    parser.add_argument(
        "other",
        metavar="OTHER",
        nargs="?",
        help=f"a second model, to {to}, each by TFLM; this or MODEL may also be "
        "the folder of a build, build/MODEL/BOARD/GOAL",
    )
    add_board(parser, f"{BOARD} for two models, none for one")
    add_goal(parser, None)


def refuse_options(arguments: argparse.Namespace) -> None:
    """Make sure that what is for two models is not asked of one. Raises InputError where it is."""
    for option in ("board", "optimize"):
        if getattr(arguments, option) is not None:
            raise InputError(
                f"--{option} is for two models side by side, and {arguments.model} alone is named. "
                f"Name the other, too, or leave out --{option}."
            )


def compare_two(arguments: argparse.Namespace, checks: Checks) -> None:
    """Run both on the same samples, build both for a board, and print what differs.

    A limit on the drop is one of the second against the first. Raises DataError where the two are
    not asked the same, InputError where a limit is given that they have no figure for.
    """
    pair, found, builds = _judged(arguments)
    if arguments.json:
        print_json(_document(found, builds))
    else:
        _print(pair, found, builds)
    _hold(checks, found)


def judge_two(arguments: argparse.Namespace) -> tuple[dict[str, Any], ModelFolder]:
    """The same without a table: what `glyphite compare A B --json` tells, and of each the name and
    the bytes of its .tflite; with the folder of the second.

    The limits are held when the document is used up: see :func:`hold_two`. Raises what
    :func:`compare_two` does: InputError, DataError.
    """
    pair, found, builds = _judged(arguments)
    document = _document(found, builds)
    names = _names_of_builds(pair, builds)
    for side, name, one in zip(("first", "second"), names, pair, strict=True):
        size = len(read_bytes(one.folder.tflite))
        document[side] = {**document[side], "name": name, "tflite": size}
    return document, pair[1].folder


def hold_two(checks: Checks, found: dict[str, Any]) -> None:
    """Hold what :func:`judge_two` found to the limits, flash and RAM of the second's build, too."""
    _hold(checks, found)
    second = found["second"]
    build = second["build"]
    of = subject(second["model"], second["sha256"], build["board"] or "", build["goal"] or "")
    for limit, key in (("max_flash", "flash"), ("max_ram", "ram")):
        if build[key] is not None:
            checks.hold(limit, build[key], of)


def _judged(
    arguments: argparse.Namespace,
) -> tuple[list[_Candidate], SideBySide, list[BuildFigures]]:
    if arguments.max_mismatched_bytes is not None:
        raise InputError(
            "--max-mismatched-bytes is a limit of one model against its reference, and two are "
            "named. Leave it out."
        )
    load_board(arguments.board or BOARD)
    pair = [_candidate(text) for text in (arguments.model, arguments.other)]
    tested = _tested(arguments, *(each.manifest for each in pair))
    kind = _kind(pair)
    scores = _scores(kind, pair, tested)
    sides = [
        Side(each.manifest, one.truth, given)
        for each, one, given in zip(pair, tested, scores, strict=True)
    ]
    found = side_by_side.summarize(sides[0], sides[1], kind.name)
    return pair, found, [_build(arguments, *one) for one in zip(pair, tested, strict=True)]


def _candidate(text: str) -> _Candidate:
    path = Path(text)
    folder = find_build(path) if is_file(path / SIZE) else find_model(text)
    return _Candidate(text, folder, read_manifest(folder))


def _tested(arguments: argparse.Namespace, first: Manifest, second: Manifest) -> list[Tested]:
    """The samples of each, prepared as each takes them."""
    _require_one_source(arguments, first, second)
    pairs = ((first, second), (second, first))
    with each_once():
        tested = [test_samples(arguments, one, arguments.count, other) for one, other in pairs]
    side_by_side.require_alike(
        [(one, each.truth) for (one, _), each in zip(pairs, tested, strict=True)]
    )
    require_limits(arguments, tested[0].truth)
    return tested


def _require_one_source(arguments: argparse.Namespace, first: Manifest, second: Manifest) -> None:
    """DataError where each model has data of its own, and nothing says which are meant."""
    one, other = first.data, second.data
    if arguments.data is not None or one is None or other is None:
        return
    if RANDOM in (one.source, other.source):
        return
    if one.source != other.source and one.sha256 != other.sha256:
        raise DataError(
            f"{first.name} was calibrated on {one.name}, and {second.name} on {other.name}. Say "
            "with --data which samples both get."
        )


def _kind(pair: Sequence[_Candidate]) -> type[TflmRunner | CompiledRunner | LitertRunner]:
    """What runs both: TFLM, or the generated C where that is not there or lacks an operator, or
    else LiteRT; why, is said."""
    kinds: tuple[type[TflmRunner | CompiledRunner], ...] = (CompiledRunner,)
    for kind in (TflmRunner, *kinds) if has_tflm() else kinds:
        try:
            for each in pair:
                kind(each.folder.tflite).prepare()
        except (ModelError, ToolError) as error:
            print_status(f"{LONG[kind.name]} is left out: {error}")
        else:
            return kind
    return LitertRunner


def _scores(
    kind: type[TflmRunner | CompiledRunner | LitertRunner],
    pair: Sequence[_Candidate],
    tested: Sequence[Tested],
) -> list[Scores]:
    """The answers of both, which one model in two builds gives once."""
    first, second = pair
    same = first.manifest.sha256 == second.manifest.sha256
    asked = list(zip(pair, tested, strict=True))[: 1 if same else 2]
    scores: list[Scores] = []
    for candidate, samples in asked:
        runner = kind(candidate.folder.tflite)
        with progress_bar(BRIEF[runner.name], len(samples.tensors)) as progress:
            scores += runner.run(samples.tensors, progress=progress)
        require_unchanged(candidate.folder, candidate.manifest)
    return [scores[0], scores[-1]]


def _build(arguments: argparse.Namespace, candidate: _Candidate, tested: Tested) -> BuildFigures:
    """What the build takes that is named, or else that of ``--board``, which is made."""
    folder, name = candidate.folder, candidate.manifest.name
    try:
        if not folder.build:
            folder = _made(arguments, candidate, tested)
    except (ToolError, ModelError, DoesNotFitError, LinkError) as error:
        print_status(f"The build of {name} is left out: {error}")
        return BuildFigures(board=None, goal=None, flash=None, ram=None, stack=None, bench=None)
    records = Records(folder, candidate.manifest, folder.named)
    sizes, benches = records.sizes(), records.benches()
    for sentence in records.left_out:
        print_status(sentence)
    size = sizes[0] if sizes else {"name": None, "goal": None}
    of_it = [one for one in benches if one["firmware_sha256"] == size.get("firmware_sha256")]
    if size["name"] and not of_it and is_countable(load_board(size["name"])):
        words = ("bench", name, "--board", size["name"], "--optimize", size["goal"])
        print_status(f"What an inference takes is counted by `{command('glyphite', *words)}`.")
    return BuildFigures(
        board=size["name"],
        goal=size["goal"],
        flash=size.get("flash"),
        ram=size.get("ram"),
        stack=size.get("stack"),
        bench=of_it[0] if of_it else None,
    )


def _made(arguments: argparse.Namespace, candidate: _Candidate, tested: Tested) -> ModelFolder:
    """The folder of a build that is made for ``--board``, with the cost of an inference in it."""
    goal = arguments.optimize or Goal.SPEED
    prepared = compile_and_build(candidate.text, arguments.board or BOARD, goal)
    if is_countable(prepared.board):
        few = tested.tensors[:COUNTED]
        measured(prepared, few, f"the first {of_data(tested.truth.data, len(few))}")
    return prepared.folder


def _document(found: SideBySide, builds: Sequence[BuildFigures]) -> dict[str, Any]:
    document: dict[str, Any] = {**found}
    for side, build in zip(("first", "second"), builds, strict=True):
        document[side] = {**document[side], "build": build}
    return document


def _names(pair: Sequence[_Candidate]) -> list[str]:
    """What the two are called; by what was typed where they have one name."""
    names = [each.manifest.name for each in pair]
    return names if names[0] != names[1] else [each.text for each in pair]


def _names_of_builds(pair: Sequence[_Candidate], builds: Sequence[BuildFigures]) -> list[str]:
    """The same, but of two builds of one model by board and goal, where these tell them apart."""
    kinds = [(build["board"], build["goal"]) for build in builds]
    model = pair[0].manifest.name
    if model != pair[1].manifest.name or len(set(kinds)) == 1 or (None, None) in kinds:
        return _names(pair)
    return [f"{model} on {board}, {goal}" for board, goal in kinds]


def _print(pair: Sequence[_Candidate], found: SideBySide, builds: Sequence[BuildFigures]) -> None:
    names = _names(pair)
    sides, difference = (found["first"], found["second"]), found["difference"]
    drops = (None, difference["drop_points"])
    judged = [
        judgement_row(found["task"], side, drop) for side, drop in zip(sides, drops, strict=True)
    ]
    rows: list[tuple[str, ...]] = [
        ("model", *(side["sha256"][:SHA_DIGITS] for side in sides)),
        ("calibrated on", *(side["calibrated_on"] or "not known" for side in sides)),
        ("what is done to a sample", *(side["preprocessing"] for side in sides)),
        *zip(columns_of(found["task"]), *judged, strict=True),
        *_build_rows(builds),
    ]
    title = f"{' and '.join(names)}: {of_data(found['data'], found['images'])}"
    print_table(("", *names), rows, title=title)
    say(_agreement(names, found))
    say(f"Both are run by {LONG[found['reference']]}; `glyphite compare MODEL` runs one by all.")


def _build_rows(builds: Sequence[BuildFigures]) -> list[tuple[str, ...]]:
    """The rows on flash, RAM and time; none where there is no build."""
    if all(build["board"] is None for build in builds):
        return []
    rows = [("built for", *(_built_for(build) for build in builds))]
    rows.append(("flash, bytes", *(_number(build["flash"]) for build in builds)))
    rows.append(("static RAM, bytes", *(_number(build["ram"]) for build in builds)))
    benches = [build["bench"] for build in builds]
    units = dict.fromkeys(bench["unit"] for bench in benches if bench)
    for unit in units:
        counts = (bench["count"] if bench and bench["unit"] == unit else None for bench in benches)
        rows.append((f"{unit} of an inference", *map(_number, counts)))
    if units:
        rows.append(("time of an inference", *map(_time, benches)))
    return rows


def _built_for(build: BuildFigures) -> str:
    return "" if build["board"] is None else f"{build['board']}, {build['goal']}"


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _time(bench: dict[str, Any] | None) -> str:
    """By whose clock a time is, stands behind it."""
    if bench is None or bench["milliseconds"] is None:
        return ""
    return f"{duration(bench['milliseconds'] / 1000)}, {bench['timed_by']}"


def _agreement(names: Sequence[str], found: SideBySide) -> str:
    """A sentence on what the two answer otherwise."""
    one = found["difference"]
    if found["first"]["sha256"] == found["second"]["sha256"]:
        return "Both are one model: its answers are the same in every build."
    if one["mcnemar"] is not None:
        return (
            f"They answer otherwise on {one['answers_differ']:,} of {found['images']:,}: "
            f"{names[0]} alone is right on {one['only_first_right']:,}, {names[1]} alone on "
            f"{one['only_second_right']:,}. McNemar's exact test: p = {one['mcnemar']:.2g}."
        )
    if one["largest_difference"] is None:
        return "What they answer cannot be held against each other: each gives back its own input."
    return (
        f"Their answers differ by {one['mean_difference']:.4g} on average, and by "
        f"{one['largest_difference']:.4g} at most."
    )


def _hold(checks: Checks, found: SideBySide | dict[str, Any]) -> None:
    first, second = found["first"], found["second"]
    of = [subject(side["model"], side["sha256"]) for side in (first, second)]
    for side, name in zip((first, second), of, strict=True):
        hold_error(checks, found["task"], side["error"], name)
        if side["accuracy"] is not None:
            checks.hold("min_accuracy", 100 * side["accuracy"], name)
    if (drop := found["difference"]["drop_points"]) is not None:
        checks.hold("max_drop", drop, of[1], against=of[0])
