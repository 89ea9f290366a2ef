"""Encodes the messages to a board and decodes its answers, by pure functions.

A checksum that fits says that a message arrived as it was sent, not that its sender is right: each
length and each number is held against what it can be before it is believed.
"""

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import LinkError
from glyphite.convert.text import counted, printable
from glyphite.host.device.wire.packing import pack
from glyphite.host.device.wire.protocol import (
    ANSWER_HEADER_BYTES,
    PROTOCOL,
    RANK_MAX,
    REFUSAL_BYTES,
    TEXT_BYTES,
    Encoding,
    Item,
    Message,
    Status,
)

SHA256_BYTES = 32
MOST_ELEMENTS = 1 << 31
"""Of a tensor; a shape of more is no board's."""
ZERO_POINTS = range(-128, 128)
"""An int8 tensor has no other."""


@dataclass(frozen=True)
class WireTensor:
    """An input or output of a board's model: ``real = scale * (quantized - zero_point)``."""

    shape: tuple[int, ...] = ()
    """Empty where the board does not tell it."""
    scale: float = 1.0
    """0 where the tensor is float32."""
    zero_point: int = 0

    @property
    def dtype(self) -> "np.dtype[Any]":
        """The type of its elements: int8 or float32."""
        return np.dtype("<i1" if self.scale else "<f4")

    @property
    def bytes(self) -> int:
        """Its size; 0 where its shape is not told."""
        return math.prod(self.shape) * self.dtype.itemsize if self.shape else 0


@dataclass(frozen=True)
class Hello:
    """A board's description of itself. An item that it leaves out has the default here."""

    protocol: int
    firmware: str = ""
    board: str = ""
    model_name: str = ""
    model_sha256: str = ""
    """SHA-256 of the .tflite, 64 hexadecimal digits."""
    inputs: tuple[WireTensor, ...] = ()
    outputs: tuple[WireTensor, ...] = ()
    clock_hz: int = 0
    """The processor's clock; 0 where the board does not know it."""
    timer_hz: int = 0
    """Ticks per second, for the ticks of an answer; 0 where the board does not know it."""
    receive_buffer: int = 0
    """Bytes that may arrive while the board is busy."""
    encodings: tuple[int, ...] = (Encoding.RAW,)
    inferences: int = 0
    """The number of runs of the model since the board started."""
    remark: str = ""
    """What the board found wrong with its model's engine; empty where nothing."""


@dataclass(frozen=True)
class Answer:
    """A board's answer to one sample."""

    outputs: tuple[NDArray[Any], ...]
    """The output tensors, each flat, int8 or float32."""
    input_crc: int
    """CRC-32 of the input tensors as they lay in the board's memory before the run."""
    seconds: float
    """The time of the run by the board's timer; nan where its rate is not known."""
    ticks: int
    """The time of the run in ticks of the board's timer."""
    wall: float = math.inf
    """Seconds on this PC from the request to the answer: no run took longer."""

    @property
    def scores(self) -> NDArray[Any]:
        """The first output, which of most models is the only one."""
        return self.outputs[0]


@dataclass(frozen=True)
class InferReply:
    """An INFER_ANSWER as it arrived; CRC, ticks and scores are there only if its status is OK."""

    request: int
    status: int
    input_crc: int = 0
    ticks: int = 0
    scores: bytes = b""


def hello_request() -> bytes:
    """The message HELLO."""
    return bytes([Message.HELLO])


def infer_request(request: int, tensors: bytes, encodings: Sequence[int]) -> bytes:
    """The message INFER for the bytes of all input tensors, one after another.

    ``request``: its id, 0 to 65535; ``encodings``: those that the board decodes, of which the
    shorter one is taken. Raises struct.error where the id is out of range.
    """
    encoding, payload = Encoding.RAW, tensors
    if Encoding.PACKED in encodings and len(packed := pack(tensors)) < len(tensors):
        encoding, payload = Encoding.PACKED, packed
    return struct.pack("<BHB", Message.INFER, request, encoding) + payload


def parse_hello(message: bytes) -> Hello | None:
    """The Hello in a message; None where it is another message. Unknown items are skipped.

    Of another version of the protocol, its number is read and the firmware's name. Raises LinkError
    where an item is cut short, told too often, or has a value that cannot be.
    """
    if len(message) < 2 or message[0] != Message.HELLO_ANSWER:
        return None
    if message[1] != PROTOCOL:
        return Hello(message[1], _firmware_in(message))
    fields: dict[str, object] = {}
    told: dict[Item, list[object]] = {item: [] for item in _OF_TENSORS}
    at = 2
    while at < len(message):
        kind, *rest = message[at : at + 2]
        value = message[at + 2 : at + 2 + sum(rest)]
        if not rest or len(value) != rest[0]:
            raise LinkError(f"item {kind} of its hello is cut short")
        if kind in _FIELDS:
            name, parse = _FIELDS[kind]
            if name in fields:
                raise LinkError(f"its hello tells {Item(kind).name} twice")
            fields[name] = parse(Item(kind), value)
        elif kind in _OF_TENSORS:
            _, parse = _OF_TENSORS[Item(kind)]
            told[Item(kind)].append(parse(Item(kind), value))
        at += 2 + rest[0]
    tensors = {side: _tensors(told, items) for side, items in _SIDES.items()}
    return Hello(message[1], **fields, **tensors)  # type: ignore[arg-type]  # parses fit the fields


