"""What each corruption costs: the figures of every engine, and what is said of them."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert import metrics
from glyphite.convert.data.corruptions import corruptions_of, layout_of
from glyphite.convert.data.options import Kind
from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.convert.preprocessing import NAMED
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.measure import robustness
from glyphite.host.measure.corrupted_picture import CELL, WRONG, Cell, drawn, write_picture
from glyphite.host.measure.robustness import Asked, ask, conditions, verdict, worst
from glyphite.host.measure.robustness_record import (
    CORRECTION,
    LEVEL,
    ROBUSTNESS,
    BoardOf,
    RobustnessRecord,
)
from glyphite.host.measure.truth import Task, Truth
from glyphite.host.runners.base import Outputs, Scores, Tensors
from tests.builders.truth import DATA, labelled

MANIFEST = Manifest(
    name="example",
    sha256="ab" * 32,
    input=TensorInfo((1, 2), "int8", 0.5, 0),
    output=TensorInfo((1, 2), "int8", 1 / 256, -128),
    labels=("a", "b"),
    preprocessing=NAMED["raw"],
)
COUNT = 40
TRUTH = labelled(np.zeros(COUNT, np.uint8))
RAW = np.random.default_rng(1).normal(0, 5, (COUNT, 2)).astype(np.float32)
CORRUPTIONS = corruptions_of(layout_of(RAW, Kind.VECTOR))
AGAIN = "Give `glyphite compare example --robustness` again."


def answering(wrong: int, kind: type = np.int8) -> Scores:
    """Scores of which the first ``wrong`` are wrong."""
    scores: Scores = np.zeros((COUNT, 2), kind)
    scores[:, 0] = 1
    scores[:wrong] = (0, 1)
    return scores


def asked(*wrong: tuple[int, int]) -> list[Asked]:
    """Of how many samples float and TFLM are wrong, as they are and under corruptions."""
    return [
        Asked(
            CORRUPTIONS[place - 1] if place else None,
            {
                "float": answering(floats, np.float32),
                "int8_tflm": answering(int8),
                "c": answering(int8),
            },
            np.zeros((5, 2), np.int8),
        )
        for place, (floats, int8) in enumerate(wrong)
    ]


def record(found: list[Asked], board: list[Scores] | None = None) -> RobustnessRecord:
    return RobustnessRecord(
        model="example",
        sha256="ab" * 32,
        float_sha256="cd" * 32,
        task="classification",
        data=DATA,
        images=COUNT,
        seed=1,
        reference="int8_tflm",
        level=LEVEL,
        correction=CORRECTION,
        board=BoardOf("cortex-m4", "sim://cortex-m4", "ef" * 32, 5) if board else None,
        conditions=conditions(found, MANIFEST, TRUTH, "int8_tflm", board),
        tools={"numpy": "2"},
        date="2026-11-29T00:00:00+00:00",
    )


def test_each_engine_has_its_accuracy_and_interval_under_each_corruption() -> None:
    one = record(asked((0, 1), (10, 4)))
    assert [each.text for each in one.conditions] == ["as they are", "noise of 10 %"]
    shifted = one.conditions[1]
    floats, int8 = shifted.engine("float"), shifted.engine("int8_tflm")
    assert floats is not None
    assert int8 is not None
    assert (floats.correct, int8.correct, int8.images) == (30, 36, COUNT)
    assert int8.interval == list(metrics.wilson_interval(36, COUNT))
    assert shifted.pair is not None
    assert (shifted.pair.only_float_right, shifted.pair.only_int8_right) == (0, 6)
    assert shifted.pair.p == 2 ** (1 - 6)
    assert shifted.c_bytes_differ == 0
    assert shifted.board_bytes_differ is None


def test_a_corruption_that_costs_int8_more_is_named() -> None:
    one = record(asked((0, 0), (2, 12), (1, 3)))
    assert [each.text for each in one.costs] == ["noise of 10 %"]
    assert one.gains == []
    p = 3 * 2 ** (1 - 10)
    assert verdict(one) == (
        f"Int8 (TFLM) is right less often than float with: noise of 10 % (25.00 points, p {p:.2g})"
        ". So it is by McNemar's exact test at 5 %, p corrected for 3 comparisons by Holm's method."
    )
    assert worst(one) == (
        "Most is lost with noise of 10 %: float is right on 95.00 %, and on 100.00 % of the "
        "samples as they are."
    )


def test_an_int16_model_is_called_so() -> None:
    one = dataclasses.replace(record(asked((0, 0), (2, 12))), activations="int16")
    assert verdict(one).startswith("Int16 (TFLM) is right less often than float with: ")
    none = dataclasses.replace(record(asked((0, 0), (1, 1))), activations="int16")
    assert verdict(none).startswith("No corruption costs int16 (TFLM) more than float")


@pytest.mark.parametrize("wrong", [[(0, 0), (0, 0)], [(2, 2), (1, 2), (2, 2)]])
def test_where_nothing_is_lost_it_is_said(wrong: list[tuple[int, int]]) -> None:
    said = worst(record(asked(*wrong)))
    share = f"{100 * (1 - wrong[0][0] / COUNT):.2f} %"
    assert said == (
        "Nothing is lost: with no corruption is float right less often than on the samples as "
        f"they are ({share})."
    )


def test_one_that_is_low_by_chance_among_many_is_none() -> None:
    """Six of six are below 5 % alone, and not among the ten that were tried."""
    one = record(asked(*[(0, 0)] * 9, (0, 6)))
    assert one.conditions[-1].pair is not None
    assert one.conditions[-1].pair.p < LEVEL < one.conditions[-1].pair.corrected_p
    assert (one.costs, one.gains) == ([], [])
    assert verdict(one).startswith(
        "No corruption costs int8 (TFLM) more than float (the smallest corrected p: 0.31, scaled "
        "by 50 %), by McNemar's exact test at 5 %"
    )


def test_where_int8_does_better_that_is_said() -> None:
    one = record(asked((0, 0), (20, 0)))
    assert one.costs == []
    assert "is right more often than float with: noise of 10 % (50.00 points" in verdict(one)


def test_without_a_float_model_or_classes_nothing_is_claimed() -> None:
    found = asked((0, 0), (9, 9))
    for each in found:
        del each.scores["float"]
    assert verdict(record(found)) == (
        "Whether one costs int8 more than float is not known: the float model is left out."
    )
    values = Truth(Task.NUMBERS, DATA, COUNT, None, np.zeros((COUNT, 2)))
    numbers = dataclasses.replace(
        record(asked((0, 0), (9, 9))),
        task="regression",
        conditions=conditions(asked((0, 0), (9, 9)), MANIFEST, values, "int8_tflm"),
    )
    error = numbers.conditions[0].engines[0].error
    assert error is not None
    assert error["mean_absolute"] > 0
    assert verdict(numbers).endswith("McNemar's test is of classes.")
    assert worst(numbers) == ""


def test_bytes_of_the_generated_c_and_of_the_board_are_held_to_the_reference_s() -> None:
    found = asked((0, 0), (3, 3))
    board = [each.scores["int8_tflm"][:5].copy() for each in found]
    robustness.check_bytes(record(found, board))
    board[1][4, 0] += 1
    one = record(found, board)
    assert (robustness.differing_bytes(one), one.conditions[1].board_bytes_differ) == (1, 1)
    with pytest.raises(CheckFailedError, match=r"^cortex-m4 differs from int8 \(TFLM\) in 1 bytes"):
        robustness.check_bytes(one)
    found[0].scores["c"][3, 1] += 1
    with pytest.raises(CheckFailedError, match=r"^The generated C differs .*: as they are"):
        robustness.check_bytes(record(found))


def test_every_runner_gets_the_same_corrupted_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Float before int8 takes anything from them; in several portions as in one."""

    class Echo:
        """A runner that answers what it gets."""

        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
            progress(len(inputs[0]))
            return (inputs[0],)

    def run() -> list[Asked]:
        runners = [Echo("float"), Echo("int8_tflm")]
        return list(
            ask(runners, MANIFEST, RAW, corruptions=[None, *CORRUPTIONS], seed=1, first=7,
                watch=lambda _: ignore_progress)
        )  # fmt: skip

    whole = run()
    monkeypatch.setattr(robustness, "AT_A_TIME", 1)
    for one, other in zip(whole, run(), strict=True):
        raw = RAW if one.corruption is None else one.corruption.apply(RAW, 1)
        np.testing.assert_array_equal(one.scores["float"], raw)
        np.testing.assert_array_equal(one.scores["int8_tflm"], MANIFEST.quantize(raw))
        np.testing.assert_array_equal(one.first, MANIFEST.quantize(raw)[:7])
        for name in one.scores:
            np.testing.assert_array_equal(one.scores[name], other.scores[name])


