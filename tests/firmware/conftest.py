"""The firmware's C, compiled for this machine as a shared library and called from the tests."""

import ctypes
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from glyphite.convert.shipped import FIRMWARE
from glyphite.host.device.build import WARNINGS
from tests.strict import absent

SOURCES = FIRMWARE / "library" / "Glyphite" / "src"
TINY = Path(__file__).parent / "tiny"
HARNESSES = [Path(__file__).parent / f"{name}.c" for name in ("harness", "mlperf_harness")]


@pytest.fixture(scope="session")
def firmware(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ctypes.CDLL]:
    """The library's C with the tiny model and the harness around them."""
    compiler = shutil.which("cc")
    if compiler is None:
        absent("cc is not installed.")
        return
    library = tmp_path_factory.mktemp("firmware") / "firmware.so"
    sources = [*SOURCES.glob("glyphite_*.c"), TINY / "model.c", *HARNESSES]
    includes = [f"-I{SOURCES}", f"-I{TINY}"]
    command = [compiler, "-shared", "-fPIC", "-O1", "-g", *WARNINGS, *includes]
    subprocess.run([*command, *map(str, sources), "-o", str(library)], check=True)
    yield ctypes.CDLL(str(library))
