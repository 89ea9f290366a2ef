"""What the images of Windows and macOS say of their sections: files made here, field by field.

``python -m tools.systems --build`` compiles real ones, and reads them in the same way.
"""

import struct
from pathlib import Path

import pytest

from glyphite.convert.errors import ToolError
from glyphite.host.device.images import read_image
from glyphite.host.device.size import image_size


def pe(*sections: tuple[bytes, int, int, int]) -> bytes:
    """A program for Windows with sections of (name, size in memory, size in the file, flags)."""
    dos = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x40)
    header = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, len(sections), 0, 0, 0, 8, 0x22) + bytes(8)
    rows = [
        struct.pack("<8s6IHHI", name, size, 0x1000, stored, 0x400, 0, 0, 0, 0, flags)
        for name, size, stored, flags in sections
    ]
    return dos + header + b"".join(rows)


def macho(*segments: tuple[bytes, int, list[tuple[bytes, int, int]]]) -> bytes:
    """A program for macOS: segments of (name, protection, sections of (name, size, type))."""
    commands = [struct.pack("<II8x", 0x1B, 16)]  # LC_UUID, cut
    for segment, protection, sections in segments:
        fields = (0x19, 72 + 80 * len(sections), segment, 0, 0, 0, 0, 7, protection, len(sections))
        commands.append(struct.pack("<II16s4Q2iII", *fields, 0))
        commands += [
            struct.pack("<16s16s2Q8I", name, segment, 0, size, 0, 0, 0, 0, kind, 0, 0, 0)
            for name, size, kind in sections
        ]
    body = b"".join(commands)
    count = 1 + len(segments)
    return b"\xcf\xfa\xed\xfe" + struct.pack("<6I4x", 0x100000C, 0, 2, count, len(body), 0) + body


WINDOWS = pe(
    (b".text", 100, 512, 0x6000_0020),
    (b".rdata", 30, 512, 0x4000_0040),
    (b".data", 8, 512, 0xC000_0040),
    (b".bss", 900, 0, 0xC000_0080),
    (b".reloc", 12, 512, 0x4200_0040),
)
MACOS = macho(
    (b"__PAGEZERO", 0, []),
    (b"__TEXT", 5, [(b"__text", 100, 0x8000_0400), (b"__const", 30, 0)]),
    (b"__DATA", 3, [(b"__data", 8, 0), (b"__bss", 900, 1)]),
)


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (WINDOWS, [".text", ".rdata", ".data", ".bss"]),
        (MACOS, ["__TEXT,__text", "__TEXT,__const", "__DATA,__data", "__DATA,__bss"]),
    ],
    ids=["Windows", "macOS"],
)
def test_flash_is_what_is_stored_and_ram_what_is_written(
    content: bytes, names: list[str], tmp_path: Path
) -> None:
    image = tmp_path / "firmware.elf"
    image.write_bytes(content)
    size = image_size(read_image(image))
    assert (size.flash, size.ram, size.parts) == (138, 908, ())
    assert list(size.sections) == names


@pytest.mark.parametrize("content", [WINDOWS, MACOS], ids=["Windows", "macOS"])
def test_one_that_is_cut_short_is_refused(content: bytes, tmp_path: Path) -> None:
    image = tmp_path / "firmware.elf"
    for length in (4, 40, 70, len(content) - 13):
        image.write_bytes(content[:length])
        with pytest.raises(ToolError, match=r"is cut short or damaged .* Build it again\.$"):
            read_image(image)


def test_a_load_command_without_a_size_does_not_repeat_for_ever(tmp_path: Path) -> None:
    image = tmp_path / "firmware.elf"
    image.write_bytes(MACOS[:36] + bytes(4) + MACOS[40:])
    with pytest.raises(ToolError, match="a load command without an end"):
        read_image(image)
