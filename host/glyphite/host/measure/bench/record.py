"""What is kept of a bench: bench.json, beside the firmware that was measured."""

from pathlib import Path
from typing import Annotated, TypedDict

from msgspec import Meta

from glyphite.convert.boards import known_board
from glyphite.convert.documents import Date, to_json
from glyphite.convert.files import write_text
from glyphite.convert.manifest import Sha256
from glyphite.host.measure.size_record import GoalName
from glyphite.host.measure.times import COUNTED, InCycles
from glyphite.host.measure.truth import Count

BENCH = "bench.json"
Cost = Annotated[float, Meta(ge=0, le=1e12)]


class TflmRecord(TypedDict):
    """The recorded figures of TensorFlow Lite Micro for a network of the same shape."""

    title: str
    count: Count
    static_ram_bytes: Count
    code_bytes: Count
    method: str


class BenchRecord(TypedDict):
    """The content of bench.json, which is what ``glyphite bench --json`` prints without layers."""

    model: str
    sha256: Sha256
    """That of the .tflite."""
    board: str
    goal: GoalName
    firmware_sha256: Sha256
    date: Date
    unit: Annotated[str, Meta(pattern=r"^(instructions|cycles)\Z")]
    count: Count
    count_least: Count
    count_most: Count
    macs: Count
    count_per_mac: Cost | None
    cycles: Count
    cycle_model: Annotated[str, Meta(pattern=r"^(counted|cortex-m[0-9]{1,2})\Z")]
    milliseconds: Cost | None
    """The time of ``cycles`` at the board's clock."""
    timed_by: InCycles
    weights_bytes: Count
    code_bytes: Count
    flash_bytes: Count
    static_ram_bytes: Count
    stack_bytes: Count | None
    inputs: Annotated[str, Meta(min_length=1, max_length=300)]
    inferences: Annotated[int, Meta(ge=1)]
    tflm: TflmRecord | None


def save(folder: Path, record: BenchRecord) -> None:
    """Write bench.json to the folder of the firmware. Raises InputError where it cannot."""
    write_text(folder / BENCH, to_json(record))


def bench_flaw(one: BenchRecord) -> str:
    """What cannot be in a record, in words that go behind its name; empty if nothing.

    Raises BoardError where the file of its board has a mistake.
    """
    count, cycles, board = one["count"], one["cycles"], known_board(one["board"])
    if not one["count_least"] <= count <= one["count_most"]:
        return f"has a mean of {count:,}, which is not between the least and the most"
    is_counted = {one["unit"] == "cycles", one["cycle_model"] == "counted",
                  one["timed_by"] == COUNTED}  # fmt: skip
    if len(is_counted) > 1 or (True in is_counted and cycles != count):
        return f"counts {one['unit']}, and has {one['timed_by']} of {one['cycle_model']}"
    per_mac = count / one["macs"] if one["macs"] else None
    if one["count_per_mac"] != per_mac:
        return f"has {one['count_per_mac']} per MAC, and its figures give {per_mac}"
    clock = board.mcu.clock_hz if board else None
    if clock and one["milliseconds"] != 1000 * (cycles / clock):
        return f"has {one['milliseconds']} as 'milliseconds', and its cycles give another time"
    return ""
