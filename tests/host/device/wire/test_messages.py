"""Messages as bytes: each field of the wire has its place, its size and its sign."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glyphite.convert.errors import LinkError
from glyphite.host.device.wire.messages import (
    Hello,
    InferReply,
    WireTensor,
    hello_request,
    infer_request,
    parse_hello,
    parse_infer_answer,
)
from glyphite.host.device.wire.protocol import PROTOCOL, Encoding, Item, Message, Status

WHOLE = Hello(
    protocol=PROTOCOL,
    firmware="Glyphite 9",
    board="uno",
    model_name="seed",
    model_sha256="a5" * 32,
    inputs=(WireTensor((1, 28, 28, 1), 0.25, -128),),
    outputs=(WireTensor((1, 10), 1 / 256, -7),),
    clock_hz=16_000_000,
    timer_hz=3_000_000_000,
    receive_buffer=64,
    encodings=(Encoding.RAW,),
    inferences=2**31 + 5,
    remark="arena too small",
)


def item(kind: Item, value: bytes) -> bytes:
    """An item of hello."""
    return bytes([kind, len(value)]) + value


def test_a_hello_of_every_item_is_read_as_it_was_said() -> None:
    shapes = struct.pack("<4I", 1, 28, 28, 1), struct.pack("<4I", 1, 10, 0, 0)
    parts = [
        item(Item.FIRMWARE, b"Glyphite 9".ljust(32, b"\0")),
        item(Item.BOARD, b"uno".ljust(32, b"\0")),
        item(Item.MODEL_NAME, b"seed".ljust(32, b"\0")),
        item(Item.MODEL_SHA256, b"\xa5" * 32),
        item(Item.INPUT_SHAPE, shapes[0]),
        item(Item.OUTPUT_SHAPE, shapes[1]),
        item(Item.INPUT_SCALE, struct.pack("<f", 0.25)),
        item(Item.INPUT_ZERO_POINT, struct.pack("<i", -128)),
        item(Item.OUTPUT_SCALE, struct.pack("<f", 1 / 256)),
        item(Item.OUTPUT_ZERO_POINT, struct.pack("<i", -7)),
        item(Item.CLOCK_HZ, struct.pack("<I", 16_000_000)),
        item(Item.TIMER_HZ, struct.pack("<I", 3_000_000_000)),
        item(Item.RECEIVE_BUFFER, struct.pack("<I", 64)),
        item(Item.ENCODINGS, bytes([Encoding.RAW])),
        item(Item.INFERENCES, struct.pack("<I", 2**31 + 5)),
        item(Item.REMARK, b"arena too small".ljust(32, b"\0")),
    ]
    assert len(parts) == len(Item)
    assert parse_hello(bytes([Message.HELLO_ANSWER, PROTOCOL]) + b"".join(parts)) == WHOLE


@pytest.mark.parametrize(("scale", "kind"), [(0.5, np.int8), (0.0, np.float32)])
def test_a_tensor_without_a_scale_is_of_floats(scale: float, kind: type) -> None:
    assert WireTensor(scale=scale).dtype == np.dtype(kind)


def test_a_board_tells_each_of_several_tensors_in_their_order() -> None:
    shapes = [item(Item.INPUT_SHAPE, struct.pack("<4I", 1, size, 0, 0)) for size in (3, 5)]
    scales = [item(Item.INPUT_SCALE, struct.pack("<f", scale)) for scale in (0.5, 0.0)]
    start = bytes([Message.HELLO_ANSWER, PROTOCOL])
    told = parse_hello(start + shapes[0] + b"".join(scales) + shapes[1])
    assert told == Hello(PROTOCOL, inputs=(WireTensor((1, 3), 0.5), WireTensor((1, 5), 0.0)))
    with pytest.raises(LinkError, match="INPUT_SHAPE 2 times and INPUT_SCALE 1 times"):
        parse_hello(start + b"".join(shapes) + scales[0])


def test_requests_have_their_numbers_in_front() -> None:
    assert hello_request() == bytes([1])
    assert infer_request(0x1234, b"\x80\x7f", (0, 1)) == bytes([2, 0x34, 0x12, 0, 0x80, 0x7F])


def test_an_answer_has_its_figures_only_where_it_is_ok() -> None:
    head = struct.pack("<BHb", Message.INFER_ANSWER, 0xFFFE, Status.OK)
    figures = struct.pack("<II", 0xABCD_EF01, 4_000_000_000)
    assert parse_infer_answer(head + figures + b"\x80\x7f") == InferReply(
        0xFFFE, Status.OK, 0xABCD_EF01, 4_000_000_000, b"\x80\x7f"
    )
    refused = struct.pack("<BHb", Message.INFER_ANSWER, 3, Status.WRONG_SIZE)
    assert parse_infer_answer(refused + figures) == InferReply(3, Status.WRONG_SIZE)


def messages() -> st.SearchStrategy[bytes]:
    """A right hello or answer, with some bytes changed, left out or put in, or bytes alone."""
    items = b"".join(item(kind, bytes(4)) for kind in Item if kind > Item.MODEL_SHA256)
    whole = bytes([Message.HELLO_ANSWER, PROTOCOL]) + item(Item.MODEL_SHA256, bytes(32)) + items
    reply = struct.pack("<BHbII", Message.INFER_ANSWER, 1, Status.OK, 2, 3) + bytes(10)
    change = st.tuples(st.integers(0, len(whole)), st.integers(0, 3), st.binary(max_size=3))

    def apply(message: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
        for at, length, new in changes:
            message = message[:at] + new + message[at + length :]
        return message

    changed = st.builds(apply, st.sampled_from([whole, reply]), st.lists(change, max_size=4))
    told = st.builds(
        lambda kind, value: whole[:2] + item(kind, value),
        st.sampled_from(list(Item)),
        st.binary(max_size=40),
    )
    return changed | told | st.binary(max_size=60)


@given(messages())
def test_a_message_is_read_as_what_can_be_or_refused(message: bytes) -> None:
    """Whatever the bytes: no other exception, and no value that a board cannot have."""
    reply = parse_infer_answer(message)
    assert reply is None or (reply.request in range(1 << 16) and reply.status in range(-128, 128))
    try:
        hello = parse_hello(message)
    except LinkError as error:
        assert str(error).isprintable()
        return
    if hello is None:
        return
    for text in (hello.firmware, hello.board, hello.model_name):
        assert text.isprintable()
        assert len(text) <= 300
    assert len(hello.model_sha256) in {0, 64}
    for tensor in (*hello.inputs, *hello.outputs):
        assert len(tensor.shape) <= 4
        assert all(0 < length < 1 << 32 for length in tensor.shape)
        assert 0 <= tensor.scale < np.inf
        assert tensor.zero_point in range(-128, 128)
    for number in (hello.clock_hz, hello.timer_hz, hello.receive_buffer, hello.inferences):
        assert number in range(1 << 32)
    assert hello.encodings


@pytest.mark.parametrize("cut", [3, 6, -1])
def test_a_hello_that_is_cut_short_is_refused(cut: int) -> None:
    whole = (
        bytes([Message.HELLO_ANSWER, PROTOCOL])
        + item(Item.BOARD, b"uno")
        + item(Item.FIRMWARE, b"9")
    )
    with pytest.raises(LinkError, match=r"item [12] of its hello is cut short"):
        parse_hello(whole[:cut])


def test_of_another_protocol_nothing_but_its_version_and_firmware_is_read() -> None:
    head = bytes([Message.HELLO_ANSWER, 1])
    assert parse_hello(head + bytes([Item.CLOCK_HZ, 200])) == Hello(1)
    named = head + item(Item.FIRMWARE, b"Glyphite 0.0.9".ljust(32, b"\0")) + bytes([11, 200])
    assert parse_hello(named) == Hello(1, "Glyphite 0.0.9")
