"""IDX, the format of MNIST's files: two zeros, a type, the number of axes, sizes, values.

Everything is big-endian: http://yann.lecun.com/exdb/mnist describes it.
"""

import math
import re
import struct
from pathlib import Path

import numpy as np

from glyphite.convert.archives import GZIP_MAGIC, unpack_gzip
from glyphite.convert.arrays import MOST_AXES
from glyphite.convert.data.arrays import found_in
from glyphite.convert.data.dataset import Array
from glyphite.convert.data.found import PART_NAMES, WHOLE, Found
from glyphite.convert.data.options import Options
from glyphite.convert.errors import DataError
from glyphite.convert.files import MOST_BYTES, read_bytes
from glyphite.convert.text import printable

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""The third byte of a file -> numpy's name of its type."""
_NAME = re.compile(r"[-._]idx\d*([-._](u?byte|short|int|float|double))?(\.gz)?$", re.IGNORECASE)


def idx(array: Array) -> bytes:
    """``array`` as an IDX file of unsigned bytes."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    with np.errstate(invalid="ignore"):  # what is no byte is noticed by the checksum
        return header + np.ascontiguousarray(array, np.uint8).tobytes()


def read_idx(path: Path, most: int = MOST_BYTES) -> Array:
    """The array in an IDX file, which may be packed by gzip.

    Raises DataError where it is not a whole IDX file, InputError where it cannot be read or unpacks
    to more than ``most`` bytes.
    """
    content, name = read_bytes(path, most), printable(str(path))
    if content.startswith(GZIP_MAGIC):
        content = unpack_gzip(content, name, most)
    axes = content[3] if len(content) > 3 else 0
    start = 4 + 4 * axes  # of the values
    if len(content) < start or content[:2] != b"\0\0" or content[2] not in TYPES:
        raise DataError(
            f"{name} is not an IDX file: it begins with {content[:4].hex(' ') or 'nothing'}, and "
            "00 00, a type of 08 to 0e, and a number of axes are expected. Fetch it anew."
        )
    dtype, shape = np.dtype(TYPES[content[2]]), struct.unpack_from(f">{axes}I", content, 4)
    announced, there = math.prod(shape) * dtype.itemsize, len(content) - start
    if not 1 <= axes <= MOST_AXES or announced != there:
        shown = printable(str(shape), 60)
        raise DataError(
            f"{name} is not a whole IDX file: an array of the shape {shown} has {announced:,} "
            f"bytes, and {there:,} follow. Fetch it anew."
        )
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)


def is_idx(path: Path) -> bool:
    """Whether a file has an IDX file's name: ``train-images-idx3-ubyte``, ``images.idx``, .gz."""
    return _NAME.search(path.name) is not None


def from_idx(folder: Path, files: list[Path], options: Options) -> Found:
    """The IDX files of a folder, by MNIST's names: inputs, and those with ``label`` in the name.

    Raises DataError where two files are the same part or one is not whole, InputError where a file
    cannot be read.
    """
    named: dict[str, Path] = {}
    for path in sorted(files, key=lambda path: path.suffix == ".gz"):  # what is unpacked is first
        name = _array_name(path)
        if name in named and path.name != f"{named[name].name}.gz":
            raise DataError(
                f"{printable(str(folder))} has two files of one part, "
                f"{printable(named[name].name)} and {printable(path.name)}. Keep one of them."
            )
        named.setdefault(name, path)
    arrays = {name: read_idx(path) for name, path in named.items()}
    return found_in(arrays, printable(str(folder)), options)


def _array_name(path: Path) -> str:
    """``train-images-idx3-ubyte`` as ``x_train``, by the words of its name."""
    words = path.name.lower().replace("_", "-").replace(".", "-").split("-")
    part = next((PART_NAMES[word] for word in words if word in PART_NAMES), WHOLE)
    role = "y" if any(word.startswith("label") for word in words) else "x"
    return role if part == WHOLE else f"{role}_{part}"
