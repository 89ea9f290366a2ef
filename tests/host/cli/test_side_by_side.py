"""``glyphite compare A B``: two models, or two builds of one, on the same samples."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.data.load import load
from glyphite.convert.data.options import Options
from glyphite.convert.manifest import DataRecord
from glyphite.convert.places import find_build
from glyphite.convert.preprocessing import Preprocessing
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.runners.litert import read_manifest
from tests.builders.dense_models import dense
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert")

Out = pytest.CaptureFixture[str]
X = np.random.default_rng(1).uniform(-1, 1, (40, 3))
Y = X.argmax(axis=1)


@pytest.fixture
def pair(build_folder: Path) -> list[str]:
    """A model that gives back its input, and one that takes the first of three for the second."""
    other = np.eye(3)[[1, 0, 2]]
    return [dense(build_folder, "good", np.eye(3)), dense(build_folder, "bad", other)]


@pytest.fixture
def data(tmp_path: Path) -> list[str]:
    np.savez(tmp_path / "own.npz", x_test=X, y_test=Y, x_train=X[:9], y_train=Y[:9])
    return ["--data", str(tmp_path / "own.npz")]


@pytest.fixture
def no_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is built, which takes a second or two."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)


def compared(words: list[str], capsys: Out) -> dict[str, Any]:
    assert main(["compare", *words, "--json"]) == 0, capsys.readouterr().err
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def refusal(words: list[str], capsys: Out) -> str:
    assert main(["compare", *words]) == 2
    return " ".join(capsys.readouterr().err.split())


def test_classes_have_accuracy_agreement_and_what_each_takes(
    pair: list[str], data: list[str], capsys: Out
) -> None:
    found = compared([*pair, *data, "--board", "native"], capsys)
    third = int((Y == 2).sum())
    assert (found["task"], found["images"]) == ("classification", 40)
    assert [found[side]["correct"] for side in ("first", "second")] == [40, third]
    difference = found["difference"]
    assert difference["drop_points"] == 100 * (40 - third) / 40
    assert difference["answers_differ"] == difference["only_first_right"] == 40 - third
    assert difference["only_second_right"] == 0
    assert difference["mcnemar"] == 2 ** (1 - (40 - third))
    for side, text in zip(("first", "second"), pair, strict=True):
        assert found[side]["sha256"] == read_manifest(find_model(text)).sha256
        build = found[side]["build"]
        assert (build["board"], build["goal"], build["bench"]) == ("native", "speed", None)
        assert build["flash"] > 0 < build["ram"]


@pytest.mark.usefixtures("no_compiler")
def test_limits_are_of_the_second_against_the_first(
    pair: list[str], data: list[str], capsys: Out
) -> None:
    assert main(["compare", *pair[::-1], *data, "--max-drop", "0"]) == 0
    assert main(["compare", *pair, *data, "--max-drop", "50"]) == 1
    told = " ".join(capsys.readouterr().err.split())
    good, bad = (read_manifest(find_model(text)).sha256[:12] for text in pair)
    assert f"bad (model {bad}) loses " in told
    assert f"percentage points against good (model {good}), and --max-drop allows 50" in told
    assert main(["compare", *pair, *data, "--min-accuracy", "90"]) == 1
    assert f"bad (model {bad}) reads" in capsys.readouterr().err


@pytest.mark.usefixtures("no_compiler")
def test_the_table_has_80_columns(pair: list[str], data: list[str], capsys: Out) -> None:
    assert main(["compare", *pair, *data]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 80
    for text in ("good and bad: 40 test samples of own.npz", "alone is right on", "points"):
        assert text in printed


@pytest.mark.usefixtures("no_compiler")
def test_each_gets_samples_as_it_takes_them(
    pair: list[str], data: list[str], build_folder: Path, capsys: Out
) -> None:
    """The second takes twice each value."""
    dense(build_folder, "twice", np.eye(3), preprocessing=Preprocessing(divisor=0.5))
    found = compared([pair[0], "twice", *data], capsys)
    assert found["second"]["preprocessing"] == "divided by 0.5"
    assert found["second"]["correct"] >= 38  # the largest two of three may end at 127, both


@pytest.mark.usefixtures("no_compiler")
def test_numbers_have_errors_and_the_distance_of_the_answers(
    pair: list[str], tmp_path: Path, capsys: Out
) -> None:
    np.savez(tmp_path / "n.npz", x_test=X, y_test=X + 0.5, x_train=X, y_train=X + 0.5)
    found = compared([*pair, "--data", str(tmp_path / "n.npz"), "--numbers"], capsys)
    assert found["task"] == "regression"
    assert found["first"]["error"]["worst"] == pytest.approx(0.5, abs=0.0101)
    gap = np.abs(X[:, 0] - X[:, 1])
    assert found["difference"]["largest_difference"] == pytest.approx(gap.max(), abs=0.021)
    assert found["difference"]["mean_difference"] == pytest.approx(2 * gap.mean() / 3, abs=0.02)
    assert found["difference"]["mcnemar"] is None
    words = ["--data", str(tmp_path / "n.npz"), "--numbers", "--max-error"]
    assert main(["compare", *pair, *words, "0.6"]) == 1
    told = " ".join(capsys.readouterr().err.split())
    assert "bad (model" in told and "has a mean absolute error of 0.7" in told  # the swapped two
    assert "good (model" not in told
    for verb in (["compare", "good"], ["report", "good"]):
        assert main([*verb, *words, "0.52"]) == 0
        assert main([*verb, *words, "0.48"]) == 1
        assert "int8 (TFLM) of good (model" in " ".join(capsys.readouterr().err.split())
    assert main(["compare", "good", *words[:-1], "--max-drop", "1"]) == 2
    assert "is regression). Say --max-error instead." in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("no_compiler")
def test_what_gives_back_its_input_and_has_no_labels_has_no_area(
    pair: list[str], tmp_path: Path, capsys: Out
) -> None:
    np.savez(tmp_path / "x.npz", x_test=X)
    assert main(["compare", *pair, "--data", str(tmp_path / "x.npz")]) == 0
    rows = {line.split("│")[1].strip(): line for line in capsys.readouterr().out.splitlines()
            if "│" in line}  # fmt: skip
    cells = [cell.strip() for cell in rows["mean squared error"].split("│")[2:4]]
    assert float(cells[0]) < 1e-4
    assert float(cells[1]) > 0.01
    assert [cell.strip() for cell in rows["area under the curve"].split("│")[2:4]] == ["", ""]


def test_two_builds_of_one_model_are_named_by_their_folders(
    pair: list[str],
    data: list[str],
    require_tool: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: Out,
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    for goal in ("speed", "size"):
        words = ["bench", pair[0], "--board", "cortex-m0", "--optimize", goal, "--count", "1"]
        assert main([*words, *data]) == 0
    place = find_model(pair[0]).root / "cortex-m0"
    kept = place / "speed" / "bench.json"
    before = kept.read_bytes()
    monkeypatch.chdir(place)
    capsys.readouterr()
    found = compared(["speed", str(place / "size"), *data], capsys)
    builds = [found[side]["build"] for side in ("first", "second")]
    assert [(one["board"], one["goal"]) for one in builds] == [
        ("cortex-m0", "speed"),
        ("cortex-m0", "size"),
    ]
    assert builds[0]["bench"] == json.loads(before)
    assert builds[0]["bench"]["count"] != builds[1]["bench"]["count"]
    assert found["difference"]["answers_differ"] == 0
    assert kept.read_bytes() == before  # what is there is not measured anew
    kept.unlink()
    assert main(["compare", "speed", "size", *data]) == 0
    captured = capsys.readouterr()
    assert "Both are one model" in captured.out
    told = " ".join(captured.err.split())
    assert "counted by `glyphite bench good --board cortex-m0 --optimize speed`" in told
    assert find_build(Path("speed")).build == str(Path("cortex-m0", "speed"))


def test_a_build_outside_a_model_s_folder_is_refused(tmp_path: Path, capsys: Out) -> None:
    folder = tmp_path / "a" / "b" / "c"
    folder.mkdir(parents=True)
    (folder / "size.json").write_text("{}")
    assert f"{folder} lies in no model's folder" in refusal([str(folder), "uno"], capsys)


@pytest.mark.usefixtures("no_compiler")
def test_a_board_that_cannot_be_built_for_leaves_its_rows_out(
    pair: list[str], data: list[str], capsys: Out
) -> None:
    assert main(["compare", *pair, *data]) == 0
    captured = capsys.readouterr()
    assert "The build of good is left out: " in captured.err
    assert "static RAM" not in captured.out


@pytest.mark.usefixtures("no_compiler")
def test_what_one_was_calibrated_on_the_other_is_not_tested_with_either(
    pair: list[str], build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    """Of a source without parts, a model that does not know it is else tested with all."""
    np.savez(tmp_path / "all.npz", x=X, y=Y)
    source = str(tmp_path / "all.npz")
    record = DataRecord(source, {}, "all.npz", load(source, Options(shape=(3,))).sha256, "")
    known = dense(build_folder, "known", np.eye(3), data=record)
    assert compared([pair[0], pair[1], "--data", source], capsys)["images"] == 40
    assert compared([pair[0], known], capsys)["images"] == 8
    assert compared([known, pair[0], "--data", source], capsys)["images"] == 8


class TestRefused:
    """Each in a sentence."""

    def test_two_that_know_other_data(self, build_folder: Path, capsys: Out) -> None:
        for name, digit in (("one", "1"), ("two", "2")):
            record = DataRecord(f"/{name}.npz", {}, f"{name}.npz", digit * 64, "")
            dense(build_folder, name, np.eye(3), data=record)
        told = refusal(["one", "two"], capsys)
        assert "one was calibrated on one.npz, and two on two.npz. Say with --data" in told

    def test_two_of_other_classes(self, data: list[str], build_folder: Path, capsys: Out) -> None:
        dense(build_folder, "one", np.eye(3), labels=("a", "b", "c"))
        dense(build_folder, "two", np.eye(3), labels=("a", "c", "b"))
        told = refusal(["one", "two", *data], capsys)
        assert "one and two tell different classes apart: a, b, c and a, c, b." in told

    def test_one_that_does_not_take_the_samples(
        self, pair: list[str], data: list[str], build_folder: Path, capsys: Out
    ) -> None:
        told = refusal([pair[0], dense(build_folder, "wide", np.eye(4)), *data], capsys)
        assert "own.npz has inputs of" in told

    def test_two_of_other_counts_of_classes(
        self, pair: list[str], data: list[str], build_folder: Path, capsys: Out
    ) -> None:
        told = refusal([pair[0], dense(build_folder, "four", np.eye(4)[:, :3]), *data], capsys)
        assert "good and four tell different classes apart: 3 and 4 of them." in told

    def test_options_that_are_of_two_models_with_one(self, capsys: Out) -> None:
        told = refusal(["uno", "--board", "cortex-m4"], capsys)
        assert "--board is for two models side by side, and uno alone is named." in told

    def test_a_limit_without_a_figure(self, pair: list[str], data: list[str], capsys: Out) -> None:
        told = refusal([*pair, *data, "--max-mismatched-bytes", "0"], capsys)
        assert "--max-mismatched-bytes is a limit of one model against its reference" in told


def test_what_is_told_of_the_data_is_told_once(
    pair: list[str], no_compiler: None, tmp_path: Path, capsys: Out
) -> None:
    x = X.copy()
    x[3, 1] = np.nan
    np.savez(tmp_path / "odd.npz", x_test=x, y_test=Y, x_train=X[:9], y_train=Y[:9])
    words = ["--data", str(tmp_path / "odd.npz"), "--on-bad", "leave-out"]
    assert main(["compare", *pair, *words, "--json"]) == 0
    err = capsys.readouterr().err.splitlines()
    told = [line for line in err if "odd.npz" in line]
    assert told
    assert len(set(told)) == len(told)
