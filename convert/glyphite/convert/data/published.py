"""Data sets that are published as IDX files: checked, and kept in the cache folder.

The uncompressed files are kept; nothing else is needed from then on. Where one is missing, all are
fetched from the first source that has them. A file is used only if its MD5 is the published one.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from glyphite.convert.data.sources import MOST_BYTES, Source, SourceError
from glyphite.convert.errors import DataError, InputError
from glyphite.convert.files import read_bytes, write_bytes


def cache_folder(name: str) -> Path:
    """The folder of the files: ``name`` in ``$GLYPHITE_CACHE``, or in ``~/.cache/glyphite``."""
    named = os.environ.get("GLYPHITE_CACHE")
    if named:
        return Path(named) / name
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glyphite" / name


@dataclass(frozen=True)
class Published:
    """A data set as it was published, once and for all."""

    name: str
    """Of the folder in the cache."""
    title: str
    files: tuple[tuple[str, str], ...]
    """The name of each file, and the published MD5 of what it holds uncompressed."""

    @property
    def names(self) -> tuple[str, ...]:
        """Of all files."""
        return tuple(name for name, _ in self.files)

    def load(
        self, cache: Path, sources: Sequence[Source], report: Callable[[str], None]
    ) -> Mapping[str, bytes]:
        """The files by name, from the cache; or from the first source, and then kept in the cache.

        ``report`` is called with a line of text before each source is tried. Raises DataError where
        a cached file is not the published one, where no source has the data set, and where the
        cache cannot be written; InputError where a cached file cannot be read.
        """
        cached = self._read(cache)
        if cached is not None:
            return cached
        fetched = self._fetch(cache, sources, report)
        self._write(cache, fetched)
        return fetched

    def _read(self, cache: Path) -> Mapping[str, bytes] | None:
        """The files, or None where one is missing."""
        there = [cache / name for name in self.names if (cache / name).exists()]
        states = [(path, path.stat()) for path in there]
        return _checked(
            self,
            tuple((path, state.st_ino, state.st_size, state.st_mtime_ns) for path, state in states),
        )

    def _write(self, cache: Path, files: Mapping[str, bytes]) -> None:
        try:
            for name in self.names:
                write_bytes(cache / name, files[name])
        except InputError as error:
            reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
            raise DataError(
                f"{self.title} cannot be kept in {cache}: {reason}. "
                "Set GLYPHITE_CACHE to a folder that can be written."
            ) from error

    def _fetch(
        self, cache: Path, sources: Sequence[Source], report: Callable[[str], None]
    ) -> Mapping[str, bytes]:
        """The files from the first source that has them, all checked."""
        failures = [f"the cache {cache}: it does not hold the four files"]
        for source in sources:
            report(f"Fetching {self.title}: {source.name}")
            try:
                files = source.fetch()
                self._check(files)
                return files
            except SourceError as error:
                failures.append(f"{source.name}: {error}")
        raise DataError(
            f"{self.title} cannot be loaded. Tried {'; '.join(failures)}. "
            f"Go online, or put the files {', '.join(self.names)} (uncompressed) into {cache}."
        )

    def _check(self, files: Mapping[str, bytes]) -> None:
        for name, expected in self.files:
            if name not in files:
                raise SourceError(f"{name} is not in it")
            found = _md5(files[name])
            if found != expected:
                raise SourceError(f"its {name} has the MD5 {found}, and {expected} is expected")


@lru_cache(maxsize=1)
def _checked(
    published: Published, there: tuple[tuple[Path, int, int, int], ...]
) -> Mapping[str, bytes] | None:
    """The files in this state; kept, as a demo asks for them at each stage."""
    files = {path.name: read_bytes(path, MOST_BYTES) for path, *_ in there}
    expected = dict(published.files)
    for path, *_ in there:
        name, found = path.name, _md5(files[path.name])
        if found != expected[name]:
            raise DataError(
                f"{path} is not the published {published.title} file: its MD5 is {found}, and "
                f"{expected[name]} is expected. Delete it and try again: it is then fetched anew."
            )
    return files if len(files) == len(published.files) else None


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
