"""What the verbs that read digits have in common: which models do, and the test set as tensors."""

import argparse
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import SIDE
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import command
from glyphite.host.cli.console import print_status
from glyphite.host.device.transport.firmware_files import emulated_url
from glyphite.host.runners.base import Tensors

DIGITS = tuple("0123456789")

MOST_IMAGES = 1_000_000
"""Of a count that is typed: more than most boards answer in a day."""


def count_of(text: str) -> int:
    """A number of images or of jobs. Raises ArgumentTypeError where it cannot be one."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MOST_IMAGES))
    if not is_number or not 1 <= int(text) <= MOST_IMAGES:
        raise argparse.ArgumentTypeError(f"{text!r} is no count: 1 to {MOST_IMAGES:,} is.")
    return int(text)


class Edge(Protocol):
    """A model's input or output: of a manifest, or of a compiled program."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The batch first, which is 1."""

    @property
    def dtype(self) -> str:
        """The type of its numbers."""


def is_image(shape: tuple[int, ...]) -> bool:
    """Whether inputs of this shape can be an image of MNIST: 28x28 with any axes of 1, or flat."""
    return tuple(size for size in shape if size != 1) in ((SIDE, SIDE), (SIDE * SIDE,))


def reads_digits(source: Edge, sink: Edge) -> bool:
    """Whether a model takes an image of MNIST and gives ten scores."""
    return is_image(source.shape) and tuple(size for size in sink.shape if size != 1) == (10,)


def next_step(
    named: str, source: Edge, sink: Edge, board: str = "", port: str = "", *, has_data: bool = False
) -> str:
    """The command to go on with, once a model is converted, or is on ``board`` (at ``port``).

    ``named`` and ``board`` stand in it as the user gave them. Images of digits are for models that
    read them; every other one is verified, unless its manifest names its own data (``has_data``).
    """
    if has_data or reads_digits(source, sink):
        words = ["compare", named]
        if board:
            words = ["stream", named, "--port", port or emulated_url(board)]
            words += ["--count", "100"] if port else []
    else:
        words = ["verify", named, "--board", board or "native"]
        words += ["--port", port] if port else []
        words += [] if board else ["--optimize", "speed"]  # which builds the firmware first
    return command("glyphite", *words)


def require_digits(manifest: Manifest) -> None:
    """Make sure that the model takes an image of MNIST and gives ten scores.

    Raises ModelError where it does not.
    """
    source, sink = manifest.input, manifest.output
    if not reads_digits(source, sink):
        raise ModelError(
            f"{manifest.name} takes {source.dtype} inputs of shape {source.shape[1:]} and gives "
            f"{sink.dtype} scores of shape {sink.shape[1:]}, and a digit model takes {SIDE}x{SIDE} "
            "pixels and gives 10 scores. "
            "Other models can be checked with `glyphite verify`."
        )
    if manifest.labels != DIGITS:
        raise ModelError(
            f"The manifest of {manifest.name} calls the ten classes {', '.join(manifest.labels)}, "
            f"and MNIST's are {', '.join(DIGITS)} in this order. Make it anew with "
            "`glyphite convert`."
        )


def load_digits(manifest: Manifest, count: int | None) -> tuple[Tensors, NDArray[np.uint8]]:
    """The first ``count`` test images of MNIST, or all: input tensors (n, *shape) and labels (n,).

    Raises ModelError where the model does not read digits, InputError where MNIST has fewer images,
    DataError where MNIST cannot be loaded.
    """
    from glyphite.convert.data.mnist import load_mnist

    require_digits(manifest)
    mnist = load_mnist(report=print_status)
    available = len(mnist.test_images)
    if count is not None and count > available:
        raise InputError(f"--count {count}: MNIST has {available:,} test images. Ask for fewer.")
    return manifest.quantize(mnist.test_images[:count]), mnist.test_labels[:count]
