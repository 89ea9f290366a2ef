"""The report as Markdown, and what changed from one model to another."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli import main
from glyphite.host.report import changes, write_report
from glyphite.host.report.markdown import code, plain, prose, table
from tests.builders.dense_models import dense
from tests.builders.results import Page, put, put_bench, put_comparison, put_stream
from tests.builders.whys import put_all
from tests.strict import require_module

require_module("ai_edge_litert")

Out = pytest.CaptureFixture[str]
X = np.random.default_rng(1).uniform(-1, 1, (40, 3))
Y = X.argmax(axis=1)


class TestMarkdown:
    """``glyphite report MODEL --markdown``."""

    def test_has_every_runner_and_firmware(self, seed: ModelFolder, capsys: Out) -> None:
        put_stream(put_comparison(seed), "cortex-m4")
        put_bench(seed, "cortex-m4")
        assert main(["report", "seed", "--markdown"]) == 0
        text = capsys.readouterr().out
        sha = json.loads((seed.root / "report.json").read_text())["sha256"]
        for line in (
            "### seed",
            f"Model `{sha[:12]}`, {seed.tflite.stat().st_size:,} bytes, calibrated on ",
            "| int8 (TFLM) | 397 | 99.25 % | 97.82 to 99.74 % | 0.50 points |",
            "Misread most often: ",
            "| seed on cortex-m4, speed `ffffffffffff` | 1,000 | 987 (98.70 %) | 0 of 10,000 (",
            " (TFLM) | 84.0 ms, modelled cycles |",
            "| 102,880 B | 22,068 B | 1,360,000 instructions | 84.0 ms, modelled cycles |",
            "Made by `glyphite report seed --markdown`.",
        ):
            assert line in text, line

    def test_a_table_has_as_many_cells_in_each_row(self, seed: ModelFolder) -> None:
        put_stream(put_comparison(seed), "cortex-m4")
        text = write_report(seed).markdown
        for block in text.split("\n\n"):
            lines = [line for line in block.splitlines() if line.startswith("|")]
            assert len({line.count("|") for line in lines}) <= 1, block

    def test_what_came_from_outside_makes_no_markup(self) -> None:
        assert plain("a|b <img> [x](y) `c` *d* \x1b") == (
            r"a\|b &lt;img&gt; \[x\](y) \`c\` \*d\* \\x1b"
        )
        assert plain("99.5\N{NO-BREAK SPACE}%") == "99.5 %"
        assert table(("a", "b"), []) == ""

    def test_what_stands_between_backticks_is_code_and_nothing_else(self) -> None:
        assert prose("It *is*. Give `glyphite convert a_b --x <1>` again.") == (
            r"It \*is\*. Give `glyphite convert a_b --x <1>` again."
        )
        assert prose("one ` alone") == r"one \` alone"
        assert code("glyphite report 'a`b'") == "`` glyphite report 'a`b' ``"

    def test_a_command_in_an_advice_is_code_in_both_forms(self, seed: ModelFolder) -> None:
        put_all(put_comparison(seed))
        put(seed.root / "layers.json", ("advice", 0, "text"), "Do as `glyphite convert` <does>.")
        put(seed.root / "schemes.json", ("float_sha256",), "0" * 64)
        written = write_report(seed)
        assert (
            "- Do as `glyphite convert` &lt;does&gt;. `glyphite convert seed " in written.markdown
        )
        assert "Make it anew with `glyphite schemes seed`.\n" in written.markdown
        assert "\\`" not in written.markdown
        page = written.page.read_text()
        assert "Do as <code>glyphite convert</code> &lt;does&gt;." in page
        assert "Make it anew with <code>glyphite schemes seed</code>." in page

    def test_one_form_is_printed(self, seed: ModelFolder, capsys: Out) -> None:
        put_comparison(seed)
        assert main(["report", "seed", "--markdown", "--json"]) == 2
        assert "Leave out one." in capsys.readouterr().out


@pytest.fixture
def pair(build_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A model that gives back its input, and one that takes the first of three for the second;
    with samples. Nothing is built, as there is no compiler."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    np.savez(tmp_path / "own.npz", x_test=X, y_test=Y, x_train=X[:9], y_train=Y[:9])
    models = [
        dense(build_folder, name, np.eye(3)[order])
        for name, order in (("good", [0, 1, 2]), ("bad", [1, 0, 2]))
    ]
    return [*models, "--data", str(tmp_path / "own.npz")]


def document(**second: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a side
    """What `glyphite compare A B --json` tells, with the names and sizes of both."""
    bench = {"unit": "instructions", "count": 1000, "milliseconds": 2.0, "timed_by": "modelled"}
    build = {"board": "cortex-m4", "goal": "speed", "flash": 9000, "ram": 500, "stack": 0}
    first = {
        "name": "old", "model": "old", "sha256": "a" * 64, "preprocessing": "raw",
        "calibrated_on": "MNIST", "accuracy": 0.5, "error": None, "tflite": 4000,
        "build": build | {"bench": bench},
    }  # fmt: skip
    difference = {"answers_differ": 9, "only_first_right": 1, "only_second_right": 8,
                  "mcnemar": 0.039}  # fmt: skip
    return {
        "images": 100, "data": {"title": "MNIST"}, "difference": difference, "first": first,
        "second": first | {"name": "new"} | second,
    }  # fmt: skip


class TestChanges:
    """``glyphite report A B``."""

    def test_each_figure_is_the_second_less_the_first(self) -> None:
        build = document()["first"]["build"]
        better = build | {"flash": 8000, "ram": 600, "bench": build["bench"] | {"count": 900}}
        found = document(accuracy=0.75, build=better)
        rows = changes.changes(found)
        assert {row["what"]: (row["change"], row["better"]) for row in rows} == {
            "accuracy": (25.0, True),
            ".tflite": (0, None),
            "flash": (-1000, True),
            "static RAM": (100, False),
            "stack": (0, None),
            "instructions of an inference": (-100, True),
            "time of an inference": (0.0, None),
        }
        assert changes.sentence(found, rows) == (
            "new against old on 100 test samples of MNIST: accuracy +25 points, "
            "flash -1,000 bytes (-11.1 %), static RAM +100 bytes (+20.0 %), "
            "instructions of an inference -100 instructions (-10.0 %)."
        )

    def test_figures_of_two_boards_are_not_subtracted(self) -> None:
        build = document()["first"]["build"] | {"board": "uno", "flash": 1}
        rows = changes.changes(document(build=build))
        assert {row["what"] for row in rows if row["change"] is not None} == {"accuracy", ".tflite"}

    def test_of_one_model_no_figure_differs(self) -> None:
        found = document()
        rows = changes.changes(found)
        assert changes.sentence(found, rows).endswith(
            "MNIST: no figure differs that both have of a kind."
        )

    def test_are_printed_and_written(self, pair: list[str], capsys: Out) -> None:
        assert main(["report", *pair]) == 0
        out = " ".join(capsys.readouterr().out.split())
        right = 100 * int((Y == 2).sum()) / 40
        assert f"│ accuracy │ 100.00 % │ {right:.2f} % │ {right - 100:.4g} points │" in out
        folder = find_model("bad").root
        written = json.loads((folder / "changes-from-good.json").read_text())
        assert written["changes"][0]["change"] == right - 100
        page = (folder / "changes-from-good.html").read_text()
        Page(page)
        assert '<td class="bad">' in page
        assert "http" not in page
        assert "src=" not in page

    def test_are_printed_as_markdown_and_as_json(self, pair: list[str], capsys: Out) -> None:
        assert main(["report", *pair, "--markdown"]) == 0
        text = capsys.readouterr().out
        assert text.startswith("### bad against good\n\nbad against good on 40 test samples of own")
        assert "|  | good | bad | change |\n|---|---:|---:|---:|\n" in text
        assert "McNemar's exact test: p = " in text
        assert main(["report", *pair, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["changes"][0]["what"] == "accuracy"

    def test_a_limit_is_of_the_second(self, pair: list[str], capsys: Out) -> None:
        assert main(["report", *pair, "--max-drop", "1"]) == 1
        assert "percentage points against good" in " ".join(capsys.readouterr().err.split())

    @pytest.mark.parametrize("words", [["--with", "uno"], ["--max-mismatched-bytes", "1"]])
    def test_what_is_of_one_model_is_refused(
        self, words: list[str], pair: list[str], capsys: Out
    ) -> None:
        assert main(["report", *pair, *words]) == 2
        assert "Leave it out." in capsys.readouterr().err

    def test_a_board_is_refused_for_one(self, seed: ModelFolder, capsys: Out) -> None:
        put_comparison(seed)
        assert main(["report", "seed", "--board", "uno"]) == 2
        assert "--board is for two models side by side" in capsys.readouterr().err
