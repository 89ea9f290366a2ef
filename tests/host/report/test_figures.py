"""Every figure of the report is what the saved scores give, reckoned here by another way."""

import json
from typing import Any, ClassVar

import numpy as np
import pytest

from glyphite.convert import metrics
from glyphite.convert.boards import load_board
from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.report import SCHEMA_FILE, curves, plots, samples, write_report
from glyphite.host.report.collect import Results, collect
from glyphite.host.report.engines import Engine, worst_pairs
from glyphite.host.report.page import _confusion
from tests.builders.report_schema import flaws
from tests.builders.results import COUNT, MISREAD, put_bench, put_comparison, put_stream, put_verify
from tools.report_schema import schema


@pytest.fixture
def whole(seed: ModelFolder) -> ModelFolder:
    """A comparison, and all that is measured of a board that gave TFLM's very bytes."""
    put_comparison(seed)
    put_stream(seed, "cortex-m4", misread=MISREAD, right=1000)
    put_bench(seed, "cortex-m4")
    put_verify(seed, "cortex-m4")
    return seed


@pytest.fixture
def results(whole: ModelFolder) -> Results:
    return collect(whole)


def scores_in(folder: ModelFolder) -> dict[str, Any]:
    with np.load(folder.scores) as packed:
        return dict(packed)


def test_who_agrees_with_whom_is_counted_over_all_samples(
    whole: ModelFolder, results: Results
) -> None:
    arrays = scores_in(whole)
    with np.load(whole.board("cortex-m4") / "stream.npz") as packed:
        arrays["board-1"] = packed["scores"][:COUNT]  # what else it answered is not compared
    assert [one["name"] for one in results.document["engines"]] == [
        "float", "int8_litert", "int8_tflm", "board-1",
    ]  # fmt: skip
    found = results.document["agreement"]
    assert len(found) == 6
    for one in found:
        first, second = (arrays[one[side]].tolist() for side in ("first", "second"))
        pairs = list(zip(first, second, strict=True))
        same = sum(a.index(max(a)) == b.index(max(b)) for a, b in pairs)
        assert (one["samples"], one["answers_agree"]) == (COUNT, same)
        if one["first"] == "float":
            assert one["bytes"] is one["bytes_agree"] is None
        else:
            alike = sum(x == y for a, b in pairs for x, y in zip(a, b, strict=True))
            assert (one["bytes"], one["bytes_agree"]) == (COUNT * 10, alike)


def test_a_board_that_got_other_samples_is_no_engine_of_the_comparison(seed: ModelFolder) -> None:
    """Its reference gave other bytes there than the comparison's."""
    put_stream(put_comparison(seed), "cortex-m4")
    names = [one["name"] for one in collect(seed).document["engines"]]
    assert names == ["float", "int8_litert", "int8_tflm"]


def test_how_sure_it_is_follows_from_each_score(whole: ModelFolder, results: Results) -> None:
    arrays = scores_in(whole)
    (found,) = (one for one in results.document["reliability"] if one["engine"] == "int8_tflm")
    bins: dict[int, list[tuple[float, bool]]] = {}
    for row, label in zip(arrays["int8_tflm"].tolist(), arrays["labels"].tolist(), strict=True):
        sure = (max(row) + 128) / 256
        bins.setdefault(int(10 * sure), []).append((sure, row.index(max(row)) == label))
    gap = 0.0
    for one, (_, answers) in zip(found["bins"], sorted(bins.items()), strict=True):
        sure, right = (sum(each) / len(answers) for each in zip(*answers, strict=True))
        assert one["answers"] == len(answers)
        assert (one["sure"], one["right"]) == pytest.approx((sure, right))
        gap += abs(sure - right) * len(answers) / COUNT
    assert found["gap"] == pytest.approx(gap)
    assert found["gap"] > 0.001


def test_a_misread_sample_has_the_scores_of_every_engine(
    whole: ModelFolder, results: Results
) -> None:
    arrays = scores_in(whole)
    for one in results.document["misread"]:
        assert set(one["scores"]) == set(one["answers"]) == {
            "float", "int8_litert", "int8_tflm", "board-1",
        }  # fmt: skip
        given = arrays["int8_tflm"][one["index"]].tolist()
        assert one["scores"]["int8_tflm"] == pytest.approx(
            [(x + 128) / 256 for x in given], abs=1e-6
        )
        assert one["scores"]["board-1"] == one["scores"]["int8_tflm"]
        assert one["answer"] == one["answers"]["board-1"] == str(given.index(max(given)))


def test_memory_over_time_is_that_of_the_board_s_firmware(
    whole: ModelFolder, results: Results
) -> None:
    """At each call, the bytes that are drawn are as many as are said to be in use."""
    memory = results.document["memory"]
    board = load_board("cortex-m4")
    made = compile_model(
        whole.tflite.read_bytes(), "seed", architecture=board.mcu.architecture
    )  # fmt: skip
    assert (memory["board"], memory["goal"]) == ("cortex-m4", "speed")
    assert memory["arena_bytes"] == made.arena_bytes
    for moment, taken in zip(range(-1, memory["calls"] + 1), memory["occupied"], strict=True):
        rooms = [
            (low, high)
            for rectangles in results.drawn
            for first, last, low, high in rectangles
            if first <= moment < last
        ]
        held = {byte for low, high in rooms for byte in range(low, high)}
        assert len(held) == taken


