"""Figures that come of samples which are most likely not meant have a sentence beside them."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.host.cli import main
from tests.builders.dense_models import dense
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
