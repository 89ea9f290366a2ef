"""Limits for continuous integration: options such as ``--max-flash``, and what is held to them.

Every verb declares those whose figures it has by :func:`add_budgets`, and holds its figures to them
within :func:`checking`. That names every limit that is broken, not the first alone, and writes
``--junit``. A limit to which no figure was held has not passed.
"""

import argparse
import math
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.data.options import LARGEST
from glyphite.convert.errors import CheckFailedError, DoesNotFitError, InputError
from glyphite.host.cli.endings import describe
from glyphite.host.cli.junit import Case, place_of, write_junit

SHA_DIGITS = 12
"""Of a model's SHA-256 in a sentence."""
UNFINISHED = "The command did not come to its end."
UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20}
MOST_DIGITS = 15
"""Of a limit: no figure has as many, and a float holds each such number exactly."""


def _number(text: str, kind: str) -> int:
    """A whole number, with K for 1,024 and M for 1,024 of those where it is one of bytes."""
    found = re.fullmatch(rf"([0-9]{{1,{MOST_DIGITS}}})([KM]?)", text)
    if not found or (found[2] and kind != "bytes"):
        example = "32768, 32K or 1M" if kind == "bytes" else "32768"
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number of {kind}: one such as {example} is."
        )
    return int(found[1]) * UNITS[found[2]]


def _bytes(text: str) -> int:
    return _number(text, "bytes")


def _count(text: str) -> int:
    return _number(text, "cycles or bytes that differ")


def _share(text: str, unit: str) -> float:
    """0 to 100: no drop is larger than one that is not a number."""
    try:
        share = float(text)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of {unit}: 0 to 100 is.")
    return share


def _percent(text: str) -> float:
    return _share(text, "percent")


def _points(text: str) -> float:
    return _share(text, "percentage points")


def _error(text: str) -> float:
    try:
        error = float(text)
    except ValueError:
        error = math.nan
    if not 0 <= error <= LARGEST:
        raise argparse.ArgumentTypeError(f"{text!r} is not an error: 0 or more, such as 0.5, is.")
    return error


def _of_one(words: str) -> str:
    return words.replace("bytes that differ", "byte that differs").replace("bytes", "byte")


@dataclass(frozen=True)
class Budget:
    """A limit that an option sets."""

    read: Callable[[str], float]
    metavar: str
    help: str
    found: str
    """What the sentence says of the figure that was found."""
    way_out: str
    decimals: int | None = 0
    """None: four digits, wherever they are, as nobody knows the unit."""
    is_least: bool = False
    """Whether the figure may be larger than the limit, and not smaller."""

    def allows(self, figure: float, limit: float) -> bool:
        """Whether ``figure`` is within ``limit``."""
        return figure >= limit if self.is_least else figure <= limit

    def shown(self, figure: float, limit: float) -> str:
        """``figure`` with as many decimals as tell it from ``limit``."""
        is_any = self.decimals is None
        text = f"{figure:.4g}" if is_any else f"{figure:,.{self.decimals}f}"
        alike = float(text.replace(",", "")) == limit != figure
        return text if not alike else f"{figure:.9g}" if is_any else f"{figure:.9f}"


BUDGETS = {
    "max_flash": Budget(
        _bytes, "BYTES", "fail where more flash is taken (32K is 32768, 1M is 1024K)",
        "takes {} bytes of flash", "Try --optimize size or a smaller model, or allow more.",
    ),
    "max_ram": Budget(
        _bytes, "BYTES", "fail where more static RAM is taken, the stack not counted",
        "takes {} bytes of static RAM", "Try --optimize ram or a smaller model, or allow more.",
    ),
    "max_cycles": Budget(
        _count, "CYCLES", "fail where an inference takes more cycles",
        "takes {} cycles an inference",
        "Try another --optimize or a smaller model, or allow more.",
    ),
    "max_drop": Budget(
        _points, "POINTS", "fail where int8 loses more percentage points than this against float",
        "loses {} percentage points against {against}",
        "Train longer or calibrate on more images, or allow a larger drop.", 2,
    ),
    "min_accuracy": Budget(
        _percent, "PERCENT", "fail where fewer percent of the images are read right",
        "reads {} % of the images right", "Train longer, or ask for less.", 2, is_least=True,
    ),
    "max_error": Budget(
        _error, "ERROR",
        "fail where the mean absolute error of a regression is larger, in the target's unit",
        "has a mean absolute error of {}",
        "Train longer or calibrate on more samples, or allow a larger one.", None,
    ),
    "max_mismatched_bytes": Budget(
        _count, "COUNT", "fail where more bytes differ from the reference (default: 0)",
        "gives {} bytes that differ from the reference",
        "Find the layer with `glyphite verify`, or allow more.",
    ),
}  # fmt: skip
"""Each limit by the name of its option's value."""


