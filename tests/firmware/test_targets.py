"""The same C checks on every target that can run them, through the target's real serial port."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import serial

from glyphite.convert.boards import PORTS, load_board
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.build import build
from glyphite.host.device.session import connect
from tests.builders.boards import CORTEX_M

HERE = Path(__file__).parent


def units_on(board: str, model: ModelFolder, ports: Path, patch: pytest.MonkeyPatch) -> str:
    """The line that the checks say on this board; they take the place of the ports' main.c."""
    ports.mkdir()
    (ports / "main.c").write_text((HERE / "units.c").read_text())
    for entry in PORTS.iterdir():
        if entry.name != "main.c":
            (ports / entry.name).symlink_to(entry)
    patch.setattr("glyphite.host.device.build.PORTS", ports)
    build(model, load_board(board))
    with serial.serial_for_url(f"sim://{board}", timeout=30) as port:
        return bytes(port.read_until(b"\n")).decode()


def test_the_checks_pass_on_this_machine(
    tiny: ModelFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require_tool: Callable[..., None],
) -> None:
    require_tool("cc")
    assert units_on("native", tiny, tmp_path / "ports", monkeypatch) == "pass\n"


@pytest.mark.parametrize("board", CORTEX_M)
def test_the_checks_pass_on_a_cortex_m(
    board: str,
    tiny: ModelFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require_tool: Callable[..., None],
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    assert units_on(board, tiny, tmp_path / "ports", monkeypatch) == "pass\n"


LOOP = """void model_invoke(void) {
    uint32_t turns = 1000000;
    __asm volatile("1: nop\\n subs %0, %0, #1\\n bne 1b" : "+r"(turns) : : "cc");
}
"""


def test_ticks_on_the_cortex_m4_count_40_instructions(
    tiny: ModelFolder, require_tool: Callable[..., None]
) -> None:
    """As the board file says; the model is a loop of 3 instructions a turn."""
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    source = tiny.generated / "model.c"
    renamed = source.read_text().replace(
        "void model_invoke(", "void tiny_invoke(void);\nvoid tiny_invoke("
    )
    source.write_text(renamed + LOOP)
    board = load_board("cortex-m4")
    build(tiny, board)
    with connect("sim://cortex-m4") as session:
        ticks = session.ask(np.zeros(300, np.int8)).ticks
    assert board.emulator is not None
    assert board.emulator.instructions_per_tick is not None
    assert ticks * board.emulator.instructions_per_tick == pytest.approx(3_000_000, rel=0.001)


def test_an_idle_cortex_m4_takes_no_processor_time(
    tiny: ModelFolder, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    build(tiny, load_board("cortex-m4"))
    with connect("sim://cortex-m4") as session:
        keeper = session._wire._port._emulated.process.pid  # type: ignore[attr-defined]
        before = processor_seconds(keeper)
        time.sleep(1.5)
        assert processor_seconds(keeper) - before < 0.06


def processor_seconds(keeper: int) -> float:
    """What the keeper's children have used so far: the emulator, and its watcher."""
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    assert children
    used = 0
    for child in children:
        fields = Path(f"/proc/{child}/stat").read_text().rsplit(")", 1)[1].split()
        used += int(fields[11]) + int(fields[12])
    return used / 100
