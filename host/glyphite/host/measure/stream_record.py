"""What is kept of a run on a board: stream.npz, and stream.json, whose figures follow from it."""

import io
import math
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.documents import to_json
from glyphite.convert.files import remove, write_bytes, write_text
from glyphite.convert.manifest import Manifest
from glyphite.host.device.transport import is_emulated
from glyphite.host.device.wire.messages import Hello
from glyphite.host.device.wire.protocol import PROTOCOL
from glyphite.host.measure.by_board import BoardFigures, BoardPart, Judge, wire_of
from glyphite.host.measure.compare import sha256_as_array
from glyphite.host.measure.running import Firmware
from glyphite.host.measure.size_record import GoalName
from glyphite.host.measure.stream import Link, Streamed
from glyphite.host.measure.stream_figures import Streaming, summarize
from glyphite.host.measure.times import clock_at
from glyphite.host.measure.truth import kept_truth


def save(folder: Path, streaming: Streaming, streamed: Streamed, judge: Judge) -> None:
    """Write stream.npz, which all figures follow from, and stream.json to a board's folder.

    Times that are not known are left out of stream.npz. Until both are written there is no
    stream.json. Raises InputError where the folder cannot be written.
    """
    packed = io.BytesIO()
    arrays: dict[str, Any] = {  # none is of objects; numpy before 2.1 knows no allow_pickle
        "sha256": sha256_as_array(streaming["sha256"]),
        **judge.truth.arrays(),
        "reference": judge.scores,
        "scores": streamed.scores,
        "ticks": streamed.ticks,
        "samples": streamed.indices,
        "by": streamed.owners,
        "wall_seconds": np.float64(streamed.wall_seconds),
    }
    if np.isfinite(streamed.seconds).all():
        arrays["seconds"] = streamed.seconds
    np.savez_compressed(packed, **arrays)
    remove(folder / "stream.json")
    write_bytes(folder / "stream.npz", packed.getvalue())
    write_text(folder / "stream.json", to_json(streaming))


def figures_of(
    manifest: Manifest, told: Streaming, arrays: dict[str, NDArray[Any]]
) -> Streaming | None:
    """The figures that the ``arrays`` of stream.npz give of the run that ``told`` tells of.

    None where they cannot be those of a run of this model. Raises BoardError where the file of the
    board that ``told`` names has a mistake.
    """
    count, outputs = len(arrays.get("ticks", ())), prod(manifest.output.shape[1:])
    truth = kept_truth(told["task"], told["data"], count, arrays, outputs)
    if truth is None or not _are_answers(manifest, arrays, count):
        return None
    samples, by = arrays["samples"], arrays["by"]
    if (np.diff(samples) < 1).any() or not 0 <= samples[0] <= samples[-1] < told["run_images"]:
        return None
    if by.max() >= len(told["boards"]):
        return None
    parts = tuple(_part(one, told["goal"]) for one in told["boards"])
    streamed = Streamed(
        parts[0].hello,
        arrays["scores"],
        arrays.get("seconds", np.full(count, math.nan)),
        arrays["ticks"],
        float(arrays["wall_seconds"]),
        wire_of(parts),
        parts=parts,
        by=arrays["by"],
        samples=arrays["samples"],
        run_images=told["run_images"] if told["shared_with"] else 0,
        shared_with=tuple(told["shared_with"]),
    )
    judge = Judge(told["reference"], arrays["reference"], truth)
    link = Link(told["port"], manifest.sha256, told["baud"])
    return summarize(manifest, link, streamed, judge, told["date"])


def _part(told: BoardFigures, goal: GoalName | None) -> BoardPart:
    """A board of a run, by what is told of it beside its answers."""
    emulated, digest = is_emulated(told["port"]), told["firmware_sha256"]
    is_timed = told["seconds_per_image"] or told["instructions_per_image"] is not None
    return BoardPart(
        told["port"],
        told["jobs"] if emulated else 1,
        told["board"],
        Hello(PROTOCOL, told["firmware"], told["board"], timer_hz=1),  # or there are no seconds
        told["wire"],
        Firmware(Path(), digest, goal) if emulated and digest else None,
        lost=tuple(told["lost"]),
        doubt="" if is_timed else "The board's times are left out.",
        timed_by=clock_at(told["port"], told["board"]) and told["timed_by"],
    )


def _are_answers(manifest: Manifest, arrays: dict[str, NDArray[Any]], count: int) -> bool:
    """Whether the arrays beside the truth are those that ``save`` writes, of the model."""
    outputs, kind = prod(manifest.output.shape[1:]), np.dtype(manifest.output.dtype)
    kinds: dict[str, tuple[tuple[int, ...], Any]] = {
        "sha256": ((32,), np.uint8),
        "reference": ((count, outputs), kind),
        "scores": ((count, outputs), kind),
        "ticks": ((count,), np.int64),
        "samples": ((count,), np.int64),
        "by": ((count,), np.uint16),
        "wall_seconds": ((), np.float64),
        "seconds": ((count,), np.float64),
    }
    others = {name: array for name, array in arrays.items() if name not in ("labels", "values")}
    found = {name: (array.shape, array.dtype) for name, array in others.items()}
    if "seconds" not in arrays:  # where they were not known
        del kinds["seconds"]
    if not count or found != kinds:
        return False
    numbers = [arrays[name] for name in ("ticks", "seconds") if name in arrays]
    is_right = arrays["sha256"].tobytes().hex() == manifest.sha256
    is_right &= bool(arrays["wall_seconds"] > 0)
    return is_right and all(array.min() >= 0 for array in numbers)
