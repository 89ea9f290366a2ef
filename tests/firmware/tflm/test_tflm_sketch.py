"""The exported sketch, built against doubles of Arduino and TFLM, answers the host.

The doubles are in tests/doubles and say what they are: this shows that sketch, glue and generated
files hold together and that every failure is told, not that the real library runs the model.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.errors import LinkError
from glyphite.convert.manifest import sha256_of
from glyphite.host.device.session import connect
from tests.builders.models import pack
from tests.firmware.tflm.kit import ARDUINO, CORTEX_M4, NATIVE, SOFT_FLOAT, TFLM, Kit, Toolchain

Tensors = NDArray[np.int8]

NAMESPACES = {
    "2026": (),
    "2026 without global names": ("-DTFLM_NO_GLOBAL_C_ALIASES",),
    "2025": ("-DTFLM_DOUBLE_OF_2025",),
}
"""Where versions of TFLM have kTfLiteOk, TfLiteTensor and the like."""


def scores(image: Path, board: str, tensors: Tensors) -> tuple[Tensors, int]:
    """The board's answers, and how many requests had to be repeated."""
    with connect(f"sim://{board}?firmware={image}") as session:
        return np.array([session.ask(tensor).scores for tensor in tensors]), session.retries


def arm(require_tool: Callable[..., None]) -> None:
    """Go on only with a C++ compiler for Arm that has a C++ library."""
    require_tool("arm-none-eabi-g++")
    command = ["arm-none-eabi-g++", "-print-file-name=libstdc++.a"]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not found.startswith("/"):
        require_tool("the C++ library of arm-none-eabi-g++")


# --- it works ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("patient")
def test_sketch_answers_real_digits_with_tflms_bytes(
    kit: Kit, digits: Tensors, answers: Tensors
) -> None:
    got, retries = scores(kit.arduino_sketch(), "native", digits)
    assert np.array_equal(got, answers)
    assert retries == 0


def test_hello_tells_the_model_that_was_exported(kit: Kit, trained_seed: Path) -> None:
    with connect(f"sim://native?firmware={kit.arduino_sketch()}") as session:
        hello = session.hello()
    assert hello.board == "arduino"
    assert hello.model_sha256 == sha256_of(trained_seed / "model_int8.tflite")
    assert hello.inputs[0].shape == (1, 28, 28, 1)
    assert hello.outputs[0].shape == (1, 10)


def test_glue_takes_the_place_of_compiled_c_behind_the_ports_main(
    kit: Kit, digits: Tensors, answers: Tensors
) -> None:
    """Nothing in firmware/ports knows which of the two it was linked with."""
    got, _ = scores(kit.native_port(), "native", digits[:20])
    assert np.array_equal(got, answers[:20])


@pytest.mark.usefixtures("patient")
def test_build_script_makes_a_cortex_m4_image_that_answers_with_tflms_bytes(
    kit: Kit,
    digits: Tensors,
    answers: Tensors,
    tmp_path: Path,
    require_tool: Callable[..., None],
) -> None:
    """No request is lost while the interpreter is set up, although the double takes its time."""
    require_tool("qemu-system-arm", "arm-none-eabi-gcc")
    arm(require_tool)
    got, retries = scores(kit.cortex_m4(tmp_path / "firmware.elf"), "cortex-m4", digits[:20])
    assert np.array_equal(got, answers[:20])
    assert retries == 0


def test_build_script_follows_the_way_in_which_the_library_passes_floats(
    kit: Kit,
    digits: Tensors,
    answers: Tensors,
    tmp_path: Path,
    require_tool: Callable[..., None],
) -> None:
    """The linker refuses to join code that passes them in other registers."""
    require_tool("qemu-system-arm", "arm-none-eabi-gcc", "arm-none-eabi-readelf")
    arm(require_tool)
    (tmp_path / "objects").mkdir()
    soft = Kit(kit.sketch, kit.compiled, tmp_path / "objects")
    got, _ = scores(soft.cortex_m4(tmp_path / "firmware.elf", SOFT_FLOAT), "cortex-m4", digits[:5])
    assert np.array_equal(got, answers[:5])