def add_budgets(parser: argparse.ArgumentParser, *names: str) -> None:
    """Declare the options of ``names``, which are those of ``BUDGETS``, and ``--junit``."""
    for name in names:
        budget = BUDGETS[name]
        parser.add_argument(
            _option(name), type=budget.read, metavar=budget.metavar, help=budget.help
        )
    parser.add_argument(
        "--junit", type=Path, metavar="FILE", help="write what was checked as JUnit XML"
    )


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def subject(model: str, sha256: str, board: str = "", goal: str = "") -> str:
    """What a figure is of, for a sentence and the name of a test case."""
    on = f" on {board}" if board else ""
    how = f"--optimize {goal}, " if goal else ""
    return f"{model}{on} ({how}model {sha256[:SHA_DIGITS]})"


class Checks:
    """What a verb has checked so far: its own checks, and the limits of its options."""

    def __init__(self, limits: dict[str, float]) -> None:
        self.limits = limits
        self.cases: list[Case] = []
        self._held: set[str] = set()

    def passed(self, name: str) -> None:
        """Note a check of the verb's own that has passed."""
        self.cases.append(Case(name))

    def skipped(self, name: str, reason: str) -> None:
        """Note a check that is not made here."""
        self.cases.append(Case(name, "skipped", reason))

    def failed(self, name: str, sentence: str) -> None:
        """Note a check that has failed."""
        self.cases.append(Case(name, "failure", sentence))

    def ask(self, name: str, check: Callable[[], None]) -> None:
        """Make a check that raises CheckFailedError where it fails, which is noted."""
        try:
            check()
        except CheckFailedError as error:
            self.failed(name, str(error))
        else:
            self.passed(name)

    def hold(self, name: str, figure: float, of: str, against: str = "the float model") -> None:
        """Hold a figure of ``of``, as :func:`subject` gives it, to the limit, if there is one.

        ``against`` is what a drop is counted from.
        """
        if (limit := self.limits.get(name)) is None:
            return
        self._held.add(name)
        budget, option = BUDGETS[name], _option(name)
        case = f"{option} {limit}: {of}"
        if budget.allows(figure, limit):
            self.passed(case)
            return
        shown = budget.shown(figure, limit)
        words = _of_one(budget.found) if shown == "1" else budget.found
        found = words.format(shown, against=against)
        allowed = f"asks for {limit:,} %" if budget.is_least else f"allows {limit:,}"
        self.failed(case, f"{of} {found}, and {option} {allowed}. {budget.way_out}")

    def cannot_hold(self, name: str, of: str, reason: str) -> None:
        """Let the limit fail, if there is one, as the figure of ``of`` cannot be had here."""
        if name in self.limits:
            self._held.add(name)
            case = f"{_option(name)} {self.limits[name]}: {of}"
            self.failed(case, f"{of} is not measured, so {_option(name)} has not passed. {reason}")

    def hold_bytes(self, figure: int, of: str, check: Callable[[], None]) -> None:
        """Hold the bytes that differ to their limit; without one, make the verb's own ``check``,
        which allows none and says more."""
        if "max_mismatched_bytes" in self.limits:
            self.hold("max_mismatched_bytes", figure, of)
        else:
            self.ask(f"no byte differs: {of}", check)

    def hold_none(self) -> None:
        """Let each limit fail to which nothing was held."""
        for name in self.limits.keys() - self._held:
            option = _option(name)
            self.failed(option, f"There is no figure here that {option} limits. Leave it out.")


@contextmanager
def checking(verb: str, arguments: argparse.Namespace, *, always: bool = True) -> Iterator[Checks]:
    """What is checked in the block; at its end ``--junit`` is written.

    ``always``: whether the verb checks something where no limit is given. Raises InputError where
    ``--junit`` cannot be written or nothing is checked of which it could tell, and CheckFailedError
    with the sentences of all checks that failed.
    """
    given = {name: getattr(arguments, name, None) for name in BUDGETS}
    checks = Checks({name: limit for name, limit in given.items() if limit is not None})
    write = _writer(verb, arguments, checks, always or bool(checks.limits))
    try:
        yield checks
    except Exception as error:
        is_check = isinstance(error, CheckFailedError | DoesNotFitError)
        name = "the firmware fits" if isinstance(error, DoesNotFitError) else f"glyphite {verb}"
        checks.cases.append(Case(name, "failure" if is_check else "error", describe(error)))
        write()
        raise
    checks.hold_none()
    write()
    if failed := [case.text for case in checks.cases if case.outcome == "failure"]:
        raise CheckFailedError(" ".join(failed))


def _writer(
    verb: str, arguments: argparse.Namespace, checks: Checks, is_checked: bool
) -> Callable[[], None]:
    """What writes ``--junit``. At once it says that nothing came to an end: so it is known that the
    file can be written, and no results of an earlier command are left where this one is killed."""
    if arguments.junit is None:
        return lambda: None
    if not is_checked:
        options = ", ".join(_option(name) for name in BUDGETS if hasattr(arguments, name))
        raise InputError(f"Nothing is checked that --junit could tell of. Add one of {options}.")
    path, suite, begun = place_of(arguments.junit), f"glyphite {verb}", time.monotonic()
    write_junit(path, suite, [Case(suite, "error", UNFINISHED)], 0.0)
    return lambda: write_junit(path, suite, checks.cases, time.monotonic() - begun)
