"""What is kept of a verification: verify.json, beside the firmware that was verified."""

from pathlib import Path
from typing import Annotated, TypedDict

from msgspec import Meta

from glyphite.convert.documents import Date, to_json
from glyphite.convert.files import write_text
from glyphite.convert.manifest import Sha256
from glyphite.convert.text import counted
from glyphite.host.measure.size_record import GoalName
from glyphite.host.measure.verify import GroupFigures
from glyphite.host.runners.oracle import Reference

VERIFIED = "verify.json"
Word = Annotated[str, Meta(max_length=4096)]


class VerifyRecord(TypedDict):
    """The content of verify.json."""

    model: str
    sha256: Sha256
    """That of the .tflite."""
    board: str
    port: str | None
    """Where ``--port`` named one."""
    goal: GoalName | None
    firmware_sha256: Sha256 | None
    """That of what the image stores on the board; None of a real board, which does not tell it."""
    date: Date
    reference: Reference
    """The runner whose bytes are the right ones."""
    words: Annotated[list[Word], Meta(max_length=40)]
    """The options that name the same inputs."""
    groups: Annotated[list[GroupFigures], Meta(min_length=1, max_length=4)]


def save(folder: Path, record: VerifyRecord) -> None:
    """Write verify.json to the folder of the firmware. Raises InputError where it cannot."""
    write_text(folder / VERIFIED, to_json(record))


def verify_flaw(one: VerifyRecord) -> str:
    """What cannot be in a record, in words that go behind its name; empty if nothing."""
    names = [group["inputs"] for group in one["groups"]]
    if len(names) != len(set(names)):
        return "has a group of inputs twice"
    for group in one["groups"]:
        inputs, values, largest = (
            group["images_differ"], group["bytes_differ"], group["largest_difference"],
        )  # fmt: skip
        if inputs > min(group["images"], values) or len({inputs > 0, values > 0, largest > 0}) > 1:
            return (
                f"has {counted(values, 'byte')}, by up to {largest}, that differ on {inputs:,} of "
                f"{group['images']:,} {group['inputs']} inputs"
            )
    return ""
