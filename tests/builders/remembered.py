"""What a compiler has made once of the same files is not made by it again in the same run."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from glyphite.convert.programs import Finished
from glyphite.host.device.arduino import LIBRARIES

COMPILERS = ("cc", "gcc", "arm-none-eabi-gcc", "avr-gcc")
SOURCES = {".c", ".h", ".cpp", ".ino", ".S", ".ld", ".properties"}

Attempt = Callable[..., Finished]
"""``glyphite.convert.programs.attempt``."""


class Remembered:
    """Stands for ``attempt``: a compiler's good end is kept, with the files that it made.

    It is found again by what the compiler read: the words of its command, the environment's PATH
    and the content of all sources that the words name or that lie beside them. Other programs run
    as ever.
    """

    def __init__(self, attempt: Attempt, kept: Path) -> None:
        """``kept`` may be shared by several processes."""
        self._attempt = attempt
        self._kept = kept
        kept.mkdir(exist_ok=True)

    def __call__(
        self,
        command: Sequence[str],
        seconds: float,
        *,
        stdin: bytes = b"",
        folder: Path | None = None,
    ) -> Finished:
        """As ``attempt``."""
        outputs = _outputs(command, folder or Path())
        if outputs is None:
            return self._attempt(command, seconds, stdin=stdin, folder=folder)
        to, pattern = outputs
        place = self._kept / _key(command, folder or Path(), to / pattern)
        if not place.is_dir():
            ended = self._attempt(command, seconds, stdin=stdin, folder=folder)
            if ended.code == 0:
                self._keep(place, ended, to.glob(pattern))
            return ended
        for file in (place / "made").iterdir():
            shutil.copy(file, to / (file.name if "*" in pattern else pattern))
        output, errors = json.loads((place / "said.json").read_text())
        return Finished(tuple(command), 0, output, errors)

    def _keep(self, place: Path, ended: Finished, files: Iterable[Path]) -> None:
        """Whole or not at all: several processes may do so at a time."""
        making = Path(tempfile.mkdtemp(dir=self._kept))
        (making / "made").mkdir()
        for file in files:
            shutil.copy(file, making / "made")
        (making / "said.json").write_text(json.dumps([ended.output, ended.errors]))
        try:
            making.rename(place)
        except OSError:  # another process was first
            shutil.rmtree(making)


def _outputs(command: Sequence[str], folder: Path) -> tuple[Path, str] | None:
    """The folder and the pattern of what a compiler makes; None for any other program."""
    program = Path(command[0]).name
    if program in COMPILERS and "-o" in command:
        made = folder / command[command.index("-o") + 1]
        return made.parent, made.name
    if program == "arduino-builder":
        made = Path(command[command.index("-build-path") + 1])
        return made, f"{Path(command[-1]).name}.*"
    return None


def _key(command: Sequence[str], folder: Path, made: Path) -> str:
    """A digest of all that the compiler reads, and of which one it is."""
    digest = hashlib.sha256()
    for part in (*_program(command[0]), *_words(command, folder, made)):
        digest.update(part + b"\0")
    return digest.hexdigest()


def _program(name: str) -> Iterator[bytes]:
    """Which program a name is: tests also put scripts on the PATH."""
    found = shutil.which(name)
    written = Path(found).stat().st_mtime_ns if found else None
    yield f"{os.environ.get('PATH')} {found} {written}".encode()


def _words(command: Sequence[str], folder: Path, made: Path) -> Iterator[bytes]:
    """The words of a command, with the content of files and folders in place of their paths."""
    if by_arduino := Path(command[0]).name == "arduino-builder":
        yield from _tree(LIBRARIES)
    for word in command[1:]:
        path = folder / word.removeprefix("-I")
        if path.is_file() and path != made:
            yield from (path.name.encode(), path.read_bytes(), *_tree(path.parent))
        elif path.is_dir() and not by_arduino:
            yield from _tree(path)
        elif not path.is_relative_to(made.parent):
            yield word.encode()


def _tree(folder: Path) -> Iterator[bytes]:
    """The names and contents of all sources below a folder."""
    for file in sorted(folder.rglob("*")):
        if file.suffix in SOURCES and file.is_file():
            yield str(file.relative_to(folder)).encode()
            yield file.read_bytes()
