"""The C that ``--optimize`` makes for each Cortex-M with DSP instructions, run on QEMU."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.progress import ignore_progress
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.cli.build import compile_and_build
from glyphite.host.device.session import connect
from glyphite.host.runners.board import BoardRunner
from glyphite.host.runners.tflm import infer
from tests.builders.mlperf_tiny import kept
from tests.builders.models import hard_inputs


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
    built = compile_and_build(str(path), board, goal).built
    header = (find_model(str(path)).generated / "model.h").read_text()
    assert f'#define MODEL_GOAL "{goal}"' in header
    assert f'"{load_board(board).mcu.architecture}"' in header
    with connect(f"sim://{board}?firmware={built.image}") as session:
        shape = tuple(session.hello().input_shape)
        inputs = hard_inputs(np.random.default_rng(3), shape, 1)
        found = BoardRunner(session).run(inputs, ignore_progress).reshape(len(inputs), -1)
    expected = infer(path.read_bytes(), inputs).reshape(len(inputs), -1)
    np.testing.assert_array_equal(found, expected)


def test_an_unknown_goal_is_refused_with_those_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["build", "seed", "--board", "cortex-m4", "--optimize", "beauty"])
    said = capsys.readouterr().err
    assert "beauty" in said
    assert "speed" in said
