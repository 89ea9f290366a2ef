"""What other programs said, kept whole where a message has room for one line of it."""

from pathlib import Path

from glyphite.convert.hold import write_shared
from glyphite.convert.workspace import build_root


def keep_said(program: str, said: str) -> Path:
    """Write all that another program said to a file of ``build/``; returns its path.

    One line of it stands in the message, and what mends it may be in another. Raises InputError
    where the file cannot be written.
    """
    path = build_root() / ".boards" / f"{program}.log"
    write_shared(path, said.encode())
    return path
