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

Array = NDArray[Any]


def read_npy(path: Path) -> Array:
    """The array in the .npy file ``path``.

    Raises InputError where it cannot be read or is not one whole array of finite numbers.
    """
    content, name = read_bytes(path), printable(str(path))
    if content.startswith(ZIP_MAGIC):
        raise InputError(f"{name} holds several arrays. Save the inputs alone with `numpy.save`.")
    return array_in(content, name)


def read_npz(path: Path, most: int = MOST_BYTES) -> dict[str, Array]:
    """The arrays in the .npz file ``path`` by name; together they have at most ``most`` bytes.

    Raises InputError where it cannot be read or holds anything but whole arrays of finite numbers.
    """
    return arrays_in(read_bytes(path, most), printable(str(path)), most)


def arrays_in(content: bytes, name: str, most: int = MOST_BYTES) -> dict[str, Array]:
    """The arrays in the bytes of a .npz file, which ``name`` names in messages, by name.

    Raises InputError where it holds anything but whole arrays of finite numbers, or more than
    ``most`` bytes.
    """
    files = unpack_zip(content, name, most)
    return {
        file.removesuffix(".npy"): array_in(inner, f"{printable(file)} in {name}")
        for file, inner in files.items()
    }


def array_in(content: bytes, name: str) -> Array:
    """The array in the bytes of a .npy file, which ``name`` names in messages.

    Raises InputError where it is not one whole array of finite numbers.
    """
    file = io.BytesIO(content)
    shape, by_columns, dtype = _header(file, name)
    if dtype.kind not in NUMBERS:
        raise InputError(f"{name} is not a .npy file of numbers: it holds {printable(str(dtype))}.")
    announced, there = math.prod(shape) * dtype.itemsize, len(content) - file.tell()
    if min(shape, default=0) < 0 or announced != there:
        raise InputError(
            f"{name} is not a whole .npy file: an array of the shape {shape} has {announced:,} "
            f"bytes, and {there:,} follow. Save it anew with `numpy.save`."
        )
    values = np.frombuffer(content, dtype, offset=file.tell())
    values = values.reshape(shape, order="F" if by_columns else "C")
    if dtype.kind == "f" and not np.isfinite(values).all():
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
