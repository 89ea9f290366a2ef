"""One test set under every corruption, on several runners and a board: what each costs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.data.corruption import Array, Corruption
from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import Progress
from glyphite.host.measure import compare
from glyphite.host.measure.robustness_record import (
    LEVEL,
    Condition,
    Engine,
    Pair,
    RobustnessRecord,
)
from glyphite.host.measure.truth import Task, Truth
from glyphite.host.runners.base import (
    FLOATS,
    SHORT,
    Runner,
    Scores,
    Tensors,
    float_of,
    title_of,
)
from glyphite.host.runners.litert import LitertRunner

AT_A_TIME = 128 << 20
"""Bytes of float samples that the runners get together: starting some of them takes seconds."""
AS_THEY_ARE = "as they are"
TASKS = (Task.CLASSES, Task.NUMBERS)


@dataclass(frozen=True, eq=False)
class Asked:
    """The samples under one corruption, or as they are, and what was answered."""

    corruption: Corruption | None
    scores: dict[str, Scores]
    """(n, outputs) of each runner, by its name."""
    first: Tensors
    """(m, *shape): the first of the input tensors, for a board."""


def require_task(truth: Truth) -> None:
    """Make sure that something is right whatever becomes of the samples.

    Raises InputError where it is not.
    """
    if truth.task not in TASKS:
        why = "are to be given back" if truth.task is Task.INPUTS else "are all that is known"
        raise InputError(
            f"--robustness counts right answers, or errors of numbers, and the inputs of "
            f"{truth.data['title']} {why}. Name data with targets by --data, or leave "
            "--robustness out."
        )


def ask(
    runners: Sequence[Runner],
    manifest: Manifest,
    raw: Array,
    *,
    corruptions: Sequence[Corruption | None],
    seed: int,
    first: int,
    watch: Callable[[Runner], Progress],
) -> Iterator[Asked]:
    """Ask each runner for raw samples (n, *shape) under each corruption; None leaves them.

    ``first``: how many input tensors are kept. Raises what a runner's ``run`` raises.
    """
    together = max(1, AT_A_TIME // max(1, 4 * raw.size))
    for start in range(0, len(corruptions), together):
        chosen = corruptions[start : start + together]
        samples = [raw if each is None else each.apply(raw, seed) for each in chosen]
        tensors = np.concatenate([manifest.quantize(each) for each in samples])
        floats = None
        if float_of(runner.name for runner in runners):
            floats = np.concatenate([as_floats(manifest, each) for each in samples])
        scores = compare.run_all(runners, tensors, watch, floats)
        for place, each in enumerate(chosen):
            part = slice(place * len(raw), (place + 1) * len(raw))
            own = {name: given[part] for name, given in scores.items()}
            yield Asked(each, own, tensors[part][:first])


def as_floats(manifest: Manifest, raw: Array) -> Tensors:
    """Raw samples (n, *shape) as the float model takes them."""
    seen: NDArray[np.float32] = manifest.preprocessing.apply(raw).astype(np.float32)
    return seen.reshape(len(raw), *manifest.input.shape[1:])


def conditions(
    asked: Sequence[Asked],
    manifest: Manifest,
    truth: Truth,
    reference: str,
    board: Sequence[Scores] | None = None,
) -> list[Condition]:
    """The figures of each. ``board``: its scores (m, outputs) for the first of the samples of each.

    Raises ValueError where the numbers of samples differ.
    """
    counts = [_counts(one, manifest, truth, reference) for one in asked]
    corrected = iter(metrics.holm([metrics.mcnemar(*each) for each in counts if each]))
    found = []
    for place, (one, count) in enumerate(zip(asked, counts, strict=True)):
        pair = Pair(*count, metrics.mcnemar(*count), next(corrected)) if count else None
        given = None if board is None else board[place]
        engines = [_engine(name, each, manifest, truth) for name, each in one.scores.items()]
        if given is not None:
            engines.append(_engine("board", given, manifest, truth))
        found.append(_condition(one, engines, pair, reference, given))
    return found


def _counts(one: Asked, manifest: Manifest, truth: Truth, reference: str) -> tuple[int, int] | None:
    """How many only float has right, and only int8; None where nothing tells."""
    floats = float_of(one.scores)
    if floats is None or truth.task is not Task.CLASSES:
        return None
    wrong = [truth.wrong(manifest, one.scores[name]) for name in (floats, reference)]
    only_float = int(np.count_nonzero(~wrong[0] & wrong[1]))
    return only_float, int(np.count_nonzero(wrong[0] & ~wrong[1]))


def _condition(
    one: Asked, engines: list[Engine], pair: Pair | None, reference: str, board: Scores | None
) -> Condition:
    right, c, corruption = one.scores[reference], one.scores.get("c"), one.corruption
    is_oracle = reference != LitertRunner.name  # whose bytes no board has to give
    return Condition(
        name=corruption.name if corruption else "",
        amount=corruption.amount if corruption else 0,
        unit=corruption.unit if corruption else "",
        text=corruption.text if corruption else AS_THEY_ARE,
        engines=engines,
        pair=pair,
        c_bytes_differ=None if c is None or reference == "c" else bytes_differ(c, right),
        board_bytes_differ=bytes_differ(board, right[: len(board)])
        if board is not None and is_oracle
        else None,
    )


def _engine(name: str, scores: Scores, manifest: Manifest, truth: Truth) -> Engine:
    first = truth.only(np.arange(len(scores)))
    found = first.judge(manifest, scores)
    return Engine(
        name=name,
        images=len(scores),
        correct=found["correct"],
        accuracy=found["accuracy"],
        interval=found["interval"],
        error=found["error"],
    )


def bytes_differ(first: Scores, second: Scores) -> int:
    """The bytes in which two int8 engines' scores (n, outputs) differ."""
    return metrics.byte_differences(first.view(np.int8), second.view(np.int8)).values


