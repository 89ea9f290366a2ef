"""Models that compute in int8 and take or give floats: TensorFlow's own tutorial ends with one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from tests.builders import edges
from tests.builders.models import ModelBuilder

Out = pytest.CaptureFixture[str]


def run(words: list[str], capsys: Out) -> dict[str, Any]:
    assert main([*words, "--json"]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("edge", ["both", "input", "output"])
def test_it_goes_the_whole_way(edge: str, tmp_path: Path, capsys: Out) -> None:
    path, shape = tmp_path / f"{edge}.tflite", (1, 5, 1, 3)
    content = {
        "both": edges.network(),
        "input": edges.quantize(shape, 0.05, 7),
        "output": edges.dequantize(shape, 0.05, 7),
    }[edge]
    path.write_bytes(content)
    x = np.random.default_rng(1).uniform(-6, 5, (20, 5, 1, 3))
    y = np.full((20, 2, 1, 3), 0.5) if edge == "both" else x
    np.savez(tmp_path / "x.npz", x_test=x, y_test=y, x_train=x, y_train=y)
    words = ["--data", str(tmp_path / "x.npz"), "--numbers"]
    compared = run(["compare", str(path), *words], capsys)
    pairs = {(one["first"], one["second"]): one for one in compared["pairs"]}
    assert pairs["int8_tflm", "c"]["bytes_differ"] == 0
    is_float = edge != "input"
    assert (pairs["int8_tflm", "c"]["largest_difference"] is None) == is_float
    if edge != "both":  # what comes out is what goes in
        assert compared["runners"][0]["error"]["worst"] < 0.026
        return
    main(["build", str(path), "--board", "native"])
    capsys.readouterr()
    streamed = run(["stream", str(path), "--port", "sim://native", "--count", "9", *words], capsys)
    assert (streamed["mismatched_bytes"], streamed["scores"]) == (0, 9 * 6 * 4)
    report = run(["report", str(path)], capsys)
    assert report["left_out"] == []
    assert report["compare"]["runners"] == compared["runners"]


def test_litert_answers_what_the_compiler_lacks(tmp_path: Path, capsys: Out) -> None:
    path = tmp_path / "lacks.tflite"
    path.write_bytes(edges.not_compiled())
    np.save(tmp_path / "x.npy", np.array([[0.5, -1, 2]], np.float32))
    found = run(["predict", str(tmp_path / "x.npy"), str(path)], capsys)
    assert found["answers"][0]["values"] == pytest.approx([0.5, -1, 2])
    assert main(["compile", str(path)]) == 2
    assert "which the compiler lacks" in " ".join(capsys.readouterr().err.split())


def test_what_holds_no_int8_is_sent_to_convert(tmp_path: Path, capsys: Out) -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), dtype="FLOAT32"), model.tensor((1, 4), dtype="FLOAT32")
    model.operator("RELU", [first], [last])
    path = tmp_path / "float.tflite"
    path.write_bytes(model.build([first], [last]))
    assert main(["compare", str(path)]) == 2
    told = capsys.readouterr().err
    assert "input is float32, and int8 is needed. Convert" in " ".join(told.split())
    assert find_model(str(path)).name == "float"
