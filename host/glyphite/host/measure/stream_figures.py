"""The figures of a run on boards: stream.json."""

import math
import threading
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from msgspec import Meta

from glyphite.convert import metrics
from glyphite.convert.documents import Date, now
from glyphite.convert.errors import CheckFailedError
from glyphite.convert.manifest import Manifest, Sha256, Share
from glyphite.convert.text import counted
from glyphite.host.device.wire.messages import Answer
from glyphite.host.measure.by_board import (
    BoardFigures,
    BoardPart,
    Judge,
    Times,
    board_figures,
    board_name,
    instructions_of,
    times_of,
    together,
)
from glyphite.host.measure.compare import Images, TaskName
from glyphite.host.measure.size_record import GoalName
from glyphite.host.measure.stream import Link, Streamed
from glyphite.host.measure.times import PC, OnBoard
from glyphite.host.measure.truth import (
    Count,
    DataOf,
    ErrorFigures,
    Judgement,
    Task,
    Truth,
    classes_of,
)
from glyphite.host.measure.wire_use import Bound, Wire, bound_of, retries_of
from glyphite.host.runners.oracle import LONG, Reference

UNKNOWN_CAUSE = (
    "Compile, build and flash the model again; where it still differs, `glyphite verify` narrows "
    "it down."
)


class Streaming(Judgement):
    """The content of stream.json: the board's judgement, and what it is of."""

    model: str
    sha256: Sha256
    board: str
    port: str
    firmware: str
    """The program that answers, and its version, as the board tells them."""
    firmware_sha256: Sha256 | None
    """That of what its image stores on the board; None where it is not known."""
    goal: GoalName | None
    """What was asked of the compiler by ``--optimize``; None where it is not known."""
    date: Date
    baud: Annotated[int, Meta(ge=1)]
    jobs: Images
    """At most one for each image."""
    task: TaskName
    data: DataOf
    images: Images
    """Samples of the data that were answered by the boards that this is of."""
    run_images: Images
    """Samples of the whole run: more where other boards, which have a record of their own, answered
    the rest."""
    shared_with: list[str]
    """The ports of those."""
    scores: Count
    """Bytes that were compared: images times outputs."""
    reference: Reference
    """The runner whose bytes are the right ones."""
    reference_correct: Count | None
    """How many of the same samples it has right; this and the next are None without classes."""
    reference_accuracy: Share | None
    reference_error: ErrorFigures | None
    """Where there are no classes."""
    mismatched_bytes: Count
    """Bytes that differ from TensorFlow Lite Micro's."""
    mismatched_images: Count
    largest_difference: Count
    retries: Annotated[int, Meta(ge=0, le=1_000_000)]
    """Requests that were sent again; of a resumed run, in all its parts, where they are known."""
    wire: Wire
    bound_by: Bound
    """What bounded the rate."""
    images_per_second: Annotated[float, Meta(gt=0, le=1e9)]
    seconds_per_image: Times | None
    """Mean, minimum and maximum of the board's own time; None where its rate is not known, of an
    emulated board, and of several ports, whose times are never mixed."""
    timed_by: OnBoard | None
    """Whose clock that is; None where there is no time."""
    instructions_per_image: Count | None
    """The mean, where the board's timer counts instructions, as its board file says."""
    boards: list[BoardFigures]
    """By port."""


def parts_of(link: Link, streamed: Streamed) -> tuple[BoardPart, ...]:
    """The parts of a run; that of the link where it was on no other."""
    alone = BoardPart(
        link.url, min(link.jobs, len(streamed.scores)), board_name(streamed.hello), streamed.hello,
        streamed.wire, link.firmware, streamed.restarts, (), streamed.doubt, streamed.timed_by,
    )  # fmt: skip
    return streamed.parts or (alone,)


