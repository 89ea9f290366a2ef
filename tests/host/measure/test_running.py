"""Which build an emulated board runs, and where its figures are kept."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.workspace import build_root
from glyphite.host.device.transport.avr import flash_file, flash_with
from glyphite.host.device.transport.firmware_files import record_firmware
from glyphite.host.measure.running import firmware_at, place_of

PLACES = ("cortex-m4/speed", "native/speed", "uno/ram", "uno/speed", "zero/speed")


def made(compiler: str, place: Path, returned: int) -> Path:
    """An image without a sketch's start, which returns a number."""
    place.mkdir(parents=True)
    source, image = place / "main.c", place / "firmware.elf"
    source.write_text(f"int main(void) {{ return {returned}; }}")
    subprocess.run([compiler, "-nostdlib", "-Wl,-emain", source, "-o", image], check=True)
    return image


@pytest.mark.parametrize("root", [None, "build"])
def test_a_flashed_sketch_is_found_among_the_builds_for_other_processors(
    root: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require_tool: Callable[..., None],
) -> None:
    """Also where builds lie below the current folder, as they do unless a variable says else."""
    require_tool("avr-gcc", "avr-objcopy", "cc")
    if root is not None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("GLYPHITE_BUILD", root)
    folder = build_root() / "wand"
    for number, place in enumerate(PLACES):
        made("avr-gcc" if place.startswith("uno") else "cc", folder / place, number)
    board = load_board("uno")
    flash_file(board).write_bytes(flash_with(board, folder / "uno/speed/firmware.elf"))
    record_firmware(board, flash_file(board))
    running = firmware_at("sim://uno", folder)
    assert running is not None
    assert place_of(running, folder / "uno") == folder / "uno/speed"
    assert place_of(running, folder / "zero") == folder / "zero"
    assert place_of(None, folder / "uno") == folder / "uno"
    assert not list((build_root() / ".boards").glob("*.log"))
