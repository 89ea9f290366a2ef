"""A bad line: what happens to the bytes of one direction, from a seed. ``fault://`` carries it out.

Rates are per frame, the bytes up to the next zero, and each kind is drawn by itself. Its place is
drawn when the frame begins: one of as many bytes as the frame before had. So the faults follow from
the seed and the bytes alone, however they come in pieces.
"""

import math
import random
from collections import Counter
from dataclasses import dataclass, fields
from enum import StrEnum

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable

FAULTY = "fault://"
"""What the URL of a bad line begins with; the port behind it follows."""

DELAY_SECONDS = 0.15
"""The longest delay; a host waits 0.1 s at the least before it asks again."""
SPLIT_SECONDS = 0.001
"""The pause where a stream is split, so that its reader gets the rest as another piece."""
MOST_BYTES = 4
"""The most bytes that are lost or inserted at one place."""
MOST_BITS = 3
"""The most bits that are flipped in one frame."""
USUAL_BYTES = 32
"""Where the faults of the first frame lie: in its first so many bytes."""


class Event(StrEnum):
    """What happens to the board or to the port, at a place in the stream."""

    RESET = "reset"
    VANISH = "vanish"


Step = bytes | float | Event
"""Bytes that arrive, seconds of a pause, or an event."""


@dataclass(frozen=True)
class Faults:
    """The rate of each fault per frame and direction, 0 to 1. The same seed, the same faults."""

    flip: float = 0.0
    """One to three bits, anywhere in the frame."""
    lose: float = 0.0
    """As often one to four bytes as the whole frame."""
    double: float = 0.0
    """As often a byte as the whole frame."""
    insert: float = 0.0
    """One to four random bytes."""
    delay: float = 0.0
    """The rest comes later, by up to DELAY_SECONDS."""
    split: float = 0.0
    """The rest comes as another piece."""
    reset: float = 0.0
    """The board restarts, and what is on the way is lost."""
    vanish: float = 0.0
    """The port is gone as if it were unplugged, and comes back after a while."""
    baud: int = 0
    """Bits a second in each direction, ten of them a byte; 0 does not limit the line."""
    seed: int = 0

    @property
    def rates(self) -> dict[str, float]:
        """The kinds that occur, and how often."""
        kinds = (field.name for field in fields(self) if field.name not in NUMBERS)
        return {kind: rate for kind in kinds if (rate := getattr(self, kind)) > 0}


NUMBERS = ("baud", "seed")
SETTINGS = tuple(field.name for field in fields(Faults))


def split_url(url: str) -> tuple[str, dict[str, str]]:
    """The port behind a ``fault://`` URL, with the settings that are its own, and those of the bad
    line. Any other URL is the port itself, without faults."""
    if not url.lower().startswith(FAULTY):
        return url, {}
    port, mark, query = url[len(FAULTY) :].partition("?")
    words = [word.partition("=") for word in query.split("&") if word]
    own = {name: value for name, _, value in words if name in SETTINGS}
    rest = "&".join("".join(word) for word in words if word[0] not in SETTINGS)
    return f"{port}{mark}{rest}" if rest else port, own


def parse_faults(settings: dict[str, str]) -> Faults:
    """Faults from text such as ``{"flip": "0.01", "seed": "7"}``.

    Raises InputError where a value is not a number, a rate not 0 to 1, or a number below 0.
    """
    values: dict[str, float] = {}
    for name, text in settings.items():
        try:
            values[name] = int(text) if name in NUMBERS else float(text)
        except ValueError as error:
            raise InputError(f"{name}={text} is not a number. Write, say, {name}=1.") from error
        if name not in NUMBERS and not 0 <= values[name] <= 1:
            raise InputError(f"{name}={text} is not a rate. Rates are 0 to 1.")
        if name == "baud" and values[name] == 0:
            raise InputError("baud=0 carries nothing. Write, say, baud=115200.")
        if name in NUMBERS and values[name] < 0:
            raise InputError(f"{name}={text} is below 0. Write, say, {name}=7.")
    return Faults(**values)  # type: ignore[arg-type]  # whole numbers alone are ints, and are ints


