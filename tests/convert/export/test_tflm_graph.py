"""The sketch takes what TensorFlow Lite Micro takes, also where our compiler lacks it."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from glyphite.convert.errors import ModelError
from glyphite.convert.export.tflm import write_sketch
from glyphite.convert.export.tflm_graph import read_model
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.cli.digits import next_step
from glyphite.host.device.c_compiler import c_compiler
from tests.builders.models import ModelBuilder, pack
from tests.paths import PROJECT

DOUBLES = PROJECT / "tests" / "doubles"


def one_operator(
    kind: str = "RELU", dtype: str = "INT8", shape: tuple[int, ...] = (1, 4)
) -> ModelBuilder:
    model = ModelBuilder()
    model.tensor(shape, 0.5, dtype=dtype)
    model.tensor(shape, 0.5, dtype=dtype)
    model.operator(kind, [0], [1])
    return model


def written(tmp_path: Path, tflite: bytes) -> ModelFolder:
    path = tmp_path / "given.tflite"
    path.write_bytes(tflite)
    return find_model(str(path))


def exported(tmp_path: Path, tflite: bytes) -> dict[str, str]:
    """The sketch's texts."""
    model = written(tmp_path, tflite)
    write_sketch(model, next_step=next_step)
    return {path.name: path.read_text() for path in model.tflm.iterdir()}


def with_state() -> bytes:
    """A variable that a subgraph of its own prepares, beside a RELU: the compiler takes neither."""
    model = schema.ModelT.InitFromPackedBuf(one_operator().build([0], [1]), 0)
    for number, kind in ((1, "CALL_ONCE"), (2, "VAR_HANDLE")):
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode, code.version = 127, 1
        model.operatorCodes.insert(number, code)
    once, handle = schema.OperatorT(), schema.OperatorT()
    once.opcodeIndex, handle.opcodeIndex = 1, 2
    once.inputs = once.outputs = handle.inputs = []
    once.builtinOptionsType = schema.BuiltinOptions.CallOnceOptions
    once.builtinOptions = schema.CallOnceOptionsT()
    once.builtinOptions.initSubgraphIndex = 1
    handle.builtinOptionsType = schema.BuiltinOptions.VarHandleOptions
    handle.builtinOptions = schema.VarHandleOptionsT()
    handle.builtinOptions.container, handle.builtinOptions.sharedName = b"", b"state"
    resource = schema.TensorT()
    resource.shape, resource.type, resource.buffer = [1], schema.TensorType.RESOURCE, 0
    first, second = model.subgraphs[0], schema.SubGraphT()
    first.operators = [once, *first.operators]
    second.tensors, second.inputs, second.outputs = [resource], [], []
    handle.outputs, second.operators = [0], [handle]
    model.subgraphs.append(second)
    return pack(model)


def test_an_operator_that_is_listed_and_not_used_is_not_wanted() -> None:
    """MLPerf Tiny's ResNet and MobileNet list QUANTIZE and DEQUANTIZE so."""
    model = one_operator()
    spare = schema.OperatorCodeT()
    spare.builtinCode = schema.BuiltinOperator.DEQUANTIZE
    model.codes.append(spare)
    assert [one.name for one in read_model(model.build([0], [1])).operators] == ["RELU"]


def test_model_with_state_is_exported_and_no_verb_is_named_for_it(tmp_path: Path) -> None:
    texts = exported(tmp_path, with_state())
    for method in ("AddCallOnce", "AddRelu", "AddVarHandle"):
        assert f"ops.{method}()" in texts["model_ops.h"]
    assert "they depend on earlier runs" in texts["README.txt"]
    assert "glyphite stream" not in texts["README.txt"]
    assert "#define MODEL_TEST_SEED" not in texts["model_test.h"]


