"""The compiler as a whole, on the seed network: its bytes, its C, and what the C promises."""

import hashlib
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.emit.text import plain_name
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.c_compiler import c_compiler
from glyphite.host.runners.compiled import SharedModel
from glyphite.host.runners.tflm import infer
from tests.builders.compilers import warnings_of
from tests.builders.models import SAME, VALID, ModelBuilder, conv_and_pool, hard_inputs

STRICT = ("-std=c99", "-O2", "-Wall", "-Wextra", "-Wconversion", "-Wpedantic", "-Werror")


@pytest.fixture
def compiled(seed: ModelFolder) -> Compiled:
    """The compiled seed network."""
    return compile_folder(seed)


def macros(text: str) -> dict[str, str]:
    """The header's one-line macros."""
    joined = re.sub(r" *\\\n *", " ", text)
    return dict(re.findall(r"^#define (MODEL_\w+) (.+)$", joined, re.MULTILINE))


def test_the_seed_network_gives_tflms_bytes(seed: ModelFolder, compiled: Compiled) -> None:
    tensors = hard_inputs(np.random.default_rng(0), (1, 28, 28, 1), 300)
    found = SharedModel(compiled).infer(tensors)
    assert np.array_equal(found, infer(seed.tflite.read_bytes(), tensors))


def test_the_same_model_gives_the_same_text(seed: ModelFolder, compiled: Compiled) -> None:
    assert compile_folder(seed).files == compiled.files


def test_the_header_says_what_the_model_is(seed: ModelFolder, compiled: Compiled) -> None:
    found = macros(compiled.files["model.h"])
    digest = hashlib.sha256(seed.tflite.read_bytes())
    assert compiled.sha256 == digest.hexdigest()
    assert found["MODEL_API"] == "1"
    assert found["MODEL_NAME"] == '"seed"'
    assert bytes.fromhex("".join(re.findall("0x(..)", found["MODEL_SHA256"]))) == digest.digest()
    assert found["MODEL_INPUT_BYTES"] == "784"
    assert found["MODEL_INPUT_RANK"] == "4"
    assert found["MODEL_INPUT_SHAPE"] == "{ 1, 28, 28, 1 }"
    assert found["MODEL_INPUT_SCALE"] == "0.003921569f"
    assert np.float32("0.003921569") == np.float32(1 / 255)
    assert found["MODEL_INPUT_ZERO_POINT"] == "(-128)"
    assert found["MODEL_OUTPUT_BYTES"] == "10"
    assert found["MODEL_OUTPUT_SHAPE"] == "{ 1, 10 }"
    assert found["MODEL_OUTPUT_SCALE"] == "0.00390625f"
    assert found["MODEL_MACS"] == "2794240"
    assert found["MODEL_ARENA_BYTES"] == str(compiled.arena_bytes)


