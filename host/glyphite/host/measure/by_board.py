"""What each board did of a run that several shared: its samples, bytes, repeats, own times."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, TypedDict

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from glyphite.convert import metrics
from glyphite.convert.boards import known_board
from glyphite.convert.manifest import Manifest, Sha256
from glyphite.host.device.transport import is_emulated, line_baud
from glyphite.host.device.wire.messages import Hello
from glyphite.host.measure.running import Firmware
from glyphite.host.measure.share import url_of
from glyphite.host.measure.times import OnBoard
from glyphite.host.measure.truth import Count, Truth
from glyphite.host.measure.wire_use import Wire, retries_of
from glyphite.host.runners.base import Scores

BETWEEN = " + "
"""Between the names of boards, ports and firmwares where a figure is of several."""


class Times(TypedDict):
    """The board's own time for an image, in seconds, of which a million are eleven days."""

    mean: Annotated[float, Meta(gt=0, le=1e6)]
    min: Annotated[float, Meta(ge=0, le=1e6)]
    """0 where the image took less than a tick."""
    max: Annotated[float, Meta(gt=0, le=1e6)]


class BoardFigures(TypedDict):
    """One board's part of a run, or that of the emulated boards at one port."""

    board: str
    port: str
    firmware: str
    """The program that answers, and its version; empty where the board never said hello."""
    firmware_sha256: Sha256 | None
    jobs: Count
    """How many emulated boards; 1 of a real one."""
    images: Count
    """Samples that it answered."""
    correct: Count | None
    """Of those; None without classes."""
    mismatched_bytes: Count
    mismatched_images: Count
    largest_difference: Count
    retries: Count
    wire: Wire
    seconds_per_image: Times | None
    timed_by: OnBoard | None
    instructions_per_image: Count | None
    lost: list[str]
    """Why it was lost before the end: a sentence for each board at the port that was."""


@dataclass(frozen=True)
class BoardPart:
    """The boards at one port, in a run."""

    port: str
    jobs: int
    name: str
    """As the name of a folder."""
    hello: Hello
    wire: Wire
    firmware: Firmware | None = None
    """That of an emulated board, where it is known."""
    restarts: int = 0
    lost: tuple[str, ...] = ()
    doubt: str = ""
    """A sentence on why the board's times are not believed; empty where they are."""
    timed_by: str | None = None
    """Whose clock the times are by; None where they are an emulator's own."""

    @property
    def is_emulated(self) -> bool:
        """Whether this program, or one like it, runs the board."""
        return is_emulated(self.port)

    def baud(self, baud: int) -> int | None:
        """What limits its lines together, opened at ``baud`` each; None where nothing does."""
        each = line_baud(url_of(self.port), baud)
        return None if each is None else self.jobs * each

    @property
    def digest(self) -> str | None:
        """The SHA-256 of its firmware, where it is known."""
        return self.firmware.sha256 if self.firmware else None


@dataclass(frozen=True)
class Judge:
    """What is right for the samples, and the scores that the board has to give."""

    runner: str
    """The name of the runner that gave the scores."""
    scores: Scores
    """(n, classes)."""
    truth: Truth

    def only(self, samples: NDArray[np.int64]) -> "Judge":
        """The same for some of the samples, in their order."""
        return Judge(self.runner, self.scores[samples], self.truth.only(samples))


def board_figures(
    manifest: Manifest,
    part: BoardPart,
    judge: Judge,
    scores: Scores,
    times: tuple[NDArray[np.float64], NDArray[np.int64]],
) -> BoardFigures:
    """The figures of one board, by its answers alone. ``times``: of each in seconds, in ticks."""
    seconds, ticks = times
    count = len(scores)
    difference = metrics.byte_differences(scores.view(np.int8), judge.scores.view(np.int8))
    own = times_of(part, seconds)
    return BoardFigures(
        board=part.name,
        port=part.port,
        firmware=part.hello.firmware,
        firmware_sha256=part.digest,
        jobs=part.jobs,
        images=count,
        correct=judge.truth.judge(manifest, scores)["correct"] if count else None,
        mismatched_bytes=difference.values,
        mismatched_images=difference.images,
        largest_difference=difference.largest,
        retries=retries_of(part.wire),
        wire=part.wire,
        seconds_per_image=own,
        timed_by=part.timed_by if own else None,
        instructions_per_image=instructions_of(part, ticks),
        lost=list(part.lost),
    )


def times_of(part: BoardPart, seconds: NDArray[np.float64]) -> Times | None:
    """The board's own times; None where it has none that are believed."""
    if part.doubt or not part.timed_by or not len(seconds) or not np.isfinite(seconds).all():
        return None
    mean = math.fsum(seconds) / len(seconds)  # the same on every processor
    return {"mean": mean, "min": float(seconds.min()), "max": float(seconds.max())}


def instructions_of(part: BoardPart, ticks: NDArray[np.int64]) -> int | None:
    """The mean of instructions, where the board's timer counts them."""
    board = known_board(part.hello.board)  # of any other, nothing is known of its timer
    emulator = board.emulator if board else None
    if part.doubt or not part.hello.timer_hz or not len(ticks):
        return None
    if emulator is None or emulator.instructions_per_tick is None:
        return None
    return round(float(ticks.mean()) * emulator.instructions_per_tick)


def board_name(hello: Hello) -> str:
    """The board's own name as the name of a folder; "board" where it gives none."""
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in hello.board)
    return name or "board"


def wire_of(parts: Sequence[BoardPart]) -> Wire:
    """What passed over all lines."""
    earlier = [part.wire["earlier_repeats"] for part in parts]
    return Wire(
        images=sum(part.wire["images"] for part in parts),
        seconds=max((part.wire["seconds"] for part in parts), default=0.0),
        sent=sum(part.wire["sent"] for part in parts),
        received=sum(part.wire["received"] for part in parts),
        waited_seconds=math.fsum(part.wire["waited_seconds"] for part in parts),
        delayed_seconds=math.fsum(part.wire["delayed_seconds"] for part in parts),
        repeats=_summed(part.wire["repeats"] for part in parts),
        earlier_repeats=None if None in earlier else _summed(filter(None, earlier)),
    )


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    summed: Counter[str] = Counter()
    for each in counts:
        summed.update(each)
    return dict(sorted(summed.items()))


def together(names: Iterable[str]) -> str:
    """Names of several, each once."""
    return BETWEEN.join(dict.fromkeys(filter(None, names)))
