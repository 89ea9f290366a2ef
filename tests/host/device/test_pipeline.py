"""What is sent next and what an answer means, without a port or a clock."""

from collections import Counter
from zlib import crc32

import pytest

from glyphite.host.device.pipeline import PIECE_BYTES, Pipeline, RefusedError, Trouble
from glyphite.host.device.wire.frame import FrameReader
from glyphite.host.device.wire.messages import Hello, WireTensor
from glyphite.host.device.wire.protocol import PROTOCOL, Message, Status

SIZE = 40
"""Bytes of an input; its frame has ten more."""
FRAME = SIZE + 10
NOISE = bytes((17 * index + 1) % 256 for index in range(SIZE))
"""Nothing in it can be packed."""


def pipeline(buffer: int = 64, last_id: int = 0) -> Pipeline:
    tensor = WireTensor((SIZE,))
    board = Hello(PROTOCOL, inputs=(tensor,), outputs=(WireTensor((2,)),), receive_buffer=buffer)
    return Pipeline(board, last_id, Counter())


def filled(made: Pipeline, count: int) -> Pipeline:
    """With so many requests, all sent as far as they may."""
    for number in range(count):
        made.add(bytes([number + 1]) + NOISE[1:])
    return made


def all_sent(made: Pipeline) -> bytes:
    sent = b""
    while piece := made.to_send(0.0):
        sent += piece
    return sent


def reply(number: int, status: int = Status.OK, scores: bytes = b"ab") -> bytes:
    head = bytes([Message.INFER_ANSWER]) + number.to_bytes(2, "little") + bytes([status % 256])
    crc = crc32(bytes([number % 256]) + NOISE[1:]).to_bytes(4, "little")
    return head + (crc + bytes(4) + scores if status == Status.OK else b"")


def ids(data: bytes) -> list[int]:
    """Those of the whole requests in what was sent."""
    return [int.from_bytes(message[1:3], "little") for message in FrameReader().feed(data)]


def test_no_more_travels_ahead_than_the_receive_buffer_holds() -> None:
    """The request that the board works on is out of it."""
    for buffer in (0, 1, 7, 64, 120, 4096):
        made = filled(pipeline(buffer), 8)
        sent = all_sent(made)
        assert len(sent) == min(8 * FRAME, FRAME + buffer) + 1  # a zero before the first
        assert made.in_flight == len(sent) - 1
        made.take(reply(1))
        made.finished()
        assert made.in_flight + len(all_sent(made)) <= FRAME + buffer


def test_more_is_asked_for_only_where_there_is_room_for_it() -> None:
    made = pipeline(FRAME)
    for expected in (True, True, False):
        assert made.has_room == expected
        if expected:
            made.add(NOISE)
            all_sent(made)
    assert filled(pipeline(0), 1).has_room is False


def test_a_long_request_goes_in_pieces() -> None:
    tensor = WireTensor((9000,))
    made = Pipeline(Hello(PROTOCOL, inputs=(tensor,), outputs=(tensor,), receive_buffer=64))
    made.add(bytes(index * 7 % 251 for index in range(9000)))
    pieces = []
    while piece := made.to_send(0.0):
        pieces.append(piece)
        assert made.may_send == (sum(map(len, pieces)) < 9000)
    assert max(map(len, pieces)) <= PIECE_BYTES + 1
    assert ids(b"".join(pieces)) == [1]


def test_answers_come_out_in_order_and_once() -> None:
    made = filled(pipeline(4096), 3)
    assert ids(all_sent(made)) == [1, 2, 3]
    assert not made.take(reply(9))  # of nobody
    assert made.take(reply(1))
    assert not made.take(reply(1))  # it came twice
    assert [request.number for request in made.finished()] == [1]
    assert not made.take(reply(1))
    assert made.finished() == []
    assert made.take(reply(2))
    assert made.take(reply(3))
    assert [request.number for request in made.finished()] == [2, 3]
    assert not made.waits
    assert made.answered == 3
    assert made.repeats.total() == 0


def test_an_answer_ahead_of_its_turn_says_that_one_was_lost() -> None:
    """The board answers in order. What is answered is not sent again."""
    made = filled(pipeline(4096), 3)
    all_sent(made)
    assert made.take(reply(2))
    assert str(made.trouble) == Trouble.LOST
    assert made.finished() == []
    made.go_back(Trouble.LOST)
    assert ids(all_sent(made)) == [1, 3]
    assert made.repeats == {Trouble.LOST: 2}
    made.take(reply(1))
    assert not made.trouble
    assert [request.number for request in made.finished()] == [1, 2]


