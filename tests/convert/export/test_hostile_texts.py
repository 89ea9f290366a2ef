"""Texts of a stranger in everything that is generated: it compiles, and holds no code of theirs."""

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.emit.text import environment
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.export.arduino import library_files
from glyphite.convert.export.c_array import TEMPLATES, c_array
from glyphite.convert.export.tflm_graph import TflmOperator
from glyphite.host.device.c_compiler import c_compiler
from tests.builders.small import small
from tests.paths import PROJECT

CODE = "int stranger(void);"
HOSTILE = (
    f"\n{CODE}\n",
    f"*/ {CODE} /*",
    f'"\n{CODE}\n"',
    f'"; {CODE}',
    "stranger \\",
    "stranger ??/",
    f"\r{CODE}\r",
    f"\u2028{CODE}",
    f"\udce9\n{CODE}",
)
WARNINGS = ("-fsyntax-only", "-trigraphs", "-Wall", "-Wextra", "-Werror")


@pytest.fixture(scope="module")
def content() -> bytes:
    return small().build([0], [4])


def compiled(content: bytes, text: str) -> Compiled:
    return compile_model(content, text, architecture=text)


def seen(path: Path, *options: str) -> bytes:
    """What the compiler sees outside of strings in a file that it takes without a warning."""
    language = "c" if path.suffix == ".c" else "c++"
    command = [*c_compiler(), "-x", language, *options]
    checked = subprocess.run([*command, *WARNINGS, str(path)], capture_output=True, check=False)
    assert checked.returncode == 0, checked.stderr.decode()
    text = subprocess.run([*command, "-E", "-P", str(path)], capture_output=True, check=True).stdout
    return re.sub(rb'"([^"\\]|\\.)*"', b"", text)


@pytest.mark.parametrize("text", HOSTILE)
def test_the_model_s_c_and_the_sketches(text: str, content: bytes, tmp_path: Path) -> None:
    board = dataclasses.replace(load_board("uno"), description=text)
    files = library_files(compiled(content, text), board)
    for name in ("minimal/minimal.ino", "minimal/model.c", "minimal/model.h"):
        path = tmp_path / Path(name).name
        path.write_bytes(files[f"Glyphite/examples/{name}"])
    arduino = ("-include", str(PROJECT / "tests/doubles/arduino/Arduino.h"))
    assert b"stranger" not in seen(tmp_path / "model.c", "-std=c99")
    assert b"stranger" not in seen(tmp_path / "minimal.ino", *arduino)
    head = files["Glyphite/examples/classify/classify.ino"].partition(b"#include")[0].decode()
    assert [line[:3] for line in head.splitlines()] == ["// ", "// "]


@pytest.mark.parametrize("text", HOSTILE)
def test_the_c_array(text: str, tmp_path: Path) -> None:
    for name, written in c_array(text, b"model").items():
        (tmp_path / name).write_text(written)
    assert b"stranger" not in seen(tmp_path / "model_data.cc")


@pytest.mark.parametrize("text", HOSTILE)
def test_every_other_template_s_comments_and_strings(text: str) -> None:
    """``model_ops.h`` names operators; ``build.sh`` and README.txt a board and a model."""
    operator = TflmOperator(text, "AddConv2D")
    fields = {"name": text, "version": "1", "operators": [operator], "tie": "0x1"}
    header = environment(TEMPLATES).get_template("model_ops.h.j2").render(fields)
    clean = environment(TEMPLATES).get_template("model_ops.h.j2")
    plain = clean.render(fields | {"name": "a", "operators": [TflmOperator("B", "AddConv2D")]})
    assert header.count("\n") == plain.count("\n")
    bare = re.sub(r'//.*|"([^"\\\n]|\\.)*"', "", header)
    assert "stranger" not in bare
    assert '"' not in bare


def test_what_a_template_says_of_a_board_or_a_model_passes_by_a_filter() -> None:
    """A new template, or a new line of one, that leaves it out is found here."""
    texts = r"(name|model|board|board\.description|architecture|operator\.name)"
    bare = re.compile(r"\{\{ " + texts + r" \}\}")
    templates = list((PROJECT / "convert").rglob("*.j2"))
    assert len(templates) > 20
    assert not [path.name for path in templates if bare.search(path.read_text())]


def test_the_same_texts_give_the_same_c(content: bytes) -> None:
    """An ordinary name and processor stand in it as they are."""
    header = compile_model(content, "kws-1.2", architecture="armv7e-m", goal=Goal.RAM).files[
        "model.h"
    ]
    assert '#define MODEL_NAME "kws-1.2"\n' in header
    assert '#define MODEL_ARCHITECTURE "armv7e-m"\n' in header
