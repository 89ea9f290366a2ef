"""The board's frame codec is the host's twin: same bytes, byte by byte, with no buffer."""

import ctypes

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from glyphite.host.device.wire.frame import FrameReader, decode_frame, encode_frame
from tests.vectors.wire import vectors

BYTE, END, BROKEN = 1, 2, 3  # enum glyphite_event
RUNS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


def encode(firmware: ctypes.CDLL, message: bytes) -> bytes:
    room = ctypes.create_string_buffer(2 * len(message) + 16)
    count = firmware.bench_encode(message, len(message), room, len(room))
    assert count >= 0
    return room.raw[:count]


def decode(firmware: ctypes.CDLL, line: bytes) -> list[bytes | None]:
    """The messages in ``line``; None for a frame that the board found broken."""
    room = ctypes.create_string_buffer(4 * len(line) + 16)
    count = firmware.bench_decode(line, len(line), room, len(room))
    messages: list[bytes | None] = []
    current = bytearray()
    for event, byte in zip(room.raw[:count:2], room.raw[1:count:2], strict=True):
        if event == BYTE:
            current.append(byte)
            continue
        messages.append(bytes(current) if event == END else None)
        assert event in (END, BROKEN)
        current.clear()
    return messages


@RUNS
@given(st.binary(max_size=1100))
@example(bytes(range(256)) * 4)
@example(b"\x01" * 252)
@example(b"\x01" * 508)
@example(b"\0" * 300)
def test_the_board_encodes_as_the_host_does(firmware: ctypes.CDLL, message: bytes) -> None:
    assert encode(firmware, message) == encode_frame(message)


@RUNS
@given(st.binary(max_size=1100))
@example(bytes(range(256)) * 4)
@example(b"\x01" * 252)
@example(b"\x01" * 508)
def test_the_board_decodes_what_the_host_encodes(firmware: ctypes.CDLL, message: bytes) -> None:
    assert decode(firmware, encode_frame(message)) == [message]


@RUNS
@given(st.binary(max_size=600))
@example(b"\x01\x01\0\xff\0")
def test_both_ends_read_any_noise_alike(firmware: ctypes.CDLL, noise: bytes) -> None:
    decoded = decode(firmware, noise + b"\0")
    assert decoded == [decode_frame(part) for part in noise.split(b"\0") if part]
    read = FrameReader().feed(noise + b"\0")
    assert read == [message for message in decoded if message is not None]


def test_what_is_left_of_a_frame_may_be_a_frame_by_chance(firmware: ctypes.CDLL) -> None:
    """An empty message has the checksum 0, and both ends read it alike."""
    cut = b"\x01" * 5 + b"\0"
    assert FrameReader().feed(cut) == [b""] == decode(firmware, cut)


@RUNS
@given(st.binary(min_size=1, max_size=300), st.data())
def test_the_board_refuses_a_frame_that_lost_its_end(
    firmware: ctypes.CDLL, message: bytes, data: st.DataObject
) -> None:
    frame = encode_frame(message)
    cut = data.draw(st.integers(2, len(frame) - 2))
    assume(
        not FrameReader().feed(frame[:cut] + b"\0")
    )  # one in 4,294,967,296 has a checksum that fits
    whole = encode_frame(b"next")
    assert decode(firmware, frame[:cut] + whole)[-2:] == [None, b"next"]


@pytest.mark.parametrize("more", [1, 2, 100])
def test_a_block_shorter_than_its_code_says_is_broken_though_the_checksum_fits(
    firmware: ctypes.CDLL, more: int
) -> None:
    """As where the line swallowed bytes: what is there must not pass for a whole message."""
    frame = bytearray(encode_frame(b"message"))
    assert frame[1] == len(b"message") + 5, "one block: message and checksum hold no zero"
    frame[1] += more
    assert FrameReader().feed(bytes(frame)) == []
    assert decode(firmware, bytes(frame) + encode_frame(b"next")) == [None, b"next"]


def test_an_empty_frame_is_neither_a_message_nor_an_error(firmware: ctypes.CDLL) -> None:
    assert decode(firmware, b"\0\0\0" + encode_frame(b"a") + b"\0\0") == [b"a"]


def test_the_board_gives_what_the_vectors_of_the_wire_say(firmware: ctypes.CDLL) -> None:
    for each in vectors("frames"):
        message, frame = bytes.fromhex(each["message"]), bytes.fromhex(each["frame"])
        assert encode(firmware, message) == frame
        assert decode(firmware, frame) == [message]
    for each in vectors("damaged"):
        assert decode(firmware, bytes.fromhex(each) + b"\0") == [None]
    for each in vectors("lines"):
        told = decode(firmware, bytes.fromhex(each["bytes"]))
        assert [message.hex() for message in told if message is not None] == each["messages"]
        assert told.count(None) == each["damaged"]
