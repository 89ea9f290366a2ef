"""numpy's files hold whole arrays of finite numbers, or are refused before memory is taken."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.archives import unpack_zip
from glyphite.convert.arrays import array_in, read_npy, read_npz
from glyphite.convert.errors import InputError


def npy(values: NDArray[np.generic]) -> bytes:
    file = io.BytesIO()
    np.save(file, values)
    return file.getvalue()


def announced(header: str, version: int = 1) -> bytes:
    """A .npy file of four zero bytes that begins with this header."""
    text = header.encode("latin1")
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + bytes(4)


def header(shape: str = "(4,)", dtype: str = "|u1") -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}}}\n"


@pytest.mark.parametrize("dtype", ["?", "i1", ">i2", "<u4", "f2", "<f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_come_back_as_numpy_reads_them(tmp_path: Path, dtype: str, order: str) -> None:
    values = np.asarray(np.arange(24).reshape(2, 3, 4), dtype=dtype)
    np.save(tmp_path / "a.npy", np.asarray(values, order="C" if order == "C" else "F"))
    read = read_npy(tmp_path / "a.npy")
    assert read.dtype == values.dtype
    np.testing.assert_array_equal(read, values)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3)])
def test_an_array_may_hold_one_value_or_none(shape: tuple[int, ...]) -> None:
    assert array_in(npy(np.zeros(shape)), "it").shape == shape


DAMAGED = {
    "cut": (npy(np.zeros(9))[:-1], "has 72 bytes, and 71 follow"),
    "longer": (npy(np.zeros(9)) + b"x", "has 72 bytes, and 73 follow"),
    "bomb": (announced(header("(1000000000000,)")), "has 1,000,000,000,000 bytes, and 4 follow"),
    "overflow": (announced(header(f"({1 << 62}, 8)")), "at most 32 axes"),
    "empty_overflow": (announced(header(f"(0, {1 << 70})"))[:-4], "at most 32 axes"),
    "empty_long": (announced(header(f"({10**4000}, 0)"))[:-4], "has the shape (1000"),
    "axes": (announced(header(f"({'1,' * 32} 4)")), "at most 32 axes are allowed"),
    "truth": (announced(header("(True, 4)")), "has the shape (True, 4), and at most"),
    "negative": (announced(header("(-4,)")), "has the shape (-4,), and at most"),
    "both_negative": (announced(header("(-2, -2)")), "each a whole number from 0"),
    "text": (npy(np.array(["a"])), "is not a .npy file of numbers: it holds <U1"),
    "complex": (npy(np.zeros(2, complex)), "is not a .npy file of numbers: it holds complex128"),
    "dates": (npy(np.zeros(2, "M8[s]")), "is not a .npy file of numbers: it holds datetime64"),
    "records": (npy(np.zeros(2, "i4,f4")), "is not a .npy file of numbers: it holds [('f0'"),
    "objects": (announced(header(dtype="|O")), "is not a .npy file of numbers"),
    "no_dict": (announced("[1]"), "is not a .npy file of numbers"),
    "code": (announced("__import__('os').getpid()"), "is not a .npy file of numbers"),
    "deep": (announced("(" * 5000), "is not a .npy file of numbers"),
    "long": (announced(header() + " " * 20_000), "is not a .npy file of numbers"),
    "version": (announced(header(), version=9), "is not a .npy file of numbers"),
    "empty": (b"", "is not a .npy file of numbers"),
    "nan": (npy(np.array([1, np.nan, np.inf])), "holds 2 of 3 values that are not finite"),
    "nan16": (npy(np.array([np.nan], np.float16)), "holds 1 of 1 values that are not finite"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_what_is_no_whole_array_of_finite_numbers_is_refused(tmp_path: Path, name: str) -> None:
    content, said = DAMAGED[name]
    path = tmp_path / "a.npy"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_npy(path)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("inner.npy", content)
    with pytest.raises(InputError, match=r"^inner\.npy in .*a\.npz"):
        read_npz(tmp_path / "a.npz")


def test_an_archive_gives_its_arrays_by_name(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", one=np.arange(3), two=np.eye(2))
    read = read_npz(tmp_path / "a.npz")
    assert list(read) == ["one", "two"]
    np.testing.assert_array_equal(read["two"], np.eye(2))


def packed(*files: tuple[str, bytes], announces: int | None = None) -> bytes:
    """A zip of these files; its directory may announce another size of the last."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
        if announces is not None:
            archive.infolist()[-1].file_size = announces
    return file.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is not a whole zip archive"),
        (packed(("a", b"x"))[:-5], "it is not a whole zip archive"),
        (packed(("a", b"x"), ("a", b"y")), "it has two files of one name"),
        (packed(("a", bytes(600)), ("b", bytes(500))), "unpacks to 1,100 bytes, and at most 1,000"),
        (packed(("a", bytes(1 << 20)), announces=9), r"is not a whole zip archive \(Bad CRC-32"),
    ],
    ids=["empty", "cut", "twice", "large", "lies"],
)
def test_an_archive_that_is_none_or_too_large_is_refused(content: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        unpack_zip(content, "it", 1000)


def test_a_damaged_file_in_an_archive_is_refused() -> None:
    content = bytearray(packed(("a", bytes(range(200)))))
    content[60] ^= 1
    with pytest.raises(InputError, match="it is not a whole zip archive"):
        unpack_zip(bytes(content), "it", 1000)


@pytest.mark.parametrize("how", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_zip_that_is_packed_otherwise_is_refused_before_it_is_unpacked(how: int) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", how) as archive:
        archive.writestr("a.npy", npy(np.zeros(9)))
    with pytest.raises(InputError, match="it is packed otherwise than by deflate"):
        unpack_zip(content.getvalue(), "it", 1000)


def test_a_zip_with_a_file_without_a_name_is_refused() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), npy(np.zeros(9)))
    with pytest.raises(InputError, match="it has a file without a name"):
        unpack_zip(content.getvalue(), "it", 1000)
