"""The ways in for what a board sends: its hello, and its answers."""

import math
import struct
from pathlib import Path
from typing import Any, cast
from zlib import crc32

import numpy as np
import serial
from numpy.typing import NDArray

from glyphite.convert.manifest import Manifest
from glyphite.host.device.board_check import check_board
from glyphite.host.device.session import Session
from glyphite.host.device.wire.frame import FrameReader, encode_frame
from glyphite.host.device.wire.messages import Hello
from glyphite.host.device.wire.protocol import ANSWER_HEADER_BYTES, PROTOCOL, Item, Message
from tests.builders import hostile
from tests.hostile.documents import SOUND, UNO
from tests.hostile.way import Rng, bytes_damaged, one_of, require

WORDS = (0, 1, 2, 127, 128, 255, 256, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x7F80_0000,
         0x7FC0_0000,
         0xFF80_0000, 0xFFFF_FF80, 0xFFFF_FF7F, 0x3B80_8081)  # fmt: skip
"""As whole numbers, and as the infinite and the NaN of float32."""


class Port:
    """A port whose board sends what it was given, and is unplugged where that is at its end."""

    port, baudrate = "/dev/fuzzed", 115200

    def __init__(self, hello: bytes, answer: bytes = b"") -> None:
        self.timeout: float | None = None
        self.write_timeout: float | None = None
        self._replies = {int(Message.HELLO): hello, int(Message.INFER): answer}
        self._reader, self._pending = FrameReader(), bytearray()

    def open(self) -> None:
        """It stays away."""
        raise serial.SerialException("it is gone")

    def close(self) -> None:
        """It is closed."""

    def write(self, frame: bytes) -> None:
        """Take a request, and have the reply ready."""
        for message in self._reader.feed(frame):
            self._pending += self._replies[message[0]]

    @property
    def in_waiting(self) -> int:
        """Bytes that are ready."""
        return len(self._pending)

    def read(self, count: int) -> bytes:
        """Some of them."""
        if count and not self._pending:
            raise serial.SerialException("it was unplugged")
        data = bytes(self._pending[:count])
        del self._pending[:count]
        return data

    def read_all(self) -> bytes:
        """All of them."""
        return self.read(self.in_waiting)


def session(port: Port) -> Session:
    """A session with a board behind such a port."""
    made = Session(cast(serial.Serial, port), 0.1, give_up=0.1)
    made._request = 0  # so that the first id is the 1 of the answers that are made here
    return made


class HelloWay:
    """The bytes with which a board answers HELLO."""

    def __init__(self, folder: Path) -> None:
        self.manifest = Manifest.load(UNO / "manifest.json")
        self.items = hostile.items_of(self.manifest)

    def make(self, rng: Rng) -> bytes:
        """Lie within a sound frame, or damage it on the line."""
        how = rng.random()
        if how < SOUND:
            return encode_frame(hostile.hello(self.items))
        if how < 0.2:
            return bytes_damaged(encode_frame(hostile.hello(self.items)), rng)
        lie = _lie(list(self.items.items()), rng)
        if how < 0.4:
            lie = bytes_damaged(lie, rng)
        return encode_frame(lie)

    def read(self, content: bytes) -> bool:
        """Believe it alone, then against the manifest."""
        told = session(Port(content)).hello()
        _require_possible(told)
        check_board("/dev/fuzzed", told, None, self.manifest)
        honest = self.manifest
        require(told.model_sha256 == honest.sha256, "another model")
        for tensors, tensor in ((told.inputs, honest.input), (told.outputs, honest.output)):
            (said,) = tensors
            require(math.prod(said.shape) == math.prod(tensor.shape), "another shape")
            require(
                (said.scale, said.zero_point)
                == (float(np.float32(tensor.scale)), tensor.zero_point),
                "another scale",
            )
        return True


def _lie(items: list[tuple[int, bytes]], rng: Rng) -> bytes:
    """A hello with one to three items changed, left out, told twice, moved or of a false length."""
    packed = [[kind, len(value), value] for kind, value in items]
    for _ in range(one_of(rng, (1, 1, 2, 3))):
        at, how = int(rng.integers(len(packed))), int(rng.integers(8))
        kind, value = packed[at][0], cast(bytes, packed[at][2])
        if how == 0:
            packed[at][1] = int(rng.integers(256))
        elif how == 1:
            packed.insert(int(rng.integers(len(packed) + 1)), list(packed[at]))
        elif how == 2 and len(packed) > 1:
            del packed[at]
        elif how == 3:
            packed[at][0] = int(rng.integers(256))
        else:
            value = _value(value, rng)[:255]
            packed[at] = [kind, len(value), value]
    protocol = one_of(rng, (*8 * (PROTOCOL,), 0, 1, 255))
    body = b"".join(bytes([int(k), int(n)]) + cast(bytes, v) for k, n, v in packed)  # type: ignore[call-overload]
    return bytes([Message.HELLO_ANSWER, protocol]) + body