@pytest.mark.parametrize("has_messages", [False, True])
def test_build_script_leaves_out_messages_that_the_library_cannot_print(
    kit: Kit, tmp_path: Path, require_tool: Callable[..., None], has_messages: bool
) -> None:
    """A library of BUILD_TYPE=release has no MicroPrintf for TFLM's headers to call."""
    require_tool("arm-none-eabi-gcc", "arm-none-eabi-nm")
    arm(require_tool)
    asks = "#ifdef TF_LITE_STRIP_ERROR_STRINGS\n#error stripped\n#endif\n"
    include = '#include "tflm_model.h"\n'
    asking = kit.changed(tmp_path / "sketch", "tflm_model.cc", include, asks + include)
    (tmp_path / "objects").mkdir()
    asking = Kit(asking.sketch, kit.compiled, tmp_path / "objects")
    command = asking.build_script(tmp_path / "firmware.elf")
    if has_messages:
        source = tmp_path / "log.cc"
        source.write_text("void MicroPrintf(const char *, ...) {}\n")
        made = source.with_suffix(".o")
        compiler = [CORTEX_M4.cxx, *CORTEX_M4.flags, "-c", str(source), "-o", str(made)]
        subprocess.run(compiler, check=True)
        subprocess.run(["arm-none-eabi-ar", "r", str(command[3]), str(made)], check=True)
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert ("stripped" in done.stderr) == (not has_messages)
    assert (done.returncode == 0) == has_messages


def test_build_script_says_what_it_was_not_given(kit: Kit, tmp_path: Path) -> None:
    image = tmp_path / "firmware.elf"
    for arguments, said in (
        ((), "three arguments are needed"),
        ((tmp_path, tmp_path / "lib.a", image), f"{tmp_path} holds no tensorflow/lite/micro"),
        ((TFLM, tmp_path / "lib.a", image), f"there is no library {tmp_path}/lib.a"),
    ):
        command = ["sh", kit.folder / "build.sh", *arguments]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith("build.sh: ")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1
    assert not image.exists()


