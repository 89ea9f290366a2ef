"""What a page sends, as models of several kinds take it."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from glyphite.convert.errors import ImageError, InputError
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.convert.preprocessing import NAMED
from glyphite.host.measure.digit_picture import read_picture
from glyphite.host.serve.inputs import Inputs, Samples
from glyphite.host.serve.messages import Picture, Read, ReadValues, Refused, encode, parse
from tests.paths import TESTS

SEVEN = TESTS / "data" / "seven.png"


def _inputs(*shape: int, digits: bool = False, samples: Samples | None = None) -> Inputs:
    source = TensorInfo((1, *shape), "int8", 1 / 255, -128)
    sink = TensorInfo((1, 10), "int8", 1 / 256, -128)
    labels = tuple("0123456789")
    manifest = Manifest("m", "ab" * 32, source, sink, labels, NAMED["unit"])

    def load() -> Samples:
        assert samples is not None
        return samples

    return Inputs(manifest, digits, load)


def _picture(pixels: NDArray[np.uint8], **more: object) -> Picture:
    height, width = pixels.shape[:2]
    return Picture(width, height, pixels.tobytes(), **more)  # type: ignore[arg-type]


def test_a_drawing_is_seen_as_predict_sees_the_same_picture(tmp_path: Path) -> None:
    image = Image.open(SEVEN).convert("L")
    image.save(tmp_path / "grey.png")
    drawing = _picture(np.asarray(image))
    seen = _inputs(28, 28, 1, digits=True).of_picture(drawing)
    assert seen.picture is not None
    np.testing.assert_array_equal(seen.picture, read_picture(tmp_path / "grey.png").digits[0])
    assert seen.tensor.shape == (1, 28, 28, 1)


def test_a_test_image_is_taken_as_it_is() -> None:
    image = np.random.default_rng(1).integers(0, 256, (28, 28)).astype(np.uint8)
    seen = _inputs(28, 28, 1, digits=True).of_picture(_picture(image, is_tensor=True))
    assert (seen.tensor.reshape(28, 28).astype(int) + 128 == image).all()


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (Picture(280, 280, bytes(280 * 280)), "is empty: nothing stands out"),
        (Picture(280, 280, b"short"), "has 78,400 bytes, and 5 came"),
        (Picture(10, 10, bytes(100), is_tensor=True), "the model's own size, and that is"),
    ],
)
def test_what_is_no_drawing_is_refused_in_a_sentence(picture: Picture, said: str) -> None:
    with pytest.raises(ImageError, match=said):
        _inputs(28, 28, 1, digits=True).of_picture(picture)


def test_two_digits_are_refused_in_a_sentence() -> None:
    page = np.zeros((200, 300), np.uint8)
    page[40:160, 60:80] = page[40:160, 200:220] = 255
    with pytest.raises(ImageError, match="has 2 digits side by side, and one is read"):
        _inputs(28, 28, 1, digits=True).of_picture(_picture(page))


def test_a_picture_of_another_model_is_scaled_to_its_shape() -> None:
    inputs = _inputs(8, 12, 3)
    assert inputs.kind == "picture"
    red = np.zeros((20, 30, 4), np.uint8)
    red[..., 0] = red[..., 3] = 255
    seen = inputs.of_picture(Picture(30, 20, bytes(600), red.tobytes()))
    assert seen.tensor.shape == (1, 8, 12, 3)
    assert (seen.tensor[..., 0] == 127).all()
    assert (seen.tensor[..., 1:] == -128).all()


def test_values_are_taken_where_they_are_as_many_as_the_model_takes() -> None:
    inputs = _inputs(6)
    assert inputs.kind == "values"
    assert inputs.of_values(ReadValues(1, [0.0, 255.0] * 3)).tensor.tolist() == [[-128, 127] * 3]
    with pytest.raises(InputError, match="5 values were given, and m takes 6"):
        inputs.of_values(ReadValues(1, [0.0] * 5))
    with pytest.raises(InputError, match="no picture"):
        inputs.of_picture(Picture(10, 10, bytes(100)))


def test_samples_come_as_the_model_takes_them() -> None:
    values = _inputs(2, samples=Samples(np.array([[0.5, 2.0]]), ["up"])).sample(7)
    assert (values.label, values.values, values.picture) == ("up", [0.5, 2.0], None)
    images = np.zeros((2, 28, 28), np.uint8)
    sample = _inputs(28, 28, 1, digits=True, samples=Samples(images, ["3", "4"])).sample(3)
    assert sample.label == "4"
    assert sample.picture is not None
    assert sample.picture.is_tensor


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"type": "read"}', '{"type": "other", "id": 4}', "[" * 100_000,
        '{"type": "values", "id": 4, "values": []}',
        '{"type": "values", "id": 4, "values": [1], "more": 1}',
        json.dumps({"type": "read", "id": 4, "picture": {"width": 401, "height": 1, "pixels": ""}}),
        json.dumps({"type": "read", "id": 4, "picture": {"width": 1, "height": 1, "pixels": "?"}}),
    ],
)  # fmt: skip
def test_what_is_no_message_is_told_so(text: str) -> None:
    told = parse(text)
    assert isinstance(told, Refused)
    assert told.text.startswith("The server does not understand the page (")
    assert told.id == (4 if '"id": 4' in text else 0)
    assert json.loads(encode(told))["type"] == "refused"


def test_a_message_is_read_by_its_type() -> None:
    picture = {"width": 1, "height": 2, "pixels": "AAE=", "isTensor": True}
    told = parse(json.dumps({"type": "read", "id": 3, "picture": picture}))
    assert told == Read(3, Picture(1, 2, b"\0\1", None, True))
