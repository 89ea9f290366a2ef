"""The test set as input tensors, for the verbs that read digits."""

import argparse

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.manifest import Manifest
from glyphite.host.cli.console import print_status
from glyphite.host.measure.digit_picture import SIDE
from glyphite.host.runners.base import Tensors


def count_of(text: str) -> int:
    """A number of images. Raises ArgumentTypeError, for argparse, where it is not 1 or more."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of images: 1 or more is.")
    return int(text)


def require_digits(manifest: Manifest) -> None:
    """Make sure that the model takes an image of MNIST and gives ten scores.

    Raises ModelError where it does not.
    """
    found = manifest.input.shape[1:], manifest.output.shape[1:]
    if int(np.prod(found[0])) != SIDE * SIDE or int(np.prod(found[1])) != 10:
        raise ModelError(
            f"{manifest.name} takes inputs of shape {found[0]} and gives scores of shape "
            f"{found[1]}, and a digit model takes {SIDE}x{SIDE} pixels and gives 10 scores. "
            "Other models can be checked with `glyphite verify`."
        )


def load_digits(manifest: Manifest, count: int | None) -> tuple[Tensors, NDArray[np.uint8]]:
    """The first ``count`` test images of MNIST, or all: input tensors (n, *shape) and labels (n,).

    Raises ModelError where the model does not read digits, InputError where MNIST has fewer images,
    DataError where MNIST cannot be loaded.
    """
    from glyphite.train.data.mnist import load_mnist

    require_digits(manifest)
    mnist = load_mnist(report=print_status)
    available = len(mnist.test_images)
    if count is not None and count > available:
        raise InputError(f"--count {count}: MNIST has {available:,} test images. Ask for fewer.")
    return manifest.quantize_pixels(mnist.test_images[:count]), mnist.test_labels[:count]