@pytest.mark.parametrize("version", NAMESPACES)
@pytest.mark.parametrize("tools", [NATIVE, CORTEX_M4], ids=["pc", "cortex-m4"])
def test_files_compile_without_a_warning_wherever_tflm_keeps_its_c_names(
    kit: Kit, tools: Toolchain, version: str, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    if tools is CORTEX_M4:
        arm(require_tool)
    copied = kit.changed(tmp_path / "sketch", "README.txt", "1. Arduino IDE", "1. Arduino IDE")
    as_arduino_does = (f"-I{ARDUINO}", "-include", "Arduino.h", "-x", "c++")
    options = NAMESPACES[version]
    made = copied.glue(tools, *options)
    made.append(copied.compile(tools, copied.folder / "sketch.ino", *options, *as_arduino_does))
    assert [path.is_file() for path in made] == [True, True, True]


# --- each fault has its sentence -----------------------------------------------------------------


def told(image: Path) -> str:
    """What the sketch prints when it starts: a line, ended by the zero that ends a frame."""
    with subprocess.Popen([image], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as sketch:
        assert sketch.stdout is not None
        text = bytearray()
        while not text.endswith(b"\0"):
            byte = sketch.stdout.read(1)
            assert byte, "the sketch ended"
            text += byte
        sketch.kill()
    assert text.endswith(b"\r\n\0")
    return text[:-3].decode()


def assert_not_ready(image: Path, digit: NDArray[np.int8], remark: str) -> None:
    """The host, past the printed line, hears hello, and on a tensor why the model is not ready."""
    with connect(f"sim://native?firmware={image}") as session:
        assert session.hello().model_name == "seed"
        assert session.hello().remark == remark
        for _ in range(2):
            with pytest.raises(LinkError, match=rf"could not set its model up \({remark}\)"):
                session.ask(digit)


OPERATORS = "model_ops.h lacks an operator of the model, or room for it: export the model again."
REMARKS = {
    "wrong identifier": "model_data.cc holds no .tflite",
    "another output": "other tensors than in model.h",
}
MISSING = "an operator is missing"
FAULTS = {
    "wrong identifier": (
        "model_data.cc",
        "0x54, 0x46, 0x4c, 0x33,",
        "0x54, 0x46, 0x4c, 0x34,",
        "model_data.cc holds no .tflite model (no TFL3 in it): export the model again.",
    ),
    "missing operator": (
        "model_ops.h",
        'if (ops.AddSoftmax() != kTfLiteOk)\n        return "SOFTMAX";',
        "",
        OPERATORS,
    ),
    "another operator": ("model_ops.h", "ops.AddMaxPool2D()", "ops.AddAdd()", OPERATORS),
    "resolver too small": ("model_ops.h", "model_operators = 5", "model_operators = 4", OPERATORS),
    "another output": (
        "model.h",
        "#define MODEL_OUTPUT_BYTES 10\n",
        "#define MODEL_OUTPUT_BYTES 11\n",
        "The model's input or output is not what model.h says: export the model again.",
    ),
}
"""What goes wrong -> file, what stands there, what is put in its place, what the sketch says."""


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_told_over_the_line_and_answered_with_not_ready(
    kit: Kit, digits: Tensors, tmp_path: Path, fault: str
) -> None:
    file, old, new, sentence = FAULTS[fault]
    image = kit.changed(tmp_path / "sketch", file, old, new).arduino_sketch()
    assert told(image) == sentence
    assert_not_ready(image, digits[0], REMARKS.get(fault, MISSING))


def test_arena_a_step_too_small_is_told(kit: Kit, digits: Tensors, tmp_path: Path) -> None:
    arena = kit.sketch.arena
    old = f"#define MODEL_ARENA_BYTES {arena.bytes}\n"
    new = f"#define MODEL_ARENA_BYTES {arena.measured - 16}\n"
    image = kit.changed(tmp_path / "sketch", "model.h", old, new).arduino_sketch()
    assert told(image) == (
        "TensorFlow Lite Micro cannot prepare the model: raise MODEL_ARENA_BYTES in model.h, or "
        "use a newer TensorFlow Lite Micro."
    )
    assert_not_ready(image, digits[0], "arena too small, or old kernels")


def test_arena_of_exactly_the_measured_size_is_enough(
    kit: Kit, digits: Tensors, answers: Tensors, tmp_path: Path
) -> None:
    arena = kit.sketch.arena
    old = f"#define MODEL_ARENA_BYTES {arena.bytes}\n"
    new = f"#define MODEL_ARENA_BYTES {arena.measured}\n"
    image = kit.changed(tmp_path / "sketch", "model.h", old, new).arduino_sketch()
    got, _ = scores(image, "native", digits[:1])
    assert np.array_equal(got, answers[:1])


def test_model_of_another_schema_version_is_told(
    kit: Kit, trained_seed: Path, digits: Tensors, tmp_path: Path
) -> None:
    content = with_version((trained_seed / "model_int8.tflite").read_bytes(), 4)
    old_kit = kit.changed(tmp_path / "sketch", "README.txt", "1. Arduino IDE", "1. Arduino IDE")
    old_kit.put_model(content)
    image = old_kit.arduino_sketch()
    assert told(image) == "The model's schema is not version 3: export the model again."
    assert_not_ready(image, digits[0], "schema is not version 3")


def test_library_that_computes_other_bytes_is_told_and_answers_all_the_same(
    kit: Kit, digits: Tensors, answers: Tensors, tmp_path: Path
) -> None:
    """As far as one run can tell: here the answer that is right has been changed instead."""
    text = (kit.folder / "model_test.h").read_text()
    (first,) = re.findall(r"MODEL_TEST_ANSWER \\\n    { \\\n        (0x..), ", text)
    image = kit.changed(
        tmp_path / "sketch", "model_test.h", f"        {first}, ", "        0x55, "
    ).arduino_sketch()
    assert "name it in glyphite export --tflm --library" in told(image)
    with connect(f"sim://native?firmware={image}") as session:
        assert session.hello().remark == "self-test gave other bytes"
        assert np.array_equal(session.ask(digits[0]).scores, answers[0])


def test_operator_that_is_listed_and_not_used_is_not_asked_for(
    kit: Kit, trained_seed: Path, digits: Tensors, answers: Tensors, tmp_path: Path
) -> None:
    """Of MLPerf Tiny's four networks two are such."""
    content = with_spare_operator((trained_seed / "model_int8.tflite").read_bytes())
    copied = kit.changed(tmp_path / "sketch", "README.txt", "1. Arduino IDE", "1. Arduino IDE")
    copied.put_model(content)
    got, _ = scores(copied.arduino_sketch(), "native", digits[:1])
    assert np.array_equal(got, answers[:1])


def with_version(tflite: bytes, version: int) -> bytes:
    """The same model, saying that it has another schema version."""
    from ai_edge_litert.schema_py_generated import ModelT

    model = ModelT.InitFromPackedBuf(tflite, 0)
    model.version = version
    return pack(model)


def with_spare_operator(tflite: bytes) -> bytes:
    """The same model, whose list of operators has one more, which nothing uses."""
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(tflite, 0)
    spare = schema.OperatorCodeT()
    spare.builtinCode = schema.BuiltinOperator.ADD
    model.operatorCodes.append(spare)
    return pack(model)


def test_double_stands_in_for_the_headers_that_the_glue_names(kit: Kit) -> None:
    """What the glue includes of TFLM is in the double, and nothing of it is in the export."""
    included = {
        line.split('"')[1]
        for file in ("tflm_model.cc", "model_ops.h")
        for line in (kit.folder / file).read_text().splitlines()
        if line.startswith('#include "tensorflow/')
    }
    assert included == {
        "tensorflow/lite/micro/micro_interpreter.h",
        "tensorflow/lite/micro/micro_mutable_op_resolver.h",
        "tensorflow/lite/schema/schema_generated.h",
    }
    assert shutil.which("g++") is not None
    assert not (kit.folder / "tensorflow").exists()
