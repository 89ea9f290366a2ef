"""Two models in one program: each has names of its own, or the C compiler says what to do."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.emit.text import c_prefix
from glyphite.convert.errors import InputError
from glyphite.host.cli import main
from glyphite.host.runners.tflm import infer
from tests.builders.compilers import warnings_of
from tests.builders.small import small

WARNINGS = ("cc", "-std=c99", "-Wall", "-Wextra", "-Wconversion", "-Werror")

MAIN = """
#include <stdio.h>
#include "first.h"
#include "second.h"
int main(void) {
    for (int i = 0; i < FIRST_INPUT_BYTES; i++)
        first_input()[i] = (int8_t)(i * 7);
    for (int i = 0; i < SECOND_INPUT_BYTES; i++)
        second_input()[i] = (int8_t)(i * 7);
    first_invoke();
    second_invoke();
    fwrite(first_output(), 1, FIRST_OUTPUT_BYTES, stdout);
    fwrite(second_output(), 1, SECOND_OUTPUT_BYTES, stdout);
    return 0;
}
"""


def contents() -> list[bytes]:
    return [small(seed).build([0], [4]) for seed in (1, 2)]


def test_two_models_in_one_program_answer_as_tflm_does(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("cc")
    (tmp_path / "main.c").write_text(MAIN)
    for content, prefix in zip(contents(), ("first", "second"), strict=True):
        compile_model(content, "net", prefix=prefix).write(tmp_path)
    command = [*WARNINGS, "-o", "both", "main.c", "first.c", "second.c"]
    assert warnings_of(command, tmp_path) == ""
    said = subprocess.run([tmp_path / "both"], check=True, capture_output=True).stdout
    right = b""
    for content in contents():
        shape = compile_model(content, "net").edges[0].shape
        values = (np.arange(np.prod(shape)) * 7).astype(np.int8)
        right += infer(content, values.reshape(shape)).tobytes()
    assert said == right
    assert len(right) > 2


@pytest.mark.parametrize("stream_input", [False, True])
def test_no_other_name_of_a_model_is_left(stream_input: bool) -> None:
    made = compile_model(contents()[0], "net", prefix="own", stream_input=stream_input)
    text = made.files["own.h"] + made.files["own.c"]
    assert not re.search(r"\{\{|\}\}|\bmodel\.[ch]\b", text)
    assert not re.search(r"\bmodel_|\bMODEL_", made.files["own.h"])
    assert ("OWN_ARENA_BYTES and OWN_STATE_BYTES of static RAM" in text) == stream_input


@pytest.mark.parametrize(("second", "said"), [(0, ""), (1, "Two models have one prefix: compile")])
def test_headers_of_two_models_with_one_prefix_do_not_compile(
    tmp_path: Path, second: int, said: str, require_tool: Callable[..., None]
) -> None:
    """The same header may come twice."""
    require_tool("cc")
    for content, name in zip((contents()[0], contents()[second]), ("a.h", "b.h"), strict=True):
        (tmp_path / name).write_text(compile_model(content, "net").files["model.h"])
    (tmp_path / "main.c").write_text('#include "a.h"\n#include "b.h"\n')
    command = [*WARNINGS, "-Wundef", "-fsyntax-only", "main.c"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert said in done.stderr
    assert (done.returncode == 0) == (said == "")


COMPILERS = {
    "C": ["cc", "-std=c99", "-pedantic"],
    "C++": ["c++", "-x", "c++"],
    "all files at once": ["cc", "-std=c99", "-flto"],
    "AVR": ["avr-gcc", "-mmcu=atmega328p"],
    "ARM": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-specs=nosys.specs"],
}
USE = {
    "": "int main(void) { model_input()[0] = 1; model_invoke(); return model_output()[0]; }\n",
    "rows": "int main(void) { model_begin(); model_row()[0] = 1; return model_output()[0]; }\n",
}


@pytest.mark.parametrize("use", USE)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_a_program_links_with_the_model_of_its_header_alone(
    compiler: str, use: str, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """Else it writes as many bytes as its header says into the arena of another model."""
    require_tool(COMPILERS[compiler][0])
    (tmp_path / "main.c").write_text(f'#include "model.h"\n{USE[use]}')
    for content, name in zip(contents(), ("own", "other"), strict=True):
        (tmp_path / name).mkdir()
        compile_model(content, "net", stream_input=bool(use)).write(tmp_path / name)
    for name in ("own", "other"):
        command = [*COMPILERS[compiler], "-Os", "-Iown", "main.c", f"{name}/model.c", "-o", "it"]
        done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
        assert (done.returncode == 0) == (name == "own"), done.stderr
    assert "undefined reference to `model_output_0x" in done.stderr


@pytest.mark.parametrize("text", ["", "Net", "2nd", "a-b", "é", "string", "glyphite", "n" * 32])
def test_what_is_no_prefix_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"is no prefix for names in C: .* --prefix net, for inst"):
        c_prefix(text)


def test_the_verb_puts_them_where_it_is_told(
    tmp_path: Path, build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "src" / "net"
    out.parent.mkdir()
    assert main(["compile", "uno", "--prefix", "net", "--out", str(out)]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["net.c", "net.h"]
    said = capsys.readouterr().out.split("Written:")[1].replace(",", "").split()
    assert said == [f"{out}/net.c", f"{out}/net.h"]
    assert not build_folder.exists()
    assert main(["compile", "uno", "--prefix", "string"]) == 2
    assert capsys.readouterr().err.startswith("glyphite compile: 'string' is no prefix for names")
