"""Finds .tflite files: named, in folders, and in zips and wheels, also in zips within zips."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from glyphite.convert.errors import InputError
from glyphite.convert.workspace import MOST_TFLITE_BYTES

DEEPEST = 4
"""Zips within zips."""
MOST_ZIP_BYTES = 256 << 20
"""Of a zip within a zip, unpacked."""
ZIPS = (".zip", ".whl", ".jar", ".aar")
"""How a zip's name ends, where it lies in another one or in a folder."""


@dataclass(frozen=True)
class Found:
    """A model's file."""

    source: str
    """Where it lies, from the named path on."""
    content: bytes

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return PurePosixPath(self.source).stem


def collect(paths: Sequence[Path]) -> list[Found]:
    """The models below ``paths``, each content once; InputError where a path has none."""
    found: dict[bytes, Found] = {}
    for path in paths:
        models = list(_below(path))
        if not models:
            raise InputError(
                f"There is no .tflite in {path}. Name a .tflite, a folder, a zip or a wheel."
            )
        for model in models:
            found.setdefault(model.content, model)
    return list(found.values())


def _below(path: Path) -> Iterator[Found]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file() and file.suffix in (".tflite", *ZIPS):
                yield from _below(file)
    elif path.suffix == ".tflite" and path.is_file():
        yield Found(str(path), path.read_bytes())
    elif zipfile.is_zipfile(path):
        yield from _in_zip(path.name, path.read_bytes(), DEEPEST)


def _in_zip(source: str, content: bytes, depth: int) -> Iterator[Found]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for entry in sorted(archive.infolist(), key=lambda entry: entry.filename):
                inner = f"{source}/{entry.filename}"
                ending = PurePosixPath(entry.filename).suffix
                if ending == ".tflite" and entry.file_size <= MOST_TFLITE_BYTES:
                    yield Found(inner, archive.read(entry))
                elif ending in ZIPS and depth and entry.file_size <= MOST_ZIP_BYTES:
                    yield from _in_zip(inner, archive.read(entry), depth - 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
        raise InputError(f"{source} cannot be unpacked: {error}. Copy it again.") from error
