"""The pipeline alone, without port and clock, before boards that are slow, deaf, or lie."""

import random
import struct
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glyphite.host.device.pipeline import PIECE_BYTES, Pipeline, RefusedError, Trouble
from glyphite.host.device.wire.frame import FrameReader
from glyphite.host.device.wire.messages import Hello, WireTensor
from glyphite.host.device.wire.protocol import Encoding, Message, Status
from tests.builders.slow_board import SlowBoard, scores_of

RUNS = settings(deadline=None)
MOST_STEPS = 100_000
STRAY = bytes(4)
"""Scores that the model gives nobody."""


def hello(buffer: int, encodings: tuple[int, ...] = (Encoding.RAW,)) -> Hello:
    """Of a board whose model gives four bytes."""
    return Hello(2, outputs=(WireTensor((1, 4)),), receive_buffer=buffer, encodings=encodings)


def answer(
    request: int, tensor: bytes = b"", scores: bytes = STRAY, status: int = Status.OK
) -> bytes:
    """The message INFER_ANSWER."""
    head = struct.pack("<BHb", Message.INFER_ANSWER, request, status)
    return head if status else head + struct.pack("<II", crc32(tensor), 1) + scores


class Line:
    """A pipeline, a line, and a board; each step moves one of them, as ``rng`` has it.

    ``faults``: how often a byte is lost or changed, each way. ``lies``: how often a message comes
    that no honest board sends.
    """

    def __init__(
        self, tensors: list[bytes], buffer: int, seed: int, *, first: int = 0,
        faults: float = 0.0, lies: float = 0.0,
    ) -> None:  # fmt: skip
        self.pipeline = Pipeline(hello(buffer, tuple(Encoding)), first)
        self.board = SlowBoard(buffer)
        self.answered: list[tuple[int, bytes]] = []
        self._tensors = list(tensors)
        self._rng, self._faults, self._lies = random.Random(seed), faults, lies
        self._out, self._back, self._reader = bytearray(), bytearray(), FrameReader()

    def run(self) -> None:
        """Until each tensor has its answer."""
        for _ in range(MOST_STEPS):
            while self._tensors and self.pipeline.has_room:
                self.pipeline.add(self._tensors.pop(0))
            if not self.pipeline.waits:
                return
            steps = (self._send, self._arrive, self._arrive, self._come_back, self.board.finish)
            self._rng.choice(steps)()
            self._check()
            self._mend()
        raise AssertionError(f"no end: {self.pipeline.repeats}, {len(self.answered)} answered")

    def _check(self) -> None:
        requests = self.pipeline._flying
        for request in self.pipeline.finished():
            assert request.reply is not None
            self.answered.append((request.number, request.reply.scores))
        behind = [request.sent for request in requests if request.reply is None][1:]
        assert sum(behind) <= self.pipeline.board.receive_buffer

    def _send(self) -> None:
        data = self.pipeline.to_send(1.0)
        assert len(data) <= PIECE_BYTES + 1
        self._out += self._carried(data)

    def _carried(self, data: bytes) -> bytes:
        arrived = bytearray()
        for byte in data:
            if self._rng.random() >= self._faults:
                arrived.append(byte)
            elif self._rng.random() < 0.5:
                arrived.append(self._rng.randrange(256))
        return bytes(arrived)

    def _arrive(self) -> None:
        count = self._rng.randrange(1, 200)
        for byte in self._out[:count]:
            self.board.take(byte)
        del self._out[:count]

    def _come_back(self) -> None:
        while self.board.answers:
            self._back += self._carried(self.board.answers.popleft())
        count = self._rng.randrange(1, 80)
        for message in self._reader.feed(bytes(self._back[:count])):
            self.pipeline.take(message)
        del self._back[:count]
        if self._rng.random() < self._lies:
            self.pipeline.take(self._lie())

    def _lie(self) -> bytes:
        """A message that answers nothing that was asked: it has to be passed over."""
        flying = self.pipeline._flying
        whole = {each.number for each in flying if each.whole and each.reply is None}
        request = self._rng.choice([0, 1, 2, 0xFFFF, *(each.number for each in flying)])
        kinds = [
            bytes([Message.HELLO_ANSWER, 2]),
            bytes([Message.INFER_ANSWER]),
            b"\x99" + self._rng.randbytes(9),
            answer(request, status=Status.CORRUPT),
        ]
        if request not in whole:
            kinds += [answer(request), answer(request, status=Status.FAILED), answer(request)[:-2]]
        return self._rng.choice(kinds)

    def _mend(self) -> None:
        """As a session does: after a hello, which all that is on the way comes before."""
        quiet = not (self._out or self._back or self.board.answers or self.board.computes)
        overdue = quiet and not self.pipeline.may_send
        damaged = Trouble.DAMAGED if self._reader.damaged else None
        trouble = self.pipeline.trouble or damaged or (Trouble.OVERDUE if overdue else None)
        if trouble is None or not self.pipeline.waits:
            return
        self.pipeline.break_off()
        if trouble is not Trouble.CORRUPT:
            while self._out or self._back or self.board.answers or self.board.computes:
                self._arrive()
                self.board.finish()
                self._come_back()
            self._check()
        self._reader.damaged = 0
        self.pipeline.go_back(trouble)


