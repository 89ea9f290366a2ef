"""What is kept of a build: size.json, held against itself and the image beside it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypedDict

from msgspec import Meta

from glyphite.convert.boards import known_board
from glyphite.convert.documents import Date, read_json, unquoted_path
from glyphite.convert.errors import InputError, ToolError
from glyphite.convert.manifest import Sha256
from glyphite.host.device.arduino import uploads
from glyphite.host.device.build import BOARD
from glyphite.host.device.images import read_image
from glyphite.host.device.size import image_size
from glyphite.host.measure.truth import Count

GoalName = Annotated[str, Meta(pattern=r"^(speed|size|ram)\Z")]


class PartRecord(TypedDict):
    """An entry of the parts in size.json."""

    name: str
    bytes: Count
    memory: Annotated[str, Meta(pattern=r"^(flash|RAM|flash and RAM)\Z")]


@dataclass(frozen=True)
class _BoardRecord:
    """The content of board.json."""

    board: str
    """The path of the board file, as :func:`quoted_path` writes it."""


def own_board(folder: Path) -> str | None:
    """The path of the board file of the user's own that the firmware in ``folder`` is for.

    None where the board comes with Glyphite; a placeholder where board.json is damaged.
    """
    record = folder / BOARD
    if not record.is_file():
        return None
    try:
        return str(unquoted_path(read_json(record, _BoardRecord, "").board))
    except InputError:
        return "BOARD.toml"


class SizeRecord(TypedDict):
    """The content of size.json."""

    flash: Count
    ram: Count
    stack: Count
    sections: dict[str, Count]
    parts: list[PartRecord]
    stack_measured: bool
    sha256: Sha256
    """That of the .tflite."""
    firmware_sha256: Sha256
    """That of what the image stores on the board."""
    goal: GoalName | None
    """What was asked of the compiler by ``--optimize``; None where it is not known."""
    compiler: Annotated[str, Meta(max_length=200)]
    """The C compiler and how it optimizes."""
    date: Date


def size_flaw(path: Path, size: SizeRecord, board: str) -> str:
    """What cannot be in the record ``path`` of a board, in words that go behind its name.

    Empty if there is nothing.

    A core other than the AVR's reports flash and RAM itself: they do not follow from the sections.
    Raises BoardError where the file of the folder's board has a mistake, InputError where the image
    beside it cannot be read.
    """
    image = path.with_name("firmware.elf")
    by_core = uploads(image).is_dir()
    return _flaw_in_itself(size, by_core) or _flaw_by_image(image, size, board, by_core)


def _flaw_in_itself(size: SizeRecord, by_core: bool) -> str:
    total, flash, ram = sum(size["sections"].values()), size["flash"], size["ram"]
    if not by_core and not max(flash, ram) <= total <= flash + ram:
        return (
            f"has {flash:,} bytes of flash and {ram:,} of RAM, and its sections have {total:,} "
            "in all"
        )
    sizes = [part["bytes"] for part in size["parts"]]
    most = {"flash": flash, "RAM": ram, "flash and RAM": min(flash, ram)}
    for part in size["parts"]:
        limit = total if by_core else most[part["memory"]]
        if part["bytes"] > limit:
            return f"has a part of {part['bytes']:,} bytes of {part['memory']}, of {limit:,} in all"
    return "" if sizes == sorted(sizes, reverse=True) else "has parts that are not sorted by size"


def _flaw_by_image(image: Path, size: SizeRecord, name: str, by_core: bool) -> str:
    """What differs from the image, if that is there and can be read."""
    try:
        elf = read_image(image) if image.is_file() else None
    except ToolError:
        return ""
    found = {**dataclasses.asdict(image_size(elf)), "firmware_sha256": elf.digest} if elf else {}
    board, said = known_board(name), dict[str, Any](size)
    keys = ["firmware_sha256", "sections", "parts", *(() if by_core else ("flash", "ram"))]
    if board is not None and board.arduino is None:  # nor is the stack of a sketch in its image
        keys += ["stack", "stack_measured"]
    for key in keys if found else ():
        if said[key] != (list(found[key]) if key == "parts" else found[key]):
            return f"has other {key!r} than {image.name} beside it"
    return ""
