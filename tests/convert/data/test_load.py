"""What a person types is the source that it is, and what is none is told in one sentence."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.load import load
from glyphite.convert.data.mnist import Mnist
from glyphite.convert.data.options import Kind, Options
from glyphite.convert.errors import DataError
from tests.builders.data_sets import save_picture, save_pictures, save_recording
from tests.builders.lazy import HEAVY
from tests.paths import PROJECT


def refused(source: object, options: Options | None = None) -> str:
    """The one sentence or two of a refusal."""
    with pytest.raises(DataError) as caught:
        load(str(source), options)
    message = str(caught.value)
    assert message.endswith((".", "?"))
    assert "\n" not in message
    return message


def test_mnist_is_a_data_set_by_its_name(mnist: Mnist) -> None:
    data = load("MNIST")
    assert (data.name, data.title, data.kind, data.shape) == (
        "mnist",
        "MNIST",
        Kind.PICTURE,
        (28, 28),
    )
    assert data.classes == tuple("0123456789")
    assert [len(part) for part in data.parts] == [50_000, 10_000, 10_000]
    held_out = mnist.split()
    assert data.validation is not None
    assert np.array_equal(data.validation.inputs, held_out.test_images)
    whole = data.without_validation()
    assert whole.validation is None
    assert np.array_equal(whole.train.inputs, mnist.train_images)
    assert whole.train.labels is not None
    assert np.array_equal(whole.train.labels, mnist.train_labels)
    assert "the last 10,000 of its training images" in data.split
    assert not data.split_is_made


def test_what_is_not_there_is_told_with_the_nearest_names(tmp_path: Path) -> None:
    (tmp_path / "gestures").mkdir()
    assert refused(tmp_path / "gesture").endswith(f"Is it {tmp_path / 'gestures'}?")
    assert "Is it mnist?" in refused("mmnist")
    assert "Name a name (mnist, fashion-mnist), a .npz" in refused(tmp_path / "no" / "such")
    assert refused("a\0b").startswith("No such data set: a\\x00b")
    assert refused(f"{'x' * 5000}/y").startswith("No such data set: xxx")
    assert refused("x" * 5000).startswith("No such data set: xxx")


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("photos.zip", "Unpack it"),
        ("load.py", "Name the function in it too: "),
        ("one.png", "Name a folder with a folder for each class."),
        ("train-images-idx3-ubyte", "Name its folder: "),
        ("table.xlsx", "no kind of file that is known"),
        ("labels.txt", "no kind of file that is known"),
    ],
)
def test_a_file_of_another_kind_is_told_its_way_out(
    tmp_path: Path, name: str, way_out: str
) -> None:
    (tmp_path / name).write_bytes(b"x")
    assert way_out in refused(tmp_path / name)


def test_an_empty_folder_and_one_of_nothing_known_are_refused(tmp_path: Path) -> None:
    assert " is empty. Name a name" in refused(tmp_path)
    (tmp_path / ".DS_Store").write_bytes(b"x")
    assert " is empty. Name a name" in refused(tmp_path)
    (tmp_path / "cats").mkdir()
    assert "has folders (cats) and no files in them" in refused(tmp_path)
    (tmp_path / "cats" / "note.docx").write_bytes(b"x")
    assert "holds nothing that is known (cats)" in refused(tmp_path)


def test_a_folder_that_is_both_is_refused_with_both_named(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"], 2)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"x")
    message = refused(tmp_path)
    assert (
        "holds IDX files (train-images-idx3-ubyte) and pictures (a/000.png and 3 more)" in message
    )
    (tmp_path / "train-images-idx3-ubyte").unlink()
    save_recording(tmp_path / "a" / "wave.csv", 4)
    assert "holds CSV files (a/wave.csv) and pictures" in refused(tmp_path)


def test_two_npz_files_in_a_folder_leave_a_choice(tmp_path: Path) -> None:
    for name in ("one.npz", "two.npz"):
        np.savez(tmp_path / name, x=np.zeros((20, 3), np.float32))
    assert f"holds 2 .npz files. Name one, for example {tmp_path / 'one.npz'}." in refused(tmp_path)
    (tmp_path / "two.npz").unlink()
    assert load(str(tmp_path)).shape == (3,)


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        (np.zeros((20, 28, 28), np.uint8), Kind.PICTURE),
        (np.zeros((20, 28, 28, 1), np.float32), Kind.PICTURE),
        (np.zeros((20, 28, 28), np.float32), Kind.WINDOW),
        (np.full((20, 28, 28, 1), -1, np.float32), Kind.WINDOW),
        (np.zeros((20, 64, 3), np.int16), Kind.WINDOW),
        (np.zeros((20, 392, 2), np.float32), Kind.WINDOW),
        (np.zeros((20, 3), np.float32), Kind.VECTOR),
        (np.zeros(20, np.float32), Kind.VECTOR),
    ],
)
def test_what_an_input_is_is_told_by_shape_and_values(
    tmp_path: Path, inputs: np.ndarray, kind: Kind
) -> None:
    np.save(tmp_path / "x.npy", inputs)
    assert load(str(tmp_path / "x.npy")).kind is kind
    assert load(str(tmp_path / "x.npy"), Options(kind=Kind.WINDOW)).kind is Kind.WINDOW


def test_loading_needs_no_tensorflow_and_options_no_numpy(tmp_path: Path) -> None:
    save_picture(tmp_path / "a" / "1.png")
    program = (
        "import sys\n"
        "import glyphite.convert.data.options\n"
        "assert not {'numpy', 'PIL'} & set(sys.modules)\n"
        "from glyphite.convert.data.load import load\n"
        "assert len(load(sys.argv[1]).whole) == 1\n"
        f"assert not {HEAVY!r} & set(sys.modules)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_hidden_files_and_those_of_systems_are_no_samples(tmp_path: Path) -> None:
    save_pictures(tmp_path, ["a", "b"], 10)
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "a" / "._000.png").write_bytes(b"x")
    (tmp_path / "__MACOSX").mkdir()
    save_picture(tmp_path / ".cache" / "1.png")
    data = load(str(tmp_path))
    assert data.classes == ("a", "b")
    assert len(data.whole) == 20
    assert data.notes == ()


def test_a_folder_that_may_not_be_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", denied)
    assert refused(tmp_path) == f"{tmp_path} cannot be read: Permission denied."


def test_a_name_goes_before_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_pictures(tmp_path / "mnist", ["a", "b"], 2)
    monkeypatch.chdir(tmp_path)
    assert load("mnist").title == "MNIST"
    assert load("./mnist").classes == ("a", "b")
