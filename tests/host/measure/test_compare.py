"""A comparison counts what it says it counts, and fails where its limit is passed."""

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.errors import CheckFailedError
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.cli.budgets import Checks
from glyphite.host.cli.compare import hold_runners
from glyphite.host.measure.compare import (
    check_generated_c,
    misread_arrays,
    run_all,
    save,
    summarize,
)
from glyphite.host.runners.base import Outputs, Scores, Tensors
from tests.builders.truth import labelled

MANIFEST = Manifest(
    name="example",
    sha256="ab" * 32,
    input=TensorInfo((1, 2), "int8", 0.5, 0),
    output=TensorInfo((1, 3), "int8", 1 / 256, -128),
    labels=("a", "b", "c"),
)
LABELS = np.array([0, 1, 2, 0], np.uint8)
TRUTH = labelled(LABELS)
FLOATS = np.array([[0.8, 0.1, 0.1], [0, 1, 0], [0, 0, 1], [0, 0.6, 0.4]], np.float32)
"""Right, right, right, wrong."""
TFLM = np.array([[90, 0, 0], [0, 127, 0], [0, 99, 9], [80, 70, 0]], np.int8)
"""Right, right, wrong, right."""
LITERT = np.array([[90, 0, 0], [0, 127, 0], [0, 9, 99], [70, 80, 0]], np.int8)
"""Right, right, right, wrong."""
SCORES: dict[str, Scores] = {"float": FLOATS, "int8_litert": LITERT, "int8_tflm": TFLM}


def test_each_runner_has_its_accuracy_interval_and_drop() -> None:
    comparison = summarize(MANIFEST, SCORES, TRUTH, {"numpy": "2"})
    floats, litert, tflm = comparison["runners"]
    assert [figures["correct"] for figures in (floats, litert, tflm)] == [3, 3, 3]
    assert floats["drop_points"] is None
    assert tflm["drop_points"] == 0
    low, high = tflm["interval"] or (0.0, 0.0)
    assert low < (tflm["accuracy"] or 0) == 0.75 < high
    assert comparison["images"] == 4
    assert comparison["sha256"] == MANIFEST.sha256


def test_the_drop_is_in_percentage_points() -> None:
    worse: dict[str, Scores] = {"float": FLOATS, "int8_tflm": np.roll(TFLM, 1, axis=1)}
    figures = summarize(MANIFEST, worse, TRUTH, {})["runners"][1]
    assert figures["correct"] == 1
    assert figures["drop_points"] == 50.0


def test_each_pair_has_its_answers_and_bytes_that_differ() -> None:
    pairs = summarize(MANIFEST, SCORES, TRUTH, {})["pairs"]
    assert [(pair["first"], pair["second"]) for pair in pairs] == [
        ("float", "int8_litert"),
        ("float", "int8_tflm"),
        ("int8_litert", "int8_tflm"),
    ]
    assert [pair["answers_differ"] for pair in pairs] == [0, 2, 2]
    assert pairs[0]["images_differ"] is pairs[0]["bytes_differ"] is None
    assert pairs[2]["images_differ"] == 2
    assert pairs[2]["bytes_differ"] == 4
    assert pairs[2]["largest_difference"] == 90
    assert (pairs[2]["only_first_right"], pairs[2]["only_second_right"]) == (1, 1)
    assert pairs[2]["mcnemar"] == 1.0


def test_equal_int8_scores_have_zeros_not_blanks() -> None:
    pair = summarize(MANIFEST, {"int8_tflm": TFLM, "c": TFLM}, TRUTH, {})["pairs"][0]
    assert (pair["images_differ"], pair["bytes_differ"], pair["largest_difference"]) == (0, 0, 0)


def test_run_all_gives_every_runner_the_same_images() -> None:
    class Sum:
        """A runner of two lines: the sum of each image's bytes."""

        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
            progress(len(inputs[0]))
            return tuple(tensors.sum(axis=1, keepdims=True) for tensors in inputs)

    seen: list[tuple[str, int]] = []
    scores = run_all(
        [Sum("float"), Sum("c")],
        np.ones((4, 3), np.int8),
        lambda runner: lambda steps: seen.append((runner.name, steps)),
    )
    assert seen == [("float", 4), ("c", 4)]
    np.testing.assert_array_equal(scores["float"], scores["c"])
    halves = np.full((4, 3), 0.5, np.float32)  # of which int8 has nothing
    scores = run_all(
        [Sum("float"), Sum("c")], np.zeros((4, 3), np.int8), lambda _: ignore_progress, halves
    )
    assert (scores["float"][0, 0], scores["c"][0, 0]) == (1.5, 0)


