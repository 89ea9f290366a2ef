"""The ways in for data sets of anybody's: IDX files, tables, recordings, folders of pictures."""

import gzip
import struct
from pathlib import Path

import numpy as np

from glyphite.convert.data.dataset import DataSet
from glyphite.convert.data.idx import TYPES
from glyphite.convert.data.load import load
from glyphite.convert.data.options import OnBad, Options
from tests.fuzz.bytewise import WORDS
from tests.hostile.documents import SOUND
from tests.hostile.pictures import PictureWay
from tests.hostile.way import Rng, bytes_damaged, one_of, require

CELLS = ("", "nan", "-inf", "1e999", "x", '"', "'", "1,5", "0x10", "1_0", "\0", "\x1b[2J", " ", "#",
         "٣", "9" * 400, "label", "-1", "70000", "\ufeff", "\udc80", "true")  # fmt: skip
DELIMITERS = (",", ";", "\t", " ", "|", ",,")


def require_sound(data: DataSet) -> bool:
    """That what was accepted can be trained on and is told in lines."""
    whole = data.whole
    require(len(whole) > 0, "no samples")
    require(np.isfinite(whole.inputs.astype(np.float64)).all(), "values that are not finite")
    require(whole.labels is None or len(whole.labels) == len(whole), "labels for other samples")
    require(whole.labels is None or whole.labels.max() < data.class_count, "a class too many")
    require(all(text.isprintable() for text in (*data.notes, *data.classes)), "a line is none")
    require(len(data.sha256) == 64 and data.summary and data.split, "it is not told")
    return True


class IdxFolderWay:
    """A folder of IDX files of anybody's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "letters"
        self.folder.mkdir()
        labels = struct.pack(">BBBBI", 0, 0, 8, 1, 12) + bytes(range(3)) * 4
        (self.folder / "train-labels-idx1-ubyte").write_bytes(labels)

    def make(self, rng: Rng) -> bytes:
        """Lie in the header, or damage bytes; packed or not."""
        kind, how = one_of(rng, list(TYPES)), rng.random()
        sizes = [12, 2, 3] if how < 0.5 else [one_of(rng, (*WORDS, 12)) & 0xFFFFFFFF, 2, 3]
        values = np.arange(72).astype(TYPES[kind]).tobytes()
        axes = 3 if how < 0.7 else int(rng.integers(256))
        content = struct.pack(">BBBB3I", 0, 0, kind, axes, *sizes) + values
        if SOUND < how < 0.4:
            content = bytes_damaged(content, rng)
        return gzip.compress(content, 1, mtime=0) if rng.random() < 0.3 else content

    def read(self, content: bytes) -> bool:
        """Load its folder."""
        (self.folder / "train-images-idx3-ubyte").write_bytes(content)
        return require_sound(load(str(self.folder)))


class TableWay:
    """A CSV file, read as a table or as a recording."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "table.csv"

    def make(self, rng: Rng) -> bytes:
        """Odd cells, rows, delimiters and encodings, or damaged bytes."""
        rows = [["time", "ax", "ay", "label"]] if rng.random() < 0.7 else []
        for place in range(int(rng.integers(1, 30))):
            rows.append([str(place), f"{place / 7:.3f}", "-1.5", one_of(rng, ("up", "down", "1"))])
        how = rng.random()
        for _ in range(0 if how < SOUND else int(rng.integers(4))):
            row = one_of(rng, rows)
            at, cell = int(rng.integers(len(row) + 1)), one_of(rng, CELLS)
            row[at : at + int(rng.integers(3))] = [cell] * int(rng.integers(3))
        delimiter, end = one_of(rng, DELIMITERS), one_of(rng, ("\n", "\r\n", "\n\n", "\r"))
        if how < 0.7:
            delimiter, end = ",", "\n"
        text = end.join(delimiter.join(row) for row in rows)
        encoding = one_of(rng, ("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"))
        content = text.encode(encoding, "replace")
        return bytes_damaged(content, rng) if 0.5 < how < 0.7 else content

    def read(self, content: bytes) -> bool:
        """Load it in each way that there is."""
        self.path.write_bytes(content)
        window = None if len(content) % 2 else 2
        on_bad = OnBad.LEAVE_OUT if len(content) % 3 else OnBad.REFUSE
        return require_sound(load(str(self.path), Options(window=window, on_bad=on_bad)))


class PictureFolderWay:
    """A folder of pictures, of which one is damaged."""

    def __init__(self, folder: Path) -> None:
        self.source = PictureWay(folder)
        self.folder = folder / "pictures"
        for name in ("a", "b"):
            (self.folder / name).mkdir(parents=True)
            (self.folder / name / "1.png").write_bytes(self.source.pngs[0])

    def make(self, rng: Rng) -> bytes:
        """As pictures of digits are damaged."""
        return self.source.make(rng)

    def read(self, content: bytes) -> bool:
        """Load its folder, scaled."""
        (self.folder / "a" / "2.png").write_bytes(content)
        data = load(str(self.folder), Options(shape=(12, 10, 1 + 2 * (len(content) % 2))))
        require(data.shape[:2] == (12, 10) and len(data.whole) == 3, "another shape or number")
        return require_sound(data)