def test_a_record_reads_back_as_it_was_written(tmp_path: Path) -> None:
    found = asked((0, 1), (10, 4), (3, 3))
    one = record(found, [each.scores["int8_tflm"][:5] for each in found])
    one.save(tmp_path / ROBUSTNESS)
    assert RobustnessRecord.read(tmp_path / ROBUSTNESS, AGAIN) == one


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("conditions", 1, "engines", 1, "correct"), 35, "int8_tflm for noise of 10 % that do not"),
        (("conditions", 1, "engines", 1, "interval", 0), 0.5, "int8_tflm for noise of 10 % that"),
        (("conditions", 0, "engines", 0, "images"), 39, "float for as they are that do not fit"),
        (("conditions", 1, "pair", "p"), 0.5, "a test for noise of 10 % that does not fit"),
        (("conditions", 1, "pair", "corrected_p"), 0.0, "a test for noise of 10 % that does not"),
        (
            ("conditions", 1, "engines", 0, "name"),
            "float_litert",
            "other engines for noise of 10 %",
        ),
        (("reference",), "int8_litert", "no figures of int8_litert, which it calls the reference"),
        (("sha256",), "x", "'$.sha256' is 'x'"),
        (("conditions", 1, "amount"), -1, "'$.conditions[1].amount' is -1"),
    ],
)
def test_a_record_that_was_changed_is_refused(
    path: tuple[Any, ...], value: object, said: str, tmp_path: Path
) -> None:
    document = json.loads(json.dumps(record(asked((0, 1), (10, 4))).as_document()))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (tmp_path / ROBUSTNESS).write_text(json.dumps(document))
    with pytest.raises(InputError) as caught:
        RobustnessRecord.read(tmp_path / ROBUSTNESS, AGAIN)
    assert said in str(caught.value)
    assert str(caught.value).endswith(AGAIN)


