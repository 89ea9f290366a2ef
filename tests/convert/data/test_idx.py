"""IDX files of all types, packed or not, whole or damaged."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.dataset import Array
from glyphite.convert.data.idx import TYPES, idx, is_idx, read_idx
from glyphite.convert.data.load import load
from glyphite.convert.data.options import Kind
from glyphite.convert.errors import InputError
from tests.builders.data_sets import pixels

X, Y = pixels((20, 9, 9)), (np.arange(20) % 4).astype(np.uint8)


def of_type(code: int, array: Array) -> bytes:
    sizes = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return sizes + array.astype(TYPES[code]).tobytes()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_folder_by_mnist_s_names_is_read(tmp_path: Path, ending: str) -> None:
    names = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
    for name, array in zip(names, (X, Y), strict=True):
        for part in (name, name.replace("train", "t10k")):
            content = idx(array)
            (tmp_path / f"{part}{ending}").write_bytes(
                gzip.compress(content) if ending else content
            )
    data = load(str(tmp_path))
    assert (data.kind, data.shape, data.class_count) == (Kind.PICTURE, (9, 9), 4)
    assert np.array_equal(data.test.inputs, X)
    assert data.test.labels is not None
    assert np.array_equal(data.test.labels, Y)
    assert len(data.without_validation().train) == 20


def test_a_file_and_the_same_one_packed_are_one(tmp_path: Path) -> None:
    (tmp_path / "images.idx3-ubyte").write_bytes(idx(X))
    (tmp_path / "images.idx3-ubyte.gz").write_bytes(gzip.compress(idx(X)))
    assert len(load(str(tmp_path)).whole) == 20
    (tmp_path / "more-images-idx3-ubyte").write_bytes(idx(X))
    with pytest.raises(InputError, match="has two files of one part"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("train-images-idx3-ubyte", True),
        ("train-images.idx3-ubyte.gz", True),
        ("emnist-letters-test-labels-idx1-ubyte", True),
        ("a.idx", True),
        ("index.html", False),
        ("photo-idx3.png", False),
        ("idx_01.csv", False),
    ],
)
def test_a_file_of_the_format_is_known_by_its_name(name: str, answer: bool) -> None:
    assert is_idx(Path(name)) is answer


@pytest.mark.parametrize("code", TYPES)
def test_every_type_and_any_number_of_axes_are_read(tmp_path: Path, code: int) -> None:
    for array in (np.arange(6), np.arange(24).reshape(1, 2, 3, 4)):
        (tmp_path / "a-idx").write_bytes(of_type(code, array))
        found = read_idx(tmp_path / "a-idx")
        assert found.dtype == np.dtype(TYPES[code]).newbyteorder("=")
        assert np.array_equal(found, array)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "begins with nothing"),
        (b"\0\0\x08", "is not an IDX file: it begins with 00 00 08,"),
        (b"PK\3\4abcd", "is not an IDX file: it begins with 50 4b 03 04"),
        (b"\0\0\x0a\1\0\0\0\1a", "is not an IDX file"),
        (b"\0\0\x08\0", "is not a whole IDX file"),
        (idx(X)[:-1], "of the shape (20, 9, 9) has 1,620 bytes, and 1,619 follow"),
        (idx(X) + b"x", "has 1,620 bytes, and 1,621 follow"),
        (b"\0\0\x08\x04" + b"\xff" * 16, "and 0 follow"),
        (gzip.compress(idx(X))[:-9], "is cut short"),
        (b"\0\0\x08\xc8" + b"\0\0\0\1" * 200 + b"x", "has 1 bytes, and 1 follow"),
        (b"\x1f\x8babc", "is not packed by gzip"),
    ],
)
def test_what_is_no_whole_file_is_refused(tmp_path: Path, content: bytes, told: str) -> None:
    (tmp_path / "images-idx3-ubyte").write_bytes(content)
    with pytest.raises(InputError) as caught:
        load(str(tmp_path))
    assert told in str(caught.value)


def test_what_unpacks_to_more_than_a_limit_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "a-idx.gz").write_bytes(gzip.compress(bytes(1 << 16)))
    with pytest.raises(InputError, match="unpacks to more than 1,000 bytes"):
        read_idx(tmp_path / "a-idx.gz", 1000)
