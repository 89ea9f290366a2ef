"""Ends a verb at each of its file operations, and has the readers look at what it leaves."""

import signal
from dataclasses import dataclass, field

import numpy as np

from tools.kills.chain import Step, computed_once
from tools.kills.child import Ended, FaultError, run
from tools.kills.workplace import Workplace, well


@dataclass
class Tried:
    """What became of one verb's kills."""

    verb: str
    points: int = 0
    states: int = 0
    """Those unlike that before and that after."""
    refusals: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """What is printed of it."""
        head = (
            f"{self.verb}: ended at {self.points} operations, {self.states} states unlike before "
            f"and after, {self.refusals} refusals, {len(self.faults)} faults"
        )
        return "\n  ".join([head, *self.faults])


@dataclass
class Judge:
    """Knows what a verb's readers say before it and after it."""

    place: Workplace
    step: Step
    seen: set[str] = field(default_factory=set)
    ends: list[str] = field(default_factory=list)
    """The digests of the state before and of that after."""

    def __post_init__(self) -> None:
        """Have both states read."""
        self.earlier, self.later = (self._known(when) for when in ("before", "after"))

    def look(self, tried: Tried, when: str, *, worked: bool = False) -> None:
        """Have the state that is there read, if it is a new one, and note what is wrong with it.

        ``worked``: the verb said so, and the earlier state is wrong then.
        """
        tried.faults += [f"{tried.verb} {when}: {path} is broken" for path in self.place.broken()]
        digest, (before, after) = self.place.digest(), self.ends
        if worked and digest == before != after:
            tried.faults.append(f"{tried.verb} {when}: nothing is written, and it says nothing")
        if digest in self.seen:
            return
        self.seen.add(digest)
        tried.states += 1
        right = (self.later,) if worked else (self.earlier, self.later)
        for reader, found in self.place.read(self.step.readers).items():
            if isinstance(found, FaultError):
                tried.faults.append(f"{tried.verb} {when}, {reader}: {found}")
            elif found is None:
                tried.refusals += 1
            elif not any(_within(found, whole[reader]) for whole in right):
                what = f"neither the earlier nor the later{_first(found, self.later[reader])}"
                tried.faults.append(f"{tried.verb} {when}, {reader}: {what}")

    def _known(self, when: str) -> dict[str, object]:
        self.place.restore(f"{self.step.verb} {when}")
        self.ends.append(self.place.digest())
        self.seen.add(self.ends[-1])
        return self.place.read(self.step.readers)


def try_kills(judge: Judge, most: int | None = None) -> Tried:
    """End the verb at each operation, or at ``most`` of them, and look."""
    place, step, tried = judge.place, judge.step, Tried(judge.step.verb)
    with computed_once(step, place.states):
        count = well(_run(judge)).operations
        for point in _points(count, most):
            ended = _run(judge, point)
            if ended.code != -signal.SIGKILL:
                continue
            tried.points += 1
            if ended.orphans:
                tried.faults.append(f"{step.verb} ended at {point}: {ended.orphans} orphans")
            judge.look(tried, f"ended at {point}")
        _again(tried, judge, count)
    return tried


def _run(judge: Judge, point: int = 0) -> Ended:
    judge.place.restore(f"{judge.step.verb} before")
    return run(judge.step.verb, judge.step.words, point)


def _again(tried: Tried, judge: Judge, count: int) -> None:
    """What a kill left does not stay behind the next run."""
    _run(judge, count // 2 + 1)
    for path in judge.place.temporary.iterdir():
        path.rename(judge.place.states / path.name)  # those of a killed command stay
    code = run(judge.step.verb, judge.step.words).code
    if code != 0 or judge.place.left():
        what = f"exit code {code}, left {judge.place.left()}"
        tried.faults.append(f"{tried.verb} again behind a kill: {what}")


def _points(count: int, most: int | None) -> list[int]:
    """All of 1 to ``count``, or ``most`` of them, evenly."""
    chosen = np.linspace(1, count, min(count, most or count))
    return sorted({round(float(point)) for point in chosen})


def _within(found: object, whole: object) -> bool:
    """Whether each figure is that of ``whole``, or is left out, as a report may."""
    if isinstance(found, dict) and isinstance(whole, dict):
        told = [key for key in found if found[key] and key != "left_out"]
        return all(_within(found[key], whole.get(key)) for key in told)
    return found == whole


def _first(found: object, expected: object, where: str = "") -> str:
    """Where two documents differ first."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for key in found:
            if found[key] != expected.get(key):
                return _first(found[key], expected.get(key), f"{where}.{key}")
    return f" (at {where or 'the whole'}: {str(found)[:60]})"
