"""The sketches, the library and a model's C compile for the processors of the other Arduinos.

With each one's flags, as its core passes them. Xtensa's compiler is Debian's for the ESP8266, the
ESP32's smaller relative: the same instruction set at its root, little-endian, and no loads from odd
addresses; what only the ESP32 has (windowed registers, an FPU) is not tried.
"""

import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.boards import Board, all_boards, load_board
from glyphite.convert.compiler.driver import Compiled, compile_model
from glyphite.convert.export.arduino import LIBRARY, library_files
from glyphite.convert.export.samples import value_samples
from tests.builders.dense import fully_connected, softmax
from tests.builders.models import SAME
from tests.builders.windows import conv_2d, depthwise

SEE_DIGITS = LIBRARY / "examples" / "see_digits"
DOUBLE = Path(__file__).parents[1] / "doubles" / "arduino"
WARNINGS = ("-Wall", "-Wextra", "-Wconversion", "-Werror")
SPECS = "--specs=/usr/lib/xtensa-lx106-elf/picolibc.specs"
COMPILERS = {"xtensa-esp32-elf-gcc": ("xtensa-lx106-elf-gcc", SPECS)}
"""What stands in for a compiler that no package registry has."""

MACROS = {
    "due": "ARDUINO_SAM_DUE",
    "esp32-devkit": "ARDUINO_ESP32_DEV",
    "giga-r1": "ARDUINO_GIGA",
    "nano-rp2040-connect": "ARDUINO_NANO_RP2040_CONNECT",
    "nano33ble": "ARDUINO_ARDUINO_NANO33BLE",
    "uno-r4-minima": "ARDUINO_MINIMA",
    "zero": "ARDUINO_SAMD_ZERO",
}
"""What each core defines for its board: ARDUINO_ and the ``build.board`` of its boards.txt."""

PROCESSORS = {
    "due": "__ARM_ARCH_7M__",
    "esp32-devkit": "__XTENSA__",
    "giga-r1": "__ARM_ARCH_7EM__",
    "nano-rp2040-connect": "__ARM_ARCH_6M__",
    "nano33ble": "__ARM_ARCH_7EM__",
    "uno-r4-minima": "__ARM_ARCH_7EM__",
    "zero": "__ARM_ARCH_6M__",
}


def compiler(board: Board, require_tool: Callable[..., None]) -> list[str]:
    """The C compiler with the board's flags."""
    program, *options = COMPILERS.get(board.toolchain.cc, (board.toolchain.cc,))
    require_tool(program)
    return [program, *options, board.toolchain.optimize, *board.toolchain.flags]


def models() -> dict[str, bytes]:
    rng = np.random.default_rng(0)
    return {
        "conv_2d": conv_2d(rng, (9, 11, 3), 6, (3, 2), padding=SAME)[0],
        "depthwise_conv_2d": depthwise(rng, (9, 11, 6), (3, 2), padding=SAME)[0],
        "fully_connected": fully_connected(rng, (1, 37), 37, 11),
        "softmax": softmax((1, 10), 0.1),
    }


def unpacked(compiled: Compiled, folder: Path) -> Path:
    """The library's folder below ``folder``."""
    for file, content in library_files(compiled, None, value_samples(compiled, None)).items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "Glyphite"


def run(*command: object) -> str:
    words = [str(word) for word in command]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_arduino_without_an_avr_is_tried_here() -> None:
    others = {
        board.name
        for board in all_boards()
        if board.arduino and not board.mcu.architecture.startswith("avr")
    }
    assert set(MACROS) == set(PROCESSORS) == others


@pytest.mark.parametrize("name", MACROS)
def test_the_flags_are_the_processors(name: str, require_tool: Callable[..., None]) -> None:
    """As the compiler understands them."""
    board = load_board(name)
    defined = run(*compiler(board, require_tool), "-dM", "-E", "-x", "c", "/dev/null")
    assert f"#define {PROCESSORS[name]} 1" in defined.splitlines()
    assert "#define __BYTE_ORDER__ __ORDER_LITTLE_ENDIAN__" in defined.splitlines()


@pytest.mark.parametrize("name", MACROS)
@pytest.mark.parametrize("own", [False, True], ids=["portable", "own kernels"])
def test_an_exported_library_compiles_without_a_warning(
    name: str, own: bool, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """Its own files, and the C of several layers, portable and by the processor's kernels."""
    board = load_board(name)
    command = compiler(board, require_tool)
    architecture = board.mcu.architecture if own else ""
    sources: list[Path] = []
    for model, content in models().items():
        compiled = compile_model(content, model, architecture=architecture)
        library = unpacked(compiled, tmp_path / model)
        sources += library.glob("examples/classify/*.c")
    own_files = list(library.glob("src/*.c"))  # they are the same around every model
    own_files += [LIBRARY / "src" / "uno" / "portable" / "model.inc"]
    assert len(sources) >= len(models()) and len(own_files) >= 3
    for source in sources + own_files:
        include = f"-I{library / 'src'}"
        run(
            *command,
            "-std=gnu11",
            *WARNINGS,
            include,
            "-x",
            "c",
            "-c",
            source,
            "-o",
            tmp_path / "made.o",
        )


@pytest.mark.parametrize("name", MACROS)
@pytest.mark.parametrize("clock", ["-DF_CPU=48000000L", "-UF_CPU"], ids=["clock", "no clock"])
def test_the_sketches_compile_as_cpp(
    name: str, clock: str, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """Against the plain Arduino functions alone; some cores do not tell the clock."""
    program, *flags = compiler(load_board(name), require_tool)
    program = program.replace("gcc", "g++")
    require_tool(program)
    library = unpacked(compile_model(models()["softmax"], "softmax"), tmp_path)
    sketches = [*(library / "examples").rglob("*.ino"), SEE_DIGITS / "see_digits.ino"]
    assert len(sketches) == 4
    options = [
        "-std=gnu++14",
        "-fno-exceptions",
        "-fno-rtti",
        "-ffreestanding",
        f"-D{MACROS[name]}",
    ]
    include = [f"-I{library / 'src'}", f"-I{DOUBLE}", "-include", "Arduino.h"]
    include += [f"-I{LIBRARY / 'src'}"]  # after the exported one: it has the model of see_digits
    for sketch in sketches:
        source = ("-x", "c++", "-c", sketch, "-o", tmp_path / "made.o")
        run(program, *flags, *options, clock, "-Wall", "-Wextra", "-Werror", *include, *source)


@pytest.mark.parametrize("name", MACROS)
def test_the_sketch_tells_the_host_the_boards_name(
    name: str, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """So that the host can name the command that flashes it."""
    require_tool("cc")
    probe = tmp_path / "probe.c"
    probe.write_text("#include <Glyphite.h>\nit is GLYPHITE_ARDUINO_BOARD\n")
    library = unpacked(compile_model(models()["softmax"], "softmax"), tmp_path)
    include = f"-I{library / 'src'}"
    assert f'it is "{name}"' in run("cc", "-E", f"-D{MACROS[name]}", include, probe)
    own = "-DGLYPHITE_ARDUINO_BOARD=own"
    assert "it is own" in run("cc", "-E", f"-D{MACROS[name]}", own, include, probe)
