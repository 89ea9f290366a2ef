"""Digits on sheets as cameras and scanners see them; `python -m tests.pictures` reads many more."""

from dataclasses import replace

import numpy as np
import pytest

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.workspace import find_model
from tests.pictures.read import Reader
from tests.pictures.sheets import KINDS

CLEAR = np.array([0, 1, 2, 3, 4, 7, 10])
"""Test images that nobody reads in two ways."""


@pytest.fixture(scope="module")
def reader() -> Reader:
    mnist = load_mnist()
    images, labels = mnist.test_images[CLEAR], mnist.test_labels[CLEAR]
    return Reader(find_model("uno"), replace(mnist, test_images=images, test_labels=labels))


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_clear_digit_is_read_from_a_sheet_of_any_kind(reader: Reader, kind: str) -> None:
    row = reader.read(kind, seed=1, count=1)
    assert row.right == 1, row
