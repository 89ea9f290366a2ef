"""What models made by other converters have: dynamic batches, state, parts that nobody uses."""

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from glyphite.convert.compiler import describe
from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.frontend.tflite import read
from tests.builders.foreign import repacked, reshaped, with_second_subgraph
from tests.builders.models import ModelBuilder, hard_inputs
from tests.builders.oracle import assert_same_bytes
from tests.builders.refusal import refusal
from tests.builders.small import small


@pytest.mark.oracle("RESHAPE", "SHAPE", "STRIDED_SLICE", "PACK")
def test_a_reshape_to_a_batch_of_any_size_gives_tflms_bytes() -> None:
    assert_same_bytes(reshaped(), hard_inputs(np.random.default_rng(0), (1, 6)))
    kinds = [layer.operator.kind for layer in compile_model(reshaped(), "small").program.layers]
    assert kinds == ["RELU", "RESHAPE"]


def test_inspect_tells_what_was_computed_beforehand() -> None:
    (folded, *_) = describe.passes(reshaped())
    assert folded.name == "fold_shapes"
    gone = [name for change in folded.changes for name in change.gone]
    assert gone == ["operator 1 (SHAPE)", "operator 2 (STRIDED_SLICE)", "operator 3 (PACK)"]


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"begin": 2}, "2 (STRIDED_SLICE)"),  # behind the end of the shape
        ({"offset": True}, "2 (STRIDED_SLICE)"),
        ({"shrink": 0}, "3 (PACK)"),  # of a list instead of a number
        ({"entries": 4}, "3 (PACK)"),  # of three numbers to a tensor of four
    ],
)
def test_what_cannot_be_known_is_refused_by_name(change: dict[str, Any], kind: str) -> None:
    message = refusal(reshaped(**change))
    assert message.startswith(f"Operator {kind} cannot be compiled: its output is not known")


def test_a_slice_of_an_activation_is_refused_by_name() -> None:
    model = ModelBuilder()
    first, last = model.tensor((8,), 0.05, 3), model.tensor((2,), 0.05, 3)
    bounds = [
        model.tensor((1,), data=np.array([value], np.int32), dtype="INT32") for value in (0, 2, 1)
    ]
    model.operator("STRIDED_SLICE", [first, *bounds], [last], "StridedSliceOptions")
    assert refusal(model.build([first], [last])).startswith("Operator 0 (STRIDED_SLICE) cannot")


def test_a_second_subgraph_is_refused_even_where_nothing_calls_it() -> None:
    message = refusal(with_second_subgraph(small().build([0], [4])))
    assert message.startswith("The .tflite has 2 subgraphs, and 1 is supported")


def test_a_model_that_keeps_state_is_refused_by_its_first_operator_that_does() -> None:
    model = small()
    model.tensor((1,), dtype="RESOURCE")
    model.operator("VAR_HANDLE", [], [5], "VarHandleOptions")
    message = refusal(with_second_subgraph(model.build([0], [4])))
    assert message.startswith("Operator 2 is VAR_HANDLE (version 1), which the compiler lacks.")
    assert message.endswith("no variables, streaming or loops.")


def test_a_variable_tensor_is_refused_by_the_operator_that_keeps_it() -> None:
    model = small()
    state, last = (model.tensor((1, 2, 2, 3), 0.2, 0) for _ in range(2))
    model.tensors[state].isVariable = True
    model.operator("SVDF", [4, state], [last], "SVDFOptions")
    message = refusal(model.build([0], [last]))
    assert message.startswith("Operator 2 is SVDF (version 1), which the compiler lacks.")


def test_a_variable_of_a_known_operator_is_refused_by_its_name() -> None:
    model = small()
    model.tensors[3].isVariable = True
    assert refusal(model.build([0], [4])).startswith("Tensor 'tensor3' is sparse or a variable")


def test_what_runtimes_do_not_read_changes_nothing() -> None:
    """Metadata, a signature, a batch of any size in the shape signature, an unused tensor."""
    plain = small().build([0], [4])

    def decorate(model: Any) -> None:  # noqa: ANN401
        graph = model.subgraphs[0]
        graph.tensors[0].shapeSignature = [-1, 6, 6, 2]
        unused = schema.TensorT()
        unused.name, unused.shape, unused.buffer = b"unused", [1, 3], 0
        graph.tensors.append(unused)
        note = schema.MetadataT()
        note.name, note.buffer = b"min_runtime_version", len(model.buffers)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(b"1.5.0", np.uint8)
        model.buffers.append(buffer)
        model.metadata = [note]
        model.description = b"made elsewhere"

    content = repacked(plain, decorate)
    assert read(content).operators == read(plain).operators
    assert_same_bytes(content, hard_inputs(np.random.default_rng(0), (1, 6, 6, 2)))
