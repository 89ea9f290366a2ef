"""``glyphite convert`` from a model's name or a .keras file to the quantized model's folder."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.manifest import Manifest
from glyphite.convert.preprocessing import Preprocessing
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.workspace import ModelFolder, find_model, model_folder
from glyphite.host.cli import convert, main
from tests.builders import edges
from tests.paths import PROJECT
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of 3 x 3 x 2 inputs and 4 classes."""
    load_tensorflow()
    import keras

    parts = [keras.Input((3, 3, 2)), keras.layers.Flatten(), keras.layers.Dense(4)]
    path = tmp_path_factory.mktemp("models") / "small.keras"
    keras.Sequential(parts).save(path)
    return path


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("mnist cnn (1).keras", "mnist_cnn__1_"),
        ("modèle.keras", "modèle"),
        (os.fsdecode(b"..caf\xe9.keras"), "caf_"),
        ("my model.keras", "mine"),
    ],
)
def test_a_file_of_any_name_becomes_a_model_that_is_verified_next(
    file: str, name: str, small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It reads no digits, so `compare` would refuse it."""
    path = tmp_path / file
    shutil.copy(small, path)
    option = ["--name", name] if name == "mine" else []
    assert main(["convert", str(path), "--data", "random", *option]) == 0
    step = f"glyphite verify {shlex.quote(name)} --board native --optimize speed\n"
    said = capfd.readouterr().out.split("Next:")[1]
    assert said.replace("\\\n", " ").split() == step.split()
    assert find_model(name) == model_folder(name)
    assert find_model(name).named == name


def test_a_name_that_no_model_can_have_is_refused_before_any_work(
    small: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(small), "--name", "../x"]) == 2
    assert "'../x' is not a model's name" in capfd.readouterr().err


def document(capfd: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """What ``glyphite convert`` prints with ``--json``."""
    assert main(["convert", *words, "--json"]) == 0
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def test_converting_anew_gives_the_same_model_and_one_json_document(
    seed: ModelFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    before = seed.tflite.read_bytes()
    seed.tflite.unlink()
    found = document(capfd, "seed")
    assert seed.tflite.read_bytes() == before
    assert found["sha256"] == hashlib.sha256(before).hexdigest()
    assert found["int8_bytes"] == len(before) < 0.3 * found["float_bytes"]
    assert found["operators"].count("CONV_2D") == 3
    assert found["calibration"] == "500 of 60,000 training samples of MNIST, evenly spread"


def test_the_manifest_lies_beside_the_model_and_prepares_images(seed: ModelFolder) -> None:
    manifest = Manifest.load(seed.manifest)
    assert manifest.name == "seed"
    assert manifest.sha256 == hashlib.sha256(seed.tflite.read_bytes()).hexdigest()
    assert manifest.labels == tuple("0123456789")
    pixels = np.arange(256, dtype=np.uint8)[:, np.newaxis, np.newaxis].repeat(784, 1)
    tensors = manifest.quantize(pixels.reshape(256, 28, 28))
    assert np.array_equal(tensors[:, 0, 0, 0], np.arange(-128, 128))


def test_the_table_shows_sizes_quantization_and_operators(
    seed: ModelFolder, capfd: pytest.CaptureFixture[str]
) -> None:
    """In a process of its own, where nothing has silenced TensorFlow before."""
    command = [sys.executable, "-m", "glyphite.host.cli", "convert", "seed"]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    found, *signs = sorted(answer.stderr.splitlines(), key=lambda line: "Preprocessing" not in line)
    loading = signs.pop(0)
    assert found.startswith("Preprocessing: divided by 255, so 0..1. So the float model is right")
    assert loading == "Loading TensorFlow, which takes some seconds."
    assert all(sign.startswith("glyphite convert: Quantizing, ") for sign in signs)
    for said in (
        "0.00392157 * (int8 +128)",
        f"{seed.tflite.stat().st_size:,} B (28%)",
        "Operators: 3 CONV_2D, 2 MAX_POOL_2D, 1 RESHAPE, 2 FULLY_CONNECTED, 1 SOFTMAX",
        "Next: glyphite compare seed",
    ):
        assert said in answer.stdout


def test_operators_that_the_compiler_lacks_are_told_and_no_next_step_that_refuses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = find_model("uno")
    convert._print(folder, Manifest.load(folder.manifest), edges.not_compiled(), 9_000)
    told = " ".join(capsys.readouterr().out.split())
    assert "The compiler lacks MAXIMUM, so the model gets on no board as it is: `glyphite" in told
    assert "Next:" not in told


def test_a_keras_file_elsewhere_gets_a_folder_of_its_stem(
    small: Path, build_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "data.npy", np.random.default_rng(1).normal(0, 3, (64, 3, 3, 2)))
    found = document(capfd, str(small), "--data", str(tmp_path / "data.npy"))
    assert found["model"] == "small"
    assert (
        found["calibration"]
        == f"51 of 51 training samples of {tmp_path / 'data.npy'}, evenly spread"
    )
    folder = build_folder / "small"
    assert (folder / "model.keras").read_bytes() == small.read_bytes()
    manifest = Manifest.load(folder / "manifest.json")
    assert manifest.labels == ("0", "1", "2", "3")
    assert 5 < manifest.input.scale * 127 < 20


def test_a_model_keras_is_converted_where_it_lies(
    small: Path, build_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "mine"
    home.mkdir()
    (home / "model.keras").write_bytes(small.read_bytes())
    assert document(capfd, str(home / "model.keras"), "--data", "random")["model"] == "mine"
    assert (home / "model_int8.tflite").is_file()
    assert not build_folder.exists()


def test_a_file_that_is_called_as_a_trained_model_leaves_that_as_it_is(
    seed: ModelFolder, small: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in seed.root.rglob("*") if path.is_file()}
    own = shutil.copy(small, tmp_path / "seed.keras")
    name = f"seed-{hashlib.sha256(small.read_bytes()).hexdigest()[:8]}"
    assert (
        document(capfd, str(own), "--calibration-samples", "2", "--data", "random")["model"] == name
    )
    assert {path: path.read_bytes() for path in before} == before
    assert find_model(name).keras.read_bytes() == small.read_bytes()


def test_a_model_that_reads_no_digits_wants_its_data_named(
    small: Path, build_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", str(small)]) == 2
    told = " ".join(capfd.readouterr().err.split())
    assert "takes 3x3x2 and gives 4: it reads no digits. Name its data with --data" in told
    assert not (build_folder / "small").exists()
    assert main(["convert", str(small), "--data", "random", "--calibration-samples", "9"]) == 0
    out, err = capfd.readouterr()
    said = " ".join(out.split())
    assert "Calibrated on 9 samples of random numbers, so accuracy means nothing" in said
    assert "Next: glyphite verify small --board native --optimize speed" in said
    assert "Random numbers are used to calibrate, so sizes are right and accuracy is not" in err


def test_the_preprocessing_is_kept_for_every_later_stage(
    small: Path, build_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (64, 3, 3, 2), np.uint8)
    np.save(tmp_path / "data.npy", pixels)
    document(capfd, str(small), "--data", str(tmp_path / "data.npy"), "--preprocess", "64")
    manifest = Manifest.load(build_folder / "small" / "manifest.json")
    assert manifest.preprocessing == Preprocessing(64)
    assert manifest.input.scale == pytest.approx(1 / 64, rel=0.02)
    assert manifest.data is not None
    assert manifest.data.source == str(tmp_path / "data.npy")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (["--calibration", "x.npy"], "--calibration is now --data, which takes the same file"),
        (["--pixel-divisor", "1"], "--pixel-divisor is now --preprocess, which takes a number"),
        (["--calibration-images", "9"], "--calibration-images is now --calibration-samples."),
    ],
)
def test_an_option_of_earlier_versions_names_the_one_that_does_the_same(
    old: list[str], new: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(["convert", "seed", *old])
    assert new in " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "No model called 'nosuch': "),
        (["../seed"], "'../seed' is not a model's name"),
        (
            ["nosuch.keras"],
            "No such file: nosuch.keras. Name a .keras, a .h5, a float .tflite, or a SavedModel's",
        ),
        (["seed", "--calibration-samples", "0"], "--calibration-samples 0 is too small: at least"),
    ],
)
def test_nonsense_is_refused_in_one_sentence(
    words: list[str], said: str, build_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["convert", *words]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"glyphite convert: {said}")
    assert err.count("\n") == 1
    assert not build_folder.exists()


def test_a_model_that_cannot_be_quantized_leaves_nothing(
    build_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    load_tensorflow()
    import keras

    parts = [keras.Input((6, 4)), keras.layers.GRU(3, name="memory"), keras.layers.Dense(2)]
    keras.Sequential(parts).save(tmp_path / "recurrent.keras")
    assert main(["convert", str(tmp_path / "recurrent.keras")]) == 2
    err = capfd.readouterr().err
    assert "glyphite convert: Cannot quantize layer 'memory' (GRU): it needs a loop" in err
    assert not build_folder.exists()


def test_without_tensorflow_the_way_out_is_named(seed: ModelFolder) -> None:
    script = (
        "import sys; sys.modules['tensorflow'] = None\n"
        "from glyphite.host.cli import main; sys.exit(main(['convert', 'seed']))"
    )
    command = [sys.executable, "-c", script]
    answer = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert answer.returncode == 1
    assert answer.stderr == (
        "glyphite convert: The package tensorflow is not installed, and training and quantization "
        "need it. Install it with `pip install 'glyphite[train]'`.\n"
    )
