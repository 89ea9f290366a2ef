"""A .keras file is read as a description first: code that is not Keras's own is never run."""

import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.quantize.keras_file import MOST_BYTES, MOST_IN_SEQUENCE, MOST_LAYERS, check
from tests.strict import require_module

Layer = dict[str, Any]


def layer(kind: str, module: str = "keras.layers", **config: object) -> Layer:
    """A layer as Keras describes it."""
    return {"class_name": kind, "module": module, "config": {"name": f"my_{kind.lower()}"} | config}


def keras_file(folder: Path, *layers: Layer) -> Path:
    """A .keras file of a model of these layers, without weights."""
    path = folder / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        model = layer("Sequential", "keras", layers=list(layers))
        archive.writestr("config.json", json.dumps(model))
    return path


DENSE = layer("Dense")
FOREIGN = layer("Attention", "my.own.code")


@pytest.mark.parametrize("module", ["keras", "keras.layers", "keras.src.layers.core"])
def test_keras_own_layers_pass(tmp_path: Path, module: str) -> None:
    inner = layer("Functional", module, layers=[DENSE])
    check(keras_file(tmp_path, DENSE, inner, layer("TimeDistributed", module, layer=DENSE)))


@pytest.mark.parametrize(
    "place",
    [
        FOREIGN,
        layer("Functional", layers=[DENSE, FOREIGN]),
        layer("TimeDistributed", layer=FOREIGN),
        layer("Bidirectional", layer=layer("Sequential", layers=[FOREIGN])),
    ],
    ids=["alone", "in a model", "in a wrapper", "in a model in a wrapper"],
)
def test_a_foreign_layer_is_named_wherever_it_is(tmp_path: Path, place: Layer) -> None:
    path = keras_file(tmp_path, DENSE, place)
    with pytest.raises(ModelError) as caught:
        check(path)
    assert str(caught.value) == (
        f"Layer 'my_attention' of the type Attention in {path} is code that is not Keras's own, "
        "and cannot be loaded. Replace it by layers of Keras and save the model anew."
    )


@pytest.mark.parametrize("module", ["keras.layers", "kerasx.layers", "my.keras"])
def test_a_lambda_and_look_alikes_of_keras_are_foreign(tmp_path: Path, module: str) -> None:
    kind = "Lambda" if module == "keras.layers" else "Dense"
    with pytest.raises(ModelError, match=f"Layer 'my_{kind.lower()}' of the type {kind} in"):
        check(keras_file(tmp_path, layer(kind, module)))


@pytest.mark.parametrize("content", [b"", b"no zip", b'{"config": {}}'])
def test_what_is_no_zip_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(ModelError, match=r"is not a \.keras file .* Save a model with"):
        check(tmp_path / "model.keras")
    with pytest.raises(ModelError, match=r"^No such file: .*other\.keras\. Name a \.keras file"):
        check(tmp_path / "other.keras")


@pytest.mark.parametrize(
    ("name", "text"), [("other", "{}"), ("config.json", "[1]"), ("config.json", "{}")]
)
def test_a_zip_that_describes_no_model_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr(name, text)
    with pytest.raises(ModelError, match=r"is not a \.keras file"):
        check(tmp_path / "model.keras")


def test_more_layers_than_are_loaded_are_refused_wherever_they_are(tmp_path: Path) -> None:
    inner = [DENSE] * (MOST_LAYERS - 2)
    check(keras_file(tmp_path, DENSE, layer("Functional", layers=inner)))
    with pytest.raises(ModelError, match=r"model\.keras has 1,001 layers, and at most 1,000 are"):
        check(keras_file(tmp_path, DENSE, DENSE, layer("Functional", layers=inner)))


def test_a_sequential_that_takes_minutes_to_load_is_refused(tmp_path: Path) -> None:
    check(keras_file(tmp_path, layer("Sequential", layers=[DENSE] * (MOST_IN_SEQUENCE - 1))))
    said = "has 122 layers in Sequentials, .*: one of 120 layers is the most"
    with pytest.raises(ModelError, match=said):
        check(keras_file(tmp_path, layer("Sequential", layers=[DENSE] * (MOST_IN_SEQUENCE + 1))))


def test_layers_within_each_other_without_end_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", '{"config": {"layer": ' * 50_000)
    with pytest.raises(ModelError, match=r"is not a \.keras file \(maximum recursion"):
        check(tmp_path / "model.keras")


