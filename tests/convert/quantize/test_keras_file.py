"""A .keras file is read as a description first: code that is not Keras's own is never run."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from glyphite.convert.errors import ModelError
from glyphite.convert.quantize.keras_file import check

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


@pytest.mark.parametrize(("name", "text"), [("other", "{}"), ("config.json", "[1]")])
def test_a_zip_that_describes_no_model_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr(name, text)
    with pytest.raises(ModelError, match=r"is not a \.keras file"):
        check(tmp_path / "model.keras")
