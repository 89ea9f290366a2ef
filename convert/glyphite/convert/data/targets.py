"""What an array of targets says: classes, numbers to be met, or the inputs once more."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.dataset import Array, Inputs, Labels, Numbers, Targets
from glyphite.convert.data.options import NUMBERS
from glyphite.convert.errors import DataError
from glyphite.convert.text import printable

NUMERIC = "biuf"
"""numpy's letters for truth values, integers with and without a sign, and floats."""
MOST_CLASSES = 100_000
"""A label beyond it is a number that was measured, or damage."""


def numeric(value: object, what: str) -> Array:
    """``value`` as an array of numbers; ``what`` names it in messages.

    Truth values become 0 and 1, and floats of any other size float32 or float64. Raises DataError
    where it holds anything but real numbers, or rows of different lengths.
    """
    try:
        array = np.asarray(value)
    except Exception as error:  # of another package's type, whose conversion raises what it will
        raise DataError(
            f"{what} cannot be made one array: {printable(str(error))}. "
            "All samples need the same shape."
        ) from error
    if array.dtype.kind not in NUMERIC:
        raise DataError(
            f"{what} hold {_in_words(array)}, and numbers are needed. Convert it, for example by "
            "`.astype('float32')`; class names belong into the labels as numbers from 0."
        )
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    if array.dtype.kind == "f" and array.dtype.itemsize not in (4, 8):
        return array.astype(np.float32 if array.dtype.itemsize < 4 else np.float64)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _in_words(array: NDArray[Any]) -> str:
    kinds = {"U": "strings", "S": "strings", "O": "Python objects", "c": "complex numbers"}
    first = printable(repr(array.reshape(-1)[:1].tolist()).strip("[]"), 40)
    return f"{kinds.get(array.dtype.kind, str(array.dtype))} ({first})"


def targets_of(values: Array, inputs: Array, what: str, as_numbers: bool) -> tuple[Targets, str]:
    """The targets that an array of numbers stands for, and a note on them or "".

    ``inputs`` (n, ...) are those of the samples. Labels are whole and not negative, (n,) or (n, 1);
    or (n, classes) with a single 1 a row. Raises DataError where labels are negative, huge or not
    finite.
    """
    if values is inputs or (values.shape == inputs.shape and np.array_equal(values, inputs)):
        return Inputs(), ""
    flat = values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values
    finite = np.isfinite(flat)
    whole = flat.dtype.kind in "iu" or bool(np.all(flat[finite] % 1 == 0))
    if whole and not as_numbers and not finite.all():
        raise DataError(
            f"{what} holds {np.count_nonzero(~finite):,} of {flat.size:,} values that are not "
            "finite (NaN or infinite) among labels of classes. Label these samples, or take them "
            f"out; or say {NUMBERS} where they are numbers to be met."
        )
    if as_numbers or not whole:
        return Numbers(_as_floats(values)), ""
    if flat.ndim == 1:
        return Labels(_labels(flat, what)), ""
    if flat.ndim == 2 and _is_one_hot(flat):
        return Labels(flat.argmax(axis=1).astype(np.int64)), f"{what} has a single 1 in each row."
    return Numbers(_as_floats(values)), ""


def _as_floats(values: Array) -> Array:
    return values if values.dtype.kind == "f" else values.astype(np.float32)


def _is_one_hot(values: Array) -> bool:
    ones = (values == 1).sum(axis=1)
    return len(values) > 0 and bool(np.all(ones == 1) and np.all((values == 0) | (values == 1)))


def _labels(values: Array, what: str) -> NDArray[np.int64]:
    low, high = (values.min(), values.max()) if len(values) else (0, 0)
    if low < 0 or high > MOST_CLASSES:
        raise DataError(
            f"{what} goes from {low:g} to {high:g}, and labels of classes are whole numbers from 0 "
            f"to {MOST_CLASSES:,}. Count the classes from 0, or say {NUMBERS} where they are "
            "numbers to be met."
        )
    return values.astype(np.int64)
