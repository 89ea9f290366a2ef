"""The Arduino sketch answers as the ports do, built as C++ against a double of the Arduino core."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np

from glyphite.convert.boards import load_board
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.session import connect
from glyphite.host.device.transport.emulator import EmulatedBoard

LIBRARY = FIRMWARE / "library" / "Glyphite"
DOUBLE = Path(__file__).parents[1] / "doubles" / "arduino"


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True)


def test_the_sketch_answers_the_host(
    tiny: ModelFolder, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    require_tool("cc", "c++")
    include = (f"-I{LIBRARY / 'src'}", f"-I{tiny.generated}", f"-I{DOUBLE}")
    objects: list[Path] = []
    for source in (*LIBRARY.glob("src/*.c"), tiny.generated / "model.c"):
        objects.append(tmp_path / f"{source.stem}.o")
        run("cc", "-c", *include, source, "-o", objects[-1])
    sketch = tmp_path / "classify.cpp"
    shutil.copy(LIBRARY / "examples" / "classify" / "classify.ino", sketch)
    image = tmp_path / "sketch"
    flags = ("-std=c++17", "-Wall", "-Wextra", "-Werror", "-DF_CPU=16000000L")
    command = ("c++", *flags, *include, "-include", "Arduino.h", sketch, DOUBLE / "arduino.cc")
    run(*command, *objects, "-o", image)
    tensor = np.arange(300).astype(np.uint8).view(np.int8)
    with (
        EmulatedBoard(load_board("native"), image, terminal=True) as board,
        connect(board.terminal) as line,
    ):
        assert (line.hello().board, line.hello().receive_buffer) == ("arduino", 63)
        assert line.ask(tensor).scores.tolist() == [c + 2 * (c + 1) + c for c in range(10)]


def test_a_sanitized_firmware_survives_a_bad_line(
    tiny: ModelFolder, tmp_path: Path, require_tool: Callable[..., None]
) -> None:
    """Address and undefined-behaviour sanitizers end the program at the first wrong access."""
    require_tool("cc")
    sources = [
        *(FIRMWARE / "ports" / "main.c", FIRMWARE / "ports" / "native" / "port.c"),
        *(*LIBRARY.glob("src/*.c"), tiny.generated / "model.c"),
    ]
    include = (f"-I{LIBRARY / 'src'}", f"-I{tiny.generated}", f"-I{FIRMWARE / 'ports'}")
    values = {"CLOCK_HZ": 0, "TIMER_HZ": 1000000, "RECEIVE_BUFFER": 7, "BOARD_NAME": '"native"'}
    image = tmp_path / "sanitized"
    run(
        *("cc", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *include),
        *(f"-DGLYPHITE_{name}={value}" for name, value in values.items()),
        *(*sources, "-o", image),
    )
    url = f"sim://native?firmware={image}&drop=0.001&corrupt=0.001&duplicate=0.001&seed=2"
    tensor = np.arange(300).astype(np.uint8).view(np.int8)
    with connect(url) as line:
        for _ in range(100):
            assert line.ask(tensor).scores.tolist() == [c + 2 * (c + 1) + c for c in range(10)]
        assert line.hello().inferences in range(100, 101 + line.retries)
        assert line.retries > 50
