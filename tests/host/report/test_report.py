"""The report says what was measured, stands alone, and leaves out what is stale."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert import metrics
from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.errors import InputError
from glyphite.convert.manifest import Manifest, sha256_of
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli import main
from glyphite.host.measure import compare
from glyphite.host.report import plots, write_report
from glyphite.host.report.collect import collect
from glyphite.host.report.page import SHOWN
from glyphite.host.report.records import PARTS
from glyphite.host.report.samples import pixels
from glyphite.host.runners.base import Scores
from tests.builders.results import (
    COUNT,
    Page,
    put,
    put_bench,
    put_comparison,
    put_stream,
    put_verify,
)
from tests.builders.truth import labelled


@pytest.fixture
def compared(seed: ModelFolder) -> ModelFolder:
    """The seed model with a comparison in which TFLM misread the images 5, 17 and 200."""
    return put_comparison(seed)


def report_of(folder: ModelFolder) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(write_report(folder).document.read_text())
    return document


def page_of(folder: ModelFolder) -> str:
    return write_report(folder).page.read_text()


class TestDocument:
    """report.json."""

    def test_has_every_runners_accuracy_as_a_fraction(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4")
        assert report_of(compared)["accuracy"] == {
            "float": 399 / 400,
            "int8_litert": 398 / 400,
            "int8_tflm": 397 / 400,
            "board": 0.987,
        }

    def test_has_the_boards_name_images_and_mismatched_bytes(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4", wrong=3)
        board = report_of(compared)["board"]
        assert board["name"] == "cortex-m4"
        assert board["images"] == 1000
        assert board["mismatched_bytes"] == 3

    def test_of_several_boards_the_latest_stands_first(self, compared: ModelFolder) -> None:
        for age, board in enumerate(("cortex-m4", "native")):
            path = put_stream(compared, board, right=980 + age)
            put(path, ("date",), f"2026-11-29T10:00:0{9 - age}+00:00")
        report = report_of(compared)
        assert [board["name"] for board in report["boards"]] == ["cortex-m4", "native"]
        assert report["board"]["name"] == "cortex-m4"
        assert report["accuracy"]["board"] == 0.98

    def test_has_sizes_with_the_boards_limits(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4")
        put_stream(compared, "home-made")
        put_stream(compared, "uno")
        sizes = report_of(compared)["sizes"]
        assert sizes["tflite"] == compared.tflite.stat().st_size
        known, unknown, uno = sizes["boards"]
        assert (known["name"], known["flash"], known["ram"]) == ("cortex-m4", 102_880, 22_068)
        assert known["flash_limit"] == known["ram_limit"] == 4_194_304
        assert unknown["flash_limit"] is None
        assert (uno["flash_limit"], uno["ram_limit"]) == (32_256, 2_048)

    def test_lists_the_largest_parts_of_an_image_alone(self, compared: ModelFolder) -> None:
        path = put_stream(compared, "native").with_name("size.json")
        size = json.loads(path.read_text())
        size["parts"] = [{"name": f"part {i}", "bytes": 99 - i, "memory": "RAM"} for i in range(40)]
        path.write_text(json.dumps(size))
        (board,) = collect(compared).document["sizes"]["boards"]
        assert board["parts"] == size["parts"][:PARTS]

    def test_has_the_figures_of_the_last_epoch(self, compared: ModelFolder) -> None:
        history = json.loads(compared.history.read_text())
        for name, row in history.items():
            if isinstance(row, list):
                history[name] = [0.5, 0.25, *row]
        history["epochs"] += 2
        compared.history.write_text(json.dumps(history))
        last = collect(compared).document["training"]["last_epoch"]
        assert last == {name: row[-1] for name, row in history.items() if isinstance(row, list)}

    def test_refuses_scores_of_another_comparison(self, compared: ModelFolder) -> None:
        comparison = json.loads(compared.compare.read_text())
        for images in (COUNT - 1, COUNT + 1):
            for figures in comparison["runners"]:
                figures["correct"] = min(figures["correct"], images)
                figures["accuracy"] = figures["correct"] / images
                figures["interval"] = metrics.wilson_interval(figures["correct"], images)
                if figures["name"] != "float":
                    lost = comparison["runners"][0]["correct"] - figures["correct"]
                    figures["drop_points"] = 100 * lost / images
            compared.compare.write_text(json.dumps(comparison | {"images": images}))
            with pytest.raises(InputError, match=r"scores\.npz does not hold the scores of"):
                collect(compared)

    def test_has_model_hash_tools_and_epochs(self, compared: ModelFolder) -> None:
        report, manifest = report_of(compared), Manifest.load(compared.manifest)
        assert report["sha256"] == manifest.sha256
        assert report["labels"] == list("0123456789")
        assert report["training"]["epochs"] == 1
        assert 0.9 < report["training"]["last_epoch"]["val_accuracy"] < 1
        assert {"glyphite", "python", "tensorflow", "ai-edge-litert"} <= set(report["tools"])

    def test_has_the_confusion_matrix_of_tflm(self, compared: ModelFolder) -> None:
        first, *others = report_of(compared)["confusions"]
        assert first["engines"] == ["int8_tflm"]
        assert [one["engines"] for one in others] == [["float"], ["int8_litert"]]
        matrix = np.array(first["matrix"])
        labels = load_mnist().test_labels
        assert matrix.sum() == COUNT
        assert np.trace(matrix) == COUNT - 3
        for index in (5, 17, 200):
            assert matrix[labels[index], (labels[index] + 1) % 10] >= 1

    def test_lists_what_tflm_misread_with_the_surest_mistake_first(
        self, compared: ModelFolder
    ) -> None:
        misread, labels = report_of(compared)["misread"], load_mnist().test_labels
        assert [entry["index"] for entry in misread] == [5, 17, 200, 9]
        assert misread[1]["label"] == str(labels[17])
        assert misread[1]["answer"] == str((labels[17] + 1) % 10)
        assert misread[1]["answers"] == {
            "float": str(labels[17]),
            "int8_litert": str(labels[17]),
            "int8_tflm": str((labels[17] + 1) % 10),
        }
        of_tflm = misread[0]["scores"]["int8_tflm"]
        assert of_tflm[(labels[5] + 1) % 10] == pytest.approx(255 / 256)
        assert misread[3]["answer"] == misread[3]["label"]  # LiteRT alone misreads it

    def test_leaves_out_results_of_another_model(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4", sha256="0" * 64)
        report = report_of(compared)
        assert report["board"] is None
        assert report["boards"] == []
        assert "board" not in report["accuracy"]

    def test_is_made_of_a_stream_alone(self, seed: ModelFolder) -> None:
        put_stream(seed, "native")
        report = report_of(seed)
        assert report["accuracy"] == {"board": 0.987}
        assert report["compare"] is None
        assert report["confusions"] == report["engines"] == []
        assert "1,000 test samples on native: every byte" in page_of(seed)


def test_the_pictures_are_the_misread_test_images(compared: ModelFolder) -> None:
    images = load_mnist().test_images
    for image in collect(compared).shown:
        ((_, raw),) = image.inputs
        np.testing.assert_array_equal(pixels(raw), images[image.entry["index"]])


def test_nothing_to_report_is_one_sentence(
    seed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "seed"]) == 2
    assert capsys.readouterr().err == (
        "glyphite report: There is nothing to report on 'seed' yet. "
        "Run `glyphite compare seed` or `glyphite build seed --board native` first.\n"
    )
    assert not (seed.root / "report.html").exists()


AGAIN = {
    "compare.json": "glyphite compare seed",
    "native/stream.json": "glyphite stream seed --port PORT",
    "native/stream.npz": "glyphite stream seed --port PORT",
    "native/size.json": "glyphite build seed --board native",
    "history.json": "glyphite train seed",
    "scores.npz": "glyphite compare seed",
}


@pytest.mark.parametrize("name", AGAIN)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[" * 9999, b"\xff\xfe{}"], ids=repr)
def test_a_damaged_record_is_named_with_the_verb_that_makes_it(
    compared: ModelFolder, name: str, content: bytes
) -> None:
    put_stream(compared, "native")
    path = compared.root / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        collect(compared)
    said = str(caught.value)
    assert str(path) in said
    assert said.endswith(f"Make it anew with `{AGAIN[name]}`.")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("name", "where", "value", "said"),
    [
        ("compare.json", ("images",), 0, "'$.images' is 0, and a whole number >= 1"),
        ("compare.json", ("images",), 10**7, "is 10000000, and a whole number <= 1000000"),
        ("compare.json", ("runners", 2, "accuracy"), 7.0, "accuracy' is 7.0, and a number <= 1.0"),
        ("compare.json", ("runners", 2, "accuracy"), 0.5, "accuracy of 0.5, and 397 of 400 is"),
        ("compare.json", ("runners", 2, "correct"), 396, "and 396 of 400 is another"),
        ("compare.json", ("runners", 2, "interval"), [0.5], "a list of length >= 2 is needed"),
        ("compare.json", ("runners", 2, "name"), "mine", "and a string of the pattern"),
        ("compare.json", ("oracle",), "int8_tflm\n", "and a string of the pattern"),
        ("compare.json", ("runners", 2, "name"), "c", "has no figures of int8 (TFLM)"),
        ("compare.json", ("runners", 2, "colour"), 1, "unknown key '$.runners[2].colour'"),
        (
            "compare.json",
            ("runners", 2, "interval"),
            [0.0, 0.1],
            "interval of 0 to 0.1, and that of",
        ),
        ("compare.json", ("runners", 2, "drop_points"), -9, "a drop of -9.0 points for int8"),
        ("compare.json", ("pairs", 0, "mcnemar"), -1, "mcnemar' is -1, and a number >= 0.0"),
        (
            "native/stream.json",
            ("accuracy",),
            0.99,
            "0.99 as 'accuracy', and its answers give 0.98",
        ),
        ("native/stream.json", ("correct",), "987", "'$.correct' is '987', and a whole number"),
        ("native/stream.json", ("correct",), 986, "986 as 'correct', and its answers give 987"),
        ("native/stream.json", ("mismatched_bytes",), -1, "is -1, and a whole number >= 0"),
        ("native/stream.json", ("mismatched_bytes",), 1, "1 as 'mismatched_bytes', and its"),
        ("native/stream.json", ("mismatched_images",), 1, "1 as 'mismatched_images', and its"),
        ("native/stream.json", ("largest_difference",), 1, "1 as 'largest_difference', and its"),
        ("native/stream.json", ("interval",), [0.0, 0.1], "[0.0, 0.1] as 'interval', and its"),
        ("native/stream.json", ("scores",), 9_999, "9999 as 'scores', and its answers give 10000"),
        ("native/stream.json", ("images",), 10**7, "is 10000000, and a whole number <= 1000000"),
        ("native/stream.json", ("images",), 999, "999 as 'images', and its answers give 1000"),
        ("native/stream.json", ("jobs",), 1001, "1001 as 'jobs', and its answers give 2"),
        ("native/stream.json", ("run_images",), 1001, "1001 as 'run_images', and its"),
        ("native/stream.json", ("boards", 0, "images"), 999, "as 'boards', and its answers"),
        ("native/stream.json", ("retries",), 10**7, "is 10000000, and a whole number <= 1000000"),
        (
            "native/stream.json",
            ("model",),
            "mine",
            "'mine' as 'model', and its answers give 'seed'",
        ),
        ("native/stream.json", ("board",), "uno", "is of 'uno', another board"),
        ("native/stream.json", ("reference",), "c\n", "and a string of the pattern"),
        ("native/stream.json", ("reference",), "float", "and a string of the pattern"),
        ("native/stream.json", ("images_per_second",), 2e9, "and a number <= 1000000000.0"),
        ("native/stream.json", ("images_per_second",), 99, "99.0 as 'images_per_second', and its"),
        (
            "native/stream.json",
            ("instructions_per_image",),
            9,
            "9 as 'instructions_per_image', and",
        ),
        ("native/stream.json", ("seconds_per_image", "min"), 0.0096, "'min': 0.0096"),
        ("native/stream.json", ("seconds_per_image", "max"), 1e7, "and a number <= 1000000.0"),
        ("native/stream.json", ("seconds_per_image", "mean"), 0, "a number > 0.0 is needed"),
        ("native/size.json", ("flash",), 80_000, "has 80,000 bytes of flash and 22,068 of RAM"),
        ("native/size.json", ("ram",), 19_187, "and its sections have 122,068 in all"),
        ("native/size.json", ("sections", ".bss"), 30_000, "and its sections have 132,880 in all"),
        ("native/size.json", ("parts", 0, "bytes"), 102_881, "102,881 bytes of flash, of 102,880"),
        ("native/size.json", ("parts", 0, "memory"), "RAM", "37,440 bytes of RAM, of 22,068 in"),
        ("native/size.json", ("parts", 0, "memory"), "tape", "'tape', and a string of the pattern"),
        ("native/size.json", ("flash",), None, "'$.flash' is None, and a whole number is needed"),
        ("native/size.json", ("sha256",), "ab", "'$.sha256' is 'ab', and a string of the pattern"),
        ("history.json", ("val_accuracy",), [2], "'$.val_accuracy[0]' is 2, and a number <= 1.0"),
        ("history.json", ("loss",), [], "'$.loss' is [], and a list of length >= 1 is needed"),
        ("history.json", ("loss",), [1e308], "'$.loss[0]' is 1e+308, and a number <= 1e+39"),
        ("history.json", ("accuracy",), [0.1, 0.2], "has lists of different lengths"),
        ("history.json", ("val_accuracy",), [0.1, 0.2], "has lists of different lengths"),
        ("history.json", ("epochs",), 7, "has 7 epochs, and the losses of 1"),
        ("history.json", ("network",), "a\x1b[2J", "and a string of the pattern"),
        ("history.json", ("network",), "", "and a string of the pattern"),
        ("history.json", ("epochs",), "many", "'$.epochs' is 'many', and a whole number"),
    ],
)
def test_a_figure_that_cannot_be_is_named(
    compared: ModelFolder, name: str, where: tuple[Any, ...], value: object, said: str
) -> None:
    put_stream(compared, "native")
    put(compared.root / name, where, value)
    with pytest.raises(InputError) as caught:
        collect(compared)
    assert str(caught.value).startswith(str(compared.root / name))
    assert said in str(caught.value)
    assert str(caught.value).endswith(f"Make it anew with `{AGAIN[name]}`.")


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.full(COUNT, 10, np.uint8)},
        {"labels": np.zeros(COUNT, np.int64)},
        {"misread": np.array([COUNT])},
        {"misread": np.array([5, 9, 17, 201])},
        {"misread": np.array([17, 9, 5, 200])},
        {"misread_tensors": np.zeros((4, 784), np.int8)},
        {"misread_tensors": np.zeros((4, 28, 28, 1), np.uint8)},
        {"misread": np.array([[5, 17, 200]])},
        {"int8_tflm": np.zeros((COUNT, 9), np.int8)},
        {"int8_tflm": np.zeros((COUNT, 10), np.int8)},
        {"c": np.zeros((COUNT, 10), np.int8)},
        {"sha256": np.zeros(32, np.uint8)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_scores_that_are_not_those_of_the_comparison_are_refused(
    compared: ModelFolder, change: dict[str, np.ndarray]
) -> None:
    with np.load(compared.scores) as packed:
        arrays = dict(packed)
    np.savez(compared.scores, **(arrays | change))
    with pytest.raises(
        InputError, match=r"scores\.npz does not hold the scores of .*compare\.json"
    ):
        collect(compared)


@pytest.mark.parametrize(
    "change",
    [
        {"labels": np.full(1000, 10, np.uint8)},
        {"labels": np.zeros(1000, np.int64)},
        {"labels": np.zeros(0, np.uint8)},
        {"reference": np.zeros((1000, 9), np.int8)},
        {"scores": np.zeros((999, 10), np.int8)},
        {"ticks": np.full(1000, -1)},
        {"seconds": np.zeros((1000, 1))},
        {"wall_seconds": np.float64(0)},
        {"sha256": np.zeros(32, np.uint8)},
        {"colour": np.zeros(3)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_answers_that_are_not_those_of_a_run_are_refused(
    seed: ModelFolder, change: dict[str, np.ndarray]
) -> None:
    answers = put_stream(seed, "native").with_suffix(".npz")
    with np.load(answers) as packed:
        arrays = dict(packed)
    np.savez(answers, **(arrays | change))
    with pytest.raises(InputError, match=r"npz does not hold the answers of .*stream\.json\. Make"):
        collect(seed)


@pytest.mark.parametrize("name", ["scores", "labels", "reference", "sha256", "wall_seconds"])
def test_answers_without_one_of_their_arrays_are_refused(seed: ModelFolder, name: str) -> None:
    answers = put_stream(seed, "native").with_suffix(".npz")
    with np.load(answers) as packed:
        np.savez(answers, **{key: packed[key] for key in packed if key != name})
    with pytest.raises(InputError, match=r"npz does not hold the answers of"):
        collect(seed)


def test_figures_of_a_board_without_its_answers_are_refused(seed: ModelFolder) -> None:
    put_stream(seed, "native").with_suffix(".npz").unlink()
    with pytest.raises(InputError, match=r"stream\.json has no stream\.npz beside it\. Make it"):
        collect(seed)


def test_several_jobs_at_a_port_are_refused(seed: ModelFolder) -> None:
    path = put_stream(seed, "native")
    collect(seed)
    put(path, ("boards", 0, "port"), "COM3")
    for key, value in (("port", "COM3"), ("firmware_sha256", None), ("goal", None)):
        put(path, (key,), value)
    with pytest.raises(InputError, match="has 2 as 'jobs', and its answers give 1"):
        collect(seed)


def test_instructions_are_those_of_a_board_whose_timer_counts_them(seed: ModelFolder) -> None:
    path = put_stream(seed, "cortex-m4")
    put(path, ("instructions_per_image",), 7)
    with pytest.raises(InputError, match="has 7 as 'instructions_per_image', and its answers give"):
        collect(seed)


def test_a_comparison_without_its_scores_is_refused(compared: ModelFolder) -> None:
    compared.scores.unlink()
    with pytest.raises(InputError, match=r"compare\.json has no scores\.npz beside it\. Make it"):
        collect(compared)


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("pairs", 0, "answers_differ"), 77),
        (("model",), "mine"),
        (("runners", 2, "title"), "int8 (ours)"),
        (("runners", 1, "name"), "int8_tflm"),
        (("oracle",), "int8_litert"),
    ],
    ids=str,
)
def test_what_the_scores_do_not_give_is_refused(
    compared: ModelFolder, where: tuple[str | int, ...], value: object
) -> None:
    put(compared.compare, where, value)
    with pytest.raises(InputError, match=r"scores\.npz does not hold the scores of"):
        collect(compared)


class TestLeftOut:
    """What is of another model is not shown, and the report says so."""

    def of_another_model(self, folder: ModelFolder, name: str) -> dict[str, Any]:
        put_stream(folder, "native")
        key = "float_sha256" if name == "history.json" else "sha256"
        put(folder.root / name, (key,), "0" * 64)
        return collect(folder).document

    @pytest.mark.parametrize("name", [name for name in AGAIN if name.endswith(".json")])
    def test_a_record_is_named_with_the_verb_that_makes_it(
        self, compared: ModelFolder, name: str
    ) -> None:
        other = "another float model" if name == "history.json" else "another model"
        left_out = self.of_another_model(compared, name)["left_out"]
        sentence = f"{compared.root / name} is of {other}, and left out. Make it anew with"
        assert left_out == [f"{sentence} `{AGAIN[name]}`."]

    def test_a_training_run_after_the_conversion_is_converted(self, compared: ModelFolder) -> None:
        compared.keras.write_bytes(b"another")
        put(compared.history, ("float_sha256",), sha256_of(compared.keras))
        (sentence,) = collect(compared).document["left_out"]
        assert sentence.endswith("left out. Make it anew with `glyphite convert seed`.")

    def test_sizes_and_curves_are_not_shown(self, compared: ModelFolder) -> None:
        self.of_another_model(compared, "native/size.json")
        put(compared.history, ("float_sha256",), "0" * 64)
        report = collect(compared).document
        assert report["sizes"]["boards"] == []
        assert report["training"] is None
        assert report["board"]["name"] == "native"

    def test_nothing_is_said_where_all_is_current(
        self,
        compared: ModelFolder,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        assert main(["report", "seed"]) == 0
        assert capsys.readouterr().err == ""
        assert "left-out" not in (compared.root / "report.html").read_text()

    def test_the_verb_and_its_page_say_it(
        self,
        compared: ModelFolder,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        self.of_another_model(compared, "native/stream.json")
        assert main(["report", "seed"]) == 0
        said = "stream.json is of another model, and left out."
        assert said in capsys.readouterr().err
        page = (compared.root / "report.html").read_text()
        assert '<h2 id="left-out">Left out</h2>' in page
        assert said in page


class TestPage:
    """report.html."""

    def test_needs_nothing_from_elsewhere(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4")
        text = page_of(compared)
        page = Page(text)
        for tag, attributes in page.tags:
            for name in ("src", "srcset", "href"):
                value = attributes.get(name, "data:")
                assert value.startswith(("data:", "#")), (tag, name, value[:60])
        assert not page.all("script")
        assert not page.all("link")
        assert "url(" not in text
        assert "@import" not in text
        assert "http" not in re.sub(r"data:[^\"]*", "", text)

    def test_is_accessible(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4")
        page = Page(page_of(compared))
        assert page.all("html") == [{"lang": "en"}]
        assert all(len(image["alt"]) > 10 for image in page.all("img"))
        assert all(header.get("scope") in ("row", "col") for header in page.all("th"))
        assert any(meta.get("name") == "viewport" for meta in page.all("meta"))
        headings = [tag for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
        assert headings.count("h1") == 1
        assert headings[0] == "h1"

    def test_is_for_light_and_dark(self, compared: ModelFolder) -> None:
        text = page_of(compared)
        assert '<meta name="color-scheme" content="light dark">' in text
        assert "@media (prefers-color-scheme: dark)" in text
        drawn = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
        assert len(drawn) > 3
        assert not any(re.search(r"#[0-9a-f]{3,6}|rgb", one) for one in drawn), "by style alone"

    def test_shows_the_figures(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4")
        text = page_of(compared).replace("\N{NO-BREAK SPACE}", " ")
        for figure in (
            "1,000 test samples on cortex-m4: every byte of the scores is TensorFlow Lite Micro",
            "99.25 %",  # TFLM
            "98.70 %",  # board
            "0.50 points",  # lost by TFLM
            "102,880 B of 4.0 MiB (2.5 %)",
            "100.5 KiB",  # the same, rounded
            "glyphite train seed --recipe plain --epochs 1 --batch-size 32 --seed 1 --name seed\n",
            "glyphite convert seed --data mnist --calibration-samples 500\n",
            "glyphite compare seed --count 400\n",
            "glyphite build seed --board cortex-m4 --optimize speed\n",
            "glyphite stream seed --port sim://cortex-m4 --count 1000 --jobs 2\n",
            "TFLM has 987 of the same",
            "TFLM: 987 (98.70 %)",
            "ffffffffffff, 2026-",
            "int8 (TFLM) misreads 3 of 400 samples",
        ):
            assert figure in text, figure

    def test_draws_each_interval_within_its_axis(self, compared: ModelFolder) -> None:
        bars = re.findall(r'style="left: ([-.0-9]+)%; width: ([-.0-9]+)%"', page_of(compared))
        assert len(bars) == 3
        for left, width in bars:
            assert 0 < float(left) < float(left) + float(width) < 100

    def test_says_where_bytes_differ(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4", wrong=3)
        assert "3 bytes of the scores differ from TensorFlow Lite Micro" in page_of(compared)

    def test_escapes_names_that_it_did_not_choose(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4")
        text = page_of(compared)
        assert "weights &lt;b&gt;" in text
        assert "weights <b>" not in text

    def test_shows_each_misread_digit_with_picture_and_ten_scores(
        self, compared: ModelFolder
    ) -> None:
        page = Page(page_of(compared))
        digits = [image for image in page.all("img") if image["alt"].startswith("A sample of")]
        assert len(digits) == 4
        assert len({image["src"] for image in digits}) == 4
        scores = [entry for entry in page.all("li") if "--share" in entry.get("style", "")]
        assert len(scores) == 40

    def test_needs_no_matplotlib(
        self, compared: ModelFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        assert len(Page(page_of(compared)).all("img")) == 4

    def test_of_a_poor_model_shows_some_digits_and_says_so(self, seed: ModelFolder) -> None:
        manifest, mnist = Manifest.load(seed.manifest), load_mnist()
        labels = mnist.test_labels[:COUNT]
        truth = labelled(labels)
        scores: dict[str, Scores] = {"int8_tflm": np.zeros((COUNT, 10), np.int8)}
        comparison = compare.summarize(manifest, scores, truth, {})
        tensors = manifest.quantize(mnist.test_images[:COUNT])
        misread = compare.misread_arrays(manifest, scores, truth, tensors)
        compare.save(seed, comparison, scores, truth, misread)
        text = page_of(seed)
        assert f"{SHOWN} are shown, and report.json has all" in text
        assert len(text) < 200_000
        assert len(report_of(seed)["misread"]) == np.count_nonzero(labels)

    def test_is_the_same_for_the_same_results(self, compared: ModelFolder) -> None:
        assert page_of(compared) == page_of(compared)


def test_a_foreign_model_is_reported_without_training(
    seed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "foreign.tflite"
    shutil.copy(seed.tflite, foreign)
    assert main(["compare", str(foreign), "--count", "60"]) == 0
    capsys.readouterr()
    assert main(["report", str(foreign), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["model"] == "foreign"
    assert report["training"] is None
    assert "float" not in report["accuracy"]
    page = (seed.root.parent / "foreign" / "report.html").read_text()
    assert f"glyphite compare {foreign}" in page


def test_curves_are_drawn_of_a_run_that_was_tested_only_at_its_end() -> None:
    curve = {"accuracy": [0.8, 0.9, 0.95], "loss": [0.5, 0.2, 0.1]}
    judged = {"val_accuracy": [0.97], "val_loss": [0.05]}
    settings = {"network": "seed", "seed": 1, "epochs": 3}
    accuracy, loss = plots.training({**settings, "by_epoch": curve | judged})
    assert "epoch 3: 97" in accuracy.plot
    assert "epoch 3: 0.05" in loss.plot
    assert accuracy.plot.count("<title>") == 4


class TestBuilds:
    """A row is one firmware, and has figures of no other one."""

    def test_each_of_a_board_s_builds_has_a_row_of_its_own(self, compared: ModelFolder) -> None:
        for goal in ("speed", "size"):
            put_stream(compared, "cortex-m4", goal=goal, place=goal)
        rows = collect(compared).document["builds"]
        assert sorted((row["goal"], row["firmware_sha256"][0]) for row in rows) == [
            ("size", "e"), ("speed", "f"),
        ]  # fmt: skip
        for row in rows:
            assert row["stream"]["goal"] == row["size"]["goal"] == row["goal"]
        text = page_of(compared)
        assert "seed on cortex-m4, size" in text
        assert "glyphite build seed --board cortex-m4 --optimize size\n" in text

    def test_the_size_of_a_later_build_is_not_shown_beside_an_earlier_run(
        self, compared: ModelFolder
    ) -> None:
        path = put_stream(compared, "cortex-m4")
        put(path.with_name("size.json"), ("firmware_sha256",), "d" * 64)
        put_bench(compared, "cortex-m4")
        run, built = collect(compared).document["builds"]
        assert (run["firmware_sha256"], built["firmware_sha256"]) == ("f" * 64, "d" * 64)
        assert run["size"] is built["stream"] is built["bench"] is None
        assert run["bench"]["cycles"] == 2_100_000
        assert "<span>flash on cortex-m4</span>" not in page_of(compared)

    def test_what_bench_counted_stands_beside_the_run_of_its_firmware(
        self, compared: ModelFolder
    ) -> None:
        put_stream(compared, "cortex-m4")
        put_bench(compared, "cortex-m4")
        text = page_of(compared)
        for said in (
            "<span>modelled time of an image</span><b>84.0 ms</b>",
            "2,100,000 modelled cycles",
            "1,360,000<small>the first 5 test images of MNIST</small>",
            "glyphite bench seed --board cortex-m4 --optimize speed --count 5\n",
        ):
            assert said in text, said

    def test_a_bench_that_cannot_be_is_named(self, compared: ModelFolder) -> None:
        put(put_bench(compared, "cortex-m4"), ("milliseconds",), 1.4)
        with pytest.raises(InputError, match=r"bench\.json has 1\.4 as .*e bench seed"):
            collect(compared)

    def test_a_verification_stands_in_the_row_of_its_firmware(self, compared: ModelFolder) -> None:
        put_stream(compared, "cortex-m4")
        put_verify(compared, "cortex-m4")
        (row,) = collect(compared).document["builds"]
        assert row["verify"]["groups"][0]["bytes_differ"] == 5
        text = page_of(compared)
        for said in (
            "<td>100 random, 16 extreme</td><td>TFLM</td><td>2</td>"
            '<td class="bad">5, by up to 3</td>',
            "glyphite verify seed --board cortex-m4 --optimize speed --count 100 --seed 7\n",
        ):
            assert said in text, said

    def test_a_report_is_made_of_a_verification_alone(self, seed: ModelFolder) -> None:
        put_verify(seed, "uno", "COM3")
        text = page_of(seed)
        assert "116 inputs on uno: 5 bytes of the scores differ from" in text
        assert "seed on uno, build not known<small>COM3, " in text
        assert "glyphite verify seed --board uno --port COM3 --count 100 --seed 7\n" in text

    @pytest.mark.parametrize(
        ("where", "value", "said"),
        [
            (("groups", 0, "images_differ"), 6, r"has 5 bytes, by up to 3, that differ on 6 of"),
            (("groups", 0, "bytes_differ"), 0, "has 0 bytes, by up to 3, that differ on 2 of"),
            (("groups", 1, "inputs"), "random", "has a group of inputs twice"),
            (("board",), "native", "is of 'native', another board"),
        ],
    )
    def test_a_verification_that_cannot_be_is_named(
        self, compared: ModelFolder, where: tuple[Any, ...], value: object, said: str
    ) -> None:
        path = put_verify(compared, "cortex-m4")
        put(path, where, value)
        with pytest.raises(InputError, match=said) as caught:
            collect(compared)
        again = "Make it anew with `glyphite verify seed --board cortex-m4`."
        assert str(caught.value).endswith(again)

    def test_a_bench_of_another_model_is_left_out(self, compared: ModelFolder) -> None:
        path = put_bench(compared, "cortex-m4")
        put(path, ("sha256",), "0" * 64)
        document = collect(compared).document
        assert document["builds"] == []
        assert document["left_out"][0].startswith(f"{path} is of another model, and left out.")

    def test_a_real_board_has_a_row_whose_build_is_not_known(self, compared: ModelFolder) -> None:
        path = put_stream(compared, "uno")
        for key, value in (("port", "COM3"), ("jobs", 1), ("firmware_sha256", None)):
            put(path, (key,), value)
            put(path, ("boards", 0, key), value)
        put(path, ("goal",), None)
        put(path, ("bound_by",), "board")
        run, built = collect(compared).document["builds"]
        assert (run["goal"], run["size"], built["stream"]) == (None, None, None)
        assert "seed on uno, build not known<small>COM3, " in page_of(compared)

    def test_a_board_that_does_not_tell_its_firmware_has_none(self, compared: ModelFolder) -> None:
        path = put_stream(compared, "uno")
        for where in ((), ("boards", 0)):
            put(path, (*where, "jobs"), 1)
            put(path, (*where, "port"), "COM3")
        with pytest.raises(InputError, match=r"as 'firmware_sha256', and its answers give None"):
            collect(compared)

    def test_another_model_s_runs_are_shown_as_such(self, compared: ModelFolder) -> None:
        uno = find_model("uno")
        put_stream(compared, "cortex-m4")
        put_stream(ModelFolder(uno.root, uno.tflite), "uno")
        assert main(["report", "seed", "--with", "uno"]) == 0
        report = json.loads((compared.root / "report.json").read_text())
        assert [row["model"] for row in report["builds"]] == ["seed", "uno"]
        assert [board["model"] for board in report["boards"]] == ["seed"]
        text = (compared.root / "report.html").read_text()
        assert f"<small>another model, {report['builds'][1]['sha256'][:12]}</small>" in text
        assert "glyphite stream uno --port sim://uno --count 1000 --jobs 2\n" in text
        assert "glyphite report seed --with uno</code>" in text


def test_an_arduino_is_flashed_by_the_commands_of_its_page(compared: ModelFolder) -> None:
    put_stream(compared, "uno")
    commands = page_of(compared)
    assert "glyphite flash seed --board uno --port sim://uno\n" in commands
    assert "glyphite build" not in commands
