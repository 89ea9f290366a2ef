"""A size.json is held against the image beside it."""

import json
from pathlib import Path

import pytest

from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.arduino import uploads
from glyphite.host.measure.size_record import SizeRecord, size_flaw


def test_the_image_beside_it_gives_its_figures(native: ModelFolder) -> None:
    """One test, as the image takes seconds to build."""
    path = native.board("native") / "size.json"
    size: SizeRecord = json.loads(path.read_text())
    image = path.with_name("firmware.elf")
    assert size_flaw(path, size, "native") == ""
    some = size["parts"][1:]
    sections = {**size["sections"], ".text": size["sections"][".text"] + 1}
    more: SizeRecord = {**size, "sections": sections, "flash": size["flash"] + 1}
    assert size_flaw(path, more, "native") == "has other 'sections' than firmware.elf beside it"
    assert "other 'parts'" in size_flaw(path, {**size, "parts": some}, "native")
    assert "other 'flash'" in size_flaw(path, {**size, "flash": size["flash"] - 1}, "native")
    assert "other 'ram'" in size_flaw(path, {**size, "ram": size["ram"] + 1}, "native")
    assert "other 'stack'" in size_flaw(path, {**size, "stack": 99}, "native")
    assert "other 'stack_measured'" in size_flaw(path, {**size, "stack_measured": True}, "native")
    uploads(image).mkdir()  # as of a core that reports flash and RAM itself
    assert size_flaw(path, {**size, "flash": 7, "ram": 8}, "native") == ""
    image.write_bytes(b"no image")
    assert (
        size_flaw(path, {**size, "parts": some[::-1]}, "native")
        == "has parts that are not sorted by size"
    )
    assert size_flaw(path, more, "native") == ""


@pytest.mark.parametrize("flash", [5, 500])
def test_flash_and_ram_have_all_sections_between_them(flash: int, tmp_path: Path) -> None:
    path = tmp_path / "elsewhere" / "size.json"
    size = SizeRecord(
        flash=flash, ram=50, stack=0, sections={".text": 100, ".bss": 50}, parts=[],
        stack_measured=False, sha256="", firmware_sha256="", goal=None, compiler="", date="",
    )  # fmt: skip
    assert size_flaw(path, size, "native").endswith("of RAM, and its sections have 150 in all")
