"""MLPerf Tiny's protocol from the PC: a board is measured, and its official runner is set up."""

import csv
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.cli.build import compile_and_build
from glyphite.host.device.mlperf import Input, task_of
from glyphite.host.device.transport import open_port
from glyphite.host.device.transport.firmware_files import emulated_url
from glyphite.host.measure import mlperf
from glyphite.host.measure.mlperf import Device
from glyphite.host.measure.mlperf_files import Samples, expected
from glyphite.host.runners.litert import read_manifest
from glyphite.host.runners.oracle import oracle
from tests.builders.dense_models import dense
from tests.builders.mlperf_tiny import kept
from tests.paths import PROJECT

Tools = Callable[..., None]
Out = pytest.CaptureFixture[str]
NETWORKS = {"ic01": "resnet_8", "kws01": "ds_cnn", "vww01": "mobilenet", "ad01": "autoencoder"}
"""Benchmark -> the network of it that tests make."""
RUNNER = """
import serial, sys
from serial.tools import list_ports
import usb.core
(port,) = list_ports.comports(True)
print(port.device, hex(port.vid), hex(port.pid), list(usb.core.find(find_all=True)), *sys.argv)
with serial.Serial(port.device) as opened:
    pass
print("still open:", opened.is_open)
if __name__ == "__main__":
    import beside
"""


def built(name: str, board: str, build_folder: Path, *options: str) -> str:
    """The URL of an emulated board whose firmware speaks the protocol."""
    assert main(["build", name, "--board", board, "--protocol", "mlperf", *options]) == 0
    image = build_folder / name / "mlperf" / board / "speed" / "firmware.elf"
    return emulated_url(board, image)


