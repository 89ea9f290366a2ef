"""``glyphite schemes``, and ``glyphite convert --scheme``, on data of one's own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.errors import InputError
from glyphite.convert.manifest import Manifest
from glyphite.convert.quantize.by_scheme import quantized_by
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.workspace import model_folder
from glyphite.host.cli import main, schemes
from glyphite.host.measure.schemes_record import FILE, FOLDER, read
from tests.builders.hard import hard_network, samples
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert", "tflite_micro")

Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """hard.keras, and hard.npz with what it answers as the labels."""
    load_tensorflow()
    folder = tmp_path_factory.mktemp("hard")
    model = hard_network()
    model.save(folder / "hard.keras")
    x = samples(400, 1)
    y = np.asarray(model(x, training=False)).argmax(axis=1)
    np.savez(folder / "hard.npz", x_train=x[:200], y_train=y[:200], x_test=x[200:], y_test=y[200:])
    return folder


def words(files: Path, only: str) -> list[str]:
    model, data = str(files / "hard.keras"), str(files / "hard.npz")
    return ["schemes", model, "--data", data, "--only", only, "--preprocess", "raw"]


def test_a_table_has_each_scheme_s_figures_and_keeps_what_there_is(
    files: Path,
    require_tool: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Out,
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")

    def interrupted(scheme: Any, *rest: Any) -> bytes:  # noqa: ANN401
        if scheme.name == "int16":
            raise KeyboardInterrupt
        return quantized_by(scheme, *rest)

    call = words(files, "per-tensor,int16")
    with monkeypatch.context() as patch:
        patch.setattr(schemes, "quantized_by", interrupted)
        assert main(call) == 130
    capsys.readouterr()
    record = read(model_folder("hard").root / FILE)
    assert ([row.scheme for row in record.rows], record.complete) == (["per-tensor"], False)
    assert main([*call, "--resume", "--json"]) == 0
    out, err = capsys.readouterr()
    assert "It is there from the last run." in err
    document = json.loads(out)
    assert document["complete"]
    assert document["float_figures"]["correct"] == 200
    first, second = document["rows"]
    assert first["correct"] == 200 - first["only_float_right"] + first["only_scheme_right"]
    assert 0 < first["mcnemar"] <= 1
    assert [one["inputs"] for one in first["bytes"]] == ["data", "random", "extreme"]
    assert sum(one["bytes_differ"] for one in first["bytes"]) == 0
    assert first["cost"]["count"] > 300
    assert (second["cost"], second["bytes"]) == (None, None)
    assert second["reasons"] == [schemes.ONLY_INT8]
    assert second["accuracy"] > first["accuracy"]
    made = model_folder("hard").root / FOLDER / "per-tensor" / "model_int8.tflite"
    assert main(["compile", str(made)]) == 0  # every other verb takes it
    assert Manifest.load(made.with_name("manifest.json")).scheme == "per-tensor"
    assert record.rows[0] == read(model_folder("hard").root / FILE).row("per-tensor")


def test_a_conversion_by_a_scheme_has_a_folder_of_its_own_which_remembers_it(
    files: Path, capsys: Out
) -> None:
    call = ["convert", str(files / "hard.keras"), "--data", str(files / "hard.npz"), "--json"]
    assert main([*call, "--scheme", "per-tensor"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["model"], first["scheme"]) == ("hard-per-tensor", "per-tensor")
    assert main(["convert", "hard-per-tensor", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["sha256"] == first["sha256"]
    assert "of 200 training samples" in again["calibration"]
    words = ["hard-per-tensor", "--data", str(files / "hard.npz"), "--name", "other", "--json"]
    assert main(["convert", *words]) == 0
    assert json.loads(capsys.readouterr().out)["scheme"] == "per-channel"  # another's is not taken


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--only", "per-tensr"], "Did you mean per-tensor?"),
        (["--only", ","], "--only names no scheme."),
        (["--data", "random"], "random numbers have none. Name data with --data"),
        (["--board", "native"], "Neither instructions nor cycles can be counted"),
    ],
)
def test_a_wrong_call_is_refused_before_any_work(
    options: list[str], said: str, files: Path, capsys: Out
) -> None:
    assert main(["schemes", str(files / "hard.keras"), *options]) == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_what_contradicts_itself_is_no_record(tmp_path: Path) -> None:
    row = {
        **dict.fromkeys(("aware_epochs", "sha256", "tflite_bytes", "error", "cost", "bytes")),
        **{"scheme": "per-tensor", "title": "t", "weights": "per tensor", "rule": "r"},
        **{"activations": "int8", "calibration_samples": 5, "calibration": "c", "engine": "c"},
        **{"correct": 90, "accuracy": 0.9, "low": 0.8, "high": 0.95, "mcnemar": 0.5},
        **{"only_float_right": 3, "only_scheme_right": 1, "reasons": []},
    }
    document = {
        **{"model": "m", "float_sha256": "0" * 64, "float_bytes": 9, "task": "classification"},
        **{"data": {"title": "d", "sha256": "", "words": []}, "images": 100, "board": "b"},
        **{"float_figures": {"correct": 92, "accuracy": 0.92, "interval": None, "error": None}},
        **{"goal": "speed", "cost_inputs": 5, "rows": [row], "complete": True, "tools": {}},
        **{"date": "2026-01-02T03:04:05+00:00"},
    }
    path = tmp_path / FILE

    def kept(**changes: Any) -> Path:  # noqa: ANN401
        path.write_text(json.dumps(document | {"rows": [row | changes]}))
        return path

    assert read(kept()).rows[0].correct == 90
    for changes in ({"accuracy": 0.91}, {"only_float_right": 4}, {"activations": "int4"}):
        with pytest.raises(InputError, match="Make it anew with `glyphite schemes`"):
            read(kept(**changes))
    path.write_text(json.dumps(document | {"rows": [row, row]}))
    with pytest.raises(InputError, match="has a scheme twice"):
        read(path)
