"""What a network will take of boards is told, or refused, before it is trained."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.errors import ModelError
from glyphite.convert.workspace import model_folder
from glyphite.host.cli import main
from glyphite.host.cli.cost import (
    MOST_PARAMETERS,
    _is_plain,
    as_document,
    cost_before,
    say_cost,
)
from glyphite.host.measure.foretold import layers_seconds
from glyphite.train.fit import Settings
from glyphite.train.own import untrained
from tests.strict import require_module

require_module("tensorflow", "ai_edge_litert")

Out = pytest.CaptureFixture[str]
NETWORKS = """
from keras import Input, Sequential, layers


def small():
    return Sequential([Input((6,)), layers.Dense(4, activation="relu"), layers.Dense(2)])


def wide():
    return Sequential([Input((40,)), layers.Dense(1000), layers.Dense(3)])


def transposed():
    return Sequential([Input((2, 2, 1)), layers.Conv2DTranspose(1, 2), layers.Flatten()])
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(NETWORKS)
    return tmp_path / "mine.py"


def test_a_network_is_told_by_all_boards(file: Path, capsys: Out) -> None:
    cost = cost_before(untrained(Settings(f"{file}:small")), model_folder("mine"), None)
    assert cost is not None
    found = as_document(cost)
    assert (found["macs"], found["tensors_bytes"]) == (6 * 4 + 4 * 2, 6 + 4)
    assert found["weights_bytes"] >= found["macs"] + 4 * (4 + 2)  # and the biases
    boards = {entry["board"]: entry for entry in found["boards"]}
    assert boards["uno"]["fits"] is True
    assert "native" not in boards  # which has no limits
    say_cost(cost, "mine")
    printed = capsys.readouterr().out
    assert "mine: 32 MACs an inference" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_a_loop_is_named_before_the_training(capsys: Out) -> None:
    """It would end the process, where only plain layers spare the conversion that tells of it."""
    from keras import Input, Sequential, layers

    model = Sequential([Input((6, 4)), layers.GRU(3, name="memory"), layers.Dense(2)])
    assert cost_before(model, model_folder("mine"), None) is None
    assert "Cannot quantize layer 'memory' (GRU): it needs a loop" in " ".join(
        capsys.readouterr().err.split()
    )


def test_functions_of_one_s_own_may_loop() -> None:
    from keras import Input, Sequential, layers

    own = Sequential([Input((6,)), layers.Dense(2, activation=lambda x: x)])
    assert not _is_plain(own)
    assert _is_plain(Sequential([Input((6,)), layers.Dense(2, activation="relu")]))


def test_a_network_that_the_board_cannot_hold_is_not_trained(
    file: Path, build_folder: Path, tmp_path: Path, capsys: Out
) -> None:
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).random((30, 40)), y=np.arange(30) % 3)
    words = ["train", f"{file}:wide", "--data", str(tmp_path / "x.npz"), "--board", "uno"]
    assert main(words) == 1
    told = capsys.readouterr().err.splitlines()[-1]
    assert "'mine' does not fit on 'uno': it needs at least" in told
    assert told.endswith("Nothing was trained.")
    assert not (build_folder / "mine" / "model.keras").exists()


def test_an_operator_that_the_compiler_lacks_is_named_before_the_training(
    file: Path, capsys: Out
) -> None:
    model, folder = untrained(Settings(f"{file}:transposed")), model_folder("mine")
    assert cost_before(model, folder, None) is None
    told = " ".join(capsys.readouterr().err.split())
    assert "Once it is trained, no board could run this network: " in told
    assert "TRANSPOSE_CONV" in told
    with pytest.raises(ModelError, match="No board could run this network once it is trained: "):
        cost_before(model, folder, "native")


def test_far_too_large_a_network_is_not_even_quantized(file: Path, capsys: Out) -> None:
    from keras import Input, Sequential, layers

    model = Sequential([Input((4000,)), layers.Dense(4001)])
    assert model.count_params() > MOST_PARAMETERS
    assert cost_before(model, model_folder("mine"), None) is None
    assert "It has 16,008,001 parameters, and no board here holds" in capsys.readouterr().err


def test_the_board_is_looked_for_first(capsys: Out) -> None:
    assert main(["train", "seed", "--board", "unno"]) == 2
    assert "No board called 'unno'" in capsys.readouterr().err


NETWORKS_OF = {"gesture": (5_992, 280), "uno": (186_976, 2_136), "seed": (2_794_240, 7_668)}
"""MACs, and values that their layers give."""


@pytest.mark.parametrize(
    ("board", "network", "seconds"),
    [
        *(("uno", "gesture", 0.00699), ("uno", "uno", 0.0876), ("mega2560", "seed", 0.87)),
        *(("cortex-m0", "gesture", 0.00359), ("cortex-m0", "uno", 0.0634)),
        *(("cortex-m3", "gesture", 0.00200), ("cortex-m3", "uno", 0.0432)),
        *(("cortex-m3", "seed", 0.564), ("cortex-m4", "gesture", 0.000558)),
        *(("cortex-m4", "uno", 0.00962), ("cortex-m4", "seed", 0.0844)),
    ],
)
def test_the_time_is_right_within_a_fifth(board: str, network: str, seconds: float) -> None:
    """``seconds`` are those of `glyphite bench`."""
    found = layers_seconds(*NETWORKS_OF[network], load_board(board))
    assert found is not None
    assert 0.8 < found / seconds < 1.2
