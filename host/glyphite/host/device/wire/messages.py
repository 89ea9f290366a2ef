"""Encodes the messages to a board and decodes its answers, by pure functions."""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.host.device.wire.protocol import (
    ANSWER_HEADER_BYTES,
    REFUSAL_BYTES,
    Encoding,
    Item,
    Message,
    Status,
)


@dataclass(frozen=True)
class Hello:
    """A board's description of itself. An item that it leaves out has the default here."""

    protocol: int
    firmware: str = ""
    board: str = ""
    model_name: str = ""
    model_sha256: str = ""
    """SHA-256 of the .tflite, 64 hexadecimal digits."""
    input_shape: tuple[int, ...] = ()
    output_shape: tuple[int, ...] = ()
    input_scale: float = 1.0
    """``real = scale * (quantized - zero_point)``; 0 where the tensor is float32."""
    input_zero_point: int = 0
    output_scale: float = 1.0
    output_zero_point: int = 0
    clock_hz: int = 0
    """The processor's clock; 0 where the board does not know it."""
    timer_hz: int = 0
    """Ticks per second, for the ticks of an answer; 0 where the board does not know it."""
    receive_buffer: int = 0
    """Bytes that may arrive while the board is busy."""
    encodings: tuple[int, ...] = (Encoding.RAW,)
    inferences: int = 0
    """The number of runs of the model since the board started."""

    @property
    def input_type(self) -> "np.dtype[Any]":
        """The type of the elements of the input tensor: int8 or float32."""
        return _type(self.input_scale)

    @property
    def output_type(self) -> "np.dtype[Any]":
        """The type of the elements of the output tensor: int8 or float32."""
        return _type(self.output_scale)


def _type(scale: float) -> "np.dtype[Any]":
    return np.dtype("<i1" if scale else "<f4")


@dataclass(frozen=True)
class Answer:
    """A board's answer to one input."""

    scores: NDArray[Any]
    """The output tensor, flat, int8 or float32."""
    input_crc: int
    """CRC-16 of the input tensor as it lay in the board's memory before the run."""
    seconds: float
    """The time of the run by the board's timer; nan where its rate is not known."""
    ticks: int
    """The time of the run in ticks of the board's timer."""


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


def infer_request(request: int, tensor: bytes) -> bytes:
    """The message INFER for the bytes of ``tensor``, with the id ``request``, 0 to 65535.

    Raises struct.error where the id is out of range.
    """
    return struct.pack("<BHB", Message.INFER, request, Encoding.RAW) + tensor


def parse_hello(message: bytes) -> Hello | None:
    """The Hello in a message; None where it is another message. Unknown items are skipped."""
    if len(message) < 2 or message[0] != Message.HELLO_ANSWER:
        return None
    fields: dict[str, Any] = {}
    at = 2
    while at + 2 <= len(message):
        kind, length = message[at], message[at + 1]
        value = message[at + 2 : at + 2 + length]
        if kind in _FIELDS and len(value) == length:
            name, parse = _FIELDS[kind]
            fields[name] = parse(value)
        at += 2 + length
    return Hello(message[1], **fields)


def parse_infer_answer(message: bytes) -> InferReply | None:
    """The reply in a message; None where it is another message or too short."""
    if len(message) < REFUSAL_BYTES or message[0] != Message.INFER_ANSWER:
        return None
    request, status = struct.unpack_from("<Hb", message, 1)
    if status != Status.OK:
        return InferReply(request, status)
    if len(message) < ANSWER_HEADER_BYTES:
        return None
    crc, ticks = struct.unpack_from("<HI", message, REFUSAL_BYTES)
    return InferReply(request, status, crc, ticks, message[ANSWER_HEADER_BYTES:])


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode("utf-8", "replace")


def _unsigned(value: bytes) -> int:
    return int.from_bytes(value, "little")


def _signed(value: bytes) -> int:
    return int.from_bytes(value, "little", signed=True)


def _float(value: bytes) -> float:
    return float(np.frombuffer(value.ljust(4, b"\0"), "<f4")[0])


def _shape(value: bytes) -> tuple[int, ...]:
    lengths = struct.unpack(f"<{len(value) // 4}I", value[: len(value) // 4 * 4])
    return tuple(length for length in lengths if length)


_FIELDS: dict[int, tuple[str, Callable[[bytes], object]]] = {
    Item.FIRMWARE: ("firmware", _text),
    Item.BOARD: ("board", _text),
    Item.MODEL_NAME: ("model_name", _text),
    Item.MODEL_SHA256: ("model_sha256", bytes.hex),
    Item.INPUT_SHAPE: ("input_shape", _shape),
    Item.OUTPUT_SHAPE: ("output_shape", _shape),
    Item.INPUT_SCALE: ("input_scale", _float),
    Item.INPUT_ZERO_POINT: ("input_zero_point", _signed),
    Item.OUTPUT_SCALE: ("output_scale", _float),
    Item.OUTPUT_ZERO_POINT: ("output_zero_point", _signed),
    Item.CLOCK_HZ: ("clock_hz", _unsigned),
    Item.TIMER_HZ: ("timer_hz", _unsigned),
    Item.RECEIVE_BUFFER: ("receive_buffer", _unsigned),
    Item.ENCODINGS: ("encodings", tuple),
    Item.INFERENCES: ("inferences", _unsigned),
}
