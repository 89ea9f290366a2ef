"""MNIST: 60,000 training and 10,000 test images of handwritten digits, checked and cached.

Four uncompressed IDX files are kept in the cache folder; nothing else is needed from then on.
Where one is missing, all are fetched from the first source that has them. A file is used only if
its MD5 is the published one.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.sources import MOST_BYTES, Source, SourceError, default_sources
from glyphite.convert.errors import DataError, InputError
from glyphite.convert.files import read_bytes, write_bytes

MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""The published MD5 of each uncompressed file."""

VALIDATION_IMAGES = 10_000

Images = NDArray[np.uint8]
"""(n, 28, 28) of uint8: 0 is the background, 255 the middle of a stroke."""
Labels = NDArray[np.uint8]
"""(n,) of uint8: 0..9."""


@dataclass(frozen=True)
class Mnist:
    """The data set as it was published, in read-only arrays."""

    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels

    def split(self) -> "Mnist":
        """The training set alone, with its last 10,000 images instead of the test set.

        It serves to choose between models without a look at the test set. The training images are
        sorted by their writers, so nearly all writers are in one part only; 10,000 is the size of
        the test set, so the two accuracies have intervals of the same width.
        """
        cut = len(self.train_images) - VALIDATION_IMAGES
        return Mnist(
            self.train_images[:cut],
            self.train_labels[:cut],
            self.train_images[cut:],
            self.train_labels[cut:],
        )


def cache_folder() -> Path:
    """The folder of the files: ``mnist`` in ``$GLYPHITE_CACHE``, or in ``~/.cache/glyphite``."""
    named = os.environ.get("GLYPHITE_CACHE")
    if named:
        return Path(named) / "mnist"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "glyphite" / "mnist"


def load_mnist(
    cache: Path | None = None,
    sources: Sequence[Source] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Mnist:
    """MNIST from the cache; or from the first source that has it, and then kept in the cache.

    ``report`` is called with a line of text before each source is tried. Raises DataError where a
    cached file is not the published one, where no source has the data set, and where the cache
    cannot be written; InputError where a cached file cannot be read.
    """
    cache = cache_folder() if cache is None else cache
    cached = _read_cache(cache)
    if cached is not None:
        return _parse(cached)
    fetched = _fetch(cache, default_sources() if sources is None else sources, report)
    _write_cache(cache, fetched)
    return _parse(fetched)


def _read_cache(cache: Path) -> Mapping[str, bytes] | None:
    """The four files, or None where one is missing."""
    there = [cache / name for name in MD5 if (cache / name).exists()]
    states = [(path, path.stat()) for path in there]
    return _checked(
        tuple((path, state.st_ino, state.st_size, state.st_mtime_ns) for path, state in states)
    )


@lru_cache(maxsize=1)
def _checked(there: tuple[tuple[Path, int, int, int], ...]) -> Mapping[str, bytes] | None:
    """The same of files in this state; kept, as a demo asks for them at each stage."""
    files = {path.name: read_bytes(path, MOST_BYTES) for path, *_ in there}
    for path, *_ in there:
        name, found = path.name, _md5(files[path.name])
        if found != MD5[name]:
            raise DataError(
                f"{path} is not the published MNIST file: its MD5 is {found}, and "
                f"{MD5[name]} is expected. Delete it and try again: it is then fetched anew."
            )
    return files if len(files) == len(MD5) else None


def _write_cache(cache: Path, files: Mapping[str, bytes]) -> None:
    try:
        for name in MD5:
            write_bytes(cache / name, files[name])
    except InputError as error:
        reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
        raise DataError(
            f"MNIST cannot be kept in {cache}: {reason}. "
            "Set GLYPHITE_CACHE to a folder that can be written."
        ) from error


def _fetch(
    cache: Path, sources: Sequence[Source], report: Callable[[str], None]
) -> Mapping[str, bytes]:
    """The four files from the first source that has them, all checked."""
    failures = [f"the cache {cache}: it does not hold the four files"]
    for source in sources:
        report(f"Fetching MNIST: {source.name}")
        try:
            files = source.fetch()
            _check(files)
            return files
        except SourceError as error:
            failures.append(f"{source.name}: {error}")
    raise DataError(
        f"MNIST cannot be loaded. Tried {'; '.join(failures)}. "
        f"Go online, or put the files {', '.join(MD5)} (uncompressed) into {cache}."
    )


def _check(files: Mapping[str, bytes]) -> None:
    for name, expected in MD5.items():
        if name not in files:
            raise SourceError(f"{name} is not in it")
        found = _md5(files[name])
        if found != expected:
            raise SourceError(f"its {name} has the MD5 {found}, and {expected} is expected")


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _parse(files: Mapping[str, bytes]) -> Mnist:
    """The arrays in the IDX files: the checksum has shown that headers have 16 and 8 bytes."""
    arrays = []
    for name in MD5:
        values = np.frombuffer(files[name], np.uint8)
        arrays.append(values[16:].reshape(-1, 28, 28) if "images" in name else values[8:])
    return Mnist(*arrays)
