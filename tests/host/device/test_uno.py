"""The Uno's network on an emulated Uno, as its owner goes, and what can be amiss."""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.export.standalone import compile_folder
from glyphite.convert.progress import ignore_progress
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import build_root, find_model
from glyphite.host.cli import main
from glyphite.host.device.build import build
from glyphite.host.device.flash import flash
from tests.builders.models import ModelBuilder
from tests.builders.tampered import tamper
from tests.noise.noise import noise_on
from tests.paths import PROJECT

FLASH = 32_256
"""What Optiboot leaves of an Uno's flash."""
RAM = 1_948
"""Of 2,048 bytes, 100 stay free."""
MANIFEST = json.loads((MODELS / "uno" / "manifest.json").read_text())
PORT = "sim://uno"

OTHER_PROGRAM = """
import glyphite.host.device.transport, serial
from glyphite.host.device.session import Session
with serial.serial_for_url("sim://uno", 115200, timeout=1) as port:
    hello = Session(port).hello()
    print(hello.board, hello.model_name, hello.model_sha256, hello.inputs[0].shape)
"""


@pytest.fixture(autouse=True)
def tools(avr_emulator: Path, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("require_tool")("arduino-builder", "avrdude", "avr-gcc")


def output(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(command) == 0
    return capsys.readouterr().out


def refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """What the command says in one line, and nothing else."""
    assert main(command) in (1, 2)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1, said.err
    return said.err.removeprefix(f"glyphite {command[0]}: ").rstrip("\n")


@pytest.mark.usefixtures("patient")
def test_it_is_flashed_without_training_fits_and_answers_as_tflm_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Then any program reaches it by pyserial's own URL, and noise does not bring it down."""
    flashed = json.loads(
        output(["flash", "uno", "--board", "uno", "--port", PORT, "--json"], capsys)
    )
    assert flashed["sha256"] == MANIFEST["sha256"]
    assert flashed["flash"] <= FLASH
    assert flashed["ram"] + flashed["stack"] <= RAM
    streamed = json.loads(
        output(["stream", "uno", "--port", PORT, "--count", "16", "--jobs", "2", "--json"], capsys)
    )
    assert (streamed["board"], streamed["images"], streamed["retries"]) == ("uno", 16, 0)
    assert (streamed["mismatched_bytes"], streamed["correct"]) == (0, 16)
    assert streamed["seconds_per_image"] is streamed["timed_by"] is None
    with np.load(find_model("uno").board("uno") / "speed" / "stream.npz") as answers:
        assert answers["seconds"].max() < 0.130
    said = subprocess.run(
        [sys.executable, "-c", OTHER_PROGRAM],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said == f"uno uno {MANIFEST['sha256']} (1, 28, 28, 1)\n"
    noise = noise_on(PORT, 2.0, 1)
    assert not noise.wrong
    assert noise.answers["INFER_ANSWER"] > 0


def test_built_only_it_says_how_to_flash_it(capsys: pytest.CaptureFixture[str]) -> None:
    said = output(["build", "uno", "--board", "uno"], capsys)
    assert said.endswith("Next: glyphite flash uno --board uno --port sim://uno\n")
    assert re.search(r"flash +│ +[23]\d,\d{3} │ 32,256 │", said)


def test_streaming_before_flashing_flashes_the_board_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["stream", "uno", "--port", PORT, "--count", "1"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "The emulated board uno holds no sketch yet: uno is built and flashed."


def test_another_model_on_the_emulated_board_is_replaced_and_a_foreign_one_named_by_its_path(
    small_tflite: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = output(["flash", str(small_tflite), "--board", "uno", "--port", PORT], capsys)
    step = told.split("Next:")[1].replace("\\\n", " ").split()
    assert step == f"glyphite verify {small_tflite} --board uno --port sim://uno".split()
    assert main(["stream", "uno", "--port", PORT, "--count", "1"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "The emulated board uno holds another model: uno is built and flashed."


def test_wrong_code_on_the_board_is_told_by_its_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    """The model's hash is right, and one bit of each answer is not."""
    folder, board = find_model("uno"), load_board("uno")
    compile_folder(folder, board.mcu.architecture).write(folder.generated)
    tamper(folder)
    flash(build(folder, board).image, board, PORT, MANIFEST["sha256"], ignore_progress)
    assert main(["stream", "uno", "--port", PORT, "--count", "5"]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == (
        "glyphite stream: uno differs from TensorFlow Lite Micro in 5 bytes of 5 images (by at "
        "most 1). Compile, build and flash the model again; where it still differs, `glyphite "
        "verify` narrows it down."
    )


def test_a_layer_too_much_is_refused_by_name_and_size(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights that no 16-bit address reaches, as the seed network's, are weighed all the same."""
    rng = np.random.default_rng(1)
    for hidden, thousands in ((40, "3[5-9]"), (100, "8[0-9]")):
        path = tmp_path / f"wide{hidden}.tflite"
        path.write_bytes(two_layers(rng, hidden))
        said = refused(["flash", str(path), "--board", "uno", "--port", PORT], capsys)
        assert re.fullmatch(
            rf"The model 'wide{hidden}' does not fit on 'uno': it needs (at least )?{thousands}"
            r",\d{3} bytes of flash, and the board has 32,256\. "
            r"Largest parts: avr_conv_2d_0_weights_0 .*\. Use a larger board or a smaller model\.",
            said,
        )
    assert not (build_root() / ".boards" / "uno.json").exists()


def two_layers(rng: np.random.Generator, hidden: int) -> bytes:
    """784 inputs, ``hidden`` values, 10 outputs."""
    model = ModelBuilder()
    sizes, tensors = (784, hidden, 10), [model.tensor((1, 784), 0.02, -128)]
    for inputs, outputs in pairwise(sizes):
        weights = model.weights(rng.integers(-127, 128, (outputs, inputs)).astype(np.int8), 0.01)
        bias = model.bias(rng.integers(-99, 99, outputs).astype(np.int32))
        tensors.append(model.tensor((1, outputs), 0.5, 0))
        operands = [tensors[-2], weights, bias]
        model.operator("FULLY_CONNECTED", operands, tensors[-1:], "FullyConnectedOptions", 4)
    return model.build(tensors[:1], tensors[-1:])


def test_a_board_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["flash", "uno", "--board", "unoo", "--port", PORT], capsys)
    assert said.startswith("No board called 'unoo'. Did you mean uno? There are: cortex-m0, ")
