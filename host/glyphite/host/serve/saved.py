"""The page as one file: an Uno's firmware in it, what its model is, and some test samples."""

import base64
import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.boards import Board
from glyphite.convert.errors import ToolError
from glyphite.convert.files import read_bytes, write_text
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.host.serve.inputs import Inputs, Samples

TEMPLATE = Path(__file__).parent.parent / "page" / "saved" / "page.html"
"""All but the facts; made by ``python -m tools.saved_page``."""
FACTS = '<script type="application/json" id="facts">'
LOAD = 1
"""Of a segment of an ELF file: that it is put into memory."""


@dataclass(frozen=True, eq=False)
class Answered:
    """Test samples with this PC's answers."""

    samples: Samples
    tensors: NDArray[Any]
    """(n, *shape), as the model takes them."""
    answers: NDArray[Any]
    """(n, values), as the model gives them."""
    reference: str
    """What gave them, for people."""


def page_of(
    inputs: Inputs,
    labels: Sequence[str],
    board: Board,
    image: Path,
    answered: Answered | None,
    *,
    shares: bool,
) -> str:
    """The page's text. ``labels``: one a score, which ``shares`` says to be shares of 1.

    Raises ToolError where ``image`` is no firmware of the board.
    """
    manifest = inputs.manifest
    facts = {
        "name": manifest.name,
        "sha256": manifest.sha256,
        "board": board.name,
        "boardTitle": board.description.partition(" (")[0],
        "baud": board.serial.baud,
        "flash": _text(flash_of(image)),
        "model": {
            "kind": inputs.kind,
            "labels": list(labels),
            "shape": list(inputs.picture_shape or inputs.shape),
            "shares": shares,
        },
        "scores": _meaning(manifest, shares=shares),
        "input": _quantization(manifest.input),
        "output": _quantization(manifest.output),
        "preprocessing": _preprocessing(manifest),
        "reference": answered.reference if answered else "",
        "samples": _samples(inputs, answered) if answered else [],
    }
    text = json.dumps(facts, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    template = TEMPLATE.read_text(encoding="utf-8")
    before, _, behind = template.partition(FACTS)
    return f"{before}{FACTS}{text}{behind}"


def write_page(path: Path, text: str) -> str:
    """Write the page; its SHA-256. Raises InputError where it cannot be written."""
    write_text(path, text)
    return hashlib.sha256(text.encode()).hexdigest()


def flash_of(image: Path) -> bytes:
    """What an ELF file of 32 bits stores on the board, from address 0 on.

    Raises ToolError where it is none.
    """
    data = read_bytes(image)
    try:
        if data[:6] != b"\x7fELF\x01\x01":
            raise ValueError("no little-endian header of 32 bits")
        (offset,) = struct.unpack_from("<I", data, 28)
        size, count = struct.unpack_from("<HH", data, 42)
        flash = bytearray()
        for index in range(count):
            kind, start, _, address, stored = struct.unpack_from("<5I", data, offset + index * size)
            if kind != LOAD or not stored:
                continue
            flash += b"\xff" * (address - len(flash))
            flash[address : address + stored] = data[start : start + stored]
    except (ValueError, struct.error) as error:
        raise ToolError(f"{image} is no firmware ({error}). Build it again.") from error
    return bytes(flash)


def _meaning(manifest: Manifest, *, shares: bool) -> str:
    if not shares:
        return "values"
    return "shares" if manifest.gives_shares else "logits"


def _quantization(tensor: TensorInfo) -> dict[str, object]:
    return {"dtype": tensor.dtype, "scale": tensor.scale, "zeroPoint": tensor.zero_point}


def _preprocessing(manifest: Manifest) -> dict[str, object]:
    told = asdict(manifest.preprocessing)
    told["turned"] = told.pop("colours") == "bgr"
    return told


def _samples(inputs: Inputs, answered: Answered) -> list[dict[str, object]]:
    shape = inputs.picture_shape
    stored: list[dict[str, object]] = []
    for raw, label, tensor, answer in zip(
        answered.samples.raw,
        answered.samples.labels,
        answered.tensors,
        answered.answers,
        strict=True,
    ):
        one = {"label": label, "tensor": _text(tensor.tobytes()), "answer": _text(answer.tobytes())}
        is_picture = shape is not None and raw.dtype == np.uint8
        if is_picture:
            stored.append({**one, "pixels": _text(raw.tobytes())})
        else:
            stored.append({**one, "values": np.ravel(raw).tolist()})
    return stored


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