class TestErrors:
    """Of a regression, and of a reconstruction with odd samples."""

    manifest = Manifest.load(find_model("uno").manifest)
    values = np.random.default_rng(1).normal(0, 1, (60, 3))
    scores = (values + np.random.default_rng(2).normal(0, 0.1, (60, 3))).astype(np.float32)
    every = (Engine("float", "float", "float", np.arange(60), scores),)

    def test_each_error_is_in_one_bar(self) -> None:
        found = curves.distribution(self.manifest, self.every, self.values, None, gives_back=False)
        (group,) = found["groups"]
        assert sum(group["counts"]) == 180
        off = (self.scores - self.values).ravel()
        assert (found["edges"][0], found["edges"][-1]) == pytest.approx((off.min(), off.max()))
        third = [found["edges"][3] <= each < found["edges"][4] for each in off]
        assert group["counts"][3] == sum(third)

    def test_the_area_below_the_curve_is_the_comparison_s(self) -> None:
        odd = np.arange(60) % 4 == 0
        scores = self.scores + 0.15 * odd[:, None].astype(np.float32)
        every = (Engine("float", "float", "float", np.arange(60), scores),)
        (found,) = curves.roc(self.manifest, every, self.values, odd)
        x, y = np.array(found["points"]).T
        area = float(((x[1:] - x[:-1]) * (y[1:] + y[:-1])).sum() / 2)
        errors = np.square(scores - self.values).mean(axis=1)
        assert area == pytest.approx(metrics.area_under_curve(errors, odd))
        assert 0.6 < area < 1

    def test_the_farthest_off_come_first(self) -> None:
        found = samples.far_off(self.manifest, self.every, {"values": self.values}, "float", False)
        errors = [one.entry["mean_squared"]["float"] for one in found]
        assert errors == sorted(errors, reverse=True)
        squares = np.square(self.scores - self.values).mean(axis=1)
        assert errors[0] == pytest.approx(squares.max())
        assert found[0].entry["index"] == squares.argmax()

    def test_answers_are_drawn_beside_what_is_right(self) -> None:
        first, *others = curves.answers(self.manifest, self.every, self.values)
        assert [one["number"] for one in (first, *others)] == [0, 1, 2]
        np.testing.assert_allclose(
            first["points"], np.stack([self.values, self.scores], -1)[:, 0], atol=1e-6
        )


class TestManyClasses:
    """A confusion matrix of a hundred classes is a picture, and a list of the worst mistakes."""

    matrix = np.diag(np.full(100, 40))
    matrix[7, 93], matrix[50, 3], matrix[2, 1] = 20, 9, 4
    one: ClassVar[dict[str, Any]] = {
        "engines": ["int8_tflm"],
        "samples": int(matrix.sum()),
        "matrix": matrix.tolist(),
    }

    def test_the_worst_pairs_are_told_with_their_part_of_the_label(self) -> None:
        assert worst_pairs(self.matrix.tolist(), 2) == [(7, 93, 20), (50, 3, 9)]
        document = {"classes": [f"kind {number}" for number in range(100)]}
        shown = _confusion(self.one, document, {"int8_tflm": "int8 (TFLM)"})
        assert shown["cells"] is None
        assert shown["worst"][0] == {
            "label": "kind 7", "answer": "kind 93", "samples": 20, "share": 20 / 60,
        }  # fmt: skip
        assert len(shown["worst"]) == 3

    def test_the_picture_is_small_and_has_a_cell_for_each_that_is_not_empty(self) -> None:
        figure = plots.matrix(self.one, "int8 (TFLM)")
        assert figure is not None
        assert figure.plot.count("z") == 103
        assert len(figure.plot) < 20_000


class TestPixels:
    """What is drawn of a sample."""

    def test_of_shares_and_of_bytes(self) -> None:
        shades = np.linspace(0, 1, 64).reshape(8, 8, 1)
        for raw in (shades, 255 * shades, 2 * shades - 1):
            seen = samples.pixels(raw)
            assert seen is not None
            assert (seen.shape, seen[0, 0], seen[-1, -1]) == ((8, 8), 0, 255)

    def test_colours_are_kept_and_readings_are_no_picture(self) -> None:
        seen = samples.pixels(np.full((8, 8, 3), (255, 128, 0)))
        assert seen is not None
        assert seen[4, 4].tolist() == [255, 128, 0]
        assert samples.pixels(np.zeros((40, 3))) is None
        assert samples.pixels(np.zeros(30)) is None


class TestSchema:
    """report.json has a documented form."""

    def test_the_committed_one_is_that_of_the_types(self) -> None:
        assert json.loads(SCHEMA_FILE.read_text()) == schema(), "run `make schema`"

    def test_every_document_says_what_it_is(self) -> None:
        for name, one in schema()["$defs"].items():
            assert len(one["description"]) > 10, name

    def test_a_report_fits_it(self, whole: ModelFolder) -> None:
        document = json.loads(write_report(whole).document.read_text())
        assert flaws(document) == []
        assert document["builds"][0]["bench"]
        del document["builds"][0]["bench"]["cycles"]
        document["colour"] = "blue"
        document["confusions"][0]["matrix"][0][0] = -1
        told = flaws(document)
        assert any("'colour' was unexpected" in one for one in told)
        assert any(one.startswith("$.builds[0].bench:") for one in told)
        assert any("$.confusions[0].matrix[0][0]: -1 is less than" in one for one in told)