def _value(value: bytes, rng: Rng) -> bytes:
    """Other bytes of the same or of another length."""
    words = [struct.pack("<I", one_of(rng, WORDS)) for _ in range(int(rng.integers(1, 6)))]
    texts = (b"\x1b[2J", b"\xff\xfe", "\u202e".encode(), b"../x", b"a\nb", b"x" * 33, b"", b"uno")
    made = (words[0], b"".join(words), rng.bytes(len(value)), one_of(rng, texts), value + b"\0")
    return one_of(rng, made)


def _require_possible(told: Hello) -> None:
    """What a hello says can be, whatever it is of."""
    texts = (told.firmware, told.board, told.model_name, told.model_sha256)
    require(all(map(str.isprintable, texts)), "a text that cannot be shown")
    require(len(told.model_sha256) in (0, 64), "no SHA-256")
    for tensor in (*told.inputs, *told.outputs):
        require(len(tensor.shape) <= 4 and 0 not in tensor.shape, "no shape")
        require(math.prod(tensor.shape) <= 1 << 31, "a tensor larger than a board")
        require(0 <= tensor.scale < math.inf, "no scale")
        require(-128 <= tensor.zero_point <= 127, "no zero point")
    numbers = (told.clock_hz, told.timer_hz, told.receive_buffer, told.inferences)
    require(all(0 <= number < 1 << 32 for number in numbers), "no number of 32 bits")
    require(told.protocol == PROTOCOL and 0 in told.encodings, "another protocol")


class AnswerWay:
    """The bytes with which a board answers INFER, whose output is int8 or float32."""

    def __init__(self, folder: Path) -> None:
        self.tensor = np.arange(784, dtype=np.int16).astype(np.int8)
        honest = hostile.items_of(Manifest.load(UNO / "manifest.json"))
        floats = honest | {Item.OUTPUT_SCALE: bytes(4), Item.OUTPUT_ZERO_POINT: bytes(4)}
        self.hellos = [encode_frame(hostile.hello(items)) for items in (honest, floats)]
        scores = np.arange(10, dtype=np.int8)
        self.scores: list[NDArray[Any]] = [scores, scores.astype(np.float32)]

    def make(self, rng: Rng) -> bytes:
        """Two bytes say whether the output is float32, and whether the board lies."""
        floats, how = int(rng.integers(2)), rng.random()
        message = self._message(self.scores[floats].tobytes())
        if how < SOUND:
            return bytes([floats, 0]) + encode_frame(message)
        if how < 0.5:
            return bytes([floats, 0]) + bytes_damaged(encode_frame(message), rng)
        frames = [encode_frame(_lying(message, rng)) for _ in range(one_of(rng, (1, 1, 2, 3)))]
        return bytes([floats, 1]) + b"".join(frames)

    def honest(self) -> bytes:
        """The frame of an honest int8 answer."""
        return encode_frame(self._message(np.arange(10, dtype=np.int8).tobytes()))

    def _message(self, scores: bytes) -> bytes:
        request = bytes([Message.INFER, 1, 0, 0]) + self.tensor.tobytes()
        return hostile.answer(request, scores)

    def read(self, content: bytes) -> bool:
        """Ask once."""
        floats, lies = content[0], content[1]
        talk = session(Port(self.hellos[floats], content[2:]))
        found = talk.ask(self.tensor)
        require(found.scores.dtype == self.scores[floats].dtype, "another type")
        require(found.scores.shape == (10,), "another number of scores")
        require(np.isfinite(found.scores).all(), "scores that are not finite")
        require(found.input_crc == crc32(self.tensor.tobytes()), "another input")
        require(0 <= found.ticks < 1 << 32 and found.seconds == found.ticks / 1e6, "no time")
        require(lies or np.array_equal(found.scores, self.scores[floats]), "other scores")
        return True


def _lying(message: bytes, rng: Rng) -> bytes:
    """Another id, status, CRC, time, length, score, or another message."""
    how, word = int(rng.integers(7)), struct.pack("<I", one_of(rng, WORDS))
    fields = {0: slice(1, 3), 1: slice(3, 4), 2: slice(4, 8), 3: slice(8, 12)}
    changed = bytearray(message)
    if how in fields:
        field = fields[how]
        changed[field] = word[: field.stop - field.start]
    elif how == 4:
        at = ANSWER_HEADER_BYTES + 4 * int(rng.integers((len(message) - 12) // 4))
        changed[at : at + 4] = word
    elif how == 5:
        return message[: int(rng.integers(1, len(message)))] + rng.bytes(int(rng.integers(3)))
    else:
        return bytes_damaged(message, rng)
    return bytes(changed)
