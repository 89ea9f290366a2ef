"""The requests that are on their way to a board: what to send next, and what its messages mean.

The next request travels while the board computes, as far as its receive buffer holds it. Nothing
here reads a port or a clock.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import StrEnum
from zlib import crc32

from glyphite.convert.errors import LinkError
from glyphite.convert.text import counted
from glyphite.host.device.wire.frame import encode_frame_bare
from glyphite.host.device.wire.messages import Hello, InferReply, infer_request, parse_infer_answer
from glyphite.host.device.wire.protocol import ANSWER_HEADER_BYTES, Message, Status

PIECE_BYTES = 4096
"""The most bytes of one write: a longer one would end a slow line's patience."""

LAST_ID = 0xFFFF

MOST_AHEAD = 1 << 16
"""The next request is added while fewer travel ahead, whatever a board says that it holds."""


class Trouble(StrEnum):
    """Why requests were sent again; for people."""

    CORRUPT = "damaged on the way to the board"
    DAMAGED = "damaged on the way back"
    LOST = "answer lost"
    OVERDUE = "no answer in time"
    RESTART = "the board restarted"
    BROKEN = "the line broke"


@dataclass(eq=False)
class Request:
    """One sample on its way."""

    number: int
    """Its id on the wire."""
    input_crc: int
    """CRC-32 of the input tensors' bytes."""
    frame: bytes
    sent: int = 0
    """How many bytes of its frame were sent since it was begun last."""
    tries: int = 0
    """How often it was begun."""
    begun: float = 0.0
    """When it was begun first; the caller's clock."""
    whole: bool = False
    """Whether its frame was ever sent to its end: only then it can have an answer."""
    again: Trouble | None = None
    """Why it has to be begun again."""
    reply: InferReply | None = None


