"""Frames as pure functions: a message and its CRC-16, COBS-encoded, ended by a zero byte.

COBS (Cheshire and Baker, "Consistent Overhead Byte Stuffing", 1999) removes every zero from a
message at the cost of one byte in 254, so a zero always ends a frame: a reader that has lost its
place resynchronises at the next one. The CRC is CRC-16/CCITT (polynomial 0x1021, initial
value 0xFFFF), two bytes, high byte first.
"""

from binascii import crc_hqx

LONGEST_RUN = 254
"""COBS: the most bytes without a zero in one block."""


def crc16(data: bytes) -> int:
    """CRC-16/CCITT of ``data``, as both ends of the wire compute it."""
    return crc_hqx(data, 0xFFFF)


def cobs_encode(data: bytes) -> bytes:
    """``data`` encoded without zero bytes."""
    encoded = bytearray()
    runs = data.split(b"\0")
    for number, run in enumerate(runs):
        for start in range(0, len(run) - LONGEST_RUN + 1, LONGEST_RUN):
            encoded += b"\xff" + run[start : start + LONGEST_RUN]
        rest = run[len(run) - len(run) % LONGEST_RUN :]
        if rest or not run or number < len(runs) - 1:
            encoded += bytes([len(rest) + 1]) + rest
    return bytes(encoded)


def cobs_decode(encoded: bytes) -> bytes | None:
    """The data that :func:`cobs_encode` has encoded; None where ``encoded`` is not valid COBS."""
    decoded = bytearray()
    at = 0
    while at < len(encoded):
        code = encoded[at]
        run = encoded[at + 1 : at + code]
        if code == 0 or len(run) != code - 1 or 0 in run:
            return None
        decoded += run
        at += code
        if code <= LONGEST_RUN and at < len(encoded):
            decoded.append(0)
    return bytes(decoded)


def encode_frame(message: bytes) -> bytes:
    """The frame of ``message``. It begins with a zero, which ends what was on the line before."""
    return b"\0" + cobs_encode(message + crc16(message).to_bytes(2, "big")) + b"\0"


def decode_frame(encoded: bytes) -> bytes | None:
    """The message in the bytes between two zeros; None where they are damaged."""
    content = cobs_decode(encoded)
    if content is None or len(content) < 2:
        return None
    message, crc = content[:-2], content[-2:]
    return message if crc == crc16(message).to_bytes(2, "big") else None


class FrameReader:
    """Finds the frames in a stream of bytes, however it is cut into pieces."""

    LONGEST = 1 << 16
    """The most bytes without a zero that are kept: no frame is longer."""

    def __init__(self) -> None:
        self.damaged = 0
        """How many pieces between two zeros were no frame."""
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the messages that they complete."""
        *ended, rest = (bytes(self._pending) + data).split(b"\0")
        self._pending = bytearray(rest[-self.LONGEST :])
        messages = [decode_frame(encoded) for encoded in ended if encoded]
        self.damaged += messages.count(None)
        return [message for message in messages if message is not None]
