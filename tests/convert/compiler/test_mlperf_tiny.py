"""Whole networks: the four of MLPerf Tiny, made by our own quantizer, against TFLM's bytes."""

from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from tests.builders.mlperf_tiny import NETWORKS, kept
from tests.builders.models import hard_inputs
from tests.builders.oracle import assert_same_bytes
from tests.strict import require_module

MACS = {"resnet_8": 12_501_632, "ds_cnn": 2_656_768, "mobilenet": 7_489_664, "autoencoder": 264_192}
"""As published with the benchmark's reference models."""
SHAPES = {
    "resnet_8": (1, 32, 32, 3),
    "ds_cnn": (1, 49, 10, 1),
    "mobilenet": (1, 96, 96, 3),
    "autoencoder": (1, 640),
}
TFLM_ARENA = {"resnet_8": 54_996, "ds_cnn": 22_820, "mobilenet": 100_708, "autoencoder": 2_580}
"""Bytes that TensorFlow Lite Micro takes for the reference models on a Cortex-M4."""


@pytest.fixture(params=NETWORKS)
def name(request: pytest.FixtureRequest) -> str:
    """Each network."""
    require_module("tensorflow")
    return str(request.param)


def test_a_whole_network_gives_tflms_bytes(name: str) -> None:
    """On random inputs and on extreme ones; the outputs vary, so there is something to compare."""
    tensors = hard_inputs(np.random.default_rng(0), SHAPES[name], 20)
    answers = assert_same_bytes(kept(name).read_bytes(), tensors)
    assert len(np.unique(answers)) > 20


def test_the_networks_are_those_of_the_benchmark_and_take_less_memory_than_tflm(name: str) -> None:
    made = compile_model(kept(name).read_bytes(), name)
    assert made.macs == MACS[name]
    assert made.arena_bytes < TFLM_ARENA[name]


def test_glyphite_compile_takes_the_file(
    name: str, build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = build_folder / name
    root.mkdir(parents=True)
    model = ModelFolder(root, root / "model_int8.tflite")
    model.tflite.write_bytes(kept(name).read_bytes())
    assert main(["compile", name]) == 0
    assert f"{MACS[name]:,}" in capsys.readouterr().out
    assert (model.generated / "model.c").is_file()
