"""``glyphite compare MODEL --robustness``: a real model, its engines, a board, and its record."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from glyphite.convert import metrics
from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.manifest import Manifest
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli import main
from glyphite.host.measure.robustness_record import ROBUSTNESS, RobustnessRecord
from glyphite.host.runners.litert import LitertRunner
from tests.builders.dense_models import dense
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert", "tflite_micro")

Out = pytest.CaptureFixture[str]
SAMPLES = 40
CASES = 28
"""As they are, and 27 corruptions of digits."""


def refusal(words: list[str], capsys: Out) -> str:
    assert main(["compare", *words]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_digits_are_compared_under_every_corruption(
    seed: ModelFolder, tmp_path: Path, capsys: Out, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By float, LiteRT, TFLM, the generated C and a board; figures are those of the samples."""
    monkeypatch.setenv("COLUMNS", "80")
    picture = tmp_path / "seven.png"
    words = ["compare", "seed", "--robustness", "--count", str(SAMPLES), "--board", "native"]
    assert main([*words, "--picture", str(picture)]) == 0
    printed = capsys.readouterr().out
    tables = printed.partition("Written:")[0]  # a path is as long as it is
    assert max(map(len, tables.splitlines())) <= 80
    said = " ".join(printed.split())
    for text in (
        "seed on 40 test samples of MNIST: right, %",
        "┃ TFLM ┃ 95 % interval ┃",
        "│ shifted by 4 pixels ",
        "The generated C gave TFLM's bytes to all 1,120 samples",
        "native was asked the first 40 samples of each row: 0 bytes of its answers to 1,120",
        "McNemar's exact test",
        "Most is lost with",
    ):
        assert text in said, printed
    record = RobustnessRecord.read(seed.root / ROBUSTNESS, "")
    assert (len(record.conditions), record.images, record.task) == (CASES, 40, "classification")
    manifest = Manifest.load(seed.manifest)
    assert (record.sha256, record.float_sha256) == (manifest.sha256, manifest.float_sha256)
    assert record.board is not None
    assert (record.board.board, record.board.images) == ("native", SAMPLES)
    names = [one.name for one in record.conditions[0].engines]
    assert names == ["float", "int8_litert", "int8_tflm", "c", "board"]
    for one in record.conditions:
        board, c, tflm = one.engine("board"), one.engine("c"), one.engine("int8_tflm")
        assert board is not None
        assert c is not None
        assert tflm is not None
        assert board.correct == c.correct == tflm.correct
    _check_by_hand(record, seed, manifest)
    assert Image.open(picture).size[0] > 600


def _check_by_hand(record: RobustnessRecord, seed: ModelFolder, manifest: Manifest) -> None:
    """Digits of a share of their strength, made here."""
    mnist = load_mnist()
    images, labels = mnist.test_images[:SAMPLES], mnist.test_labels[:SAMPLES]
    faint = np.rint(images * 0.5).astype(np.uint8)
    (scores,) = LitertRunner(seed.tflite).run(manifest.quantize(faint))
    right = int((scores.argmax(axis=1) == labels).sum())
    one = next(one for one in record.conditions if one.text == "strokes at 50 %")
    engine = one.engine("int8_litert")
    assert engine is not None
    assert (engine.correct, engine.accuracy) == (right, right / SAMPLES)
    assert engine.interval == list(metrics.wilson_interval(right, SAMPLES))


def saturating(folder: Path) -> list[str]:
    """A network that gives back its two inputs, of which the larger is right, and its data.

    It is calibrated on inputs of up to 1: what is larger, int8 cuts off, and float does not.
    """
    load_tensorflow()
    import keras

    same = keras.initializers.Identity()
    layers = [keras.Input((2,)), keras.layers.Dense(2, kernel_initializer=same, use_bias=False)]
    keras.Sequential(layers).save(folder / "same.keras")
    x = np.random.default_rng(1).uniform(0.5, 1, (900, 2)).astype(np.float32)
    y = x.argmax(axis=1)
    np.savez(folder / "same.npz", x_train=x[:500], y_train=y[:500], x_test=x[500:], y_test=y[500:])
    return [str(folder / "same.keras"), "--data", str(folder / "same.npz")]


def test_the_corruption_that_costs_int8_more_than_float_is_named(
    tmp_path: Path, capsys: Out
) -> None:
    """Values that are scaled up are beyond what int8 was calibrated for, and to float the same."""
    assert main(["convert", *saturating(tmp_path), "--preprocess", "raw"]) == 0
    capsys.readouterr()
    assert main(["compare", "same", "--robustness", "--json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert found["images"] == 400  # all that there are
    costs = [
        one["text"]
        for one in found["conditions"]
        if one["pair"]["corrected_p"] < 0.05
        and one["pair"]["only_float_right"] > one["pair"]["only_int8_right"]
    ]
    assert "scaled by 50 %" in costs
    assert set(costs) <= {"scaled by 25 %", "scaled by 50 %"}
    assert found["verdict"].startswith("Int8 (TFLM) is right less often than float with: ")
    assert all(text in found["verdict"] for text in costs)
    limits = ["--max-drop", "5", "--min-accuracy", "20"]
    assert main(["compare", "same", "--robustness", *limits]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "int8 (TFLM) of same" in told
    assert "scaled by 50 %, loses" in told
    assert "as they are, loses" not in told


def test_a_regression_has_errors_and_no_test(
    build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    x = np.random.default_rng(1).uniform(-1, 1, (60, 3))
    dense(build_folder, "same", np.eye(3))
    np.savez(tmp_path / "n.npz", x_test=x, y_test=x + 0.001, x_train=x, y_train=x + 0.001)
    words = ["same", "--robustness", "--data", str(tmp_path / "n.npz"), "--numbers"]
    assert main(["compare", *words]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "same on 60 test samples of n.npz: mean absolute error" in printed
    assert "McNemar's test is of classes" in printed
    record = RobustnessRecord.read(find_model("same").root / ROBUSTNESS, "")
    errors = [one.engines[0].error for one in record.conditions]
    assert [error is not None for error in errors] == [True] * 13
    least, most = (errors[place]["mean_absolute"] for place in (0, 6))  # type: ignore[index]
    assert most > 20 * least
    assert record.conditions[0].pair is None


def test_what_does_not_go_together_is_refused(
    build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    x = np.random.default_rng(1).uniform(-1, 1, (20, 3))
    dense(build_folder, "same", np.eye(3)[:2])
    np.savez(tmp_path / "b.npz", x_test=x, x_train=x)
    np.savez(
        tmp_path / "c.npz", x_test=x, y_test=x.argmax(1) % 2, x_train=x, y_train=x.argmax(1) % 2
    )
    bare, classes = (["--data", str(tmp_path / name)] for name in ("b.npz", "c.npz"))
    asked = ["same", "--robustness"]
    assert "--picture is for --layers and --robustness." in refusal(
        ["same", "--picture", "a.png"], capsys
    )
    assert "is of one model, by its usual build, and a second model is given" in refusal(
        [*asked[:1], "same", "--robustness"], capsys
    )
    assert "and --optimize is given" in refusal([*asked, "--optimize", "ram"], capsys)
    assert "due is not. There are: cortex-m0" in refusal([*asked, "--board", "due"], capsys)
    assert "a.jpg is no name of a PNG" in refusal([*asked, "--picture", "a.jpg"], capsys)
    assert "are all that is known. Name data with targets" in refusal([*asked, *bare], capsys)
    assert "has no numbers to be met" in refusal([*asked, *classes, "--max-error", "1"], capsys)
    assert not (build_folder / "same" / ROBUSTNESS).exists()
