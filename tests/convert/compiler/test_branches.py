"""Graphs with branches, whole: residual edges, several readers, one tensor read twice."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.host.runners.tflm import infer
from tests.builders.branches import GRAPHS, SHAPE, Branches
from tests.builders.models import hard_inputs
from tests.builders.oracle import assert_same_bytes
from tests.builders.poison import poisoned
from tests.builders.refusal import refusal


@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("seed", range(2))
def test_a_graph_with_branches_gives_tflms_bytes(
    graph: Callable[[Branches], int], seed: int
) -> None:
    model = Branches(seed)
    content = model.build([model.input], [graph(model)])
    assert_same_bytes(content, hard_inputs(model.rng, SHAPE))


@pytest.mark.parametrize("graph", GRAPHS)
def test_a_graph_with_branches_answers_the_same_when_dead_memory_is_overwritten(
    graph: Callable[[Branches], int], tmp_path: Path
) -> None:
    model = Branches(0)
    content = model.build([model.input], [graph(model)])
    tensors = hard_inputs(model.rng, SHAPE)
    found = poisoned(compile_model(content, "small"), tensors)
    assert np.array_equal(found, infer(content, tensors))


def test_an_inner_tensor_may_be_the_output_while_others_read_it() -> None:
    model = Branches(0)
    output = model.conv(model.input)
    model.unary("TANH", output)
    assert_same_bytes(model.build([model.input], [output]), hard_inputs(model.rng, SHAPE))


def test_an_in_place_chain_takes_no_more_than_its_tensor() -> None:
    model = Branches(0)
    tensor = model.input
    for kind in ("RELU", "TANH", "QUANTIZE"):
        tensor = model.unary(kind, tensor)
    content = model.build([model.input], [model.binary("MUL", tensor, tensor)])
    assert compile_model(content, "small").arena_bytes == int(np.prod(SHAPE))
    assert_same_bytes(content, hard_inputs(model.rng, SHAPE))


def test_two_outputs_are_refused() -> None:
    model = Branches(0)
    one, other = model.unary("RELU", model.input), model.unary("TANH", model.input)
    assert refusal(model.build([model.input], [one, other])) == (
        "The .tflite has 2 outputs, and 1 is supported."
    )
