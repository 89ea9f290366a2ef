"""Fashion-MNIST: MNIST's sizes, with pictures of clothes instead of digits."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from glyphite.convert.data import published
from glyphite.convert.data.published import Published
from glyphite.convert.data.sources import (
    DebianPackage,
    Folder,
    PackedDownload,
    Source,
    set_variables,
)

MD5 = {
    "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
    "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
    "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
    "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
}
"""The published MD5 of each uncompressed file."""
PUBLISHED = Published("fashion-mnist", "Fashion-MNIST", tuple(MD5.items()))
CLASSES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets"
"""What ``keras.datasets.fashion_mnist`` downloads from; ``$GLYPHITE_FASHION_MNIST_URL`` may name a
mirror."""
DEBIAN_PACKAGE, DEBIAN_FOLDER = "dataset-fashion-mnist", "usr/share/datasets/fashion-mnist"


def default_sources() -> tuple[Source, ...]:
    """All sources, in the order in which they are tried: what is on this machine comes first."""
    names = PUBLISHED.names
    return (
        Folder(Path("/") / DEBIAN_FOLDER, names),
        PackedDownload(set_variables().get("glyphite_fashion_mnist_url", KERAS_URL), names),
        DebianPackage(DEBIAN_PACKAGE, DEBIAN_FOLDER, names),
    )


def load_files(
    cache: Path | None = None,
    sources: Sequence[Source] | None = None,
    report: Callable[[str], None] = lambda _: None,
) -> Mapping[str, bytes]:
    """The four IDX files by name, from the cache or the first source that has them.

    Raises DataError where a cached file is not the published one, no source has the data set, or
    the cache cannot be written; InputError where a cached file cannot be read.
    """
    cache = published.cache_folder(PUBLISHED.name) if cache is None else cache
    return PUBLISHED.load(cache, default_sources() if sources is None else sources, report)
