"""The frame codec: nothing is lost, nothing damaged gets through, however the line cuts it."""

from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glyphite.host.device.wire.frame import (
    FrameReader,
    cobs_decode,
    cobs_encode,
    decode_frame,
    decode_old_frame,
    encode_frame,
    encode_frame_bare,
    encode_old_frame,
)


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        ("", "01"),
        ("00", "01 01"),
        ("00 00", "01 01 01"),
        ("11 22 00 33", "03 11 22 02 33"),
        ("11 00 00 00", "02 11 01 01 01"),
    ],
)
def test_cobs_encodes_the_papers_examples(data: str, encoded: str) -> None:
    assert cobs_encode(bytes.fromhex(data)) == bytes.fromhex(encoded)
    assert cobs_decode(bytes.fromhex(encoded)) == bytes.fromhex(data)


def test_a_full_block_of_254_bytes_has_no_zero_behind_it() -> None:
    run = bytes(range(1, 255))
    assert cobs_encode(run) == b"\xff" + run
    assert cobs_encode(run + b"\xff") == b"\xff" + run + b"\x02\xff"
    assert cobs_encode(run + b"\0") == b"\xff" + run + b"\x01\x01"


@given(st.binary(max_size=1100))
@example(bytes(range(256)) * 4)
@example(b"\x01" * 508)
def test_cobs_gives_back_what_it_was_given_and_has_no_zero(data: bytes) -> None:
    encoded = cobs_encode(data)
    assert 0 not in encoded
    assert len(encoded) <= len(data) + 1 + len(data) // 254
    assert cobs_decode(encoded) == data


@pytest.mark.parametrize("broken", ["05 11", "00", "02 00", "03 11"])
def test_cobs_refuses_what_it_did_not_encode(broken: str) -> None:
    assert cobs_decode(bytes.fromhex(broken)) is None


def test_crc_is_the_published_one() -> None:
    """The check values of CRC-32 and, of protocol 1, CRC-16/CCITT-FALSE for "123456789"."""
    digits = b"123456789"
    assert cobs_decode(encode_frame(digits)[1:-1]) == digits + bytes.fromhex("cbf43926")
    assert cobs_decode(encode_old_frame(digits)[1:-1]) == digits + bytes.fromhex("29b1")
    assert decode_old_frame(encode_old_frame(digits)[1:-1]) == digits
    assert decode_old_frame(encode_frame(digits)[1:-1]) is None
    assert decode_frame(encode_old_frame(digits)[1:-1]) is None


def test_a_frame_behind_another_needs_no_zero_before_it() -> None:
    line = encode_frame(b"first") + encode_frame_bare(b"second") + encode_frame_bare(b"third")
    assert FrameReader().feed(line) == [b"first", b"second", b"third"]


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_message_with_one_byte_changed_is_refused(message: bytes, data: st.DataObject) -> None:
    content = bytearray(message + crc32(message).to_bytes(4, "big"))
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    assert decode_frame(cobs_encode(bytes(content))) is None


@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_frame_that_lost_a_byte_is_not_taken_for_whole(
    message: bytes, data: st.DataObject
) -> None:
    encoded = encode_frame(message)[1:-1]
    at = data.draw(st.integers(0, len(encoded) - 1))
    assert decode_frame(encoded[:at] + encoded[at + 1 :]) != message


@given(st.lists(st.binary(min_size=1, max_size=400), max_size=4), st.data())
def test_any_cutting_of_the_line_gives_the_same_messages(
    messages: list[bytes], data: st.DataObject
) -> None:
    line = b"".join(encode_frame(message) for message in messages)
    cuts = data.draw(st.lists(st.integers(0, len(line)), max_size=8))
    reader = FrameReader()
    read: list[bytes] = []
    for start, end in pairwise([0, *sorted(cuts), len(line)]):
        read += reader.feed(line[start:end])
    assert read == messages


@given(st.binary(max_size=50), st.binary(min_size=1, max_size=50))
def test_noise_before_a_frame_costs_only_the_noise(noise: bytes, message: bytes) -> None:
    assert FrameReader().feed(noise + encode_frame(message))[-1] == message


def test_a_damaged_frame_is_dropped_and_the_next_one_read() -> None:
    reader = FrameReader()
    damaged = bytearray(encode_frame(b"first"))
    damaged[3] ^= 0x40
    assert reader.feed(bytes(damaged) + encode_frame(b"second")) == [b"second"]
    assert (reader.damaged, reader.strange) == (1, bytes(damaged[1:-1]))


def test_a_line_without_any_zero_does_not_fill_the_memory() -> None:
    reader = FrameReader()
    for _ in range(200):
        reader.feed(b"x" * 1000)
    assert len(reader._pending) <= reader.longest
    assert reader.feed(encode_frame(b"still there")) == [b"still there"]
