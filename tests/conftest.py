"""What all tests share: the seed model, MNIST, and what happens where a tool is absent."""

import gc
import hashlib
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from glyphite.convert import programs
from glyphite.convert.boards import load_board
from glyphite.convert.hold import held
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device import arduino, build
from glyphite.host.device.transport.avr import emulator_program
from tests.builders.remembered import Remembered
from tests.paths import PROJECT, TESTS
from tests.strict import absent, require_module

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as behind `pytest &` in a script
    signal.signal(signal.SIGINT, signal.default_int_handler)  # programs under test inherit it
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as behind `nohup`
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
SEED_SOURCES = (
    *(f"train/glyphite/train/{name}.py" for name in ("networks/networks", "fit")),
    *(
        "convert/glyphite/convert/data/mnist.py",
        *(f"convert/glyphite/convert/{name}.py" for name in ("manifest", "preprocessing")),
        *(
            f"convert/glyphite/convert/quantize/{name}.py"
            for name in ("calibration", "float_model", "quantize", "read_keras", "search")
        ),
        *("tests/conftest.py", "tests/builders/training.py"),
    ),
)
LEARNT, JUDGED = 20_000, 10_000
"""Images that the seed network learns from and is judged by: a third of them, and all."""
MOST_SECONDS = 900
"""Of another process's training of the seed network."""
QUICK_FOLDERS = ("convert", "faults", "contract")
"""In this order, and behind all others: their files are short or of many short tests."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take minutes come first, so that at the end no core waits for one of them."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        return QUICK_FOLDERS.index(folder) if folder in QUICK_FOLDERS else -1

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """A collection of garbage need not look at thousands of tests again and again."""
    gc.collect()
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """Nor at TensorFlow's objects, which stay: a fifth of its tests' time."""
    if "tensorflow" in sys.modules and not _frozen:
        _frozen.append("tensorflow")
        gc.collect()
        gc.freeze()


_frozen: list[str] = []


@pytest.fixture
def require_tool() -> Iterator[object]:
    """``require_tool("qemu-system-arm")``: go on only where the program is on the PATH."""

    def require(*programs: str) -> None:
        for program in programs:
            if shutil.which(program) is None:
                absent(f"{program} is not installed.")

    yield require


@pytest.fixture
def absent_because() -> Callable[[str], None]:
    """``absent_because(reason)``: for what is absent and is no program on the PATH."""
    return absent


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request is repeated only where it was lost, not where this machine paused."""
    monkeypatch.setattr("glyphite.host.device.session.LEAST_PATIENCE", 10.0)
    monkeypatch.setattr("glyphite.host.device.session.FIRST_LEAST", 10.0)


@pytest.fixture(autouse=True)
def slow_machines_say_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a verb says on stderr is compared, and signs of life would depend on the load."""
    monkeypatch.setattr("glyphite.host.cli.heartbeat.SILENCE", 3600.0)


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What is built of the same sources is compiled once a run, Arduino's core once a process."""
    core, run = str(tmp_path_factory.mktemp("core")), tmp_path_factory.getbasetemp()
    shared = run.parent if "PYTEST_XDIST_WORKER" in os.environ else run
    command = arduino._builder_command

    def shorter(fqbn: str, sketch: Path, made: Path) -> list[str]:
        *words, source = command(fqbn, sketch, made)
        return [*words, "-build-cache", core, source]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arduino, "_builder_command", shorter)
        remembered = Remembered(programs.attempt, shared / "compiled")
        for module in (programs, build):
            patch.setattr(module, "attempt", remembered)
        yield


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One a test; most tests make none, and a temporary folder for each takes its time."""
    folder = tmp_path_factory.mktemp("builds")
    return (folder / f"build{number}" for number in count())


@pytest.fixture(autouse=True)
def build_folder(builds: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every test has a build folder of its own, so none sees what another left."""
    folder = next(builds)
    monkeypatch.setenv("GLYPHITE_BUILD", str(folder))
    return folder


@pytest.fixture(scope="session")
def trained_seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The seed network, trained for one epoch of ``LEARNT`` images and quantized: a model's folder.

    Kept in ``build/tests`` under a hash of the sources that make it, so that only the first run
    and a run after a change to them pays for the training.
    """
    require_module("tensorflow", "ai_edge_litert")
    from tests.builders.training import shorten

    digest = hashlib.sha256()
    for source in SEED_SOURCES:
        digest.update((PROJECT / source).read_bytes())
    kept = PROJECT / "build" / "tests" / digest.hexdigest()[:16]
    with held(kept.parent, patience=MOST_SECONDS):  # the others wait, and need not train, too
        if not (kept / "seed" / "manifest.json").is_file():
            making = tmp_path_factory.mktemp("making")
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("GLYPHITE_BUILD", str(making))
                with pytest.MonkeyPatch.context() as fewer:
                    shorten(fewer, LEARNT, JUDGED)
                    assert main(["train", "seed", "--epochs", "1", "--batch-size", "32"]) == 0
                assert main(["convert", "seed"]) == 0
            _keep(making, kept)
    return kept / "seed"


def _keep(made: Path, kept: Path) -> None:
    """Put a folder where tests look for it, whole or not at all: several may make it at a time."""
    whole = kept.with_name(f"{kept.name}.{os.getpid()}")
    shutil.copytree(made, whole)
    try:
        whole.rename(kept)
    except OSError:  # another process was first
        shutil.rmtree(whole)


@pytest.fixture
def seed(trained_seed: Path, build_folder: Path) -> ModelFolder:
    """A copy of the trained seed model in this test's own build folder."""
    root = build_folder / "seed"
    shutil.copytree(trained_seed, root)
    return ModelFolder(root, root / "model_int8.tflite")


@pytest.fixture
def tiny(build_folder: Path) -> ModelFolder:
    """A hand-written model (300 inputs, 10 outputs) where ``glyphite compile`` puts its C."""
    root = build_folder / "tiny"
    shutil.copytree(PROJECT / "tests" / "firmware" / "tiny", root / "c")
    return ModelFolder(root, root / "model_int8.tflite")


@pytest.fixture(scope="session")
def compiled_avr_emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder's ``.tools`` with the AVR emulator in it, compiled once for all tests."""
    if not Path("/usr/include/simavr/sim_avr.h").is_file():
        absent("libsimavr-dev is not installed.")
    making = tmp_path_factory.mktemp("avr")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHITE_BUILD", str(making))
        emulator_program(load_board("uno"))
    return making / ".tools"


@pytest.fixture
def avr_emulator(
    build_folder: Path, require_tool: Callable[..., None], request: pytest.FixtureRequest
) -> Path:
    """This test's own ``.tools`` with the AVR emulator; the tools for sketches are there."""
    require_tool("cc", "avr-gcc")
    made: Path = request.getfixturevalue("compiled_avr_emulator")
    shutil.copytree(made, build_folder / ".tools")
    return next((build_folder / ".tools").iterdir())
