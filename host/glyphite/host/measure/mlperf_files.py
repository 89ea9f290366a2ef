"""The folder that the official runner of MLPerf Tiny needs for a model of one's own.

``datasets/<id>/`` with a file for each input and ``y_labels.csv``, its tests and devices as YAML,
and a program that shows the runner a port which has no USB ids, as an emulated board's has none.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import InputError
from glyphite.convert.files import remove, write_bytes, write_text
from glyphite.convert.manifest import Manifest
from glyphite.host.device.mlperf import Input, Task
from glyphite.host.measure.mlperf import WINDOWS
from glyphite.host.measure.truth import Task as Asked
from glyphite.host.measure.truth import Truth
from glyphite.host.runners.base import Scores, Tensors

LABELS = "y_labels.csv"
ON_PORT = "on_port.py"
FILES = ("devices.yaml", "tests_accuracy.yaml", "tests_performance.yaml", ON_PORT)
USB_IDS = 0x1209, 0x0001
"""Of pid.codes, for trials: by them the list of devices and the program mean the same port."""
WARMUPS = 1

_PROGRAM = f'''\
"""Runs MLPerf Tiny's runner, as it is, on a port that you name.

    python {ON_PORT} PORT RUNNER [options of the runner's main.py]

PORT: any serial port, a pseudo-terminal too. RUNNER: the folder benchmark/runner of a clone of
https://github.com/mlcommons/tiny. The runner looks for its boards by their USB ids, which a
pseudo-terminal has not; so it is shown this port alone, under the ids of devices.yaml. It also
opens the port twice, and an Arduino restarts whenever that is done; so the port stays open.
"""

import runpy
import sys
import types
from pathlib import Path

import serial
from serial.tools import list_ports, list_ports_common

if len(sys.argv) < 3:
    sys.exit(__doc__)
port = list_ports_common.ListPortInfo(sys.argv[1])
port.vid, port.pid = {USB_IDS[0]:#06x}, {USB_IDS[1]:#06x}
list_ports.comports = lambda *_, **__: [port]
serial.Serial.close = lambda self: None
try:
    import usb.core
except ImportError:  # then the runner finds a module that knows no device
    sys.modules["usb"] = usb = types.ModuleType("usb")
    sys.modules["usb.core"] = usb.core = types.ModuleType("usb.core")
usb.core.find = lambda *_, **__: []
runner = str(Path(sys.argv[2]).absolute())
sys.path.insert(0, runner)
sys.argv[:3] = ["main.py"]
runpy.run_path(str(Path(runner, "main.py")), run_name="__main__")
'''


@dataclass(frozen=True, eq=False)
class Samples:
    """Inputs as the runner sends them, and what is right for each."""

    inputs: list[bytes]
    classes: NDArray[np.int64]
    """(n,); of a model that gives its input back, 1 for what is odd, and else 0."""
    class_count: int


def samples_of(
    manifest: Manifest, task: Task, tensors: Tensors, floats: Tensors, truth: Truth
) -> Samples:
    """The samples ``tensors`` (n, *shape) with their classes; ``floats`` are what they stand for.

    Raises InputError where the runner cannot judge answers to them.
    """
    odd = task.input is Input.FLOATS
    if odd != (truth.task is Asked.INPUTS) or truth.labels is None:
        needed = "inputs to give back, labelled as odd or not" if odd else "classes"
        also = "" if odd else ". For what gives its input back, name --benchmark ad01"
        raise InputError(
            f"{truth.data['title']} is of {truth.task}, and MLPerf Tiny's runner needs {needed} "
            f"for {task.id}{also}."
        )
    classes = truth.labels.astype(np.int64)
    classes = np.minimum(classes, 1) if odd else classes
    outputs = math.prod(manifest.output.shape[1:])
    sent = floats.astype("<f4") if odd else tensors
    if task.input is Input.PIXELS:
        sent = (tensors.astype(np.int16) + 128).astype(np.uint8)
    return Samples([one.tobytes() for one in sent], classes, 2 if odd else max(outputs, 2))


def expected(
    manifest: Manifest, task: Task, samples: Samples, run: Callable[[Tensors], Scores]
) -> NDArray[np.float64]:
    """The results (n, results) that a board has to give, by the oracle's ``run``."""
    shape, source = (-1, *manifest.input.shape[1:]), manifest.input
    kind = {Input.PIXELS: "u1", Input.FLOATS: "<f4"}.get(task.input, source.dtype)
    sent = np.frombuffer(b"".join(samples.inputs), kind).reshape(shape)
    tensors = sent
    if task.input is Input.PIXELS:
        tensors = (sent.astype(np.int16) - 128).astype(np.int8)
    elif task.input is Input.FLOATS and source.dtype == "int8":
        levels = sent / np.float32(source.scale)  # halves are rounded away from zero
        levels = np.trunc(levels + np.copysign(np.float32(0.5), levels)) + source.zero_point
        tensors = np.clip(levels, -128, 127).astype(np.int8)
    real = manifest.dequantize_output(run(tensors)).reshape(len(sent), -1)
    if task.input is Input.FLOATS:
        errors = np.square(real - sent.reshape(len(sent), -1)).mean(axis=1, keepdims=True)
        return np.asarray(errors, np.float64)
    return real


def require_every_class(
    samples: Samples, title: str, all_classes: Callable[[], NDArray[np.int64]]
) -> None:
    """Make sure that each class has a sample: the runner reckons an area under a curve of each.

    ``all_classes`` gives those of all test samples. Raises InputError where one has none, or there
    are fewer samples than windows.
    """
    there, count = len(set(samples.classes.tolist())), len(samples.inputs)
    if there < samples.class_count or count < WINDOWS:
        raise InputError(
            f"The first {count} test samples of {title} are of {there} of {samples.class_count} "
            f"classes, and MLPerf Tiny's runner needs each class, and at least {WINDOWS} samples. "
            f"{_more(all_classes(), samples.class_count)}"
        )


def _more(classes: NDArray[np.int64], class_count: int) -> str:
    """How many samples have each class; a sentence."""
    known, first = np.unique(classes, return_index=True)
    if len(known) < class_count or len(classes) < WINDOWS:
        return f"All {len(classes):,} are too few, so name other data with --data."
    return f"Take --count {max(WINDOWS, int(first.max()) + 1)}, or more."


def write_run(folder: Path, task: Task, samples: Samples, runs: int, baud: int) -> None:
    """Write all files; the labels are there once all inputs are.

    ``runs``: inferences of a window. Raises InputError where ``folder`` cannot be written.
    """
    data = folder / "datasets" / task.id
    remove(data / LABELS)
    names = [f"{index:05d}.bin" for index in range(len(samples.inputs))]
    for name, content in zip(names, samples.inputs, strict=True):
        write_bytes(data / name, content)
    write_text(data / LABELS, _labels(task, samples, names))
    steps = {
        "accuracy": (len(samples.inputs), "infer 1 0"),
        "performance": (WINDOWS, f"infer {runs} {WARMUPS}"),
    }
    for kind, (loops, step) in steps.items():
        write_text(folder / f"tests_{kind}.yaml", _test(task, kind, loops, step))
    write_text(folder / "devices.yaml", _devices(baud))
    write_text(folder / ON_PORT, _PROGRAM)


def _labels(task: Task, samples: Samples, names: Sequence[str]) -> str:
    """``file,classes,class``, and for windows of readings the bytes of one and from one to the
    next."""
    windows = f",{task.data_bytes},{task.data_bytes}" if task.input is Input.FLOATS else ""
    rows = zip(names, samples.classes, strict=True)
    return "".join(f"{name},{samples.class_count},{label}{windows}\n" for name, label in rows)


def _test(task: Task, kind: str, loops: int, step: str) -> str:
    return (
        f'"{task.id}":\n'
        f'  name: "{task.id}_{kind}"\n'
        f'  model: "{task.id}"\n'
        f"  truth_file: {LABELS}\n"
        "  script:\n"
        f"    - loop {loops}:\n"
        "      - download\n"
        f"      - {step}\n"
    )


def _devices(baud: int) -> str:
    vendor, product = USB_IDS
    return (
        "# The USB ids are of pid.codes, for trials. Without on_port.py, put your board's there:\n"
        "# `python -m serial.tools.list_ports -v` tells them.\n"
        "- name: glyphite\n"
        "  type: dut\n"
        "  preference: 1\n"
        f"  baud: {baud}\n"
        "  usb:\n"
        f"    {vendor:#06x}: {product:#06x}\n"
    )
