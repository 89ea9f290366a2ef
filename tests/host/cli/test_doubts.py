"""Figures that come of samples which are most likely not meant have a sentence beside them."""

import json
from pathlib import Path

import numpy as np
import pytest

from glyphite.host.cli import main
from tests.builders.dense_models import dense
from tests.builders.models import ModelBuilder
from tests.strict import require_module

require_module("ai_edge_litert")

Out = pytest.CaptureFixture[str]
CUT = "of the values of {} are beyond -2.56 to 2.54, which is what plain takes, and are cut off"


def told(words: list[str], capsys: Out) -> str:
    assert main(words) == 0
    return " ".join(capsys.readouterr().err.split())


def test_samples_beyond_what_int8_takes_are_told_of(
    build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    name, x = dense(build_folder, "plain", np.eye(3)), np.full((40, 3), 1.0)
    x[:3] = 9  # 7 % of all
    np.save(tmp_path / "x.npy", x)
    source = str(tmp_path / "x.npy")
    cut = "8 % " + CUT.format(source)
    assert cut in told(["compare", name, "--data", source], capsys)
    assert "8 % " + CUT.format("x.npy") in told(["predict", source, name], capsys)
    x[:2] = 1  # what a few outliers are
    np.save(tmp_path / "x.npy", x)
    assert "cut off" not in told(["compare", name, "--data", source], capsys)


def test_int16_has_its_own_range_and_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Out
) -> None:
    """Of a .tflite alone: as far below 0 as above it, 256 times what int8 has at that scale."""
    monkeypatch.chdir(tmp_path)
    model = ModelBuilder()
    first, last = (model.tensor((1, 3), dtype="FLOAT32") for _ in range(2))
    inner = model.tensor((1, 3), 2.0**-13, dtype="INT16")
    model.operator("QUANTIZE", [first], [inner], "QuantizeOptions", version=2)
    model.operator("DEQUANTIZE", [inner], [last], "DequantizeOptions", version=3)
    Path("own.tflite").write_bytes(model.build([first], [last]))
    x = np.full((40, 3), 3.0)
    np.savez("x.npz", x_test=x, y_test=x.sum(axis=1) > 0, x_train=x, y_train=x.sum(axis=1) > 0)
    compare = ["compare", "own.tflite", "--data", "x.npz"]
    assert main([*compare, "--json"]) == 0
    shown = capsys.readouterr()
    assert "cut off" not in shown.err
    titles = [one["title"] for one in json.loads(shown.out)["runners"]]
    assert titles == ["int16 (LiteRT)", "int16 (TFLM)"]
    x[:9] = 5
    np.savez("x.npz", x_test=x, y_test=x.sum(axis=1) > 0, x_train=x, y_train=x.sum(axis=1) > 0)
    assert "are beyond -4 to 4, which is what own takes, and are cut off" in told(compare, capsys)


def test_a_model_that_reads_no_digits_is_not_judged_by_them_without_a_word(
    build_folder: Path, capsys: Out
) -> None:
    weights = np.random.default_rng(1).normal(0, 0.01, (10, 784))
    name = dense(build_folder, "other", weights, 2.0)
    said = "of MNIST, no better than one answer to all ("
    assert said in told(["compare", name, "--count", "50"], capsys)
    assert "Name its data with --data" in told(
        ["stream", name, "--port", "sim://native", "--count", "50"], capsys
    )
    assert said not in told(["compare", name, "--count", "50", "--data", "mnist"], capsys)
    assert said not in told(["compare", "uno", "--count", "50"], capsys)
