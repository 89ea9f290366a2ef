"""What passes a line, in words: messages, frames that are damaged, and text."""

from dataclasses import dataclass

import numpy as np

from glyphite.convert.errors import LinkError
from glyphite.convert.text import counted, printable
from glyphite.host.device.wire.frame import decode_frame, decode_old_frame
from glyphite.host.device.wire.messages import Hello, parse_hello, parse_infer_answer
from glyphite.host.device.wire.protocol import PROTOCOL, Encoding, Message, Status

SCORES_SHOWN = 10
BYTES_SHOWN = 16
LEAST_TEXT = 2
LEAST_LINE = 6
"""Characters of a line, as the beginning of a frame may have a line's end in it."""
LONGEST = 1 << 22
"""Bytes without a zero or a line's end that are kept: no model here answers more in one frame."""
_READABLE = bytes(range(32, 127)) + b"\r\n\t"
TEXT, DAMAGED, OLD, FRAME = "text", "damaged", "protocol 1", "frame"


@dataclass(frozen=True)
class Seen:
    """A frame, or what is none."""

    kind: str
    """FRAME, OLD, DAMAGED or TEXT."""
    words: str
    """On one line, made printable."""


class Watcher:
    """Finds frames and text in the bytes of one direction of a line, however they are cut."""

    def __init__(self) -> None:
        self.hello: Hello | None = None
        """What the board said of itself last: it says how the scores are read."""
        self._pending = b""

    def feed(self, data: bytes) -> list[Seen]:
        """Take the next bytes; what they complete."""
        *ended, rest = (self._pending + data).split(b"\0")
        self._pending = rest
        found = [self._between_zeros(piece) for piece in ended if piece]
        text, _, line = rest.rpartition(b"\n")
        if len(text) >= LEAST_LINE and is_text(text):  # of a program that sends no zeros
            self._pending = line
            found += [Seen(TEXT, _shown(line)) for line in text.split(b"\n") if line.strip()]
        if len(self._pending) > LONGEST:
            found += self.flush()
        return found

    def flush(self) -> list[Seen]:
        """What waits for its end, once nothing has come for a while."""
        rest, self._pending = self._pending, b""
        return [self._between_zeros(rest)] if rest else []

    def _between_zeros(self, piece: bytes) -> Seen:
        message = decode_frame(piece)
        if message:
            return Seen(FRAME, self._message(message))
        if is_text(piece):
            return Seen(TEXT, _shown(piece))
        if old := decode_old_frame(piece):
            return Seen(OLD, f"a frame of protocol 1, {counted(len(old), 'byte')}: {_bytes(old)}")
        return Seen(DAMAGED, f"damaged, {counted(len(piece), 'byte')}: {_bytes(piece)}")

    def _message(self, message: bytes) -> str:
        kind = message[0]
        if kind == Message.HELLO:
            return "HELLO"
        if kind == Message.INFER and len(message) > 3:
            return _infer(message)
        if kind == Message.HELLO_ANSWER:
            return self._hello(message)
        if kind == Message.INFER_ANSWER:
            return self._answer(message)
        return f"message 0x{kind:02x}, {counted(len(message), 'byte')}: {_bytes(message)}"

    def _hello(self, message: bytes) -> str:
        try:
            told = parse_hello(message)
        except LinkError as error:
            return f"HELLO_ANSWER that is not believed: {error}"
        if told is None:
            return f"HELLO_ANSWER, cut short: {_bytes(message)}"
        if told.protocol != PROTOCOL:
            return f"HELLO_ANSWER of protocol {told.protocol}, {told.firmware or 'no name'}"
        self.hello = told
        remark = f", which says: {told.remark}" if told.remark else ""
        return (
            f"HELLO_ANSWER protocol {told.protocol}, {told.firmware}, board {told.board}, model "
            f"{told.model_name} ({told.model_sha256[:12]}), "
            f"{counted(told.inferences, 'inference')}{remark}"
        )

    def _answer(self, message: bytes) -> str:
        reply = parse_infer_answer(message)
        if reply is None:
            return f"INFER_ANSWER, cut short: {_bytes(message)}"
        status = Status(reply.status).name if reply.status in list(Status) else str(reply.status)
        if reply.status != Status.OK:
            return f"INFER_ANSWER {reply.request} {status}"
        scores = self._scores(reply.scores)
        return (
            f"INFER_ANSWER {reply.request} {status}, {counted(reply.ticks, 'tick')}, input CRC "
            f"{reply.input_crc:08x}, {scores}"
        )

    def _scores(self, data: bytes) -> str:
        """As int8, unless hello has told of one output of floats."""
        outputs = self.hello.outputs if self.hello else ()
        is_float = len(outputs) == 1 and outputs[0].dtype == np.float32 and not len(data) % 4
        scores = np.frombuffer(data, "<f4" if is_float else np.int8)
        shown = " ".join(f"{score:.4g}" for score in scores[:SCORES_SHOWN])
        more = f" and {len(scores) - SCORES_SHOWN:,} more" if len(scores) > SCORES_SHOWN else ""
        largest = f"; the largest is number {int(scores.argmax())}" if len(scores) else ""
        return f"scores {shown}{more}{largest}"


def is_text(piece: bytes) -> bool:
    """Whether bytes are what a program prints."""
    return len(piece) >= LEAST_TEXT and not piece.translate(None, _READABLE)


def _infer(message: bytes) -> str:
    request = int.from_bytes(message[1:3], "little")
    known = message[3] in list(Encoding)
    encoding = Encoding(message[3]).name if known else f"encoding {message[3]}"
    return f"INFER {request}, {encoding}, {counted(len(message) - 4, 'byte')}"


def _shown(text: bytes) -> str:
    return f"text: {printable(text.decode('ascii', 'replace').strip())}"


def _bytes(data: bytes) -> str:
    more = " ..." if len(data) > BYTES_SHOWN else ""
    return data[:BYTES_SHOWN].hex(" ") + more