def require_once(query: str) -> None:
    """Make sure that a URL's settings are told once each. Raises InputError where one is not."""
    names = [word.partition("=")[0] for word in query.split("&") if word]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"The setting {printable(name)} is given {names.count(name)} times. Give it once."
            )


def unknown_setting(name: str) -> InputError:
    """What to raise for a setting that neither an emulated board nor a bad line has."""
    return InputError(
        f"Unknown setting {name!r}. An emulated board has firmware; a bad line, as in "
        f"fault://sim://native?flip=0.01, has {', '.join(SETTINGS)}. Correct it."
    )


class FaultyLine:
    """One direction of a bad line."""

    def __init__(self, faults: Faults, direction: int) -> None:
        self.hits: Counter[str] = Counter()
        """How often each kind occurred."""
        self._rates = faults.rates
        self._random = random.Random(2 * faults.seed + direction)
        self._at = 0
        self._usual = USUAL_BYTES
        self._plan: dict[str, list[int]] = {}
        self._losing = 0.0
        self._again: bytearray | None = None
        self._steps: list[Step] = []

    def carry(self, data: bytes) -> list[Step]:
        """What becomes of ``data``, in order."""
        if not self._rates:
            return [data] if data else []
        self._steps = []
        for byte in data:
            if byte or self._at:
                self._one(byte)
            else:  # between frames
                self._give(b"\0")
        return self._steps

    def _one(self, byte: int) -> None:
        if not self._at:
            self._begin()
        ends = not byte
        kinds = [kind for kind in self._plan for _ in range(self._due(kind, ends=ends))]
        self._at += 1
        for kind in kinds:
            if kind == "flip":
                byte ^= 1 << self._random.randrange(8)
            else:
                self._hit(kind)
        if ends and self._losing == math.inf:  # its end is lost as often as not
            self._losing = self._random.randrange(2)
        if self._losing > 0:
            self._losing -= 1
        else:
            self._give(bytes([byte]) * (2 if "double" in kinds else 1))
        if ends:
            self._end()

    def _hit(self, kind: str) -> None:
        """What happens ahead of a byte."""
        if kind == "lose":
            self._losing = self._random.randint(1, MOST_BYTES)
        elif kind == "insert":
            self._give(self._random.randbytes(self._random.randint(1, MOST_BYTES)))
        elif kind == "delay":
            self._steps.append(self._random.uniform(0.0, DELAY_SECONDS))
        elif kind == "split":
            self._steps.append(SPLIT_SECONDS)
        elif kind in tuple(Event):
            self._steps.append(Event(kind))

    def _begin(self) -> None:
        """Draw what happens to the frame that begins, and where."""
        self._plan = {kind: [] for kind in self._rates if self._random.random() < self._rates[kind]}
        self.hits.update(self._plan.keys())
        for kind, places in self._plan.items():
            count = self._random.randint(1, MOST_BITS) if kind == "flip" else 1
            places += [self._random.randrange(self._usual) for _ in range(count)]
            if kind in ("lose", "double") and self._random.random() < 0.5:  # the whole frame
                places.clear()
                self._losing = math.inf if kind == "lose" else self._losing
                self._again = bytearray() if kind == "double" else self._again

    def _end(self) -> None:
        self._usual, self._at = self._at, 0
        again, self._again = self._again, None
        if again:
            self._give(bytes(again))

    def _due(self, kind: str, *, ends: bool) -> int:
        """How many faults of a kind the next byte has; all that are left where the frame ends."""
        places = self._plan[kind]
        due = [place for place in places if place == self._at or (ends and place > self._at)]
        return len(due)

    def _give(self, data: bytes) -> None:
        if self._again is not None:
            self._again += data
        if self._steps and isinstance(self._steps[-1], bytes):
            self._steps[-1] += data
        else:
            self._steps.append(data)