def _firmware_in(message: bytes) -> str:
    """The firmware's name where it comes first, as in every version so far; "" elsewhere."""
    kind, length, text = message[2:3], message[3:4], message[4 : 4 + TEXT_BYTES]
    is_there = kind == bytes([Item.FIRMWARE]) and length == bytes([TEXT_BYTES])
    return _text(Item.FIRMWARE, text) if is_there else ""


def _tensors(told: Mapping[Item, list[object]], items: Sequence[Item]) -> tuple[WireTensor, ...]:
    """The tensors of one side, whose items are told once a tensor, in order, or not at all."""
    counts = {item: len(told[item]) for item in items if told[item]}
    if len(set(counts.values())) > 1:
        times = " and ".join(f"{item.name} {count} times" for item, count in counts.items())
        raise LinkError(f"its hello tells {times}")
    return tuple(
        WireTensor(**{_OF_TENSORS[item][0]: told[item][index] for item in counts})  # type: ignore[arg-type]
        for index in range(max(counts.values(), default=0))
    )


def parse_infer_answer(message: bytes) -> InferReply | None:
    """The reply in a message; None where it is another message or too short."""
    if len(message) < REFUSAL_BYTES or message[0] != Message.INFER_ANSWER:
        return None
    request, status = struct.unpack_from("<Hb", message, 1)
    if status != Status.OK:
        return InferReply(request, status)
    if len(message) < ANSWER_HEADER_BYTES:
        return None
    crc, ticks = struct.unpack_from("<II", message, REFUSAL_BYTES)
    return InferReply(request, status, crc, ticks, message[ANSWER_HEADER_BYTES:])


def _cannot_be(item: Item, found: object) -> LinkError:
    return LinkError(f"{item.name} of its hello is {found}, which cannot be")


def _of_length(item: Item, value: bytes, length: int) -> bytes:
    if len(value) != length:
        raise LinkError(
            f"{item.name} of its hello has {counted(len(value), 'byte')}, and {length} are right"
        )
    return value


def _text(item: Item, value: bytes) -> str:
    if len(value) > TEXT_BYTES:
        raise _cannot_be(item, f"a text of {counted(len(value), 'byte')}")
    return printable(value.rstrip(b"\0").decode("utf-8", "replace"))


def _sha256(item: Item, value: bytes) -> str:
    return _of_length(item, value, SHA256_BYTES).hex()


def _unsigned(length: int) -> Callable[[Item, bytes], int]:
    """What reads a number of so many bytes."""

    def read(item: Item, value: bytes) -> int:
        return int.from_bytes(_of_length(item, value, length), "little")

    return read


def _zero_point(item: Item, value: bytes) -> int:
    found = int.from_bytes(_of_length(item, value, 4), "little", signed=True)
    if found not in ZERO_POINTS:
        raise _cannot_be(item, found)
    return found


def _scale(item: Item, value: bytes) -> float:
    (found,) = struct.unpack("<f", _of_length(item, value, 4))
    if not (math.isfinite(found) and found >= 0):
        raise _cannot_be(item, found)
    return float(found)


def _shape(item: Item, value: bytes) -> tuple[int, ...]:
    if len(value) % 4 or len(value) > 4 * RANK_MAX:
        raise _cannot_be(item, f"a shape of {counted(len(value), 'byte')}")
    lengths = list(struct.unpack(f"<{len(value) // 4}I", value))
    while lengths and not lengths[-1]:
        lengths.pop()
    if 0 in lengths or math.prod(lengths) > MOST_ELEMENTS:
        raise _cannot_be(item, tuple(lengths))
    return tuple(lengths)


def _numbers(item: Item, value: bytes) -> tuple[int, ...]:
    if not value:
        raise _cannot_be(item, "an empty list")
    return tuple(value)


_OF_TENSORS: dict[Item, tuple[str, Callable[[Item, bytes], object]]] = {
    Item.INPUT_SHAPE: ("shape", _shape),
    Item.OUTPUT_SHAPE: ("shape", _shape),
    Item.INPUT_SCALE: ("scale", _scale),
    Item.INPUT_ZERO_POINT: ("zero_point", _zero_point),
    Item.OUTPUT_SCALE: ("scale", _scale),
    Item.OUTPUT_ZERO_POINT: ("zero_point", _zero_point),
}
_SIDES = {
    "inputs": (Item.INPUT_SHAPE, Item.INPUT_SCALE, Item.INPUT_ZERO_POINT),
    "outputs": (Item.OUTPUT_SHAPE, Item.OUTPUT_SCALE, Item.OUTPUT_ZERO_POINT),
}
_FIELDS: dict[int, tuple[str, Callable[[Item, bytes], object]]] = {
    Item.FIRMWARE: ("firmware", _text),
    Item.BOARD: ("board", _text),
    Item.MODEL_NAME: ("model_name", _text),
    Item.MODEL_SHA256: ("model_sha256", _sha256),
    Item.CLOCK_HZ: ("clock_hz", _unsigned(4)),
    Item.TIMER_HZ: ("timer_hz", _unsigned(4)),
    Item.RECEIVE_BUFFER: ("receive_buffer", _unsigned(4)),
    Item.ENCODINGS: ("encodings", _numbers),
    Item.INFERENCES: ("inferences", _unsigned(4)),
    Item.REMARK: ("remark", _text),
}