def test_a_file_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path: Path) -> None:
    """The directory says so; the zip itself has a few hundred bytes."""
    path = keras_file(tmp_path, DENSE)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.weights.h5", b"")
        archive.infolist()[-1].file_size = 6 << 30
    with pytest.raises(
        ModelError, match=r"unpacks to 6,442,\d+,\d+ bytes, and at most 268,435,456"
    ):
        check(path)


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(MOST_BYTES + 1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (os.mkfifo, "is a pipe or a device"),
        (
            lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), MOST_BYTES + 1),
            "at most",
        ),
        (lambda path: path.symlink_to("/dev/zero"), "is a pipe or a device"),
        (lambda path: path.symlink_to(path), "Too many levels of symbolic links"),
        (Path.mkdir, "is a folder"),
    ],
    ids=["pipe", "huge", "device", "loop", "folder"],
)
def test_what_is_no_file_is_not_read(
    tmp_path: Path, make: Callable[[Path], object], said: str
) -> None:
    make(tmp_path / "model.keras")
    with pytest.raises(InputError, match=said):
        check(tmp_path / "model.keras")


class TestWeights:
    """HDF5 has as many ways to be larger than it is as zip has."""

    def of(self, folder: Path, fill: Callable[[Any, Any], object]) -> Path:
        """A .keras file whose weights ``fill(h5py, file)`` writes."""
        require_module("h5py")
        import h5py

        content = io.BytesIO()
        with h5py.File(content, "w") as file:
            fill(h5py, file)
        path = keras_file(folder, DENSE)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("model.weights.h5", content.getvalue())
        return path

    def test_arrays_in_groups_pass(self, tmp_path: Path) -> None:
        def fill(_: object, file: Any) -> None:  # noqa: ANN401
            file.create_dataset("layers/dense/vars/0", data=[1.0, 2.0])
            file.create_dataset("layers/dense/vars/1", data=1)

        check(self.of(tmp_path, fill))

    @pytest.mark.parametrize(
        ("fill", "said"),
        [
            (
                lambda _, file: file.create_dataset("a/b", (1 << 31,), "f4", chunks=(1 << 20,)),
                "its weights have 8,589,934,592 bytes, and at most 268,435,456 are read",
            ),
            (
                lambda h5py, file: file.update({"a": h5py.ExternalLink("/etc/passwd", "/")}),
                "has a from another place",
            ),
            (
                lambda h5py, file: file.update({"a": h5py.SoftLink("/b"), "b": 1}),
                "has a from another place",
            ),
            (
                lambda _, file: file.create_dataset(
                    "a", (4,), "i1", external=[("/etc/passwd", 0, 4)]
                ),
                "has a from another place",
            ),
            (lambda _, file: file.update({"a": file.create_group("g")}), "from another place"),
            (lambda _, file: file.create_group("g").update({"a": file["/"]}), "from another place"),
            (lambda _, file: file.update({"a": np.dtype("i1")}), "has a, which is no array"),
        ],
        ids=["large", "external_link", "soft_link", "external_data", "twice", "ring", "type"],
    )
    def test_arrays_from_elsewhere_or_too_large_are_refused(
        self, tmp_path: Path, fill: Callable[[Any, Any], object], said: str
    ) -> None:
        with pytest.raises(ModelError, match=said):
            check(self.of(tmp_path, fill))

    def test_damaged_weights_are_refused(self, tmp_path: Path) -> None:
        require_module("h5py")
        path = keras_file(tmp_path, DENSE)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("model.weights.h5", b"\x89HDF\r\n\x1a\n" + bytes(90))
        with pytest.raises(ModelError, match=r"its model\.weights\.h5 is damaged"):
            check(path)


@pytest.mark.parametrize("address", [b"\xfe" * 8, b"\xff" * 7 + b"\x7f", b"\0" * 7 + b"\x80"])
def test_an_address_beyond_the_weights_file_is_a_sentence(tmp_path: Path, address: bytes) -> None:
    """h5py asks the file for bytes at places that no file has, and ends in errors of many kinds."""
    import h5py

    file = io.BytesIO()
    with h5py.File(file, "w") as weights:
        weights["layers/dense/vars/0"] = np.zeros(3, np.float32)
    whole = file.getvalue()
    refused = 0
    for at in range(8, min(len(whole), 2048), 8):
        path = keras_file(tmp_path, DENSE)
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("model.weights.h5", whole[:at] + address + whole[at + 8 :])
        try:
            check(path)
        except ModelError as error:
            assert str(error).isprintable()
            refused += 1
    assert refused > 20