def measured(capsys: Out, *words: str, code: int = 0) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["mlperf", *words, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


@pytest.fixture(scope="session")
def ten(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One test image of MNIST of each digit."""
    mnist = load_mnist(report=lambda _: None)
    places = [int(np.flatnonzero(mnist.test_labels == digit)[0]) for digit in range(10)]
    path = tmp_path_factory.mktemp("ten") / "ten.npz"
    images, labels = mnist.test_images[places], mnist.test_labels[places]
    np.savez(path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    return path


def test_the_digit_model_gives_tflms_results(
    build_folder: Path, capsys: Out, require_tool: Tools
) -> None:
    require_tool("cc")
    url = built("uno", "native", build_folder)
    words = ("uno", "--count", "100", "--port", url, "--window-seconds", "0.05")
    told = measured(capsys, *words)
    assert told["different"] == 0
    assert (told["correct"], told["accuracy"], told["samples"]) == (100, 1.0, 100)
    assert (told["benchmark"], told["board"]) == ("uno", "native")
    assert len(told["windows"]) == len(told["waited"]) == 5
    assert told["inferences_per_window"] >= 1  # a busy PC does few in so short a window
    assert told["inferences_per_second"] > 100
    assert told["valid"] is False


def test_the_digit_model_on_a_cortex_m4(
    build_folder: Path, ten: Path, capsys: Out, require_tool: Tools
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    url = built("uno", "cortex-m4", build_folder)
    capsys.readouterr()
    words = ["uno", "--data", str(ten), "--port", url, "--window-seconds", "0.02", "--json"]
    assert main(["mlperf", *words]) == 0
    said = capsys.readouterr()
    told = json.loads(said.out)
    assert (told["correct"], told["different"], told["board"]) == (10, 0, "cortex-m4")
    assert "The clock of an emulated cortex-m4 counts instructions" in said.err


def test_an_arduinos_sketch_answers_as_well(
    build_folder: Path, ten: Path, require_tool: Tools, compiled_avr_emulator: Path
) -> None:
    """It says nothing when it starts, as the host that opens its port may have started it."""
    require_tool("avr-gcc", "arduino-builder")
    (build_folder / ".tools").parent.mkdir(parents=True, exist_ok=True)
    (build_folder / ".tools").symlink_to(compiled_avr_emulator)
    url = built("uno", "mega2560", build_folder)
    image = np.load(ten)["x_test"][7].astype(np.int16) - 128
    with open_port(url, 115200) as port:
        device = Device(port)
        device.greet()
        assert (device.name, device.model) == ("mega2560", "uno")
        device.load(image.astype(np.int8).tobytes())
        inferred = device.infer(2, 1)
    assert np.argmax(inferred.results) == 7
    assert 100_000 < inferred.microseconds < 1_000_000


@pytest.mark.parametrize(("benchmark", "network"), NETWORKS.items())
def test_the_networks_of_the_benchmark_give_tflms_results(
    benchmark: str, network: str, build_folder: Path, tmp_path: Path, require_tool: Tools
) -> None:
    """Each is sent what its reference implementation takes."""
    require_tool("cc")
    tflite = tmp_path / f"{benchmark}.tflite"
    tflite.write_bytes(kept(network).read_bytes())
    image = compile_and_build(str(tflite), "native", task_of=task_of).built.image
    manifest = read_manifest(find_model(str(tflite)))
    task = task_of(benchmark, manifest.input, manifest.output)
    rng = np.random.default_rng(5)
    sent = [rng.normal(0, 1, task.data_bytes // 4).astype("<f4").tobytes() for _ in range(2)]
    if task.input is not Input.FLOATS:
        sent = [rng.bytes(task.data_bytes) for _ in range(2)]
    with open_port(emulated_url("native", image), 115200) as port:
        device = Device(port)
        device.greet()
        results = mlperf.results_of(device, sent)
    assert device.model == benchmark
    samples = Samples(sent, np.zeros(2, np.int64), 2)
    right = expected(manifest, task, samples, lambda tensors: oracle(tflite).run(tensors)[0])
    np.testing.assert_allclose(results, right, rtol=1e-5, atol=0.000502)
    assert (results[0] != results[1]).any()


def labelled(path: Path, inputs: np.ndarray[Any, Any], labels: np.ndarray[Any, Any]) -> str:
    np.savez(path, x_train=inputs, y_train=labels, x_test=inputs, y_test=labels)
    return str(path)


def test_what_gives_its_input_back_is_judged_by_its_errors(
    build_folder: Path, tmp_path: Path, capsys: Out, require_tool: Tools
) -> None:
    """As ad01: float32 is sent, the board quantizes it and answers one number."""
    require_tool("cc")
    rng = np.random.default_rng(3)
    dense(build_folder, "back", np.eye(12) * rng.uniform(0.5, 1, 12))
    inputs, odd = rng.normal(0, 1, (30, 12)).astype(np.float32), np.arange(30) % 2
    data = labelled(tmp_path / "back.npz", inputs * (1 + odd[:, None]), odd)
    url = built("back", "native", build_folder, "--benchmark", "ad01")
    words = ("back", "--benchmark", "ad01", "--data", data, "--window-seconds", "0.02")
    told = measured(capsys, *words, "--port", url, "--out", str(tmp_path / "run"))
    assert (told["different"], told["correct"], told["benchmark"]) == (0, None, "ad01")
    assert told["auc"] > 0.9
    with (tmp_path / "run" / "datasets" / "ad01" / "y_labels.csv").open() as file:
        rows = list(csv.reader(file))
    assert rows[1] == ["00001.bin", "2", "1", "48", "48"]
    sent = np.frombuffer((tmp_path / "run" / "datasets" / "ad01" / "00001.bin").read_bytes(), "<f4")
    np.testing.assert_array_equal(sent, 2 * inputs[1])
    assert main(["mlperf", "back", "--data", data]) == 2
    assert "is of reconstruction, and MLPerf Tiny's runner needs classes for back. For what " in (
        capsys.readouterr().err
    )


@pytest.fixture
def largest(build_folder: Path) -> str:
    """A model that answers which of three pixels is the lightest."""
    return dense(build_folder, "largest", np.eye(3), 1.0, labels=("a", "b", "c"))


def lights(path: Path) -> str:
    """Fifteen samples of three pixels."""
    inputs = np.random.default_rng(4).permuted(np.tile([-90, 0, 100], (15, 1)), axis=1)
    return labelled(path, inputs.astype(np.int16), inputs.argmax(axis=1))


def test_the_folder_has_what_the_runner_reads(largest: str, tmp_path: Path, capsys: Out) -> None:
    data, run = lights(tmp_path / "lights.npz"), tmp_path / "run"
    assert main(["mlperf", largest, "--data", data, "--out", str(run), "--baud", "9600"]) == 0
    said = capsys.readouterr()
    assert "outputs of largest are no shares of 1" in said.err
    assert "Without --port, a window has 100 inferences" in said.out
    for mode in ("accuracy", "performance"):
        assert f"python on_port.py PORT RUNNER -s datasets -t tests_{mode}.yaml" in said.out
    (board,) = yaml.safe_load((run / "devices.yaml").read_text())
    assert (board["type"], board["baud"], board["usb"]) == ("dut", 9600, {0x1209: 1})
    for mode, step, loops in (("accuracy", "infer 1 0", 15), ("performance", "infer 100 1", 5)):
        test = yaml.safe_load((run / f"tests_{mode}.yaml").read_text())[largest]
        assert (test["model"], test["truth_file"]) == (largest, "y_labels.csv")
        assert test["script"] == [{f"loop {loops}": ["download", step]}]
    with (run / "datasets" / largest / "y_labels.csv").open() as file:
        rows = list(csv.reader(file))
    assert len(rows) == 15
    for name, classes, label in rows:
        sent = np.frombuffer((run / "datasets" / largest / name).read_bytes(), np.int8)
        assert (classes, label) == ("3", str(sent.argmax()))


def test_a_place_that_is_no_folder_is_refused_before_a_board_is_asked(
    largest: str, tmp_path: Path, capsys: Out
) -> None:
    (tmp_path / "run").write_text("")
    words = ["--data", lights(tmp_path / "lights.npz"), "--out", str(tmp_path / "run")]
    assert main(["mlperf", largest, *words, "--port", "/dev/nothing"]) == 2
    assert f"{tmp_path / 'run'} cannot be written: Not a directory." in capsys.readouterr().err


def test_pixels_are_sent_as_they_are(largest: str, tmp_path: Path, capsys: Out) -> None:
    words = ["--data", lights(tmp_path / "lights.npz"), "--out", str(tmp_path / "run")]
    assert main(["mlperf", largest, "--benchmark", "ic01", *words]) == 0
    (first, *_) = sorted((tmp_path / "run" / "datasets" / "ic01").glob("*.bin"))
    assert sorted(first.read_bytes()) == [38, 128, 228]


@contextmanager
def emulated(*words: str) -> Iterator[str]:
    """The port of a board on a pseudo-terminal."""
    command = [sys.executable, "-m", "glyphite.host.cli", "emulate", *words, "--json"]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        document = ""
        while process.stdout and not document.endswith("}\n"):
            document += process.stdout.readline() or "}\n"
        try:
            yield str(json.loads(document)["port"])
        finally:
            process.terminate()
            process.wait(timeout=20)


def test_a_board_on_a_pseudo_terminal_is_measured_and_shown_to_the_runner(
    largest: str, tmp_path: Path, capsys: Out, require_tool: Tools
) -> None:
    """The runner finds boards by USB ids alone; here a program stands in for it."""
    require_tool("cc")
    data, run, runner = lights(tmp_path / "lights.npz"), tmp_path / "run", tmp_path / "runner"
    runner.mkdir()
    (runner / "main.py").write_text(RUNNER)
    (runner / "beside.py").write_text("print('and what is beside it')")
    with emulated(largest, "--board", "native", "--protocol", "mlperf") as port:
        words = ("--data", data, "--port", port, "--window-seconds", "0.02", "--out", str(run))
        told = measured(capsys, largest, *words)
        command = [sys.executable, "on_port.py", port, str(runner), "-m", "a"]
        found = subprocess.run(command, cwd=run, capture_output=True, text=True, check=True)
    assert (told["different"], told["correct"]) == (0, 15)
    assert found.stdout == (
        f"{port} 0x1209 0x1 [] {runner}/main.py -m a\nstill open: True\nand what is beside it\n"
    )
    usage = subprocess.run([*command[:2]], cwd=run, capture_output=True, text=True, check=False)
    assert usage.returncode == 1 and "python on_port.py PORT RUNNER" in usage.stderr


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (4, "The first 4 test samples of {} are of 3 of 3 classes, and MLPerf Tiny's runner needs "
            "each class, and at least 5 samples. Take --count 5, or more.\n"),
        (2, "The first 2 test samples of {} are of 2 of 3 classes, and "),
    ],
)  # fmt: skip
def test_too_few_samples_are_refused(
    count: int, said: str, largest: str, tmp_path: Path, capsys: Out
) -> None:
    data = lights(tmp_path / "lights.npz")
    assert main(["mlperf", largest, "--data", data, "--count", str(count)]) == 2
    assert said.format(data) in capsys.readouterr().err


def test_a_board_of_another_model_is_refused(
    largest: str, build_folder: Path, tmp_path: Path, capsys: Out, require_tool: Tools
) -> None:
    require_tool("cc")
    url, data = built(largest, "native", build_folder), lights(tmp_path / "lights.npz")
    words = [largest, "--benchmark", "kws01", "--data", data, "--port", url]
    capsys.readouterr()
    assert main(["mlperf", *words]) == 1
    assert (
        "The board 'native' was built for 'largest', and 'kws01' is asked for. Name that model, or "
        "build its firmware with --protocol mlperf.\n" in capsys.readouterr().err
    )


def test_results_that_are_not_tflms_fail(
    largest: str, build_folder: Path, tmp_path: Path, capsys: Out, require_tool: Tools
) -> None:
    """The weights of the firmware are changed behind the compiler's back."""
    require_tool("cc")
    url, data = built(largest, "native", build_folder), lights(tmp_path / "lights.npz")
    other = dense(build_folder / "other", largest, np.eye(3)[::-1], 1.0, labels=("a", "b", "c"))
    tampered = (build_folder / "other" / other / "model_int8.tflite").read_bytes()
    (build_folder / largest / "model_int8.tflite").write_bytes(tampered)
    manifest = (build_folder / "other" / other / "manifest.json").read_text()
    (build_folder / largest / "manifest.json").write_text(manifest)
    words = [largest, "--data", data, "--port", url, "--window-seconds", "0.02"]
    capsys.readouterr()
    assert main(["mlperf", *words]) == 1
    said = capsys.readouterr()
    assert " of 15 results of native are not those of TFLM. Build its firmware" in said.err
    assert "results that differ from TFLM │" in said.out
    assert "By MLPerf Tiny's rules a window takes more than 10 and less than 30 s" in said.out
