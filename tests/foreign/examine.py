"""Puts a model through the commands that a user would type, and keeps what they print."""

import contextlib
import io
import json
import re
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.targets import has_own_kernels
from glyphite.convert.errors import InputError
from glyphite.convert.files import write_bytes
from glyphite.convert.workspace import TFLITE, ModelFolder
from glyphite.host.cli import main
from tests.foreign.collect import Found

COUNTED = ("qemu", "simavr")
"""The emulators that ``bench`` counts on."""

REFUSED = InputError.exit_code
"""What a command ends with where it cannot take a model."""


@dataclass(frozen=True)
class Answer:
    """What a command came to."""

    code: int
    """Its exit code; -1 where it ended in a traceback."""
    document: Any
    """The JSON that it printed; None where it printed none."""
    said: str
    """On stderr, or the traceback."""


@dataclass(frozen=True)
class Row:
    """A model on a board for a goal; what was not measured is None."""

    model: str
    source: str
    operators: str
    """How many of each; empty where the model is refused."""
    board: str = ""
    goal: str = ""
    bytes_compared: int | None = None
    bytes_differ: int | None = None
    count: int | None = None
    """Instructions of an inference, or cycles."""
    macs: int | None = None
    static_ram_bytes: int | None = None
    code_bytes: int | None = None
    said: str = ""
    """A refusal, a failed check, or a traceback."""
    defect: bool = False
    """Whether a byte differs, or a command failed and did not refuse the model."""


def examine(
    found: Found, folder: Path, boards: Sequence[str], goals: Sequence[Goal], count: int
) -> Iterator[Row]:
    """A row for each board and goal, or a single one for a model that is refused.

    ``folder`` is for what is made of the model; ``count`` random inputs go through each board.
    """
    model = ModelFolder(folder, folder / TFLITE)
    write_bytes(model.tflite, found.content)
    seen = command("inspect", str(model.tflite), "--json")
    if seen.code != 0:
        yield Row(found.name, found.source, "", said=seen.said, defect=seen.code != REFUSED)
        return
    kinds = Counter(layer["operator"] for layer in seen.document["layers"])
    operators = ", ".join(f"{kind} {number}" for kind, number in kinds.items())
    for board in boards:
        for goal in goals if has_goals(board) else goals[:1]:
            figures = _figures(model, board, goal, count)
            yield Row(found.name, found.source, operators, board, str(goal), **figures)


def has_goals(board: str) -> bool:
    """Whether goals make a difference there."""
    return has_own_kernels(load_board(board).mcu.architecture)


def _figures(model: ModelFolder, board: str, goal: Goal, count: int) -> dict[str, Any]:
    """The fields of a row that were measured."""
    on = (str(model.tflite), "--board", board, "--optimize", str(goal), "--json")
    verified = command("verify", *on, "--count", str(count))
    if verified.document is None:
        return {"said": verified.said, "defect": verified.code != REFUSED}
    groups = verified.document["groups"]
    different = sum(group["bytes_differ"] for group in groups)
    figures = {
        "bytes_compared": sum(group["images"] for group in groups)
        * _output_bytes(model.for_build(board, goal)),
        "bytes_differ": different,
        "said": verified.said,
        "defect": verified.code != 0,
    }
    emulator = load_board(board).emulator
    if emulator is None or emulator.kind not in COUNTED:
        return figures
    weighed = command("bench", *on, "--count", "1")
    if weighed.document is None:
        said, defect = figures["said"] or weighed.said, weighed.code != REFUSED
        return {**figures, "said": said, "defect": figures["defect"] or defect}
    names = ("count", "macs", "static_ram_bytes", "code_bytes")
    return {**figures, **{name: weighed.document[name] for name in names}}


def _output_bytes(model: ModelFolder) -> int:
    """Of an inference, as the generated header has it."""
    text = (model.generated / "model.h").read_text()
    (number,) = re.findall(r"#define MODEL_OUTPUT_BYTES (\d+)", text)
    return int(number)


def command(*words: str) -> Answer:
    """Run a ``glyphite`` command in this process."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(words)
    except Exception:
        return Answer(-1, None, traceback.format_exc())
    document = json.loads(out.getvalue()) if out.getvalue().startswith("{") else {}
    return Answer(code, None if "error" in document else document or None, err.getvalue().strip())
