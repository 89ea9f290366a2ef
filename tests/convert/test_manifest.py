"""A manifest prepares inputs as the model was trained on, and comes back as it was saved."""

# ruff: noqa: ANN401 - any JSON

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.errors import ModelError
from glyphite.convert.manifest import MEND, DataRecord, Manifest, TensorInfo
from glyphite.convert.preprocessing import Preprocessing

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
    tensors = MANIFEST.quantize(pixels)
    assert tensors.shape == (1, 2, 2, 1)
    assert tensors.dtype == np.int8
    assert tensors.ravel().tolist() == [-100, -100, -99, 0]
    bright = dataclasses.replace(MANIFEST, preprocessing=Preprocessing())
    assert bright.quantize(pixels).ravel().tolist() == [-100, 0, 100, 127]


def test_every_input_value_stands_for_its_real_number() -> None:
    """Also where value and zero point lie further apart than 8 bits reach."""
    values = np.arange(-128, 128)
    real = MANIFEST.dequantize_input(values.astype(np.int8))
    assert real.dtype == np.float32
    np.testing.assert_allclose(real, 0.01 * (values + 100), rtol=1e-6)


def test_logits_become_shares_by_a_softmax() -> None:
    scores = np.array([[0, 10, 20]], np.int8)
    assert MANIFEST.gives_shares
    np.testing.assert_allclose(MANIFEST.shares(scores)[0], np.array([128, 138, 148]) / 256)
    logits = dataclasses.replace(MANIFEST, output=TensorInfo((1, 3), "int8", 0.1, 0))
    raised = np.exp(np.arange(3.0))
    np.testing.assert_allclose(logits.shares(scores)[0], raised / raised.sum())
    one = dataclasses.replace(MANIFEST, output=TensorInfo((1, 1), "int8", 0.1, 0))
    halves = one.shares(np.array([[0], [127]], np.int8)).ravel()
    np.testing.assert_allclose(halves, np.array([0.5, 1.0]), atol=1e-5)


def test_a_saved_manifest_comes_back_equal(tmp_path: Path) -> None:
    MANIFEST.save(tmp_path / "manifest.json")
    assert Manifest.load(tmp_path / "manifest.json") == MANIFEST


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"input": 1}', "{" * 10_000, '{"name": NaN}'])
def test_what_is_no_manifest_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(damage)
    with pytest.raises(ModelError, match=r"^.*/manifest\.json: .*Make both anew with `glyphite"):
        Manifest.load(path)


