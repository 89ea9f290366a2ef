"""What ``--optimize`` chooses, and that every choice gives TFLM's bytes, on this PC."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.workspace import ModelFolder
from glyphite.host.runners.compiled import SharedModel
from glyphite.host.runners.tflm import infer
from tests.builders.mlperf_tiny import kept
from tests.builders.models import hard_inputs
from tests.builders.oracle import UNDEFINED_TRAPS
from tests.builders.poison import poisoned

CORTEX_M4 = "armv7e-m"
FLAGS = ("-std=c99", "-shared", "-fPIC", "-Wall", "-Wextra", "-Wconversion", "-Werror",
         *UNDEFINED_TRAPS)  # fmt: skip
NETWORKS = ("ds_cnn", "autoencoder", "resnet_8", "mobilenet")
TFLM_RAM = {"resnet_8": 54_996, "ds_cnn": 22_820, "mobilenet": 100_708, "autoencoder": 2_580}


@cache
def compiled(content: bytes, goal: Goal, architecture: str = CORTEX_M4) -> Compiled:
    """Once for all tests: to fit MobileNet's layers into the least arena takes seconds."""
    return compile_model(content, "small", architecture=architecture, goal=goal)


def kernels(made: Compiled) -> list[str]:
    return [step.kernel.name for step in made.program.steps]


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize("name", NETWORKS)
def test_every_goal_gives_tflms_bytes_without_undefined_behaviour(name: str, goal: Goal) -> None:
    content = kept(name).read_bytes()
    made = compiled(content, goal)
    graph = made.program.graph
    inputs = hard_inputs(np.random.default_rng(1), graph.tensors[graph.inputs[0]].shape, 2)
    if goal is Goal.SIZE:  # what GCC's Os makes of the checks takes it five times as long
        text = made.files["model.c"].replace('#pragma GCC optimize("Os")\n', "")
        made = replace(made, files={**made.files, "model.c": text})
    level = "-O0" if goal is Goal.SIZE else "-O1"
    found = SharedModel(made, (*FLAGS, level)).infer(inputs).reshape(len(inputs), -1)
    np.testing.assert_array_equal(found, infer(content, inputs).reshape(len(inputs), -1))


@pytest.mark.parametrize("goal", list(Goal))
def test_no_layer_reads_what_the_plan_says_is_dead(seed: ModelFolder, goal: Goal) -> None:
    """Scratch memory among it, which is dead from one call to the next."""
    content = seed.tflite.read_bytes()
    inputs = hard_inputs(np.random.default_rng(2), (1, 28, 28, 1), 3)
    found = poisoned(compiled(content, goal), inputs)
    np.testing.assert_array_equal(found, infer(content, inputs))


@pytest.mark.parametrize("name", NETWORKS)
def test_ram_takes_no_byte_more_than_portable_kernels_and_speed_less_than_tflm(name: str) -> None:
    content = kept(name).read_bytes()
    least = compiled(content, Goal.RAM, "").arena_bytes
    made = compiled(content, Goal.RAM)
    assert made.arena_bytes <= least
    assert any(kernel.startswith("dsp_") for kernel in kernels(made))
    assert compiled(content, Goal.SPEED).arena_bytes < TFLM_RAM[name]


def test_speed_takes_winograd_and_size_leaves_weights_as_they_are() -> None:
    content = kept("resnet_8").read_bytes()
    fast, small = compiled(content, Goal.SPEED), compiled(content, Goal.SIZE)
    assert "dsp_conv_2d_winograd" in kernels(fast)
    assert "dsp_conv_2d_winograd" not in kernels(small)
    portable = compiled(content, Goal.SIZE, "").constant_bytes
    assert small.constant_bytes < 1.05 * portable < fast.constant_bytes


def test_size_shares_a_kernel_among_layers_and_says_so_to_the_compiler() -> None:
    text = compiled(kept("autoencoder").read_bytes(), Goal.SIZE).files["model.c"]
    assert '#pragma GCC optimize("Os")' in text
    assert text.count("MODEL_LAYER void share_") == 1
    assert text.count("share_dsp_fully_connected_0(&") == 10


def test_size_shares_one_convolution_among_layers_of_different_sizes() -> None:
    """Of 2,304 pixels down to 9: all go by blocks of three."""
    text = compiled(kept("mobilenet").read_bytes(), Goal.SIZE).files["model.c"]
    assert text.count("MODEL_LAYER void share_dsp_conv_2d") == 1
    assert text.count("share_dsp_conv_2d_2(&") == 13


@pytest.mark.parametrize("architecture", ["", "armv6-m", "armv7-m", "host"])
def test_processors_without_dsp_instructions_get_portable_kernels(architecture: str) -> None:
    made = compiled(kept("autoencoder").read_bytes(), Goal.SPEED, architecture)
    assert set(kernels(made)) == {"fully_connected"}


@pytest.mark.parametrize("architecture", ["armv7e-m", "armv8-m.main"])
def test_the_header_says_what_the_c_was_made_for(architecture: str) -> None:
    header = compiled(kept("autoencoder").read_bytes(), Goal.RAM, architecture).files["model.h"]
    assert f'#define MODEL_ARCHITECTURE "{architecture}"' in header
    assert '#define MODEL_GOAL "ram"' in header


def test_layers_run_in_the_order_of_the_schedule_not_of_the_file() -> None:
    """A shortcut's convolution is asked for first, and its input may then be written over."""
    made = compiled(kept("resnet_8").read_bytes(), Goal.SPEED)
    text = made.files["model.c"]
    body = text[text.index("void model_invoke(void) {") :]
    names = [layer.name for layer, _ in made.program.computed]
    places = [body.index(f"run_{names[step]}(") for step, _ in made.plan.schedule.runs]
    assert places == sorted(places)
