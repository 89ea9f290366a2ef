"""Takes away what a verb needs: room, permission, an output, file descriptors, memory.

Each must end with one sentence and exit code 1 or 2, leave nothing unfinished behind, and leave
what the readers take or refuse.
"""

import os
import resource
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from glyphite.convert import programs
from tools.kills.chain import Step
from tools.kills.child import Ended, FaultError, Under, run
from tools.kills.killed import Judge, Tried
from tools.kills.limits import descriptors, limit, memory, unwritable
from tools.kills.workplace import Workplace

LARGE = 1 << 28
COPY_SECONDS = 60.0
"""To copy a state, or to mount a disk."""

Taking = Callable[[Workplace, Step, int], AbstractContextManager[Under]]


@dataclass(frozen=True)
class Way:
    """A way in which a verb is starved, and how much it still has."""

    name: str
    take: Taking
    amounts: tuple[int, ...]


@dataclass
class Starved:
    """What became of one verb under one way."""

    verb: str
    way: str
    runs: int = 0
    refused: int = 0
    worked: int = 0
    aborted: int = 0
    """Ended by a library that ends the process where it gets no memory."""
    skipped: str = ""
    left: dict[str, bool] = field(default_factory=dict)
    """The names of the states that were left, and whether the verb said that it had worked."""
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """What is printed of it."""
        if self.skipped:
            return f"{self.verb}, {self.way}: skipped, {self.skipped}"
        head = (
            f"{self.verb}, {self.way}: {self.runs} runs, {self.refused} refused by a sentence, "
            f"{self.worked} worked, {self.aborted} aborted, {len(self.faults)} faults"
        )
        return "\n  ".join([head, *self.faults])


class CannotError(Exception):
    """This machine does not let that be taken away."""


def try_way(place: Workplace, step: Step, way: Way) -> Starved:
    """Starve the verb in one way, by each amount; what it leaves is kept, for ``look``."""
    starved = Starved(step.verb, way.name)
    amounts = way.amounts if way.take is not _unwritable else way.amounts[: len(step.folders)]
    for amount in amounts:
        try:
            _try_amount(place, step, way, amount, starved)
        except CannotError as error:
            starved.skipped = str(error)
            break
    return starved


def look(judge: Judge, starved: Starved) -> None:
    """Have the readers look at what was left."""
    tried = Tried(starved.verb)
    for when, worked in starved.left.items():
        judge.place.restore(f"{starved.verb} {when}")
        judge.look(tried, when, worked=worked)
    starved.faults += tried.faults


def _try_amount(place: Workplace, step: Step, way: Way, amount: int, starved: Starved) -> None:
    place.restore(f"{step.verb} before")
    with way.take(place, step, amount) as under:
        ended = run(step.verb, step.words, under=under)
        left = place.left()
    when = f"{way.name} ({amount})"
    starved.runs += 1
    if ended.code == 0:
        starved.worked += 1
    elif ended.code < 0 and way.name == "little memory":
        starved.aborted, left = starved.aborted + 1, []
    else:
        _take_sentence(starved, when, ended)
    if left or ended.orphans:
        starved.faults.append(f"{step.verb}, {when}: left {left}, {ended.orphans} processes")
    place.keep(f"{step.verb} {when}")
    starved.left[when] = ended.code == 0


def _take_sentence(starved: Starved, when: str, ended: Ended) -> None:
    try:
        sentence = ended.sentence
        starved.refused += 1
        print(f"    {when}: {sentence}", file=sys.stderr)
    except FaultError as error:
        starved.faults.append(f"{starved.verb}, {when}: {error}")


@contextmanager
def _full_build(place: Workplace, step: Step, room: int) -> Iterator[Under]:
    """A disk with so many bytes left, for ``build/``."""
    build = place.work / "build"
    kept = place.states / "disk"
    build.rename(kept)
    build.mkdir()
    with _disk(build):
        programs.run(["cp", "-a", f"{kept}/.", str(build)], COPY_SECONDS)
        _fill(build, room)
        yield nullcontext
        place.keep("starved")
    build.rmdir()
    shutil.rmtree(kept)
    place.restore("starved")


@contextmanager
def _full_temporary(place: Workplace, step: Step, room: int) -> Iterator[Under]:
    """A disk with so many bytes left, for temporary files."""
    with _disk(place.temporary):
        _fill(place.temporary, room)
        yield nullcontext


@contextmanager
def _disk(at: Path) -> Iterator[None]:
    if not _mounted("-t", "tmpfs", "-o", f"size={LARGE}", "tmpfs", str(at)):
        raise CannotError("as a file system cannot be mounted here")
    try:
        yield
    finally:
        programs.run(["umount", str(at)], COPY_SECONDS)


def _fill(disk: Path, room: int) -> None:
    found = os.statvfs(disk)
    size = (found.f_blocks - found.f_bfree) * found.f_frsize + room
    _mounted("-o", f"remount,size={max(size, found.f_frsize)}", str(disk))


def _mounted(*words: str) -> bool:
    return programs.attempt(["mount", *words], COPY_SECONDS).code == 0


@contextmanager
def _unwritable(place: Workplace, step: Step, which: int) -> Iterator[Under]:
    """Folders in which nothing can be made: the first, the second, ... of those it writes in."""
    chosen = place.work / "build" / step.folders[which]
    folders = [path for path in (chosen, *chosen.rglob("*")) if path.is_dir()]
    yield lambda: unwritable(*folders)


@contextmanager
def _short_files(_: Workplace, step: Step, amount: int) -> Iterator[Under]:
    yield lambda: limit(resource.RLIMIT_FSIZE, amount)


@contextmanager
def _few_descriptors(_: Workplace, step: Step, amount: int) -> Iterator[Under]:
    yield lambda: descriptors(amount)


@contextmanager
def _little_memory(_: Workplace, step: Step, amount: int) -> Iterator[Under]:
    yield lambda: memory(amount << 20)


@contextmanager
def _closed_output(_: Workplace, step: Step, amount: int) -> Iterator[Under]:
    yield _closed


@contextmanager
def _closed() -> Iterator[None]:
    os.close(1)
    sys.stdout = cast(Any, None)
    yield


@contextmanager
def _full_output(_: Workplace, step: Step, amount: int) -> Iterator[Under]:
    yield _full


@contextmanager
def _full() -> Iterator[None]:
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 1)
    os.close(full)
    yield


FRESH = (
    Way("few descriptors", _few_descriptors, (0, 1, 4, 10)),
    Way("little memory", _little_memory, (0, 64, 512)),
)
"""Tried before TensorFlow is loaded, as loading it takes both."""
WAYS = (
    Way("full disk", _full_build, (0, 4096, 1 << 19)),
    Way("full temporary folder", _full_temporary, (0, 1 << 14)),
    Way("unwritable folder", _unwritable, (0, 1, 2)),
    Way("limit on file size", _short_files, (0, 1000, 100_000)),
    Way("closed stdout", _closed_output, (0,)),
    Way("full stdout", _full_output, (0,)),
)