def fields(value: Any, where: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every value in a document."""
    for key in value if isinstance(value, dict) else range(len(value)):
        yield (*where, key)
        if isinstance(value[key], dict | list):
            yield from fields(value[key], (*where, key))


FULL = dataclasses.replace(
    MANIFEST,
    preprocessing=Preprocessing(2.0, (3.0,), (4.0,), "bgr"),
    data=DataRecord("x.npz", {"window": "8"}, "x", "ef" * 32, "by seed"),
    calibration="none",
    tools={"numpy": "2"},
    float_sha256="cd" * 32,
    scheme="per-tensor",
)
"""No field has its default: one that is left out is another one."""


def saved(folder: Path) -> dict[str, Any]:
    FULL.save(folder / "manifest.json")
    document: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return document


def refusal(folder: Path, document: object) -> str:
    path = folder / "manifest.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ModelError) as caught:
        Manifest.load(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert said.endswith(MEND)
    assert "\n" not in said
    return said


def holder(document: Any, where: tuple[Any, ...]) -> Any:
    for key in where[:-1]:
        document = document[key]
    return document


FIELDS = list(fields(json.loads(json.dumps(dataclasses.asdict(FULL)))))
WRONG: dict[str, object] = {
    **{"none": None, "object": {"a": []}, "bool": True, "list": [[]], "nan": math.nan}
}


@pytest.mark.parametrize("where", FIELDS, ids=str)
@pytest.mark.parametrize("wrong", WRONG)
def test_every_field_is_refused_where_its_type_is_another(
    tmp_path: Path, where: tuple[Any, ...], wrong: str
) -> None:
    if (where, wrong) == (("data",), "none"):  # so is that of a model of which nobody knows it
        where = ("data", "sha256")
    document = saved(tmp_path)
    holder(document, where)[where[-1]] = WRONG[wrong]
    said = refusal(tmp_path, document)
    assert "NaN" in said if wrong == "nan" else str(where[0]) in said


@pytest.mark.parametrize("where", FIELDS, ids=str)
def test_every_field_is_refused_where_it_is_missing(tmp_path: Path, where: tuple[Any, ...]) -> None:
    document = saved(tmp_path)
    del holder(document, where)[where[-1]]
    said = refusal(tmp_path, document)
    assert where[0] in said or "its checksum does not fit" in said


def another(value: Any) -> Any:
    """A value of the same type that a field might have as well."""
    if isinstance(value, str):
        return value[::-1] if value[::-1] != value else f"{value}x"
    return value / 2 if isinstance(value, float) else value + 1


LEAVES = [where for where in FIELDS if not isinstance(holder(json.loads(json.dumps(
    dataclasses.asdict(FULL))), where)[where[-1]], dict | list)]  # fmt: skip


@pytest.mark.parametrize("where", LEAVES, ids=str)
def test_every_field_is_refused_where_a_hand_changed_it(
    tmp_path: Path, where: tuple[Any, ...]
) -> None:
    document = saved(tmp_path)
    inner = holder(document, where)
    inner[where[-1]] = another(inner[where[-1]])
    said = refusal(tmp_path, document)
    assert "was changed by hand since `glyphite convert` wrote it" in said or str(where[0]) in said


def test_labels_in_another_order_are_noticed(tmp_path: Path) -> None:
    document = saved(tmp_path)
    document["labels"].reverse()
    assert "was changed by hand" in refusal(tmp_path, document)


@pytest.mark.parametrize(
    ("where", "value", "said"),
    [
        (("input", "scale"), -0.5, "'$.input.scale' is -0.5, and a number >= 0.0 is needed"),
        (("input", "scale"), 10**400, "'$.input.scale' is a whole number that does not fit"),
        (("input", "zero_point"), 128, "'$.input.zero_point' is 128, and a whole number <= 127"),
        (("output", "zero_point"), -129, "'$.output.zero_point' is -129, and a whole number >="),
        (("output", "shape"), [3], "'$.output.shape' is [3], and a list of length >= 2 is needed"),
        (("input", "shape", 1), 0, "'$.input.shape[1]' is 0, and a whole number >= 1 is needed"),
        (("input", "dtype"), "int16", "'$.input.dtype' is 'int16', and a string of the pattern"),
        (
            ("preprocessing", "divisor"),
            0,
            "divisor' is 0, and a number >= 1e-06 is needed",
        ),
        (
            ("preprocessing", "divisor"),
            1e300,
            "divisor' is 1e+300, and a number <= 1000000.0 is",
        ),
        (("accuracy", "int8_tflm"), 7.0, "and a number <= 1.0 is needed"),
        (("accuracy", "int8_tflm"), -0.1, "and a number >= 0.0 is needed"),
        (("sha256",), "AB" * 32, "is 'ABABAB"),
        (("float_sha256",), "ab", "'$.float_sha256' is 'ab', and a string of the pattern"),
        (("colour",), 1, "unknown key '$.colour'. Allowed here: name, sha256, input, output,"),
        (("input", "colour"), 1, "unknown key '$.input.colour'. Allowed here: shape, dtype,"),
    ],
    ids=str,
)
def test_a_value_out_of_its_range_is_named(
    tmp_path: Path, where: tuple[Any, ...], value: object, said: str
) -> None:
    document = saved(tmp_path)
    holder(document, where)[where[-1]] = value
    assert said in refusal(tmp_path, document)


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "b"), ("a", "b", "c", "d"), ()])
def test_each_class_has_a_label_of_its_own(tmp_path: Path, labels: tuple[str, ...]) -> None:
    dataclasses.replace(FULL, labels=labels).save(tmp_path / "manifest.json")
    with pytest.raises(ModelError, match="different labels, and the output has 3 classes"):
        Manifest.load(tmp_path / "manifest.json")


def test_no_manifest_is_written_with_a_number_that_json_has_not(tmp_path: Path) -> None:
    wrong = dataclasses.replace(MANIFEST, preprocessing=Preprocessing(math.inf))
    with pytest.raises(ValueError, match="not JSON compliant"):
        wrong.save(tmp_path / "manifest.json")
