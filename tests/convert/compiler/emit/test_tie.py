"""Files of C that were not made together do not compile: a kill, or a copy, can have mixed them."""

import subprocess
from collections.abc import Callable
from itertools import product
from pathlib import Path

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.export.c_array import c_array
from tests.builders.small import small


def complaint(folder: Path, file: str, *texts: dict[str, str]) -> str:
    """What the C compiler says to ``file`` among the files of ``texts``; "" where it takes it."""
    for name, text in [item for each in texts for item in each.items()]:
        (folder / name).write_text(text)
    command = ["cc", "-fsyntax-only", "-Wundef", "-Werror", str(folder / file)]
    return subprocess.run(command, check=False, capture_output=True, text=True).stderr


def models() -> list[dict[str, str]]:
    """The C of two models, and of one of them for other wishes."""
    first, second = (small(seed).build([0], [4]) for seed in (1, 2))
    return [
        dict(compile_model(first, "first").files),
        dict(compile_model(second, "first").files),
        dict(compile_model(first, "first", goal=Goal.RAM).files),
        dict(compile_model(first, "first", stream_input=True).files),
    ]


def test_c_compiles_with_its_own_header_alone(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    made = models()
    for (one, ours), (other, theirs) in product(enumerate(made), repeat=2):
        header = {"model.h": theirs["model.h"]}
        said = complaint(tmp_path, "model.c", ours, header)
        if one == other:
            assert said == ""
        else:
            assert "model.h and model.c do not belong together: make both anew with glyphi" in said


def test_a_header_from_before_there_was_a_tie_is_refused(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    files = models()[0]
    lines = files["model.h"].splitlines(keepends=True)
    older = {"model.h": "".join(line for line in lines if "MODEL_TIE" not in line)}
    assert "do not belong together" in complaint(tmp_path, "model.c", files, older)


def test_the_same_model_gives_the_same_tie() -> None:
    assert models() == models()


def test_the_array_of_a_tflite_compiles_with_its_own_header_alone(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    first, second = (c_array("model", small(seed).build([0], [4])) for seed in (1, 2))
    assert complaint(tmp_path, "model_data.cc", first) == ""
    other = {"model_data.h": second["model_data.h"]}
    said = complaint(tmp_path, "model_data.cc", first, other)
    assert "model_data.h and model_data.cc are of two models: make both with glyphite exp" in said