class TestLimits:
    """What makes a comparison fail."""

    COMPARISON = summarize(
        MANIFEST, {"float": FLOATS, "int8_tflm": np.roll(TFLM, 1, axis=1)}, TRUTH, {}
    )

    def test_a_drop_of_just_the_limit_passes_and_a_larger_one_fails_in_one_sentence(self) -> None:
        passing, failing = Checks({"max_drop": 50.0}), Checks({"max_drop": 49.99})
        hold_runners(passing, self.COMPARISON)
        hold_runners(failing, self.COMPARISON)
        assert [case.outcome for case in passing.cases] == [""]
        assert [case.text.partition(". ")[0] for case in failing.cases] == [
            f"int8 (TFLM) of example (model {MANIFEST.sha256[:12]}) loses 50.00 percentage points "
            "against the float model, and --max-drop allows 49.99"
        ]

    def test_each_int8_runner_is_held_to_the_least_accuracy(self) -> None:
        checks = Checks({"min_accuracy": 30.0})
        hold_runners(checks, summarize(MANIFEST, SCORES, TRUTH, {}))
        assert len(checks.cases) == len(SCORES) - 1  # all but the float model
        low = Checks({"min_accuracy": 30.0})
        hold_runners(low, self.COMPARISON)
        assert [case.outcome for case in low.cases] == ["failure"]
        assert "reads 25.00 % of the images right" in low.cases[0].text

    def test_generated_c_unlike_tflm_fails(self) -> None:
        comparison = summarize(MANIFEST, {"int8_tflm": TFLM, "c": LITERT}, TRUTH, {})
        with pytest.raises(CheckFailedError, match=r"differs .* in 4 bytes of 2 images \(by .* 90"):
            check_generated_c(comparison)

    def test_litert_unlike_tflm_is_a_fact_and_no_failure(self) -> None:
        check_generated_c(summarize(MANIFEST, SCORES, TRUTH, {}))


def test_save_keeps_all_scores_and_the_images_that_anyone_misread(tmp_path: Path) -> None:
    folder = ModelFolder(tmp_path, tmp_path / "model_int8.tflite")
    tensors = np.arange(8, dtype=np.int8).reshape(4, 2)
    comparison = summarize(MANIFEST, SCORES, TRUTH, {})
    misread = misread_arrays(MANIFEST, SCORES, TRUTH, tensors)
    save(folder, comparison, SCORES, TRUTH, misread)
    assert json.loads(folder.compare.read_text()) == comparison
    with np.load(folder.scores) as packed:
        assert packed["sha256"].tobytes().hex() == MANIFEST.sha256
        assert packed["misread"].tolist() == [2, 3]
        assert packed["misread_tensors"].tolist() == [[4, 5], [6, 7]]
        np.testing.assert_array_equal(packed["int8_tflm"], TFLM)
        np.testing.assert_array_equal(packed["labels"], LABELS)


@dataclass(frozen=True)
class Known:
    """A runner that is right but for its first ``wrong`` answers."""

    name: str
    labels: NDArray[np.uint8]
    wrong: int

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        given = self.labels.astype(int)
        given[: self.wrong] = (given[: self.wrong] + 1) % 10
        progress(len(inputs[0]))
        return (np.asarray(np.eye(10)[given], np.int8),)