def test_the_arena_is_all_the_static_memory_there_is(compiled: Compiled, tmp_path: Path) -> None:
    compiled.write(tmp_path)
    subprocess.run([*c_compiler(), *STRICT, "-c", "model.c"], cwd=tmp_path, check=True)
    size = subprocess.run(
        ["size", "-A", "model.o"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    sections = dict(re.findall(r"^(\.\S+)\s+(\d+)", size, re.MULTILINE))
    assert int(sections[".bss"]) == compiled.arena_bytes
    assert int(sections[".data"]) == 0


def test_no_memory_is_allocated_and_nothing_is_called(compiled: Compiled, tmp_path: Path) -> None:
    """The object file needs no symbol but, perhaps, the compiler's own memcpy and memset."""
    compiled.write(tmp_path)
    subprocess.run([*c_compiler(), *STRICT, "-c", "model.c"], cwd=tmp_path, check=True)
    listing = subprocess.run(
        ["nm", "model.o"], cwd=tmp_path, check=True, capture_output=True, text=True
    ).stdout
    undefined = set(re.findall(r" U (\w+)", listing))
    exported = set(re.findall(r" T (\w+)", listing))
    assert undefined <= {"memcpy", "memset", "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail"}
    exported = {re.sub("_0x[0-9a-f]{8}$", "", name) for name in exported}
    assert exported == {"model_input", "model_invoke", "model_output"}


@pytest.mark.parametrize("level", ["-O0", "-O3", "-Os"])
def test_the_generated_c_compiles_alone_without_a_warning(
    compiled: Compiled, tmp_path: Path, level: str
) -> None:
    compiled.write(tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.?")) == ["model.c", "model.h"]
    assert warnings_of([*c_compiler(), *STRICT, level, "-c", "model.c"], tmp_path) == ""


def test_the_generated_c_compiles_for_a_cortex_m_without_a_warning(
    compiled: Compiled, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc")
    compiled.write(tmp_path)
    command = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", *STRICT, "-c", "model.c"]
    assert warnings_of(command, tmp_path) == ""


def test_the_generated_c_compiles_for_an_avr_without_a_warning(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """Where int has 16 bits, an implicit int would show."""
    require_tool("avr-gcc")
    model, last = conv_and_pool(np.random.default_rng(0))
    compile_model(model.build([0], [last]), "small").write(tmp_path)
    command = ["avr-gcc", "-mmcu=atmega328p", *STRICT, "-c", "model.c"]
    assert warnings_of(command, tmp_path) == ""


def test_one_copy_of_each_kernel_gives_the_same_bytes(compiled: Compiled) -> None:
    """GLYPHITE_KERNEL may be defined away: the code is smaller, the answer the same."""
    tensors = hard_inputs(np.random.default_rng(1), (1, 28, 28, 1), 4)
    flags = ("-std=c99", "-Os", "-shared", "-fPIC", "-DGLYPHITE_KERNEL=static")
    found = SharedModel(compiled, flags).infer(tensors)
    assert np.array_equal(found, SharedModel(compiled).infer(tensors))


def test_a_cpp_program_can_include_the_header(compiled: Compiled, tmp_path: Path) -> None:
    compiled.write(tmp_path)
    (tmp_path / "main.cpp").write_text(
        '#include "model.h"\n#include "model.h"\n'
        "static const int shape[MODEL_INPUT_RANK] = MODEL_INPUT_SHAPE;\n"
        "static const unsigned char sha[32] = MODEL_SHA256;\n"
        "int main() { model_input()[0] = 1; model_invoke();\n"
        "  return model_output()[0] + shape[0] + sha[0] + MODEL_INPUT_ZERO_POINT < 999 ? 0 : 1; }\n"
    )
    subprocess.run([*c_compiler(), "-c", "model.c"], cwd=tmp_path, check=True)
    subprocess.run(["c++", "-Wall", "main.cpp", "model.o", "-o", "main"], cwd=tmp_path, check=True)
    assert subprocess.run([str(tmp_path / "main")], check=False).returncode == 0


SANITIZED = """
#include <stdio.h>
#include "model.h"
int main(void) {
    while (fread(model_input(), 1, MODEL_INPUT_BYTES, stdin) == MODEL_INPUT_BYTES) {
        model_invoke();
        fwrite(model_output(), 1, MODEL_OUTPUT_BYTES, stdout);
    }
    return 0;
}
"""


def sanitized(compiled: Compiled, folder: Path, tensors: NDArray[np.int8]) -> bytes:
    """The outputs of the generated C, where a wrong address or undefined behaviour ends it."""
    compiled.write(folder)
    (folder / "main.c").write_text(SANITIZED)
    flags = ["-std=c99", "-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [*c_compiler(), *flags, "main.c", "model.c", "-o", "main"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run(
        [str(folder / "main")], input=tensors.tobytes(), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout


def test_the_sanitizers_find_nothing_in_the_seed_network(
    seed: ModelFolder, compiled: Compiled, tmp_path: Path
) -> None:
    tensors = hard_inputs(np.random.default_rng(2), (1, 28, 28, 1), 10)
    expected = infer(seed.tflite.read_bytes(), tensors)
    assert sanitized(compiled, tmp_path, tensors) == expected.tobytes()


@pytest.mark.parametrize("pool_padding", [SAME, VALID])
def test_the_sanitizers_find_nothing_where_windows_lie_on_padding(
    pool_padding: int, tmp_path: Path
) -> None:
    rng = np.random.default_rng(pool_padding)
    model, last = conv_and_pool(rng, padding=SAME, pool=(3, 2), pool_stride=(3, 3),
                                pool_padding=pool_padding)  # fmt: skip
    content = model.build([0], [last])
    tensors = hard_inputs(rng, (1, 9, 8, 2))
    found = sanitized(compile_model(content, "padded"), tmp_path, tensors)
    assert found == infer(content, tensors).tobytes()


AWKWARD = 'it\'s "50 %" */ ??/ \\ \n é'


def test_any_file_name_makes_a_valid_comment_and_a_valid_string(tmp_path: Path) -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1, 0), model.tensor((4,), 0.1, 0)
    model.operator("RESHAPE", [first], [last])
    compile_model(model.build([first], [last]), AWKWARD).write(tmp_path)
    (tmp_path / "main.c").write_text(
        '#include "model.h"\n#include <stdio.h>\nint main(void) { puts(MODEL_NAME); return 0; }\n'
    )
    command = [*c_compiler(), "-std=c99", "-trigraphs", "-Wall", "-Werror", "-o", "main"]
    subprocess.run([*command, "main.c", "model.c"], cwd=tmp_path, check=True)
    said = subprocess.run([str(tmp_path / "main")], check=True, capture_output=True).stdout
    assert said.decode() == plain_name(AWKWARD) + "\n"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("seed", "seed"),
        ("kws_ref_model-1.2", "kws_ref_model-1.2"),
        ('a"b\\c*/d e\n?', "a_b_c__d_e__"),
        ("ä", "_"),
        ("é" * 31 + "x", "_" * 31),
        ("x" * 40, "x" * 31),
        ("", ""),
    ],
)
def test_a_models_name_is_one_that_c_and_the_wire_can_carry(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def test_a_model_of_views_alone_answers_its_input() -> None:
    model = ModelBuilder()
    first, last = model.tensor((1, 4), 0.1, 0), model.tensor((2, 2), 0.1, 0)
    model.operator("RESHAPE", [first], [last])
    compiled = compile_model(model.build([first], [last]), "view")
    tensors = hard_inputs(np.random.default_rng(0), (1, 4))
    assert np.array_equal(SharedModel(compiled).infer(tensors), tensors)
    assert (compiled.arena_bytes, compiled.macs, compiled.constant_bytes) == (4, 0, 0)
