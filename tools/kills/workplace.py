"""The folder in which the verbs work: one state after the other is put there, under one path."""

import hashlib
import os
import shutil
import zipfile
from collections.abc import Container, Sequence
from pathlib import Path

from PIL import Image

from glyphite.convert.files import BEGIN, END
from glyphite.convert.hold import LOCK
from tools.kills.chain import CHAIN, MODEL, PROJECT, READ, Call, write_inputs
from tools.kills.child import Ended, FaultError, run

AUTOGRAPH = "__autograph_generated_file"
"""In the name of temporary files that TensorFlow removes as Python ends, which a fork does not."""
UNREAD = {".png", ".html", ".zip"}
"""Kinds of files that no verb reads: each is looked at by itself."""


class Workplace:
    """The folder, the states that were kept, and what the readers make of each."""

    def __init__(self, scratch: Path) -> None:
        self.work = scratch / "work"
        self.states = scratch / "states"
        self.temporary = scratch / "tmp"
        self.known: dict[tuple[str, str], object] = {}
        for folder in (self.work, self.states, self.temporary):
            folder.mkdir(parents=True)
        os.environ["TMPDIR"] = str(self.temporary)
        os.environ.pop("GLYPHITE_BUILD", None)
        os.chdir(self.work)

    def prepare(self) -> None:
        """Go through the chain twice; each verb's states before and after the second time stay."""
        write_inputs(self.work)
        for step in CHAIN:
            well(run(step.verb, step.earlier))
        for step in CHAIN:
            self.keep(f"{step.verb} before")
            well(run(step.verb, step.words))
            self.keep(f"{step.verb} after")

    def keep(self, name: str) -> None:
        """Keep the folder's state."""
        shutil.rmtree(self.states / name, ignore_errors=True)
        shutil.copytree(self.work, self.states / name, symlinks=True)

    def restore(self, name: str) -> None:
        """Put a state that was kept into the folder, and empty the one of temporary files."""
        for folder in (self.work, self.temporary):
            for path in folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(self.states / name, self.work, symlinks=True, dirs_exist_ok=True)

    def digest(self, names: Container[str] | None = None) -> str:
        """Of the names and contents of all files that a verb reads and that are finished.

        Of those called ``names`` alone, where it is given.
        """
        digest = hashlib.sha256()
        for path in self._files():
            if path.suffix not in UNREAD and (names is None or path.name in names):
                name = str(path.relative_to(self.work))
                digest.update(f"{name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()

    def read(self, readers: Sequence[Call]) -> dict[str, object]:
        """Each reader's figures, None for a sentence, or the FaultError; the state stays."""
        found: dict[str, object] = {}
        self.keep("read")
        for verb, words in readers:
            key = self.digest(READ.get(verb)), verb
            if key not in self.known:
                self.known[key] = _result(run(verb, words))
                self.restore("read")
            found[verb] = self.known[key]
        together = {"the TFLM sketch": f"{MODEL}/tflm", "the project": PROJECT}
        return found | {what: self._together(folder) for what, folder in together.items()}

    def left(self) -> list[str]:
        """What a command that has come to its end should have removed."""
        paths = [*self.work.glob(f"build/**/{BEGIN}*{END}"), *self.work.glob(f"build/**/{LOCK}")]
        temporary = (path for path in self.temporary.iterdir() if AUTOGRAPH not in path.name)
        return [path.name for path in (*paths, *temporary)]

    def broken(self) -> list[str]:
        """Files that no verb reads and that are not whole."""
        files = [path for path in self._files() if path.suffix in UNREAD]
        return [str(path.relative_to(self.work)) for path in files if not _whole(path)]

    def _files(self) -> list[Path]:
        files = (path for path in self.work.rglob("*") if path.is_file() and path.name != LOCK)
        return sorted(path for path in files if not (BEGIN in str(path) and END in str(path)))

    def _together(self, folder: str) -> object:
        """The files of a folder below ``build/`` that belong together, though no verb reads any."""
        files = (
            path for path in self._files() if path.is_relative_to(self.work / "build" / folder)
        )
        return [(str(file), hashlib.sha256(file.read_bytes()).hexdigest()) for file in files]


def well(ended: Ended) -> Ended:
    """One that has to work, so that others can be tried. Raises SystemExit where it does not."""
    if ended.code != 0:
        raise SystemExit(f"kills: the verb itself fails ({ended.code}): {ended.errors}")
    return ended


def _result(ended: Ended) -> object:
    try:
        return ended.result
    except FaultError as error:
        return error


def _whole(path: Path) -> bool:
    try:
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                return archive.testzip() is None
        if path.suffix == ".png":
            Image.open(path).load()
            return True
        return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    except (OSError, ValueError, zipfile.BadZipFile):
        return False
