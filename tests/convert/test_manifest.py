"""A manifest prepares inputs as the model was trained on, and comes back as it was saved."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.errors import ModelError
from glyphite.convert.manifest import Manifest, TensorInfo

MANIFEST = Manifest(
    name="tiny",
    sha256="ab" * 32,
    input=TensorInfo((1, 2, 2, 1), "int8", 0.01, -100),
    output=TensorInfo((1, 3), "int8", 1 / 256, -128),
    labels=("a", "b", "c"),
    accuracy={"int8_tflm": 0.5},
)


def test_pixels_become_the_nearest_levels_and_stay_within_int8() -> None:
    """2 / 255 is 0.78 levels of 0.01; 255 / 255 is 100 levels above the zero point."""
    pixels = np.array([[[0, 1], [2, 255]]], np.uint8)
    tensors = MANIFEST.quantize_pixels(pixels)
    assert tensors.shape == (1, 2, 2, 1)
    assert tensors.dtype == np.int8
    assert tensors.ravel().tolist() == [-100, -100, -99, 0]
    bright = dataclasses.replace(MANIFEST, pixel_divisor=1.0)
    assert bright.quantize_pixels(pixels).ravel().tolist() == [-100, 0, 100, 127]


def test_every_input_value_stands_for_its_real_number() -> None:
    """Also where value and zero point lie further apart than 8 bits reach."""
    values = np.arange(-128, 128)
    real = MANIFEST.dequantize_input(values.astype(np.int8))
    assert real.dtype == np.float32
    np.testing.assert_allclose(real, 0.01 * (values + 100), rtol=1e-6)


def test_a_saved_manifest_comes_back_equal(tmp_path: Path) -> None:
    MANIFEST.save(tmp_path / "manifest.json")
    assert Manifest.load(tmp_path / "manifest.json") == MANIFEST


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"input": 1}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(damage)
    with pytest.raises(ModelError, match=r"is not a model manifest \(.*Make it anew with"):
        Manifest.load(path)


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**dataclasses.asdict(MANIFEST), "colour": "red"}))
    with pytest.raises(ModelError, match="colour"):
        Manifest.load(path)
