"""``glyphite compare`` on a model that not all engines can run, by those that can."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.preprocessing import NAMED
from glyphite.convert.quantize.quantize import manifest_of
from glyphite.host.cli import main
from tests.builders.dense_models import dense
from tests.builders.models import ModelBuilder
from tests.strict import require_module

require_module("ai_edge_litert", "tflite_micro")

Out = pytest.CaptureFixture[str]
REASON = "TensorFlow Lite Micro is left out: TensorFlow Lite Micro cannot load the model: "


@pytest.fixture
def words(build_folder: Path, tmp_path: Path) -> list[str]:
    """A model of one GELU, which neither TFLM nor the compiler has, and data for it."""
    model = ModelBuilder()
    source, sink = (model.tensor((1, 3), 0.02, 0) for _ in range(2))
    model.operator("GELU", [source], [sink], "GeluOptions")
    content = model.build([source], [sink])
    folder = build_folder / "gelu"
    folder.mkdir(parents=True)
    (folder / "model_int8.tflite").write_bytes(content)
    found = dataclasses.replace(manifest_of(content, "gelu"), preprocessing=NAMED["raw"])
    found.save(folder / "manifest.json")
    x = np.random.default_rng(1).uniform(-1, 1, (40, 3))
    np.savez(
        tmp_path / "own.npz", x_test=x, y_test=x.argmax(axis=1), x_train=x, y_train=x.argmax(axis=1)
    )
    return ["gelu", "--data", str(tmp_path / "own.npz")]


def test_it_is_compared_by_what_can_run_it_and_the_others_are_told_of(
    words: list[str], capsys: Out
) -> None:
    assert main(["compare", *words, "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert [one["name"] for one in found["runners"]] == ["int8_litert"]
    assert found["oracle"] == "int8_litert"
    left_out = {one["name"]: one["reason"] for one in found["left_out"]}
    assert set(left_out) == {"float", "int8_tflm", "c"}
    assert "GELU" in left_out["int8_tflm"]
    assert f"TensorFlow Lite Micro is left out: {left_out['int8_tflm']}" in err
    assert "Nothing here has the bytes of a board" in shown(["compare", *words], capsys)
    assert main(["report", "gelu", "--json"]) == 0  # its record is read again


def test_two_models_are_run_by_what_can_run_both(
    words: list[str], build_folder: Path, capsys: Out
) -> None:
    dense(build_folder, "plain", np.eye(3))
    assert main(["compare", "plain", *words, "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["reference"] == "int8_litert"
    assert REASON in err
    assert "Both are run by LiteRT" in shown(["compare", "plain", *words], capsys)


def shown(words: list[str], capsys: Out) -> str:
    assert main(words) == 0
    return " ".join(capsys.readouterr().out.split())
