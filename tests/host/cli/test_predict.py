"""``glyphite predict`` reads a picture's digit on this PC and on a board."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.measure.digit_picture import read_digit
from glyphite.host.runners.litert import LitertRunner

SEVEN = 0
"""The first test image is a clear 7."""


@pytest.fixture
def seven(tmp_path: Path) -> Path:
    """A photo-like 7: large, dark on light, not in the middle."""
    pixels = 255 - load_mnist().test_images[SEVEN]
    large = np.asarray(Image.fromarray(pixels).resize((160, 160), Image.Resampling.BICUBIC))
    path = tmp_path / "seven.png"
    Image.fromarray(np.pad(large, ((10, 70), (90, 5)), constant_values=255)).save(path)
    return path


@pytest.mark.usefixtures("seed")
def test_prints_the_digit_and_ten_bars(seven: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(seven)]) == 0
    title, *bars = capsys.readouterr().out.splitlines()
    assert title.startswith("7, read with seed by LiteRT on this PC (ai-edge-litert ")
    assert [bar.split()[0] for bar in bars] == list("0123456789")
    assert all(bar.endswith("%") for bar in bars)
    assert max(bars, key=lambda bar: bar.count("█")).split()[0] == "7"


def test_json_has_the_runners_scores(
    seed: ModelFolder, seven: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(seven), "seed", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    manifest = Manifest.load(seed.manifest)
    tensors = manifest.quantize(read_digit(seven)[np.newaxis])
    scores = LitertRunner(seed.tflite).run(tensors)[0][0]
    assert result["digit"] == "7"
    assert result["scores_int8"] == scores.tolist()
    assert sum(result["scores"]) == pytest.approx(1, abs=0.05)
    assert int(np.argmax(result["scores"])) == 7


def test_what_the_network_sees_is_shown(
    seven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = tmp_path / "seen.png"
    words = ["predict", str(seven), "uno", "--show", "--show-picture", str(shown)]
    assert main(words) == 0
    pixels = read_digit(seven)
    lines = capsys.readouterr().out.splitlines()[1:29]
    inked = [[letter != " " for letter in line.ljust(56)[::2]] for line in lines]
    np.testing.assert_array_equal(inked, pixels >= 26)  # of ten shades the second begins there
    with Image.open(shown) as picture:
        np.testing.assert_array_equal(np.asarray(picture)[::10, ::10], pixels)


def test_a_picture_of_another_kind_is_not_written(
    seven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seen.txt"
    assert main(["predict", str(seven), "uno", "--show-picture", str(path)]) == 2
    assert capsys.readouterr().err.endswith("seen.txt is no name of a PNG. Let it end with .png.\n")
    assert not path.exists()


def digits_side_by_side(path: Path, *numbers: int) -> Path:
    """Test images of MNIST in a row, large, dark on light."""
    row = np.concatenate([load_mnist().test_images[number] for number in numbers], axis=1)
    image = Image.fromarray(255 - np.pad(row, 4))
    image.resize((5 * image.width, 5 * image.height), Image.Resampling.BICUBIC).save(path)
    return path


def test_digits_in_a_row_are_read_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Test images 0, 1 and 3 are 7, 2 and 0."""
    path = digits_side_by_side(tmp_path / "row.png", 0, 1, 3)
    assert main(["predict", str(path), "uno"]) == 0
    assert capsys.readouterr().out.startswith("720, read with ")
    assert main(["predict", str(path), "uno", "--json", "--show"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert "digit" not in result
    assert [one["digit"] for one in result["digits"]] == ["7", "2", "0"]
    assert [len(one["pixels"]) for one in result["digits"]] == [28, 28, 28]
    assert result["sure"] is True


UNCLEAR = 247
"""A test image that is a 4 or a 6."""


def test_an_answer_that_is_not_sure_says_so(
    tmp_path: Path, seven: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = digits_side_by_side(tmp_path / "unclear.png", UNCLEAR)
    assert main(["predict", str(path), "uno"]) == 0
    assert ", but not sure, read with " in capsys.readouterr().out
    for picture, is_sure in ((path, False), (seven, True)):
        assert main(["predict", str(picture), "uno", "--json"]) == 0
        result = json.loads(capsys.readouterr().out)
        assert result["sure"] is is_sure
        assert (max(result["scores"]) >= 0.9) is is_sure


@pytest.mark.usefixtures("native")
def test_a_board_reads_it_too(seven: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(seven), "--port", "sim://native", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["digit"] == "7"
    assert result["read_by"].startswith("native on sim://native (")


@pytest.mark.usefixtures("seed")
def test_a_file_that_is_no_image_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "not.png"
    path.write_bytes(b"no picture")
    assert main(["predict", str(path)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        f"glyphite predict: {path} is not an image that can be read. Give a PNG, or another kind "
        "of picture (PNG, JPEG, GIF, BMP, DIB, TIFF, WEBP, PPM, JPEG2000, TGA), of one digit.\n"
    )


def test_a_model_that_is_not_there_is_one_sentence(
    seven: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(seven), "ghost"]) == 2
    assert "No model called 'ghost'" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["nothing", "a link that leads nowhere"])
def test_a_model_made_here_is_not_believed_without_its_manifest(
    seed: ModelFolder, seven: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Whatever its pixels were divided by, they would be divided by 255."""
    seed.manifest.unlink()
    if name != "nothing":
        seed.manifest.symlink_to(seed.root / "nowhere")
    assert main(["predict", str(seven), "seed"]) == 2
    said = capsys.readouterr().err
    assert f"{seed.manifest} is not there, which says what {seed.tflite} takes." in said
    assert said.endswith("Make both anew with `glyphite convert seed`.\n")


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("input", "scale"), 0.5),
        (("labels",), list("1032547698")),
        (("preprocessing", "divisor"), 1.0),
    ],
    ids=str,
)
def test_a_manifest_that_was_changed_by_hand_is_not_believed(
    seed: ModelFolder,
    seven: Path,
    capsys: pytest.CaptureFixture[str],
    where: tuple[str, ...],
    value: object,
) -> None:
    """It would have read a seven as a 4 or an 8, and have given a wrong accuracy."""
    document = json.loads(seed.manifest.read_text())
    holder = document[where[0]] if len(where) > 1 else document
    holder[where[-1]] = value
    seed.manifest.write_text(json.dumps(document))
    for words in (["predict", str(seven), "seed"], ["compare", "seed"]):
        assert main(words) == 2
        assert capsys.readouterr().err == (
            f"glyphite {words[0]}: {seed.manifest} was changed by hand since `glyphite convert` "
            "wrote it, or is of an older version: its checksum does not fit. Make both anew with "
            "`glyphite convert seed`.\n"
        )
