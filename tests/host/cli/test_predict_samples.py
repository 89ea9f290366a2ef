"""``glyphite predict`` of models that read no digits: pictures, values and samples of data sets."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from glyphite.convert.manifest import DataRecord
from glyphite.convert.preprocessing import NAMED
from glyphite.host.cli import main
from tests.builders.dense_models import dense
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert")

Out = pytest.CaptureFixture[str]
X = np.random.default_rng(1).uniform(-1, 1, (20, 3))


def predicted(words: list[str], capsys: Out) -> list[dict[str, Any]]:
    assert main(["predict", *words, "--json"]) == 0, capsys.readouterr().err
    document = json.loads(capsys.readouterr().out)
    assert len(document["sha256"]) == 64
    return list(document["answers"])


def said(words: list[str], capsys: Out) -> str:
    assert main(["predict", *words]) == 0
    return capsys.readouterr().out


def refusal(words: list[str], capsys: Out) -> str:
    assert main(["predict", *words]) == 2
    return " ".join(capsys.readouterr().err.split())


@pytest.fixture
def shades(build_folder: Path) -> str:
    """A model of 8x4 pixels in colour: which colour is strongest?"""
    weights = np.tile(np.eye(3) / 32, (1, 32))
    shape = (1, 8, 4, 3)
    return dense(build_folder, "shades", weights, 0.01, shape, labels=("red", "green", "blue"),
                 preprocessing=NAMED["unit"])  # fmt: skip


@pytest.mark.parametrize(("colour", "name"), [((0, 0, 255), "blue"), ((250, 9, 9), "red")])
def test_a_picture_of_another_size_is_scaled_and_named(
    shades: str, tmp_path: Path, colour: tuple[int, int, int], name: str, capsys: Out
) -> None:
    path = tmp_path / "shade.png"
    Image.new("RGB", (50, 70), colour).save(path)
    (answer,) = predicted([str(path), shades], capsys)
    assert answer["class"] == name
    assert list(answer["shares"]) == ["red", "green", "blue"]
    assert sum(answer["shares"].values()) == pytest.approx(1, abs=1e-5)  # by a softmax
    lines = said([str(path), shades], capsys).splitlines()
    assert lines[1] == f"shade.png: {name}"
    assert all(line.endswith(" %") for line in lines[2:])


def test_logits_of_nothing_known_and_numbers_are_no_per_cent(
    build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    name = dense(build_folder, "plain", np.eye(3))
    np.save(tmp_path / "x.npy", X)
    answers = predicted([str(tmp_path / "x.npy"), name], capsys)
    assert [one["sample"] for one in answers][:2] == ["x.npy, sample 0", "x.npy, sample 1"]
    found = np.array([one["values"] for one in answers])
    np.testing.assert_allclose(found, X, atol=0.011)
    np.save(tmp_path / "one.npy", X[3])
    printed = said([str(tmp_path / "one.npy"), name], capsys)
    assert "%" not in printed
    assert printed.splitlines()[1].startswith("one.npy: ")
    (tmp_path / "x.csv").write_text("a,b,c\n0.5,-0.5,0.25\n1,0,-1\n")
    rows = predicted([str(tmp_path / "x.csv"), name], capsys)
    read = np.array([one["values"] for one in rows], np.float64)
    np.testing.assert_allclose(read, np.array([[0.5, -0.5, 0.25], [1.0, 0.0, -1.0]]), atol=0.011)


def test_samples_of_a_data_set_are_shown_with_what_is_right(
    build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    labels = X.argmin(axis=1)
    np.savez(tmp_path / "own.npz", x_test=X, y_test=labels, x_train=X, y_train=labels)
    source = ["--data", str(tmp_path / "own.npz")]
    name = dense(build_folder, "plain", -np.eye(3))
    answers = predicted([name, *source, "--index", "4", "--count", "3"], capsys)
    assert [one["sample"] for one in answers] == [f"test sample {index}" for index in (4, 5, 6)]
    for answer, label in zip(answers, labels[4:7], strict=True):
        assert answer["class"] == answer["right"] == str(label)
    assert f"test sample 0: {labels[0]} (right: {labels[0]})" in said([name, *source], capsys)
    np.savez(tmp_path / "own.npz", x_test=X, y_test=X + 0.5, x_train=X, y_train=X + 0.5)
    (answer,) = predicted([name, *source, "--numbers"], capsys)
    np.testing.assert_allclose(answer["values"], -X[0], atol=0.011)
    np.testing.assert_allclose(answer["right"], X[0] + 0.5, atol=1e-4)
    np.savez(tmp_path / "own.npz", x_test=X)
    (answer,) = predicted([name, *source], capsys)
    assert answer["mean_squared_error"] == pytest.approx(4 * np.square(X[0]).mean(), abs=0.05)


def test_count_and_index_choose_among_the_values_of_a_file(
    build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    name = dense(build_folder, "plain", np.eye(3))
    np.save(tmp_path / "x.npy", X)
    answers = predicted([str(tmp_path / "x.npy"), name, "--index", "2", "--count", "2"], capsys)
    assert [one["sample"] for one in answers] == ["x.npy, sample 2", "x.npy, sample 3"]
    np.testing.assert_allclose([one["values"] for one in answers], X[2:4], atol=0.011)
    assert main(["predict", str(tmp_path / "x.npy"), name, "--count", str(len(X) + 1)]) == 2
    assert f"holds {len(X)} samples, counted from 0, and --index 0 --count" in (
        capsys.readouterr().err
    )


def test_a_port_answers_as_this_pc(build_folder: Path, tmp_path: Path, capsys: Out) -> None:
    name = dense(build_folder, "plain", np.eye(3))
    np.save(tmp_path / "x.npy", X[:3])
    here = predicted([str(tmp_path / "x.npy"), name], capsys)
    assert predicted([str(tmp_path / "x.npy"), name, "--port", "sim://native"], capsys) == here


def test_a_model_that_was_calibrated_on_random_numbers_says_so(
    build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    record = DataRecord("random", {}, "random numbers", "", "")
    name = dense(build_folder, "plain", np.eye(3), data=record)
    np.save(tmp_path / "x.npy", X[:1])
    assert main(["predict", str(tmp_path / "x.npy"), name]) == 0
    assert "plain was calibrated on random numbers" in capsys.readouterr().err


class TestRefused:
    """Each in a sentence that says what to do."""

    def test_a_picture_for_a_model_that_reads_none(
        self, build_folder: Path, tmp_path: Path, capsys: Out
    ) -> None:
        name = dense(build_folder, "plain", np.eye(3))
        told = refusal([str(tmp_path / "x.png"), name], capsys)
        assert "plain takes inputs of shape (3,), which is no picture." in told
        assert "`glyphite predict plain --data SOURCE`" in told

    def test_values_of_another_shape(self, build_folder: Path, tmp_path: Path, capsys: Out) -> None:
        name = dense(build_folder, "plain", np.eye(3))
        np.save(tmp_path / "x.npy", np.zeros((2, 4)))
        told = refusal([str(tmp_path / "x.npy"), name], capsys)
        assert "holds values of shape (2, 4), and the model takes (3,)" in told

    @pytest.mark.parametrize(
        ("words", "text"),
        [
            (["a.png", "uno", "--data", "mnist"], "a.png and --data mnist are two sources"),
            ([], "What is to be read is missing. Name a picture or a file of values"),
            (["uno", "--data", "mnist", "--index", "10000"], "has 10,000 test samples"),
            (["uno", "--data", "mnist", "--show"], "--show and --show-picture show the digits"),
        ],
    )
    def test_a_call_that_names_too_much_or_too_little(
        self, words: list[str], text: str, capsys: Out
    ) -> None:
        assert text in refusal(words, capsys)
