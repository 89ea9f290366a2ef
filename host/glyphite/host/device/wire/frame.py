"""Frames as pure functions: a message and its CRC-32, COBS-encoded, ended by a zero byte.

COBS (Cheshire and Baker, "Consistent Overhead Byte Stuffing", 1999) removes every zero from a
message at the cost of one byte in 254, so a zero always ends a frame: a reader that has lost its
place resynchronises at the next one. The CRC is that of Ethernet (IEEE 802.3), four bytes, high
byte first: of damaged frames one in 4,294,967,296 passes.
"""

from binascii import crc_hqx
from zlib import crc32

LONGEST_RUN = 254
"""COBS: the most bytes without a zero in one block."""
CRC_BYTES = 4

STRANGE_BYTES = 512
"""Of what is no frame, the last so many bytes are kept."""

OLD_CRC_BYTES = 2
"""Of protocol 1: CRC-16/CCITT (polynomial 0x1021, initial value 0xFFFF), high byte first."""


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
    return b"\0" + encode_frame_bare(message)


def encode_frame_bare(message: bytes) -> bytes:
    """The same without that zero, for a line on which a frame has just ended."""
    return cobs_encode(message + crc32(message).to_bytes(CRC_BYTES, "big")) + b"\0"


def encode_old_frame(message: bytes) -> bytes:
    """The frame of ``message`` for a board of protocol 1; to any other it is a damaged one."""
    crc = crc_hqx(message, 0xFFFF)
    return b"\0" + cobs_encode(message + crc.to_bytes(OLD_CRC_BYTES, "big")) + b"\0"


def decode_frame(encoded: bytes) -> bytes | None:
    """The message in the bytes between two zeros; None where they are damaged."""
    content = cobs_decode(encoded)
    if content is None or len(content) < CRC_BYTES:
        return None
    message, crc = content[:-CRC_BYTES], content[-CRC_BYTES:]
    return message if crc == crc32(message).to_bytes(CRC_BYTES, "big") else None


def decode_old_frame(encoded: bytes) -> bytes | None:
    """The same for a frame of protocol 1."""
    content = cobs_decode(encoded)
    if content is None or len(content) < OLD_CRC_BYTES:
        return None
    message, crc = content[:-OLD_CRC_BYTES], content[-OLD_CRC_BYTES:]
    return message if crc == crc_hqx(message, 0xFFFF).to_bytes(OLD_CRC_BYTES, "big") else None


class FrameReader:
    """Finds the frames in a stream of bytes, however it is cut into pieces.

    ``longest``: the most bytes without a zero that are kept, as no frame is longer; it may be
    raised once the board has told how much its model answers.
    """

    def __init__(self) -> None:
        self.longest = 1 << 16
        self.damaged = 0
        """How many pieces between two zeros were no frame."""
        self.strange = b""
        """The newest such piece, or its end: text, where a board's program prints."""
        self.overlong = 0
        """How many bytes a piece had that was longer than any frame; the newest."""
        self._pending = bytearray()
        self._dropped = 0

    @property
    def pending(self) -> bytes:
        """What came since the last zero."""
        return bytes(self._pending)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes; return the messages that they complete."""
        *ended, rest = (bytes(self._pending) + data).split(b"\0")
        self._pending = bytearray(rest[-self.longest :])
        if ended and self._dropped:
            self.overlong = self._dropped + len(ended[0])
            self._dropped = 0
        self._dropped += len(rest) - len(self._pending)
        messages = []
        for encoded in ended:
            message = decode_frame(encoded) if encoded else None
            if message is not None:
                messages.append(message)
            elif encoded:
                self.damaged += 1
                self.strange = encoded[-STRANGE_BYTES:]
        return messages
