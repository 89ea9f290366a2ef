"""A board without a clock or a port: bytes wait in its receive buffer while it computes."""

import struct
from collections import deque
from zlib import crc32

from glyphite.host.device.wire.frame import cobs_decode, decode_frame, encode_frame
from glyphite.host.device.wire.packing import unpack
from glyphite.host.device.wire.protocol import Encoding, Message, Status


def scores_of(tensor: bytes) -> bytes:
    """What its model gives: 4 bytes that no other tensor gives soon."""
    return crc32(b"model" + tensor).to_bytes(4, "big")


class SlowBoard:
    """Takes bytes one by one, and computes until it is told that it is done.

    ``buffer``: bytes that it holds meanwhile; those that come when it is full are lost.
    """

    def __init__(self, buffer: int) -> None:
        self.lost = 0
        """Bytes that found no place."""
        self.ran: list[int] = []
        """The ids of the requests that its model ran for, in order."""
        self.answers: deque[bytes] = deque()
        """Frames for the host."""
        self._buffer = buffer
        self._waiting: deque[int] = deque()
        self._frame = bytearray()
        self._computing: tuple[int, bytes] | None = None
        self._cached: tuple[int, bytes] | None = None

    @property
    def computes(self) -> bool:
        """Whether it takes no bytes out of its buffer."""
        return self._computing is not None

    def take(self, byte: int) -> None:
        """A byte arrives."""
        if self.computes and len(self._waiting) >= self._buffer:
            self.lost += 1
            return
        self._waiting.append(byte)
        self._read()

    def finish(self) -> None:
        """The run is over."""
        if self._computing is not None:
            request, tensor = self._computing
            self._computing = None
            self.ran.append(request)
            self._answer(request, tensor)
            self._read()

    def _read(self) -> None:
        while self._waiting and not self.computes:
            byte = self._waiting.popleft()
            if byte:
                self._frame.append(byte)
            elif self._frame:
                encoded = bytes(self._frame)
                self._frame.clear()
                self._judge(encoded)

    def _judge(self, encoded: bytes) -> None:
        message = decode_frame(encoded)
        if message is None:
            self._say(int.from_bytes((cobs_decode(encoded) or bytes(3))[1:3], "little"), b"\xff")
            return
        if len(message) < 4 or message[0] != Message.INFER:
            return
        request, payload = int.from_bytes(message[1:3], "little"), message[4:]
        tensor = unpack(payload) if message[3] == Encoding.PACKED else payload
        if self._cached is not None and self._cached[0] == request:
            self._answer(*self._cached)
        elif tensor is not None:
            self._computing = (request, tensor)

    def _answer(self, request: int, tensor: bytes) -> None:
        self._cached = (request, tensor)
        ok = struct.pack("<bII", Status.OK, crc32(tensor), 1)
        self._say(request, ok + scores_of(tensor))

    def _say(self, request: int, rest: bytes) -> None:
        head = struct.pack("<BH", Message.INFER_ANSWER, request)
        self.answers.append(encode_frame(head + rest))
