"""No operator without its oracle test, its fuzz base, its refusals and its version."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ops import definitions
from glyphite.convert.errors import ModelError
from tests.builders import oracle
from tests.builders.dense import softmax
from tests.builders.models import pack
from tests.fuzz import bases
from tests.paths import TESTS

ORACLE_TESTS = TESTS / "convert" / "compiler"


class Collector:
    """A plugin that notes which operators the collected tests hold against the oracle."""

    def __init__(self) -> None:
        self.named: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the marks of every test."""
        for item in items:
            self.named |= oracle.named(item.iter_markers())


@pytest.fixture(scope="module")
def held_against_the_oracle() -> set[str]:
    """The operators that a test below ``tests/convert/compiler`` compares with TFLM's bytes."""
    collector = Collector()
    options = ["--collect-only", "--assert=plain", "-qq"]
    assert pytest.main([*options, str(ORACLE_TESTS)], plugins=[collector]) == 0
    return collector.named


@cache
def in_bases() -> dict[str, bytes]:
    """For each operator in the small bases of the fuzzer, one that contains it."""
    small = bases.small().values()
    return {kind: content for content in small for kind in oracle.kinds(content)}


def base_of(kind: str) -> bytes:
    """A small base with the operator; the test fails where there is none."""
    assert kind in in_bases(), f"add a model with {kind} to tests/fuzz/bases.py"
    return in_bases()[kind]


@pytest.mark.parametrize("kind", definitions())
def test_every_operator_is_held_against_the_oracle(
    kind: str, held_against_the_oracle: set[str]
) -> None:
    assert kind in held_against_the_oracle, (
        f"write a test of {kind} against TFLM's bytes and mark it: see tests/builders/oracle.py"
    )


@pytest.mark.parametrize("kind", definitions())
def test_every_operator_is_in_a_base_of_the_fuzzer(kind: str) -> None:
    assert base_of(kind)


def damages(graph: Graph, operator: Operator) -> dict[str, tuple[Graph, Operator]]:
    """What no operator can take: wrong counts, and tensors of float32 alone."""
    tensors = tuple(replace(tensor, dtype="float32") for tensor in graph.tensors)
    return {
        "no input": (graph, replace(operator, inputs=())),
        "too many inputs": (graph, replace(operator, inputs=100 * operator.inputs)),
        "two outputs": (graph, replace(operator, outputs=2 * operator.outputs)),
        "floats": (replace(graph, tensors=tensors), operator),
    }


@pytest.mark.parametrize("kind", definitions())
def test_every_operator_refuses_wrong_counts_and_floats(kind: str) -> None:
    graph = read(base_of(kind))
    operator = next(each for each in graph.operators if each.kind == kind)
    for damage, (broken, changed) in damages(graph, operator).items():
        with pytest.raises(ModelError, match=f"{kind}\\) cannot be compiled"):
            definitions()[kind].check(broken, changed)
            pytest.fail(f"check of {kind} passes over {damage}")


def has_kernel(kind: str, version: int) -> bool:
    """Whether TensorFlow Lite's table of kernels has a version of an operator."""
    model = schema.ModelT.InitFromPackedBuf(base_of(kind), 0)
    for code in model.operatorCodes:
        if code.builtinCode == getattr(schema.BuiltinOperator, kind):
            code.version = version
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    try:
        Interpreter(model_content=pack(model), experimental_op_resolver_type=resolver)
    except ValueError as error:
        assert f"Didn't find op for builtin opcode '{kind}' version '{version}'" in str(error)
        return False
    return True


@pytest.mark.parametrize("kind", definitions())
def test_the_last_version_is_the_newest_of_tensorflow_lites_table(kind: str) -> None:
    """As ai-edge-litert has it in the version of constraints.txt."""
    last = definitions()[kind].LAST_VERSION
    assert has_kernel(kind, last), f"TensorFlow Lite has no version {last} of {kind}"
    assert not has_kernel(kind, last + 1), f"TensorFlow Lite has {kind} beyond version {last}"


def test_a_mark_without_a_comparison_is_noticed() -> None:
    marks = [pytest.mark.oracle("SOFTMAX").mark, pytest.mark.oracle("PAD").mark]
    oracle.forget()
    assert oracle.not_compared(marks) == {"SOFTMAX", "PAD"}
    oracle.assert_same_bytes(softmax((1, 4), 0.1), np.array([[9, 0, 0, 0]], np.int8))
    assert oracle.not_compared(marks) == {"PAD"}