class TestCommand:
    """``glyphite compare``."""

    def test_measures_all_runners_and_writes_what_it_found(
        self, seed: ModelFolder, require_tool: object, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert callable(require_tool)
        require_tool("cc")
        assert main(["compare", "seed", "--count", "300", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed.pop("calibrated_on") == "MNIST"
        assert printed == json.loads(seed.compare.read_text())
        names = [figures["name"] for figures in printed["runners"]]
        assert names == ["float", "int8_litert", "int8_tflm", "c"]
        assert all(figures["accuracy"] > 0.9 for figures in printed["runners"])
        pairs = {(pair["first"], pair["second"]): pair for pair in printed["pairs"]}
        assert pairs["int8_tflm", "c"]["bytes_differ"] == 0
        assert {"ai-edge-litert", "tflite_micro", "tensorflow"} <= set(printed["tools"])
        assert Manifest.load(seed.manifest).accuracy == {}  # only all 10,000 images count
        assert (seed.root / "report.html").is_file()

    def test_prints_tables_for_people(
        self, seed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["compare", "seed", "--count", "100"]) == 0
        printed = capsys.readouterr().out
        for text in (
            "seed on 100 test samples of MNIST",
            "int8 (LiteRT)",
            "95 % interval",
            "LiteRT, TFLM",
        ):
            assert text in printed

    @pytest.mark.parametrize(("limit", "code"), [("2", 0), ("1.99", 1)])
    def test_takes_max_drop_in_percentage_points_and_keeps_the_figures(
        self, seed: ModelFolder, monkeypatch: pytest.MonkeyPatch, limit: str, code: int
    ) -> None:
        """One answer of 50 is lost: 2 points."""
        labels = load_mnist().test_labels[:50]
        runners = [Known("float", labels, 0), Known("int8_tflm", labels, 1)]
        monkeypatch.setattr("glyphite.host.cli.compare._runners", lambda *_: (runners, []))
        assert main(["compare", "seed", "--count", "50", "--max-drop", limit]) == code
        assert json.loads(seed.compare.read_text())["runners"][1]["drop_points"] == 2.0

    def test_leaves_float_out_for_a_foreign_model_and_says_so(
        self, seed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        foreign = tmp_path / "foreign.tflite"
        shutil.copy(seed.tflite, foreign)
        assert main(["compare", str(foreign), "--count", "50", "--json"]) == 0
        captured = capsys.readouterr()
        names = [figures["name"] for figures in json.loads(captured.out)["runners"]]
        assert names == ["int8_litert", "int8_tflm", "c"]
        assert "The float model is left out: there is no" in captured.err.replace("\n", " ")

    @pytest.mark.parametrize("limit", ["nan", "inf", "much"])
    def test_refuses_a_max_drop_that_no_drop_exceeds(
        self, limit: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit, match="2"):
            main(["compare", "seed", "--max-drop", limit])
        assert (
            f"'{limit}' is not a number of percentage points: 0 to 100 is."
            in capsys.readouterr().err
        )

    def test_refuses_max_drop_without_a_float_model(
        self, seed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seed.keras.unlink()
        assert main(["compare", "seed", "--max-drop", "0.5"]) == 2
        assert (
            "--max-drop compares with the float model, and there is no" in capsys.readouterr().err
        )
        assert not seed.compare.exists()

    @pytest.mark.parametrize("count", ["0", "-3", "many"])
    def test_refuses_a_count_that_is_none(
        self, count: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit):
            main(["compare", "seed", "--count", count])
        assert f"'{count}' is no count: 1 to 1,000,000 is." in capsys.readouterr().err

    @pytest.mark.usefixtures("seed")
    def test_refuses_more_images_than_there_are(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["compare", "seed", "--count", "10001"]) == 2
        assert "--count 10001: MNIST has 10,000 test samples." in capsys.readouterr().err

    def test_refuses_a_float_model_that_the_tflite_was_not_made_from(
        self, seed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """As it is after `glyphite train` alone, or where `convert` was killed half-way."""
        content = bytearray(seed.keras.read_bytes())
        content[-1] ^= 1
        seed.keras.write_bytes(content)
        assert main(["compare", "seed", "--count", "10"]) == 2
        said = capsys.readouterr().err
        assert said.startswith(
            f"glyphite compare: {seed.tflite} was not made from {seed.keras}: its SHA-256 starts "
        )
        assert said.endswith("Make both anew with `glyphite convert seed`.\n")
        assert not seed.compare.exists()

    def test_takes_no_float_model_of_which_nothing_is_known(
        self, seed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        manifest = dataclasses.replace(Manifest.load(seed.manifest), float_sha256="")
        manifest.save(seed.manifest)
        assert main(["compare", "seed", "--count", "10", "--max-drop", "1"]) == 2
        assert f"nothing says that {seed.tflite} was made from" in capsys.readouterr().err
