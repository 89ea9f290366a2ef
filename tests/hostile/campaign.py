"""A run over many inputs of each kind: shares them out, counts, keeps what failed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from glyphite.convert.files import write_bytes, write_text
from glyphite.convert.progress import Progress
from tests.fuzz.compiling import MOST_SECONDS
from tests.hostile.arrays import DownloadWay, IdxWay, KerasWay, NpyWay, NpzWay
from tests.hostile.data_sets import IdxFolderWay, PictureFolderWay, TableWay
from tests.hostile.documents import BoardWay, ManifestWay, RecordWay
from tests.hostile.line import AnswerWay, HelloWay
from tests.hostile.pictures import PictureWay
from tests.hostile.way import Way
from tests.hostile.worker import Batch, Defect, Found, Worker, made

WAYS: Mapping[str, tuple[type[Way], float]] = {
    "hello": (HelloWay, 0.18),
    "answer": (AnswerWay, 0.18),
    "manifest": (ManifestWay, 0.14),
    "record": (RecordWay, 0.14),
    "board": (BoardWay, 0.12),
    "npy": (NpyWay, 0.07),
    "npz": (NpzWay, 0.04),
    "picture": (PictureWay, 0.05),
    "idx": (IdxWay, 0.02),
    "download": (DownloadWay, 0.01),
    "keras": (KerasWay, 0.01),
    "idx-folder": (IdxFolderWay, 0.01),
    "table": (TableWay, 0.02),
    "picture-folder": (PictureFolderWay, 0.01),
}
"""Each kind of input, and its share of a run over all of them: the slow ones have small ones."""
BATCH = 200


@dataclass(frozen=True)
class Campaign:
    """``count`` inputs of the kind ``name`` from number ``first`` on."""

    name: str
    seed: int
    count: int
    first: int = 0
    folder: Path | None = None
    """Where inputs that fail are kept."""
    way: type[Way] | None = None
    """Another reader than the product's."""
    seconds: int = MOST_SECONDS

    def run(self, workers: list[Worker], progress: Progress) -> Found:
        """All of them, by so many processes at once."""
        found, lock, batches = Found(), threading.Lock(), iter(self._batches())
        threads = [
            threading.Thread(target=self._work, args=(worker, batches, found, lock, progress))
            for worker in workers
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found.defects.sort(key=lambda defect: defect.number)
        self._keep(found.defects)
        return found

    @property
    def _way(self) -> type[Way]:
        return self.way or WAYS[self.name][0]

    def _batches(self) -> Iterator[Batch]:
        end = self.first + self.count
        for first in range(self.first, end, BATCH):
            yield Batch(self._way, self.seed, first, min(BATCH, end - first))

    def _work(
        self,
        worker: Worker,
        batches: Iterator[Batch],
        found: Found,
        lock: threading.Lock,
        progress: Progress,
    ) -> None:
        while True:
            with lock:
                batch = next(batches, None)
            if batch is None:
                return
            one = worker.run(batch)
            with lock:
                found.add(one)
            progress(batch.count)

    def _keep(self, defects: list[Defect]) -> None:
        """Keep each input that failed, and what was found."""
        if self.folder is None or not defects:
            return
        with TemporaryDirectory() as folder:
            way = self._way(Path(folder))
            for defect in defects:
                kind = defect.kind.replace(" ", "_")
                stem = self.folder / f"{self.name}_seed{self.seed}_{defect.number}_{kind}"
                write_bytes(stem.with_suffix(".bin"), made(way, self.seed, defect.number))
                again = f"python -m tests.hostile --input {self.name} --seed {self.seed}"
                again += f" --first {defect.number} --count 1"
                write_text(stem.with_suffix(".txt"), f"Again: {again}\n\n{defect.text}\n")
