"""The notebook of the digit recogniser is made of the script, and runs from top to bottom."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.paths import PROJECT
from tests.strict import require_module
from tools.notebook import NOTEBOOK, SCRIPT, notebook

require_module("jupytext", "nbclient", "ipykernel", "tensorflow", "tflite_micro")

SECONDS = 900
"""For all cells, also where this machine has other work."""


def cells() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(NOTEBOOK.read_text())["cells"]
    return found


def test_the_notebook_is_the_script() -> None:
    assert notebook(SCRIPT.read_text()) == NOTEBOOK.read_text(), "run `make notebook`"


def test_a_script_that_was_changed_is_noticed() -> None:
    assert notebook(SCRIPT.read_text().replace("## 1. Load", "## 1. Fetch")) != NOTEBOOK.read_text()


def test_it_is_kept_without_outputs() -> None:
    code = [cell for cell in cells() if cell["cell_type"] == "code"]
    assert len(code) > 10
    assert {(len(cell["outputs"]), cell["execution_count"]) for cell in code} == {(0, None)}


def test_it_has_the_steps_in_their_order() -> None:
    text = "\n".join("".join(cell["source"]) for cell in cells())
    titles = re.findall(r"^## (\d)\. (\w+)", text, re.MULTILINE)
    assert titles == [("1", "Load"), ("2", "Look"), ("3", "Build"), ("4", "Train"), ("5", "Test"),
                      ("6", "Make"), ("7", "Ask")]  # fmt: skip


def said(executed: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - nbformat has no types
    """Each output of a notebook that ran: its kind, and its text."""
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            if output["output_type"] == "stream":
                yield output["name"], output["text"]
            for kind, content in output.get("data", {}).items():
                yield kind, str(content)


def test_it_runs_from_top_to_bottom(
    build_folder: Path, monkeypatch: pytest.MonkeyPatch, require_tool: Callable[..., None]
) -> None:
    """With a short training: it reads most digits, and the board answers as TFLM does."""
    import nbformat
    from nbclient import NotebookClient

    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    monkeypatch.setenv("NOTEBOOK_EPOCHS", "1")
    monkeypatch.setenv("NOTEBOOK_IMAGES", "3000")
    made = nbformat.read(NOTEBOOK, as_version=4)
    where = {"metadata": {"path": str(PROJECT / "train")}}
    NotebookClient(made, timeout=SECONDS, kernel_name="python3", resources=where).execute()
    outputs = list(said(made))
    text = "".join(content for kind, content in outputs if kind == "stdout")
    right = [int(count.replace(",", "")) for count in re.findall(r"([\d,]+) right$", text, re.M)]
    assert len(right) == 2  # float and int8, of 3,000
    assert min(right) > 1500
    assert abs(right[0] - right[1]) < 100
    assert re.search(r"^cortex-m4: [\d,]+ bytes of flash, [\d,]+ bytes of RAM$", text, re.M)
    assert "0 of 500 bytes differ from those of int8_tflm" in text
    assert sum(kind == "image/png" for kind, _ in outputs) == 4
    pictures = sorted(path.name for path in (build_folder / "digits" / "pictures").iterdir())
    assert pictures == ["accuracy.png", "loss.png", "prediction.png", "training_images.png"]
    assert "Traceback" not in "".join(content for _, content in outputs)