@pytest.mark.parametrize("task", [Task.BYTES, Task.INPUTS])
def test_what_has_no_right_answer_is_refused(task: Task) -> None:
    with pytest.raises(InputError, match="Name data with targets by --data"):
        robustness.require_task(Truth(task, DATA, COUNT))


def test_the_picture_has_a_cell_for_each_strength_and_wrong_answers_in_red(tmp_path: Path) -> None:
    raw = np.zeros((1, 28, 28), np.uint8)
    raw[0, 5:20, 12:15] = 255
    layout = layout_of(raw, Kind.PICTURE)
    cells = [Cell(raw[0], "", "", "answer: 1")]
    for each in corruptions_of(layout):
        cells.append(Cell(each.apply(raw, 1)[0], each.name, each.extent, "answer: 1"))
    picture = np.asarray(drawn("title", cells, layout))
    red = (picture == np.frombuffer(bytes.fromhex(WRONG[1:]), np.uint8)).all(axis=2)
    assert not red.any()
    cells[-1] = dataclasses.replace(cells[-1], is_right=False)
    changed = np.asarray(drawn("title", cells, layout))
    rows, _ = np.nonzero((changed != picture).any(axis=2))
    assert rows.min() > 0.9 * len(picture)
    black = (picture < 10).all(axis=2).sum()
    assert black > len(cells) * 15 * 3 * (CELL / 28) ** 2 / 3
    write_picture(tmp_path / "a.png", "title", cells, layout)
    assert (tmp_path / "a.png").stat().st_size > 5000
    with pytest.raises(InputError, match=r"a\.jpg is no name of a PNG"):
        write_picture(tmp_path / "a.jpg", "title", cells, layout)


def test_readings_are_drawn_as_lines() -> None:
    raw = np.cumsum(np.random.default_rng(1).normal(0, 1, (5, 50, 3)), axis=1).astype(np.float32)
    layout = layout_of(raw, Kind.WINDOW)
    picture = np.asarray(drawn("title", [Cell(raw[0], "", "", "")], layout))
    colours = {tuple(pixel) for pixel in picture.reshape(-1, 3).tolist()}
    assert {(0x1F, 0x6F, 0xB4), (0xE0, 0x8A, 0x1E), (0x2E, 0x7D, 0x32)} <= colours