def summarize(
    manifest: Manifest, link: Link, streamed: Streamed, judge: Judge, date: str = ""
) -> Streaming:
    """The figures of one run, which ended at ``date``; by default at this moment.

    ``judge`` is of the samples that were answered. Raises ValueError where the numbers of images or
    the types of the scores differ.
    """
    judged = judge.truth.judge(manifest, streamed.scores)
    expected = judge.truth.judge(manifest, judge.scores)
    count, parts, by = judge.truth.count, parts_of(link, streamed), streamed.owners
    compared = streamed.scores.view(np.int8)
    difference = metrics.byte_differences(compared, judge.scores.view(np.int8))
    jobs = min(count, sum(part.jobs for part in parts))
    alone = parts[0] if len(parts) == 1 else None
    names = [part.name for place, part in enumerate(parts) if alone or (by == place).any()]
    times = times_of(alone, streamed.seconds) if alone else None
    builds = {(part.digest, part.firmware.goal if part.firmware else None) for part in parts}
    bauds = [part.baud(link.baud) for part in parts]
    digest, goal = builds.pop() if len(builds) == 1 else (None, None)
    return Streaming(
        model=manifest.name,
        sha256=manifest.sha256,
        board=together(names),
        port=together(part.port for part in parts),
        firmware=together(part.hello.firmware for part in parts),
        firmware_sha256=digest,
        goal=goal,
        date=date or now(),
        baud=link.baud,
        jobs=jobs,
        task=judge.truth.task,
        data=judge.truth.data,
        images=count,
        run_images=streamed.run_images or count,
        shared_with=list(streamed.shared_with),
        **judged,
        scores=compared.size,
        reference=judge.runner,
        reference_correct=expected["correct"],
        reference_accuracy=expected["accuracy"],
        reference_error=expected["error"],
        mismatched_bytes=difference.values,
        mismatched_images=difference.images,
        largest_difference=difference.largest,
        retries=retries_of(streamed.wire),
        wire=streamed.wire,
        bound_by=bound_of(
            streamed.wire,
            jobs=jobs,
            baud=None if None in bauds else sum(filter(None, bauds)),
            computing=_computing(parts, streamed, jobs),
        ),
        images_per_second=count / streamed.wall_seconds,
        seconds_per_image=times,
        timed_by=alone.timed_by if alone and times else None,
        instructions_per_image=instructions_of(alone, streamed.ticks) if alone else None,
        boards=_boards(manifest, parts, streamed, judge),
    )


def _boards(
    manifest: Manifest, parts: Sequence[BoardPart], streamed: Streamed, judge: Judge
) -> list[BoardFigures]:
    """The figures of each part, by its own answers."""
    own = [streamed.owners == place for place in range(len(parts))]
    return [
        board_figures(
            manifest,
            part,
            judge.only(np.flatnonzero(mask)),
            streamed.scores[mask],
            (streamed.seconds[mask], streamed.ticks[mask]),
        )
        for part, mask in zip(parts, own, strict=True)
    ]


def _computing(parts: Sequence[BoardPart], streamed: Streamed, jobs: int) -> float | None:
    """Seconds that a real board, or this PC as one, says it computed; None of an emulated one. 0
    where it has no time that is believed, and of both together."""
    has_clock = [not part.is_emulated or (part.timed_by == PC and not part.doubt) for part in parts]
    if not all(has_clock):
        return None if all(part.is_emulated for part in parts) else 0.0
    own = [streamed.seconds[streamed.owners == place] for place in range(len(parts))]
    are_told = all(times_of(*one) for one in zip(parts, own, strict=True) if len(one[1]))
    since = streamed.wire["images"] / len(streamed.seconds)  # of a resumed run, what the wire is of
    return since * math.fsum(streamed.seconds) / jobs if are_told else 0.0


def check(streaming: Streaming, cause: str = "") -> None:
    """Make sure that every byte of the board's scores is that of the reference.

    ``cause``: the sentence on the cause and the way out, where they are known. Raises
    CheckFailedError where one differs.
    """
    if streaming["mismatched_bytes"]:
        raise CheckFailedError(
            f"{streaming['board']} differs from {LONG[streaming['reference']]} in "
            f"{counted(streaming['mismatched_bytes'], 'byte')} of "
            f"{counted(streaming['mismatched_images'], 'image')} "
            f"(by at most {streaming['largest_difference']}). {cause or UNKNOWN_CAUSE}"
        )


class RunningAccuracy:
    """The fraction of right answers so far, where there are classes; several threads may add."""

    def __init__(self, manifest: Manifest, truth: Truth) -> None:
        self._manifest = manifest
        self._labels = truth.labels if truth.task is Task.CLASSES else None
        self._lock = threading.Lock()
        self._answered = 0
        self._right = 0

    def add(self, index: int, answer: Answer) -> float | None:
        """Count the answer to sample ``index``; returns the accuracy so far, 0 to 1."""
        if self._labels is None:
            return None
        given = classes_of(self._manifest, answer.scores[np.newaxis])[0]
        with self._lock:
            self._answered += 1
            self._right += int(given == self._labels[index])
            return self._right / self._answered
