"""The C that ``--optimize`` makes for each Cortex-M with DSP instructions, run on QEMU."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.progress import ignore_progress
from glyphite.host.cli import main
from glyphite.host.cli.build import Prepared, compile_and_build
from glyphite.host.device.session import connect
from glyphite.host.measure.bench.measure import Cost, measure
from glyphite.host.measure.verify import random_inputs
from glyphite.host.runners.tflm import infer
from tests.builders.mlperf_tiny import kept
from tests.builders.models import RELU, SAME, ModelBuilder, hard_inputs, random_int8
from tests.paths import PROJECT

ROWS = {
    "resnet_8": "ResNet-8, 32x32x3",
    "ds_cnn": "DS-CNN, 49x10",
    "mobilenet": "MobileNet v1 0.25, 96x96x3",
    "autoencoder": "autoencoder, 640",
}
"""Network -> what README's table "Measured" calls it."""
MEASURED = {("ds_cnn", Goal.SPEED), ("autoencoder", Goal.RAM)}
"""Builds of which the whole row is measured again, a second each; of others, the RAM."""


def row_of_readme(name: str, goal: Goal) -> list[str]:
    """Instructions, modelled cycles, flash and RAM, as the table "Measured" has them."""
    table = (PROJECT / "README.md").read_text().partition("## Measured")[2]
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    network = rows[next(i for i, row in enumerate(rows) if row[:1] == [ROWS[name]]) :]
    return [cell.strip("*") for cell in next(row for row in network if row[1] == f"`{goal}`")[2:]]


def counted(prepared: Prepared) -> Cost:
    """One inference on the board, as ``glyphite bench --count 1`` counts it."""
    folder, compiled = prepared.folder, prepared.compiled
    tensors = random_inputs(compiled.edges[0].shape[1:], 1)
    return measure(
        *(folder, compiled, prepared.board, prepared.built),
        tensors=tensors,
        progress=ignore_progress,
    )


@pytest.mark.parametrize(
    ("name", "board", "goal"),
    [
        ("ds_cnn", "cortex-m4", Goal.SPEED),
        ("ds_cnn", "cortex-m4", Goal.SIZE),
        ("ds_cnn", "cortex-m4", Goal.RAM),
        ("resnet_8", "cortex-m4", Goal.SPEED),
        ("autoencoder", "cortex-m4", Goal.RAM),
        ("autoencoder", "cortex-m7", Goal.SPEED),
        ("ds_cnn", "cortex-m33", Goal.SPEED),
    ],
)
def test_the_board_answers_with_tflms_bytes(
    name: str, board: str, goal: Goal, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    path = kept(name)
    prepared = compile_and_build(str(path), board, goal)
    header = (prepared.folder.generated / "model.h").read_text()
    assert f'#define MODEL_GOAL "{goal}"' in header
    assert f'"{load_board(board).mcu.architecture}"' in header
    assert_tflms_bytes(path, prepared)
    if board == "cortex-m4":
        assert_row_of_readme(name, goal, prepared)


def assert_row_of_readme(name: str, goal: Goal, prepared: Prepared) -> None:
    """The row of "Measured" is of this build."""
    row = row_of_readme(name, goal)
    assert row[3] == f"{prepared.compiled.arena_bytes:,} B"
    if (name, goal) in MEASURED:
        cost = counted(prepared)
        flash = cost.footprint.weights + cost.footprint.code
        counts = [f"{count / 1e6:.2f} M" for count in (cost.count, cost.cycles)]
        assert row == [*counts, f"{flash:,} B", f"{cost.footprint.static_ram:,} B"]


def assert_tflms_bytes(path: Path, prepared: Prepared) -> None:
    """For hard inputs."""
    image = prepared.built.image
    with connect(f"sim://{prepared.board.name}?firmware={image}") as session:
        shape = session.hello().inputs[0].shape
        inputs = hard_inputs(np.random.default_rng(3), shape, 1)
        found = session.run(inputs)[0].reshape(len(inputs), -1)
    expected = infer(path.read_bytes(), inputs).reshape(len(inputs), -1)
    np.testing.assert_array_equal(found, expected)


def four_convolutions(rng: np.random.Generator) -> bytes:
    """Of 3x3 on (1, 6, 6, 16), one after another: by ``ram`` they share their code."""
    model, zeros, scales = ModelBuilder(), np.zeros(16, np.int32), [0.01] * 16
    before = model.tensor((1, 6, 6, 16), 0.05, 3)
    for _ in range(4):
        weights = model.weights(random_int8(rng, 16, 3, 3, 16), scales)
        bias, after = model.bias(zeros), model.tensor((1, 6, 6, 16), 0.9, -9)
        model.operator(
            "CONV_2D", [before, weights, bias], [after], "Conv2DOptions", version=3, padding=SAME,
            strideH=1, strideW=1, dilationHFactor=1, dilationWFactor=1,
            fusedActivationFunction=RELU,
        )  # fmt: skip
        before = after
    return model.build([0], [before])


def test_speed_is_the_fastest_also_where_constants_do_not_fit_an_instruction(
    tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """A Cortex-M0 has none that loads a signed byte a known number of bytes away."""
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    path = tmp_path / "four.tflite"
    path.write_bytes(four_convolutions(np.random.default_rng(5)))
    taken = {}
    for goal in (Goal.SPEED, Goal.RAM):
        prepared = compile_and_build(str(path), "cortex-m0", goal)
        shared = re.findall("share_conv_2d_0[(]&", prepared.compiled.files["model.c"])
        assert len(shared) == (0 if goal is Goal.SPEED else 4)
        assert_tflms_bytes(path, prepared)
        taken[goal] = counted(prepared)
    fast, small = taken[Goal.SPEED], taken[Goal.RAM]
    assert fast.count < small.count
    assert fast.cycles < small.cycles


def test_an_unknown_goal_is_refused_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["build", "seed", "--board", "cortex-m4", "--optimize", "beauty"])
    said = capsys.readouterr().err
    assert "beauty" in said
    assert "speed" in said
