"""Which firmware an emulated board runs: a figure belongs to a build, not to a board alone."""

from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.documents import read_json
from glyphite.convert.errors import ToolError
from glyphite.host.device.build import SIZE
from glyphite.host.device.images import read_image
from glyphite.host.device.transport import is_emulated
from glyphite.host.device.transport.avr import is_in_flash
from glyphite.host.device.transport.protocol_sim import parse_url
from glyphite.host.measure.size_record import SizeRecord


@dataclass(frozen=True)
class Firmware:
    """A firmware, and what its build was asked for."""

    image: Path
    sha256: str
    """That of what the image stores on the board."""
    goal: str | None
    """That of ``--optimize``; None where it is not known."""


def firmware_at(url: str, root: Path) -> Firmware | None:
    """The firmware of the emulated board at ``url``; None of a real board, which does not tell it.

    ``root`` is the folder of the model, in which the sketch is looked for that an emulated Arduino
    was flashed with. Raises what opening the port raises, and InputError where size.json beside the
    image is damaged.
    """
    if not is_emulated(url):
        return None
    image: Path | None = parse_url(url).path
    try:
        if image is not None and image.suffix == ".flash":
            flash, built = image.read_bytes(), sorted(root.glob("**/firmware.elf"))
            image = next((sketch for sketch in built if is_in_flash(sketch, flash)), None)
        digest = read_image(image).digest if image is not None else ""
    except ToolError:  # no image, or the tool that reads it is missing
        return None
    return None if image is None else Firmware(image, digest, _goal(image, digest))


def place_of(firmware: Firmware | None, board: Path) -> Path:
    """Where a run's record is kept: beside its firmware, or in the ``board``'s folder.

    The latter where the firmware is not known, or lies elsewhere.
    """
    if firmware is not None and firmware.image.resolve().is_relative_to(board.resolve()):
        return firmware.image.parent
    return board


def _goal(image: Path, digest: str) -> str | None:
    path = image.with_name(SIZE)
    if not path.is_file():
        return None
    size = read_json(path, SizeRecord, "Build the firmware again.")
    return size["goal"] if size["firmware_sha256"] == digest else None
