"""Makes pictures of one kind, reads them, and counts what came of it."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.errors import ImageError
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli.predict import SURE
from glyphite.host.measure.digit_picture import read_digit
from glyphite.host.runners.litert import LitertRunner, read_manifest
from tests.pictures.sheets import KINDS, strokes


@dataclass
class Row:
    """What came of the pictures of one kind."""

    kind: str
    right: int = 0
    right_unsure: int = 0
    wrong: int = 0
    wrong_unsure: int = 0
    refused: int = 0


class Reader:
    """A model, loaded once, and the digits that are put on sheets."""

    def __init__(self, folder: ModelFolder, mnist: Mnist) -> None:
        self.manifest, self.mnist = read_manifest(folder), mnist
        self.runner = LitertRunner(folder.tflite)

    def read(self, kind: str, seed: int, count: int, keep: Path | None = None) -> Row:
        """Count what becomes of ``count`` pictures, which follow from kind and seed alone."""
        row = Row(kind)
        rng = np.random.default_rng([seed, *kind.encode()])
        with TemporaryDirectory() as folder:
            path = Path(folder) / "digit.png"
            for number in range(count):
                at = int(rng.integers(len(self.mnist.test_images)))
                picture = KINDS[kind](rng, strokes(rng, self.mnist.test_images[at]))
                picture.save(path, compress_level=1)
                is_right = self._is_right(path, int(self.mnist.test_labels[at]), row)
                if keep is not None and not is_right:
                    keep.mkdir(parents=True, exist_ok=True)
                    picture.save(keep / f"{kind} {number}.png")
        return row

    def _is_right(self, path: Path, label: int, row: Row) -> bool:
        try:
            probabilities = self._ask(read_digit(path))
        except ImageError:
            row.refused += 1
            return False
        is_right, is_unsure = int(probabilities.argmax()) == label, probabilities.max() < SURE
        row.right += is_right
        row.wrong += not is_right
        row.right_unsure += int(is_right and is_unsure)
        row.wrong_unsure += int(not is_right and is_unsure)
        return is_right

    def _ask(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        scores = self.runner.run(self.manifest.quantize(pixels[None]))[0][0]
        output = self.manifest.output
        return np.asarray((scores.astype(float) - output.zero_point) * output.scale)