TENSORS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=300),
        st.integers(1, 1500).map(lambda size: random.Random(size).randbytes(size)),
        st.just(bytes(5000)),
    ),
    min_size=1, max_size=9,
)  # fmt: skip
BUFFERS = st.sampled_from([0, 1, 7, 64, 400, 5000, 0xFFFF_FFFF])
FIRST = st.sampled_from([0, 0xFFFC])


def wanted(tensors: list[bytes], first: int) -> list[tuple[int, bytes]]:
    """Each sample's id and scores."""
    return [((first + n + 1) & 0xFFFF, scores_of(tensor)) for n, tensor in enumerate(tensors)]


@RUNS
@given(TENSORS, BUFFERS, st.integers(0, 2**32), FIRST)
def test_on_a_good_line_no_buffer_overflows_and_nothing_is_sent_twice(
    tensors: list[bytes], buffer: int, seed: int, first: int
) -> None:
    line = Line(tensors, buffer, seed, first=first)
    line.run()
    assert line.answered == wanted(tensors, first)
    assert line.board.ran == [number for number, _ in line.answered]
    assert line.board.lost == 0
    assert not line.pipeline.repeats


@RUNS
@given(TENSORS, BUFFERS, st.integers(0, 2**32), FIRST)
def test_on_a_bad_line_every_sample_is_answered_once_and_right(
    tensors: list[bytes], buffer: int, seed: int, first: int
) -> None:
    short = [tensor[:300] for tensor in tensors]
    line = Line(short, buffer, seed, first=first, faults=0.002)
    line.run()
    assert line.answered == wanted(short, first)
    assert len(set(line.board.ran)) == len(short)


@RUNS
@given(TENSORS, BUFFERS, st.integers(0, 2**32), FIRST)
def test_before_a_board_that_lies_every_sample_is_answered_once_and_right(
    tensors: list[bytes], buffer: int, seed: int, first: int
) -> None:
    short = [tensor[:300] for tensor in tensors]
    line = Line(short, buffer, seed, first=first, faults=0.0005, lies=0.2)
    line.run()
    assert line.answered == wanted(short, first)


def sent(pipeline: Pipeline, count: int) -> None:
    """Add so many samples and send what may be sent."""
    for number in range(count):
        pipeline.add(bytes([number]))
        pipeline.to_send(1.0)


@pytest.mark.parametrize("status", [Status.OK, Status.FAILED])
def test_an_answer_to_what_was_not_sent_whole_is_none(status: Status) -> None:
    """Of an id that is on its way, for a board that was asked by somebody else before."""
    pipeline = Pipeline(hello(3))
    sent(pipeline, 2)
    assert not pipeline.take(answer(2, b"\1", status=status))
    assert not pipeline.take(answer(3, b"\2", status=status))
    assert pipeline.take(answer(1, b"\0"))
    pipeline.to_send(1.0)
    if status is Status.OK:
        assert pipeline.take(answer(2, b"\1"))
    else:
        with pytest.raises(RefusedError):
            pipeline.take(answer(2, b"\1", status=status))


def test_a_late_answer_to_what_is_being_sent_again_is_taken() -> None:
    pipeline = Pipeline(hello(64))
    sent(pipeline, 2)
    pipeline.go_back(Trouble.OVERDUE)
    assert pipeline.take(answer(1, b"\0"))
    assert pipeline.take(answer(2, b"\1"))
    assert len(pipeline.finished()) == 2


def test_a_board_that_says_it_holds_all_is_not_given_all_at_once() -> None:
    """Else the requests of a whole data set would lie here in memory, and be looked through."""
    pipeline, count = Pipeline(hello(0xFFFF_FFFF)), 0
    while pipeline.has_room and count < 1000:
        pipeline.add(bytes(1000))
        pipeline.to_send(1.0)
        count += 1
    assert 60 < count < 70