@dataclass
class Pipeline:
    """The requests of one board in their order, from the first that nobody has been given.

    ``board``: its hello, whose receive buffer says how much may travel ahead.
    """

    board: Hello
    last_id: int = 0
    """The id of the newest request; the next one has the next id."""
    repeats: "Counter[Trouble]" = field(default_factory=Counter)
    """How many requests were begun again, by why."""
    trouble: Trouble | None = None
    """What the messages since the last :meth:`go_back` have shown."""
    answered: int = 0
    """How many requests were answered."""
    odd_lengths: list[str] = field(default_factory=list)
    """How long the newest answers were, and what is right, where each had another length."""
    odd_inputs: list[tuple[int, int]] = field(default_factory=list)
    """Of the newest answers, the input's CRC and that of what was sent, where each had another: one
    alone may be an answer to somebody else, who used the same id."""
    _flying: "deque[Request]" = field(default_factory=deque)
    """All that nobody has been given, in their order."""
    _line: list[Request] = field(default_factory=list)
    """Those without an answer, in the order in which the board gets them: one that arrived damaged
    goes behind those that are on their way, as the board cannot be told to forget them."""
    _ahead: int = LAST_ID
    """How many requests may travel behind the one that the board works on: fewer on a bad line,
    where each has its share of the faults, and all are sent again because of one."""
    _clean: bool = False
    """Whether the last byte that was sent ended a frame."""

    @property
    def output_bytes(self) -> int:
        """Bytes of all the model's outputs."""
        return sum(output.bytes for output in self.board.outputs)

    @property
    def has_room(self) -> bool:
        """Whether another request may be added: all others are sent, and the buffer has room."""
        if any(request.sent < len(request.frame) for request in self._line):
            return False
        ahead = sum(len(request.frame) for request in self._line[1:])
        return not self._line or ahead < min(self.board.receive_buffer, MOST_AHEAD)

    def add(self, tensors: bytes) -> None:
        """Put the input tensors of one sample behind the others."""
        self.last_id = (self.last_id + 1) & LAST_ID
        message = infer_request(self.last_id, tensors, self.board.encodings)
        request = Request(self.last_id, crc32(tensors), encode_frame_bare(message))
        self._flying.append(request)
        self._line.append(request)

    def to_send(self, now: float) -> bytes:
        """The next bytes for the line, of at most PIECE_BYTES and a zero; they count as sent.

        ``now``: the caller's clock in seconds.
        """
        pieces = bytearray()
        ahead = self.board.receive_buffer - sum(request.sent for request in self._line[1:])
        for place, request in enumerate(self._line[: 1 + self._ahead]):
            room = PIECE_BYTES - len(pieces)
            room = room if place == 0 else max(0, min(room, ahead))
            piece = request.frame[request.sent : request.sent + room]
            if piece and not request.sent:
                self._begin(request, now)
                pieces += b"" if self._clean else b"\0"
            if piece:
                request.sent += len(piece)
                self._clean = request.sent == len(request.frame)
                request.whole = request.whole or self._clean
            pieces += piece
            ahead -= len(piece) if place else 0
            if request.sent < len(request.frame):
                break
        return bytes(pieces)

    def _begin(self, request: Request, now: float) -> None:
        request.begun = request.begun or now
        request.tries += 1
        if request.again is not None:
            self.repeats[request.again] += 1
        request.again = None

    def take(self, message: bytes) -> bool:
        """Take a message of the board; whether it was the first answer to a request on its way.

        Raises RefusedError where the board refuses.
        """
        reply = parse_infer_answer(message)
        if reply is None:
            if self._line and message[:1] == bytes([Message.INFER_ANSWER]):
                self._odd_length(self.of_length(len(message)))
            return False
        request = next((each for each in self._line if each.number == reply.request), None)
        if reply.status == Status.CORRUPT:
            self._arrived_damaged(request)
            return False
        if request is None or not request.whole:  # a late answer, or one that came twice
            return False
        if reply.status != Status.OK:
            raise RefusedError(reply.status)
        if len(reply.scores) != self.output_bytes:
            self._odd_length(
                f"{counted(len(reply.scores), 'byte')} of scores, and its model gives "
                f"{self.output_bytes:,}"
            )
            return False
        if reply.input_crc != request.input_crc:
            self.odd_inputs.append((reply.input_crc, request.input_crc))
            self._notice(Trouble.DAMAGED)
            return False
        self.odd_lengths.clear()
        self.odd_inputs.clear()
        self._expect_first(request)
        request.reply = reply
        self._line.remove(request)
        self.answered += 1
        self._ahead += 1
        return True

    def of_length(self, found: int) -> str:
        """What is said of so many bytes that came in place of an answer."""
        right = ANSWER_HEADER_BYTES + self.output_bytes
        return f"{counted(found, 'byte')}, and a whole answer has {right:,}"

    def _odd_length(self, found: str) -> None:
        self.odd_lengths.append(found)
        self._notice(Trouble.DAMAGED)

    def _notice(self, trouble: Trouble) -> None:
        if self.trouble in (None, Trouble.CORRUPT):  # which is mended already
            self.trouble = trouble

    def _expect_first(self, request: Request) -> None:
        """The board answers in order: what it should have answered before is lost."""
        if request.tries == 1 and request is not self._line[0]:
            self._notice(Trouble.LOST)

    def _arrived_damaged(self, request: Request | None) -> None:
        """Send a request again behind those on their way; the first where its id was damaged."""
        request = request or next(iter(self._line), None)
        if request is None or not request.sent:  # it was broken off, and is sent again anyway
            return
        self._expect_first(request)
        self._notice(Trouble.CORRUPT)
        request.sent, request.again = 0, Trouble.CORRUPT
        self._line.remove(request)
        begun = sum(each.sent > 0 for each in self._line)
        self._line.insert(begun, request)

    def go_on(self) -> None:
        """Nothing has to be done about the trouble but what is on its way."""
        self.trouble = None

    def finished(self) -> list[Request]:
        """The requests with an answer, in order, up to the first without; they leave."""
        done = []
        while self._flying and self._flying[0].reply is not None:
            done.append(self._flying.popleft())
        return done

    def break_off(self) -> None:
        """Something else is sent now: a request that is sent in part has to be begun again."""
        for request in self._line:
            if request.sent < len(request.frame):
                request.sent = 0

    def go_back(self, trouble: Trouble) -> None:
        """Send all that has no answer again, in order, because of ``trouble``."""
        self._line.sort(key=self._flying.index)
        begun = [request for request in self._line if request.tries]
        self._ahead = max(1, min(self._ahead, len(begun)) // 2)
        for request in begun:
            request.sent, request.again = 0, trouble
        self.trouble, self._clean = None, False

    @property
    def waits(self) -> bool:
        """Whether any request has no answer."""
        return bool(self._line)

    @property
    def asked(self) -> bool:
        """Whether any request without an answer was wholly sent."""
        return any(request.sent == len(request.frame) for request in self._line)

    @property
    def may_send(self) -> bool:
        """Whether the request that the board works on, or will, is not wholly sent."""
        return bool(self._line) and self._line[0].sent < len(self._line[0].frame)

    @property
    def in_flight(self) -> int:
        """Bytes that were sent of requests that have no answer."""
        return sum(request.sent for request in self._line)


class RefusedError(LinkError):
    """The board refuses a request, with a status that no repeat changes."""

    def __init__(self, status: int) -> None:
        super().__init__(f"The board refuses with status {status}. Build its firmware again.")
        self.status = status
