"""A folder of pictures is what Keras makes of it, and a file that is none is named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glyphite.convert.data import pictures as source
from glyphite.convert.data.load import load
from glyphite.convert.data.options import Kind, OnBad, Options, Shares
from glyphite.convert.data.picture_file import decode, look, resized
from glyphite.convert.errors import DataError
from tests.builders.data_sets import pixels, save_picture, save_pictures

ALL = Options(shares=Shares(0, 0, 1))
LEAVE_OUT = Options(on_bad=OnBad.LEAVE_OUT)


def refused(folder: Path, options: Options | None = None) -> str:
    with pytest.raises(DataError) as caught:
        load(str(folder), options)
    return str(caught.value)


def test_a_folder_for_each_class_is_read_with_its_pixels(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["dog", "cat"], 10)
    (tmp_path / "dog" / "puppies").mkdir()
    save_picture(tmp_path / "dog" / "puppies" / "1.png", seed=77)
    data = load(str(tmp_path), ALL)
    assert (data.kind, data.classes, data.shape) == (Kind.PICTURE, ("cat", "dog"), (8, 8, 3))
    assert [len(part) for part in data.parts] == [0, 21]
    assert data.test.labels is not None
    for origin, label, seed in (("dog/003.png", 1, 3), ("dog/puppies/1.png", 1, 77)):
        place = data.test.origins.index(origin)
        assert data.test.labels[place] == label
        assert np.array_equal(data.test.inputs[place], pixels((8, 8, 3), seed))
    assert np.bincount(data.test.labels).tolist() == [10, 11]


def test_the_first_samples_to_test_are_of_every_class(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"], 20)
    labels = load(str(tmp_path), ALL).test.labels
    assert labels is not None
    assert 2 < labels[:12].sum() < 10


@pytest.mark.parametrize("names", [("train", "validation", "test"), ("training", "val", "testing")])
def test_folders_of_parts_may_lie_above(tmp_path: Path, names: tuple[str, ...]) -> None:
    for count, name in zip((6, 4, 2), names, strict=True):
        save_pictures(tmp_path / name, ["a", "b"], count)
    save_pictures(tmp_path / names[2], ["c"], 1)
    data = load(str(tmp_path))
    assert [len(part) for part in data.parts] == [12, 8, 5]
    assert data.classes == ("a", "b", "c")
    assert "1 class has no samples in the training part: 'c'." in data.notes


def test_two_folders_of_one_part_are_refused(tmp_path: Path) -> None:
    for name in ("val", "validation"):
        save_pictures(tmp_path / name, ["a"], 1)
    assert "The folders val and validation are the same part" in refused(tmp_path)


def test_classes_called_train_and_other_are_classes(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["train", "tram"], 10)
    assert load(str(tmp_path)).classes == ("train", "tram")


def test_pictures_without_folders_of_classes_have_no_targets(tmp_path: Path) -> None:
    for place in range(4):
        save_picture(tmp_path / f"{place}.png", seed=place)
    assert load(str(tmp_path), ALL).test.targets is None


def test_an_empty_class_stays_one_and_is_named(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "c"], 10)
    (tmp_path / "b").mkdir()
    data = load(str(tmp_path), ALL)
    assert data.classes == ("a", "b", "c")
    assert data.notes == ("1 class has no samples in the test part: 'b'.",)


def test_classes_of_numbers_are_in_the_order_of_keras_which_is_said(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["0", "1", "10", "2"], 10)
    data = load(str(tmp_path))
    assert data.classes == ("0", "1", "10", "2")
    assert "Classes are in the order of their names as texts" in data.notes[0]


def test_other_files_are_left_out_and_named(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"], 10)
    (tmp_path / "a" / "notes.txt").write_bytes(b"x")
    save_picture(tmp_path / "cover.png")
    assert load(str(tmp_path)).notes == (
        "2 files are no pictures of a class and were left out: cover.png, a/notes.txt.",
    )


def test_pictures_that_are_none_are_named_and_counted_or_left_out(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"], 20)
    (tmp_path / "a" / "003.png").write_bytes(b"<html>not found</html>")
    (tmp_path / "a" / "004.png").write_bytes(b"")
    whole = (tmp_path / "b" / "007.png").read_bytes()
    (tmp_path / "b" / "007.png").write_bytes(whole[: len(whole) // 2])
    assert refused(tmp_path) == (
        f"2 of 40 pictures of {tmp_path} cannot be read: a/003.png (it is no picture), a/004.png "
        "(it is empty). Mend or remove them, or say --on-bad leave-out."
    )
    data = load(str(tmp_path), LEAVE_OUT)
    assert len(data.whole) == 37
    assert data.notes[0].endswith("a/004.png (it is empty): left out.")
    assert "1 of 38 pictures" in data.notes[1]
    assert "b/007.png (it is damaged: " in data.notes[1]
    assert not {"a/003.png", "a/004.png", "b/007.png"} & set(data.whole.origins)


def test_where_none_is_a_picture_there_is_no_way_out_by_leaving_them_out(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "1.png").write_bytes(b"x")
    assert refused(tmp_path, LEAVE_OUT).endswith("Mend or remove them.")


def test_unequal_sizes_are_refused_with_sizes_and_a_way_out_that_works(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"], 10)
    save_picture(tmp_path / "a" / "wide.png", (6, 12, 3))
    message = refused(tmp_path)
    assert "have 2 sizes, width x height: 8x8 (20: a/000.png), 12x6 (1: a/wide.png)." in message
    assert message.endswith("Options(shape=(8, 8, 3)), say.")
    data = load(str(tmp_path), Options(shape=(8, 8, 3)))
    assert len(data.whole) == 21
    assert data.notes[0] == "1 picture was scaled to 8x8 pixels."


@pytest.mark.parametrize(
    ("shape", "channels"), [((8, 8), 1), ((8, 8, 1), 1), ((8, 8, 3), 3), ((8, 8, 4), 4)]
)
def test_colours_become_what_the_shape_says(
    tmp_path: Path, shape: tuple[int, ...], channels: int
) -> None:
    save_pictures(tmp_path, ["a", "b"], 2)
    save_picture(tmp_path / "b" / "grey.png", (8, 8))
    data = load(str(tmp_path), Options(shape=shape, shares=Shares(0, 0, 1)))
    assert data.shape == (8, 8, channels)
    grey = data.test.inputs[data.test.origins.index("b/grey.png")]
    assert np.array_equal(grey[..., 0], pixels((8, 8)))


def test_grey_pictures_alone_have_one_channel(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"], 3, (8, 8))
    assert load(str(tmp_path), ALL).shape == (8, 8, 1)


@pytest.mark.parametrize("shape", [(3, 8, 8), (8,), (8, 8, 2), (0, 8, 3)])
def test_a_shape_of_no_picture_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    save_pictures(tmp_path, ["a", "b"], 1)
    assert "height, width and 1 (grey), 3 (colours) or 4" in refused(tmp_path, Options(shape=shape))


def test_more_pixels_than_a_gigabyte_are_refused_before_they_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_pictures(tmp_path, ["a", "b"], 2)
    monkeypatch.setattr(source, "MOST_BYTES", 767)
    assert "4 pictures of 8x8x3 take 768 bytes, and at most 767 are read" in refused(tmp_path)


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "tif", "webp", "ppm", "tga"])
def test_every_common_format_is_read(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"1.{ending}"
    Image.new("RGB", (9, 6), (250, 3, 3)).save(path)
    assert look(path)[:2] == (6, 9)
    found = decode(path, (6, 9, 3))
    assert np.abs(found.astype(int) - (250, 3, 3)).max() < 8


def test_a_picture_on_its_side_is_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (9, 6)).save(tmp_path / "1.jpg", exif=exif)
    assert look(tmp_path / "1.jpg") == (9, 6, 1)
    assert decode(tmp_path / "1.jpg", (9, 6, 1)).shape == (9, 6, 1)


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "1.png")
    assert decode(tmp_path / "1.png", (4, 4, 3)).min() == 255
    assert decode(tmp_path / "1.png", (4, 4, 1)).min() == 255
    assert decode(tmp_path / "1.png", (4, 4, 4)).max() == 0


def test_of_sixteen_bits_the_upper_eight_are_taken(tmp_path: Path) -> None:
    values = np.array([[0, 255, 256, 40_000, 65_535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "1.png")
    assert decode(tmp_path / "1.png", (1, 5, 1))[0, :, 0].tolist() == [0, 0, 1, 156, 255]


def test_scaling_is_that_of_keras() -> None:
    """By hand: place 0 of 2 in 4 lies at 0.5, place 1 at 2.5."""
    row = np.array([[0, 10, 20, 40]], np.uint8)[..., None]
    assert resized(row, 1, 2)[0, :, 0].tolist() == [5, 30]
    assert resized(row, 2, 4)[1, :, 0].tolist() == [0, 10, 20, 40]
    assert resized(row, 1, 8)[0, :, 0].tolist() == [0, 2.5, 7.5, 12.5, 17.5, 25, 35, 40]


def test_a_huge_picture_is_told_by_its_header(tmp_path: Path) -> None:
    (tmp_path / "1.pgm").write_bytes(b"P5 10000 8000 255\n")
    save_picture(tmp_path / "2.png")
    assert "1.pgm (it has 10000x8000 pixels: scale it down)" in refused(tmp_path)


def test_a_part_without_folders_of_classes_beside_one_with_them_is_refused(tmp_path: Path) -> None:
    save_pictures(tmp_path / "train", ["a", "b"], 4)
    save_picture(tmp_path / "test" / "7.png")
    assert refused(tmp_path) == (
        f"In {tmp_path}, test/7.png lies in no folder of a class, and train/a/000.png does. Put "
        "it and the others beside it into folders of their classes, or take them out."
    )


def test_a_folder_around_those_of_the_classes_is_told_from_a_class(tmp_path: Path) -> None:
    save_pictures(tmp_path / "flowers", ["daisy", "tulip"], 4)
    (tmp_path / "flowers" / "LICENSE.txt").write_bytes(b"x")
    assert refused(tmp_path) == (
        f"{tmp_path} holds one folder, flowers, with folders in it (daisy, tulip). If these are "
        f"the classes, name {tmp_path / 'flowers'}; if flowers is the only class, put its files "
        "right into it."
    )
    assert load(str(tmp_path / "flowers")).classes == ("daisy", "tulip")
    save_picture(tmp_path / "flowers" / "1.png")
    assert load(str(tmp_path)).classes == ("flowers",)
