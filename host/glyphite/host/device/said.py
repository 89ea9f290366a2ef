"""What other programs said, kept whole where a message has room for one line of it."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from glyphite.convert import programs
from glyphite.convert.errors import InputError
from glyphite.convert.hold import write_shared
from glyphite.convert.workspace import build_root

MOST_KEPT = 20
"""Files of what was said, of which the oldest go first."""


def keep_said(program: str, said: str) -> Path:
    """Write all that another program said to a file of ``build/``; returns its path.

    One line of it stands in the message, and what mends it may be in another. Two commands at once
    have a file each. Raises InputError where the file cannot be written.
    """
    path = build_root() / ".boards" / f"{program}-{os.getpid()}.log"
    write_shared(path, said.encode())
    kept = [(log.stat().st_mtime, log) for log in path.parent.glob("*.log") if log != path]
    for _, log in sorted(kept, reverse=True)[MOST_KEPT - 1 :]:
        with suppress(OSError):  # another command removes the same
            log.unlink()
    return path


def run_kept(
    command: Sequence[str],
    seconds: float,
    *,
    failure: str,
    remedy: str,
    folder: Path | None = None,
) -> None:
    """Run ``command`` in ``folder`` to its end, which must be a good one.

    ``failure`` begins the sentence on a bad end, which names the file that keeps all that the
    program said, and ``remedy`` ends it. Raises ToolError where the program cannot be started or
    fails, and TimeLimitError, which is a ToolError, where it runs for longer than ``seconds``.
    """
    finished = programs.attempt(command, seconds, folder=folder)
    if finished.code == 0:
        return
    with suppress(InputError, OSError):  # nowhere to keep it: the sentence alone
        kept = keep_said(Path(command[0]).name, finished.output + finished.errors)
        remedy = f"All that it said is in {kept}. {remedy}"
    raise finished.failure(failure, remedy)
