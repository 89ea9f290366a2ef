"""The whole way with data that are not digits: each task, from the float model to a board.

No model is trained: its weights are random and fixed, and what is right is what it answers, so that
every figure is known beforehand.
"""

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data.dataset import Inputs
from glyphite.convert.data.options import Options
from glyphite.convert.documents import to_json
from glyphite.convert.history import History, history_of
from glyphite.convert.manifest import Manifest
from glyphite.convert.preprocessing import NAMED, Preprocessing
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli import main
from glyphite.host.cli.data import Source, answers_classes, load_data
from tests.builders.dense_models import dense
from tests.builders.report_schema import flaws
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert")

Model = Any  # Keras has no types
Out = pytest.CaptureFixture[str]
Arrays = dict[str, NDArray[Any]]


def network(inputs: tuple[int, ...], outputs: int, last: str | None) -> Model:
    """A dense network with fixed random weights."""
    load_tensorflow()
    import keras
    from keras import layers

    keras.utils.set_random_seed(5)
    inner = [layers.Flatten(), layers.Dense(16, activation="relu")]
    return keras.Sequential([keras.Input(inputs), *inner, layers.Dense(outputs, activation=last)])


def answers(model: Model, inputs: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(model(inputs.astype(np.float32), training=False))


def windows(model: Model) -> Arrays:
    """Readings of a sensor, of three classes."""
    x = np.random.default_rng(1).normal(0, 300, (90, 20, 2)).astype(np.int16)
    y = answers(model, x).argmax(axis=1)
    return {"x_train": x[:60], "y_train": y[:60], "x_test": x[60:], "y_test": y[60:]}


def pair(model: Model) -> Arrays:
    """Two classes, told apart by one output at 0.5."""
    x = np.random.default_rng(2).normal(0, 1, (90, 6)).astype(np.float32)
    y = (answers(model, x)[:, 0] > 0.5).astype(np.int64)
    return {"x_train": x[:60], "y_train": y[:60], "x_test": x[60:], "y_test": y[60:]}


def numbers(model: Model) -> Arrays:
    x = np.random.default_rng(3).normal(0, 1, (90, 6)).astype(np.float32)
    y = answers(model, x)
    return {"x_train": x[:60], "y_train": y[:60], "x_test": x[60:], "y_test": y[60:]}


def without_targets(_: Model) -> Arrays:
    x = np.random.default_rng(4).normal(0, 1, (90, 6)).astype(np.float32)
    return {"x_train": x[:60], "x_test": x[60:]}


def run(words: list[str], capsys: Out) -> dict[str, Any]:
    """What a verb prints as JSON."""
    assert main([*words, "--json"]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@dataclass(frozen=True)
class Case:
    """A network, the samples for it, and what the verbs are to call its task."""

    shape: tuple[int, ...]
    outputs: int
    last: str | None
    make: Callable[[Model], Arrays]
    task: str


CASES = {
    "logits": Case((20, 2), 3, None, windows, "classification"),
    "sigmoid": Case((6,), 1, "sigmoid", pair, "classification"),
    "numbers": Case((6,), 2, None, numbers, "regression"),
    "bytes": Case((6,), 2, None, without_targets, "bytes"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_task_goes_the_whole_way(name: str, tmp_path: Path, capsys: Out) -> None:
    case = CASES[name]
    task = case.task
    model = network(case.shape, case.outputs, case.last)
    model.save(tmp_path / "own.keras")
    arrays: dict[str, Any] = case.make(model)
    np.savez(tmp_path / "own.npz", **arrays)
    converted = run(
        ["convert", str(tmp_path / "own.keras"), "--data", str(tmp_path / "own.npz")], capsys
    )
    assert converted["preprocessing"]["divisor"] == 1
    compared = run(["compare", "own"], capsys)
    assert (compared["task"], compared["images"]) == (task, 30)
    floats, *others = compared["runners"]
    assert len(others) == 3
    main(["build", "own", "--board", "native"])
    capsys.readouterr()
    streamed = run(["stream", "own", "--port", "sim://native"], capsys)
    assert streamed["images"] == 30  # all that there are
    assert (streamed["task"], streamed["mismatched_bytes"]) == (task, 0)
    tflm = next(one for one in others if one["name"] == "int8_tflm")
    for figures in (tflm, streamed):
        if task == "classification":
            assert floats["correct"] == 30
            assert figures["correct"] >= 27
            assert figures["error"] is None
        elif task == "regression":
            assert floats["error"]["mean_absolute"] < 0.02
            assert 0 < figures["error"]["mean_absolute"] < 0.1
            assert figures["correct"] is None
        else:
            assert figures["correct"] is figures["error"] is None
    data = ["--data", str(tmp_path / "own.npz"), "--count", "7"]
    groups = run(["verify", "own", "--board", "native", *data], capsys)["groups"]
    assert groups[-1] == {
        **dict.fromkeys(("images_differ", "bytes_differ", "largest_difference"), 0),
        **{"inputs": "data", "images": 7},
    }
    report = run(["report", "own"], capsys)
    assert flaws(report) == []
    assert report["left_out"] == []
    page = (find_model("own").root / "report.html").read_text()
    assert "30 test samples of" in page
    assert "%" not in page.split("<main>")[1].split("On boards")[0] or task == "classification"


def test_a_reconstruction_is_told_by_its_shapes_and_finds_what_is_odd(
    tmp_path: Path, capsys: Out
) -> None:
    """The network gives back the first three of four values that are alike, and 0 for the last."""
    load_tensorflow()
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4)])
    model.layers[0].set_weights([np.diag([1.0, 1, 1, 0]), np.zeros(4)])
    model.save(tmp_path / "odd.keras")
    x = np.random.default_rng(1).normal(0, 1, (80, 4)).astype(np.float32)
    x[:, 3] = 0
    labels = np.arange(80) % 4 == 0
    x[labels, 3] = 2
    np.savez(tmp_path / "odd.npz", x=x, y=labels.astype(np.int64))
    words = [str(tmp_path / "odd.keras"), "--data", str(tmp_path / "odd.npz")]
    run(["convert", *words], capsys)
    compared = run(["compare", "odd"], capsys)
    assert compared["task"] == "reconstruction"
    for figures in compared["runners"]:
        assert figures["error"]["auc"] == 1
        assert figures["error"]["worst"] == pytest.approx(1, abs=0.02)  # 2 ** 2 / 4
    assert main(["compare", "odd", "--max-drop", "1"]) == 2
    assert "--max-drop is a limit of accuracy" in capsys.readouterr().err


@pytest.mark.parametrize("count", [1, 2])
def test_two_classes_are_told_apart_by_a_model_that_takes_as_many_numbers_as_it_gives(
    count: int, build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    x = np.random.default_rng(1).uniform(-1, 1, (40, count)).round(1)
    y = x.argmax(axis=1) if count == 2 else (x[:, 0] > 0).astype(np.int64)
    np.savez(tmp_path / "two.npz", x=x, y=y)
    words = [dense(build_folder, "two", np.eye(count)), "--data", str(tmp_path / "two.npz")]
    compared = run(["compare", *words], capsys)
    assert (compared["task"], compared["runners"][0]["accuracy"]) == ("classification", 1)


def test_what_ends_in_a_softmax_gives_back_no_inputs(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(1).uniform(0, 255, (40, 3)))
    source = Source(str(tmp_path / "x.npy"), Options())
    assert isinstance(load_data(source, (3,), (3,)).test.targets, Inputs)
    assert load_data(source, (3,), (3,), tells_classes=True).test.targets is None
    known = Manifest.load(find_model("uno").manifest)  # shares of 1, as the next
    assert not answers_classes(known)  # and so are its inputs
    assert answers_classes(dataclasses.replace(known, labels=tuple("abcdefghij")))
    of_bytes = dataclasses.replace(known.input, scale=1.0)
    assert answers_classes(dataclasses.replace(known, input=of_bytes))


def test_what_large_numbers_were_learnt_is_known_to_convert(tmp_path: Path) -> None:
    """An epoch of milliseconds, say, to be met as it is."""
    folder = ModelFolder(tmp_path, tmp_path / "model_int8.tflite")
    prepared = Preprocessing(mean=(1.7e12,), deviation=(1e11,))
    known = History("own.py:f", 1, 32, 1, 9, [2.9e24], [2.9e24], None, None, "0" * 64, prepared)
    folder.history.write_text(to_json(dataclasses.asdict(known)), encoding="utf-8")
    assert history_of(folder, "0" * 64) == known


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Ten shades of 28x28 pictures, and the model that tells them apart by them divided by 255."""
    load_tensorflow()
    import keras

    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    weights = np.zeros((784, 3))
    weights[:, 1], weights[:, 2] = 1 / 784, 3 / 784
    model.layers[1].set_weights([weights, np.array([0.0, -0.2, -1.4])])
    model.save(tmp_path / "shades.keras")
    values = np.repeat(np.array([20, 100, 220]), 20)
    x = np.repeat(values, 784).reshape(60, 28, 28).astype(np.uint8)
    np.savez(tmp_path / "shades.npz", x=x, y=np.repeat(np.arange(3), 20))
    return tmp_path


def test_what_was_done_to_pictures_is_found(pictures: Path, capsys: Out) -> None:
    words = ["convert", str(pictures / "shades.keras"), "--data", str(pictures / "shades.npz")]
    run(words, capsys)
    folder = find_model("shades")
    assert Manifest.load(folder.manifest).preprocessing == NAMED["unit"]
    assert main([*words, "--preprocess", "inverted"]) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "With 1 - value / 255, so 1 is black, the float model has" in told
    assert "and with divided by 255, so 0..1 it has 100.0 %. Leave out --preprocess" in told


def test_a_model_of_other_pictures_is_not_calibrated_on_digits(
    pictures: Path, tmp_path: Path, capsys: Out
) -> None:
    """It has their shape and ten outputs, and reads no better than one answer to all, as a layer of
    it is dead."""
    model = network((28, 28, 1), 10, "softmax")
    model.layers[1].set_weights([np.zeros((784, 16)), np.full(16, -9.0)])
    model.save(tmp_path / "other.keras")
    assert main(["convert", str(tmp_path / "other.keras")]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "no better than one answer to all" in told
    assert "(Dense) gives nothing but 0 for 50 calibration samples: it is dead" in told
    assert "Name its data with --data" in told
    x = np.random.default_rng(1).integers(0, 256, (40, 28, 28), np.uint8)
    np.savez(tmp_path / "own.npz", x=x, y=np.arange(40) % 10)
    for words in (["--data", str(tmp_path / "own.npz")], []):  # the second: as it was named before
        assert main(["convert", str(tmp_path / "other.keras"), *words]) == 0
        assert "no better than one answer to all" in " ".join(capsys.readouterr().err.split())


def test_other_data_than_those_of_the_calibration_are_named(
    pictures: Path, tmp_path: Path, capsys: Out
) -> None:
    run(["convert", str(pictures / "shades.keras"), "--data", str(pictures / "shades.npz")], capsys)
    before = np.load(pictures / "shades.npz")
    np.savez(tmp_path / "other.npz", x=before["x"][:40], y=before["y"][:40])
    found = run(["compare", "shades", "--data", str(tmp_path / "other.npz")], capsys)
    assert found["images"] == 40  # all of them: the model has not seen any
    assert found["data"]["words"] == ["--data", str(tmp_path / "other.npz")]
    np.savez(pictures / "shades.npz", x=before["x"], y=before["y"][::-1])
    assert main(["compare", "shades"]) == 0
    assert "has changed since shades was calibrated on it" in capsys.readouterr().err
    (pictures / "shades.npz").unlink()
    assert main(["compare", "shades"]) == 2
    assert "No such data set" in capsys.readouterr().err


NETWORK = """
from keras import Input, Model, Sequential, layers


def network():
    return Sequential([Input((20, 2)), layers.Flatten(), layers.Dense(3)])


def number():
    return 7


def fork():
    source = Input((20, 2))
    return Model(source, [layers.Dense(3)(source), layers.Dense(2)(source)])


def ill():
    model = network()
    model.compile("adam", "no_such_loss")
    return model
"""


def test_a_network_of_one_s_own_is_trained_on_data_of_one_s_own_and_converted_as_it_was(
    tmp_path: Path, capsys: Out
) -> None:
    """Each axis is raised in one class, and neither in the third."""
    (tmp_path / "mine.py").write_text(NETWORK)
    rng = np.random.default_rng(0)
    y = np.arange(900) % 3
    x = rng.normal(0, 30, (900, 20, 2)) + 90 * np.eye(3)[y][:, np.newaxis, :2]
    np.savez(tmp_path / "waves.npz", x=x.astype(np.int16), y=y)
    network, data = f"{tmp_path / 'mine.py'}:network", ["--data", str(tmp_path / "waves.npz")]
    trained = run(["train", network, *data, "--epochs", "5"], capsys)
    assert trained["val_accuracy"] > 0.9
    assert trained["cost"]["macs"] == 20 * 2 * 3
    assert [Path(path).name for path in trained["pictures"]] == ["accuracy.png", "loss.png"]
    run(["convert", "mine"], capsys)
    manifest = Manifest.load(find_model("mine").manifest)
    seen = manifest.preprocessing.apply(x)
    assert np.abs(seen.mean(axis=(0, 1))).max() < 0.1
    assert seen.std() == pytest.approx(1, abs=0.1)
    assert run(["compare", "mine"], capsys)["runners"][0]["accuracy"] > 0.9
    page = (find_model("mine").root / "report.html").read_text()
    assert f"glyphite train {network} --epochs 5" in page
    assert f"--data {tmp_path / 'waves.npz'}" in page
    assert main(["train", f"{tmp_path / 'mine.py'}:ill", *data]) == 2
    said = capsys.readouterr().err
    assert f"Keras cannot train {tmp_path / 'mine.py'}:ill: Could not interpret loss" in said
    assert said.endswith("Look at its layers, and at the loss and metrics of its compile.\n")
    assert main(["train", f"{tmp_path / 'mine.py'}:number", *data]) == 2
    assert "gave int, and a keras.Model that knows its shapes is needed" in capsys.readouterr().err
    np.savez(tmp_path / "test.npz", x_test=x, y_test=y)
    capsys.readouterr()
    assert main(["train", network, "--data", str(tmp_path / "test.npz")]) == 2
    captured = capsys.readouterr()
    assert "has no training samples, so nothing can be learnt" in captured.err
    assert captured.out == ""
    assert main(["train", f"{tmp_path / 'mine.py'}:fork", *data]) == 2
    assert "takes 1 inputs and gives 2 outputs, and models with one" in capsys.readouterr().err


def test_code_of_the_user_s_own_shows_its_own_traceback(tmp_path: Path, capsys: Out) -> None:
    (tmp_path / "mine.py").write_text("def load():\n    return 1 / 0\n")
    network((6,), 2, None).save(tmp_path / "own.keras")
    words = ["convert", str(tmp_path / "own.keras"), "--data", f"{tmp_path / 'mine.py'}:load"]
    assert main(words) == 2
    said, last = capsys.readouterr().err.partition("glyphite convert: ")[1:][1].split("\n", 1)
    assert said.endswith("mine.py raised ZeroDivisionError. Its own traceback:")
    assert last.endswith("ZeroDivisionError: division by zero\n")
    assert "glyphite" not in last.replace(str(tmp_path), "")


def test_data_that_are_not_there_are_told_of_before_tensorflow_is_loaded(
    tmp_path: Path, capsys: Out
) -> None:
    (tmp_path / "own.keras").write_bytes(b"")
    (tmp_path / "sine.npz").write_bytes(b"")
    words = ["convert", str(tmp_path / "own.keras"), "--data", str(tmp_path / "sine.np")]
    assert main(words) == 2
    told = capsys.readouterr().err
    assert f"Is it {tmp_path / 'sine.npz'}?" in told
    assert "Loading" not in told


def test_a_model_of_which_no_data_are_known_wants_them_named(tmp_path: Path, capsys: Out) -> None:
    network((6,), 2, None).save(tmp_path / "own.keras")
    run(["convert", str(tmp_path / "own.keras"), "--data", "random"], capsys)
    for words in (["compare", "own"], ["stream", "own", "--port", "sim://native"]):
        assert main(words) == 2
        told = " ".join(capsys.readouterr().err.split())
        assert "It was calibrated on random numbers. Name them with --data" in told
    np.savez(tmp_path / "own.npz", x=without_targets(None)["x_test"])
    assert main(["verify", "own", "--board", "native", "--data", str(tmp_path / "own.npz")]) == 0
    assert "own was calibrated on random numbers, so its accuracy" in capsys.readouterr().err
