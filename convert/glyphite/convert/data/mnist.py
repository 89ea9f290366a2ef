"""MNIST: 60,000 training and 10,000 test images of handwritten digits, checked and cached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data import published
from glyphite.convert.data.published import Published
from glyphite.convert.data.sources import Source, default_sources

MD5 = {
    "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
    "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
    "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
    "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
}
"""The published MD5 of each uncompressed file."""

PUBLISHED = Published("mnist", "MNIST", tuple(MD5.items()))
VALIDATION_IMAGES = 10_000

SIDE = 28
"""Rows and columns of an image, in pixels."""

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
    return published.cache_folder(PUBLISHED.name)


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
    return parsed(PUBLISHED.load(cache, default_sources() if sources is None else sources, report))


def parsed(files: Mapping[str, bytes]) -> Mnist:
    """The arrays in the IDX files: the checksum has shown that headers have 16 and 8 bytes."""
    arrays = []
    for name in MD5:
        values = np.frombuffer(files[name], np.uint8)
        arrays.append(values[16:].reshape(-1, 28, 28) if "images" in name else values[8:])
    return Mnist(*arrays)
