"""One thing that was looked at: what was found, and the command that mends it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from glyphite.host.device.wire.messages import Hello

_COMMAND = re.compile(r"`((?:glyphite|sudo|pip|arduino-cli) [^`]+)`")


class State(StrEnum):
    """How it stands with it."""

    OK = "ok"
    ABSENT = "absent"
    """It is not there, and some commands need it."""
    WRONG = "wrong"
    """It is there, and does not work."""
    SKIPPED = "left out"
    """It is not for this system, or could not be looked at."""


@dataclass(frozen=True)
class Check:
    """What was found of one thing."""

    group: str
    """"tools", "packages", "ports" or "board"."""
    name: str
    state: State
    found: str
    """What was found, for people."""
    mend: str = ""
    """A command to type in this system's shell; "" where nothing is wrong or none would help."""
    needed: bool = False
    """Whether nothing works without it."""
    told: Hello | None = None
    """What a board that answers says of itself."""

    @property
    def is_bad(self) -> bool:
        """Whether something is to be mended."""
        return self.state in (State.ABSENT, State.WRONG)


def command_in(sentence: str) -> str:
    """The command that a message on an error names as the way out; "" where it names none."""
    found = _COMMAND.search(sentence)
    return found[1] if found else ""