def test_a_damaged_request_is_sent_again_whatever_its_id_became() -> None:
    for number in (1, 777):
        made = filled(pipeline(), 1)
        all_sent(made)
        assert not made.take(reply(number, Status.CORRUPT))
        assert made.trouble is Trouble.CORRUPT
    made.go_on()
    assert ids(all_sent(made)) == [1]
    assert made.repeats == {Trouble.CORRUPT: 1}


def test_what_arrived_damaged_goes_behind_those_on_their_way() -> None:
    """The board has them, whole or in part: broken off, they would be damaged in their turn, and
    sent ahead of them it would not fit into a small board's buffer."""
    made = filled(pipeline(30), 3)
    first = all_sent(made)
    assert len(first) == 1 + FRAME + 30  # of the second, 30 bytes
    assert not made.take(reply(1, Status.CORRUPT))
    made.go_on()
    rest = all_sent(made)
    assert ids(first[1 + FRAME :] + rest) == [2]
    assert len(rest) == FRAME - 30 + 30  # the rest of the second, which it works on now
    assert made.take(reply(2))
    assert made.trouble is None
    assert made.finished() == []
    first += rest + all_sent(made)
    assert ids(first) == [1, 2, 1]
    assert made.take(reply(1))
    assert ids(first + all_sent(made)) == [1, 2, 1, 3]
    assert made.take(reply(3))
    assert [request.number for request in made.finished()] == [1, 2, 3]
    assert made.repeats == {Trouble.CORRUPT: 1}


def test_a_loss_is_worse_than_a_damage() -> None:
    """Both in one read: what was damaged is sent again anyway, and what was lost has to be."""
    made = filled(pipeline(4096), 4)
    all_sent(made)
    made.take(reply(1, Status.CORRUPT))
    made.take(reply(3))
    assert made.trouble is Trouble.LOST
    made.go_back(Trouble.LOST)
    assert ids(all_sent(made))[:2] == [1, 2]


def test_a_request_that_was_broken_off_is_no_damage() -> None:
    """Hello went ahead of its rest: the board calls what it has of it damaged, rightly."""
    made = filled(pipeline(30), 2)
    all_sent(made)
    made.break_off()
    assert not made.take(reply(2, Status.CORRUPT))
    assert made.trouble is None
    assert made.take(reply(1))
    assert ids(b"\0" + all_sent(made)) == [2]


def test_a_bad_line_has_fewer_requests_on_it_and_a_good_one_more_again() -> None:
    """Of 16, each has its share of the faults, and one fault sends all of them again."""
    made = filled(pipeline(4096), 16)
    assert len(ids(all_sent(made))) == 16
    counts = []
    for _ in range(4):
        made.go_back(Trouble.DAMAGED)
        counts.append(len(ids(all_sent(made))))
    assert counts == [9, 5, 3, 2]
    made.take(reply(1))
    made.finished()
    assert len(ids(all_sent(made))) == 2


def test_ids_are_those_after_the_last_one_and_begin_anew_behind_the_largest() -> None:
    made = filled(pipeline(4096, 0xFFFE), 3)
    assert ids(all_sent(made)) == [0xFFFF, 0, 1]
    assert made.last_id == 1


def test_an_answer_of_another_length_is_none() -> None:
    made = filled(pipeline(), 1)
    all_sent(made)
    for scores in (b"", b"a", b"abc"):
        assert not made.take(reply(1, scores=scores))
    assert [told.split()[0] for told in made.odd_lengths] == ["0", "1", "3"]
    assert not made.take(reply(1)[:9])
    assert made.odd_lengths[3] == "9 bytes, and a whole answer has 14"
    assert made.trouble is Trouble.DAMAGED
    assert made.take(reply(1))
    assert made.odd_lengths == []


def test_an_answer_to_another_input_is_none() -> None:
    """Somebody else may have used the same id before."""
    made = filled(pipeline(), 1)
    all_sent(made)
    strange = bytearray(reply(1))
    strange[4] ^= 1
    assert not made.take(bytes(strange))
    assert len(made.odd_inputs) == 1
    assert made.trouble is Trouble.DAMAGED
    assert made.take(reply(1))
    assert made.odd_inputs == []


def test_a_refusal_ends_it() -> None:
    made = filled(pipeline(), 1)
    all_sent(made)
    with pytest.raises(RefusedError) as caught:
        made.take(reply(1, Status.FAILED))
    assert caught.value.status == Status.FAILED


def test_each_request_knows_the_crc_of_its_input() -> None:
    made = filled(pipeline(), 1)
    all_sent(made)
    made.take(reply(1))
    (request,) = made.finished()
    assert request.input_crc == crc32(bytes([1]) + NOISE[1:])