def test_model_of_floats_is_exported_and_compiles(tmp_path: Path) -> None:
    """The sketch's own C++, against the double of TensorFlow Lite Micro."""
    texts = exported(tmp_path, one_operator(dtype="FLOAT32").build([0], [1]))
    assert "#define MODEL_INPUT_TYPE float\n" in texts["model.h"]
    assert "#define MODEL_INPUT_SCALE 0.0f\n" in texts["model.h"]
    assert "#define MODEL_TEST_SEED" not in texts["model_test.h"]
    folder = written(tmp_path, (tmp_path / "given.tflite").read_bytes()).tflm
    ops = (folder / "model_ops.h").read_text()
    (folder / "model_ops.h").write_text(ops.replace("ops.AddRelu()", "ops.AddAdd()"))
    includes = [f"-I{folder}", f"-I{DOUBLES / 'tflm'}"]
    flags = ["-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-fsyntax-only"]
    command = [*c_compiler(), "-x", "c++", *flags, *includes, folder / "tflm_model.cc"]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("shape", "verb"),
    [((1, 10), "verify"), ((4,), ""), ((2, 3), "")],
)
def test_the_readme_names_the_verb_that_takes_the_model(
    tmp_path: Path, shape: tuple[int, ...], verb: str
) -> None:
    readme = exported(tmp_path, one_operator(shape=shape).build([0], [1]))["README.txt"]
    path = tmp_path / "given.tflite"
    assert (f"glyphite {verb} {path} --board cortex-m4 --port" in readme) == bool(verb)
    assert ("that takes a model that LiteRT runs, of a batch of 1" in readme) != bool(verb)
    assert "glyphite stream" not in readme


def test_the_readme_of_a_model_of_digits_names_stream(seed: ModelFolder) -> None:
    write_sketch(seed, next_step=next_step)
    readme = (seed.tflm / "README.txt").read_text()
    assert "glyphite stream seed --port /dev/ttyACM0 --count 100\n" in readme
    assert "'sim://cortex-m4?firmware=firmware.elf'" in readme


def two_inputs() -> bytes:
    model = ModelBuilder()
    for _ in range(3):
        model.tensor((1, 4), 0.5)
    model.operator("ADD", [0, 1], [2], "AddOptions", version=2)
    return model.build([0, 1], [2])


def int8_without_scale() -> bytes:
    model = ModelBuilder()
    model.tensor((1, 4))
    model.tensor((1, 4))
    model.operator("RELU", [0], [1])
    return model.build([0], [1])


@pytest.mark.parametrize(
    ("tflite", "sentence"),
    [
        (
            one_operator(dtype="UINT8").build([0], [1]),
            "The model's input is uint8, and the wire carries int8 with a scale, or float32. "
            "Convert the model with converter.inference_input_type = tf.int8.",
        ),
        (
            int8_without_scale(),
            "The model's input is int8 without a scale, and the wire carries int8 with a scale, or "
            "float32. Convert the model with converter.inference_input_type = tf.int8.",
        ),
        (
            two_inputs(),
            "The model has 2 inputs, and the wire carries 1. Concatenate them in the model.",
        ),
        (
            one_operator(shape=(0, 4)).build([0], [1]),
            "The model's input has the shape [0, 4], and every axis has to be at least 1. "
            "Convert the model with a fixed batch of 1.",
        ),
    ],
)
def test_what_the_wire_cannot_carry_is_refused(tflite: bytes, sentence: str) -> None:
    with pytest.raises(ModelError) as refused:
        read_model(tflite)
    assert str(refused.value) == sentence


def test_tensors_of_other_types_count_for_the_reckoned_arena() -> None:
    from glyphite.convert.export.tflm_arena import most_alive

    model = one_operator()
    model.tensor((1, 100), dtype="INT16")
    model.operator("CAST", [1], [2])
    (graph,) = read_model(model.build([0], [1])).graphs
    assert most_alive(graph) >= 16 + 200
    assert np.prod(graph.tensors[2].shape) == 100
