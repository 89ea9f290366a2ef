"""Data sets that have a name: they are fetched once, checked, and kept."""

from collections.abc import Callable, Mapping

import numpy as np

from glyphite.convert.data import fashion_mnist
from glyphite.convert.data.dataset import Labels, Part
from glyphite.convert.data.found import TEST, TRAIN, VALIDATION, Found
from glyphite.convert.data.mnist import VALIDATION_IMAGES, Mnist, load_mnist, parsed
from glyphite.convert.data.options import Kind, Options

DIGITS = tuple("0123456789")


def from_mnist(options: Options) -> Found:
    """MNIST. Raises DataError where it cannot be loaded."""
    return _found(load_mnist(report=options.report), "mnist", "MNIST", DIGITS)


def from_fashion_mnist(options: Options) -> Found:
    """Fashion-MNIST. Raises DataError where it cannot be loaded."""
    files = fashion_mnist.load_files(report=options.report)
    name, title = fashion_mnist.PUBLISHED.name, fashion_mnist.PUBLISHED.title
    return _found(parsed(files), name, title, fashion_mnist.CLASSES)


NAMES: Mapping[str, Callable[[Options], Found]] = {
    "mnist": from_mnist,
    "fashion-mnist": from_fashion_mnist,
}


def _found(images: Mnist, name: str, title: str, classes: tuple[str, ...]) -> Found:
    split = images.split()
    parts = {
        TRAIN: (split.train_images, split.train_labels),
        VALIDATION: (split.test_images, split.test_labels),
        TEST: (images.test_images, images.test_labels),
    }
    made = {
        part: Part((pixels,), Labels(labels.astype(np.int64)))
        for part, (pixels, labels) in parts.items()
    }
    sentence = (
        f"{title} has its own test part; to validate, the last {VALIDATION_IMAGES:,} of its "
        "training images are held out."
    )
    return Found(made, Kind.PICTURE, classes, (), sentence, False, name, title)
