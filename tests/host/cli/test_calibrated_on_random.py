"""What follows from a calibration on random numbers says so; `report --data` makes figures anew."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.manifest import RANDOM, DataRecord
from glyphite.host.cli import main
from tests.builders.dense_models import dense
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert")

Out = pytest.CaptureFixture[str]
Tools = Callable[..., None]
X = np.random.default_rng(1).uniform(-1, 1, (20, 3))
SAID = "plain, calibrated on random numbers"


@pytest.fixture
def random(build_folder: Path) -> str:
    record = DataRecord(RANDOM, {}, "random numbers", "", "")
    return dense(build_folder, "plain", np.eye(3), data=record)


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    y = X.argmax(axis=1)
    np.savez(tmp_path / "own.npz", x_test=X, y_test=y, x_train=X, y_train=y)
    return ["--data", str(tmp_path / "own.npz")]


@pytest.mark.parametrize(
    "words",
    [
        ["size", "--board", "native"],
        ["inspect"],
        ["verify", "--board", "native", "--count", "3"],
        ["bench", "--board", "cortex-m0", "--count", "1"],
    ],
    ids=lambda words: words[0],
)
def test_a_table_says_so(
    words: list[str], random: str, build_folder: Path, require_tool: Tools, capsys: Out
) -> None:
    require_tool("cc", "arm-none-eabi-gcc", "qemu-system-arm")
    assert main([words[0], random, *words[1:]]) == 0
    assert SAID in capsys.readouterr().out
    assert main([words[0], random, *words[1:], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["calibrated_on"] == "random numbers"
    other = dense(build_folder, "other", np.eye(3))
    if words[0] in ("size", "inspect"):
        assert main([words[0], other, *words[1:]]) == 0
        assert "random" not in capsys.readouterr().out


def test_compare_stream_and_the_report_say_so(
    random: str, data: list[str], build_folder: Path, capsys: Out
) -> None:
    assert main(["compare", random, *data]) == 0
    assert f"{SAID} on 20 test samples of own.npz" in " ".join(capsys.readouterr().out.split())
    assert main(["compare", random, *data, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["calibrated_on"] == "random numbers"
    assert main(["stream", random, "--port", "sim://native", "--count", "5", *data]) == 0
    assert f"{SAID} on native" in capsys.readouterr().out
    page = (build_folder / "plain" / "report.html").read_text()
    assert "It was calibrated on random numbers, so its accuracy means nothing." in page


def test_the_report_is_made_anew_with_other_data(
    build_folder: Path, data: list[str], tmp_path: Path, capsys: Out
) -> None:
    name = dense(build_folder, "own", np.eye(3))
    assert main(["report", name, *data, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["compare"]["images"], found["accuracy"]["int8_tflm"]) == (20, 1.0)
    assert "calibrated on random numbers" not in (build_folder / "own/report.html").read_text()
    assert main(["stream", name, "--port", "sim://native", "--count", "5", *data]) == 0
    np.savez(tmp_path / "new.npz", x_test=X[:4], y_test=[0, 1, 2, 0], x_train=X, y_train=[0] * 20)
    capsys.readouterr()
    assert main(["report", name, "--data", str(tmp_path / "new.npz"), "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert (found["compare"]["images"], found["boards"][0]["images"]) == (4, 5)
    told = " ".join(captured.err.split())
    assert f"The run on native is of {data[1]}. Make it anew with `glyphite stream own" in told
    assert main(["report", name, "--data", str(tmp_path / "no.npz")]) == 2
