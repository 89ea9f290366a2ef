"""Scores of a runner that are kept between runs, by the hashes of the model and of each sample.

TensorFlow Lite Micro's Python package takes 3 ms for a digit, longer than a PC or a fast board: the
same samples need not be asked again.
"""

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import InputError
from glyphite.convert.files import read_bytes, write_bytes
from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.runners.base import Outputs, Runner, Scores, Tensors, only

DIGEST_BYTES = 16
"""Of a sample's BLAKE2b hash: two of a million samples are alike by chance once in 10^26."""

CHECK_BYTES = 32
"""The file begins with the SHA-256 of what it is of and of all that follows."""

MOST_BYTES = 64 << 20
"""A larger file is not kept."""


@dataclass
class KeptRunner:
    """Runs ``runner`` on the samples whose scores are not in the file ``path``, and keeps those.

    ``manifest``: the model's; ``engine``: the runner's package and version. A file of another model
    or engine, or one that is damaged, is not used.
    """

    runner: Runner
    path: Path
    manifest: Manifest
    engine: str
    known: int = field(default=0, init=False)
    """How many samples of the last run had kept scores."""

    @property
    def name(self) -> str:
        """That of the runner whose scores these are."""
        return self.runner.name

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        """The scores (n, classes) of each sample.

        Raises what the runner's run does, and InputError where the file cannot be written.
        """
        samples = only(inputs)
        digests = [_digest(sample) for sample in samples]
        kept = self._load()
        missing = [index for index, digest in enumerate(digests) if digest not in kept]
        self.known = len(samples) - len(missing)
        progress(self.known)
        if missing:
            (found,) = self.runner.run(samples[missing], progress=progress)
            kept |= {digests[index]: scores for index, scores in zip(missing, found, strict=True)}
            self._save(kept)
        return (np.array([kept[digest] for digest in digests]),)

    def _load(self) -> dict[bytes, Scores]:
        """The scores in the file, by the digest of the sample; none where it is not to be used."""
        kind = np.dtype(self.manifest.output.dtype)
        columns = int(np.prod(self.manifest.output.shape[1:]))
        row = DIGEST_BYTES + columns * kind.itemsize
        try:
            content = read_bytes(self.path, CHECK_BYTES + MOST_BYTES)
        except InputError:
            return {}
        check, rows = content[:CHECK_BYTES], content[CHECK_BYTES:]
        if check != self._check(rows) or len(rows) % row:
            return {}
        return {
            rows[at : at + DIGEST_BYTES]: np.frombuffer(rows, kind, columns, at + DIGEST_BYTES)
            for at in range(0, len(rows), row)
        }

    def _save(self, kept: dict[bytes, Scores]) -> None:
        rows = b"".join(digest + scores.tobytes() for digest, scores in kept.items())
        if len(rows) <= MOST_BYTES:
            write_bytes(self.path, self._check(rows) + rows)

    def _check(self, rows: bytes) -> bytes:
        return hashlib.sha256(f"{self.manifest.sha256} {self.engine}\n".encode() + rows).digest()


def _digest(sample: NDArray[Any]) -> bytes:
    return hashlib.blake2b(sample.tobytes(), digest_size=DIGEST_BYTES).digest()
