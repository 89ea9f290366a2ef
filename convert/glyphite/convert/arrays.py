"""The one way in for numpy's files: .npy, and .npz, which is a zip of them.

Only numbers are read, no Python objects, whose reading runs code. The size that a header announces
is held against the bytes that are there before memory is taken for it.
"""

import io
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from glyphite.convert.archives import unpack_zip
from glyphite.convert.errors import InputError
from glyphite.convert.files import MOST_BYTES, read_bytes
from glyphite.convert.text import printable

MAGIC = npy.MAGIC_PREFIX
ZIP_MAGIC = b"PK"
NUMBERS = "biuf"
"""numpy's letters for truth values, integers with and without a sign, and floats."""
MOST_AXES = 32
"""Of any array that every numpy from 1.26 on can make."""

Array = NDArray[Any]


def read_npy(path: Path) -> Array:
    """The array in the .npy file ``path``.

    Raises InputError where it cannot be read or is not one whole array of finite numbers.
    """
    content, name = read_bytes(path), printable(str(path))
    if content.startswith(ZIP_MAGIC):
        raise InputError(f"{name} holds several arrays. Save the inputs alone with `numpy.save`.")
    return array_in(content, name)


def read_npz(path: Path, most: int = MOST_BYTES, *, finite: bool = True) -> dict[str, Array]:
    """The arrays in the .npz file ``path`` by name; together they have at most ``most`` bytes.

    Raises InputError where it cannot be read or holds anything but whole arrays of numbers, which
    must be finite unless ``finite`` is false.
    """
    return arrays_in(read_bytes(path, most), printable(str(path)), most, finite=finite)


def arrays_in(
    content: bytes, name: str, most: int = MOST_BYTES, *, finite: bool = True
) -> dict[str, Array]:
    """The arrays in the bytes of a .npz file, which ``name`` names in messages, by name.

    Raises InputError where it holds anything but whole arrays of numbers, which must be finite
    unless ``finite`` is false, or more than ``most`` bytes.
    """
    files = unpack_zip(content, name, most)
    return {
        file.removesuffix(".npy"): array_in(inner, f"{printable(file)} in {name}", finite=finite)
        for file, inner in files.items()
    }


def array_in(content: bytes, name: str, *, finite: bool = True) -> Array:
    """The array in the bytes of a .npy file, which ``name`` names in messages.

    Raises InputError where it is not one whole array of numbers, which must be finite unless
    ``finite`` is false.
    """
    file = io.BytesIO(content)
    shape, by_columns, dtype = _header(file, name)
    if dtype.kind not in NUMBERS:
        raise InputError(
            f"{name} is not a .npy file of numbers: it holds {printable(str(dtype))}. Save "
            "numbers; of classes, those from 0, with their names in labels.txt beside it."
        )
    _check_shape(shape, dtype, name)
    announced, there = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
    if announced != there:
        raise InputError(
            f"{name} is not a whole .npy file: an array of the shape {shape} has {announced:,} "
            f"bytes, and {there:,} follow. Save it anew with `numpy.save`."
        )
    values = np.frombuffer(content, dtype, offset=file.tell())
    values = values.reshape(shape, order="F" if by_columns else "C")
    if finite and dtype.kind == "f" and not np.isfinite(values).all():
        count = int(np.count_nonzero(~np.isfinite(values)))
        raise InputError(
            f"{name} holds {count:,} of {values.size:,} values that are not finite (NaN or "
            "infinite). Replace or remove them."
        )
    return values


def _header(file: io.BytesIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type; ``file`` is then at the first value."""
    try:
        version = npy.read_magic(file)
        reads = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
        shape, by_columns, dtype = reads[version](file)
    except Exception as error:  # the header is Python, and reading it raises whatever that does
        raise InputError(
            f"{name} is not a .npy file of numbers. Make one with `numpy.save`."
        ) from error
    return shape, by_columns, dtype


def _check_shape(shape: tuple[int, ...], dtype: np.dtype[Any], name: str) -> None:
    """InputError where numpy can make no such array, whose header is not of its own making."""
    whole = all(type(size) is int and size >= 0 for size in shape)  # True is an int as well
    room = math.prod(max(size, 1) for size in shape) * dtype.itemsize  # as numpy counts empty ones
    if len(shape) > MOST_AXES or not whole or room > np.iinfo(np.intp).max:
        raise InputError(
            f"{name} is not a whole .npy file: its header has the shape {printable(str(shape))}, "
            f"and at most {MOST_AXES} axes are allowed, each a whole number from 0, and together "
            "no more than a computer can count. Save it anew with `numpy.save`."
        )