def verdict(record: RobustnessRecord) -> str:
    """Sentences on which corruption costs int8 more than float, and how that was tested."""
    kind, engine = record.activations, SHORT[record.reference]
    tested = [one for one in record.conditions if one.pair is not None]
    if not tested:
        if record.task != Task.CLASSES:
            return (
                f"Which corruption costs {kind} more is not tested: McNemar's test is of classes."
            )
        return (
            f"Whether one costs {kind} more than float is not known: the float model is left out."
        )
    how = (
        f"by McNemar's exact test at {100 * LEVEL:g} %, p corrected for {len(tested)} comparisons "
        f"by {record.correction}'s method"
    )
    said = []
    for which, more in ((record.costs, "less"), (record.gains, "more")):
        if which:
            listed = ", ".join(f"{one.text} ({_points(one, record)})" for one in which)
            said.append(
                f"{kind.capitalize()} ({engine}) is right {more} often than float with: {listed}."
            )
    if said:
        return f"{' '.join(said)} So it is {how}."
    least = min(tested, key=lambda one: one.pair.corrected_p if one.pair else 1.0)
    smallest = least.pair.corrected_p if least.pair else 1.0
    near = f" (the smallest corrected p: {smallest:.2g}, {least.text})" if smallest < 1 else ""
    return f"No corruption costs {kind} ({engine}) more than float{near}, {how}."


def _points(one: Condition, record: RobustnessRecord) -> str:
    pair = one.pair
    if pair is None:
        return ""
    points = 100 * abs(pair.only_float_right - pair.only_int8_right) / record.images
    return f"{points:.2f} points, p {pair.corrected_p:.2g}"


def worst(record: RobustnessRecord) -> str:
    """A sentence on what costs most, whoever computes; empty where there are no classes."""
    engine = next((each.name for each in record.conditions[0].engines if each.name in FLOATS), "")
    name = engine or record.reference
    found = [(one.engine(name), one) for one in record.conditions]
    shares = [(e.accuracy, one) for e, one in found if e is not None and e.accuracy is not None]
    if not shares:
        return ""
    (whole, _), *others = shares
    lowest, of = min(others, key=lambda each: each[0])
    if lowest >= whole:
        return (
            f"Nothing is lost: with no corruption is {SHORT[name]} right less often than on the "
            f"samples as they are ({100 * whole:.2f} %)."
        )
    return (
        f"Most is lost with {of.text}: {SHORT[name]} is right on {100 * lowest:.2f} %, and on "
        f"{100 * whole:.2f} % of the samples as they are."
    )


def check_bytes(record: RobustnessRecord) -> None:
    """Make sure that the generated C and the board gave the reference's bytes.

    Raises CheckFailedError where one differs.
    """
    for name, one, count in _differing(record):
        right = title_of(record.reference, record.activations)
        raise CheckFailedError(
            f"{name} differs from {right} in {count} bytes of the first "
            f"samples for which it does: {one.text}. Find the layer with `glyphite verify`."
        )


def differing_bytes(record: RobustnessRecord) -> int:
    """The bytes of the generated C and of the board that are not the reference's."""
    return sum(count for *_, count in _differing(record))


def _differing(record: RobustnessRecord) -> Iterator[tuple[str, Condition, int]]:
    board = record.board.board if record.board else ""
    for one in record.conditions:
        for name, count in (
            ("The generated C", one.c_bytes_differ),
            (board, one.board_bytes_differ),
        ):
            if count:
                yield name, one, count
