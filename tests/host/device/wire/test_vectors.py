"""The host's wire gives what the one file of vectors says."""

from dataclasses import asdict
from typing import Any
from zlib import crc32

import pytest

from glyphite.convert.errors import LinkError
from glyphite.host.device.wire.frame import FrameReader, decode_frame, encode_frame
from glyphite.host.device.wire.messages import infer_request, parse_hello, parse_infer_answer
from glyphite.host.device.wire.packing import pack, unpack
from tests.vectors.wire import vectors

unhex = bytes.fromhex


def test_checksums_and_frames() -> None:
    for each in vectors("crc32"):
        assert crc32(unhex(each["data"])) == each["crc"]
    for each in vectors("frames"):
        message, frame = unhex(each["message"]), unhex(each["frame"])
        assert encode_frame(message) == frame
        assert decode_frame(frame[1:-1]) == message
    assert all(decode_frame(unhex(each)) is None for each in vectors("damaged"))


def test_lines() -> None:
    for each in vectors("lines"):
        reader = FrameReader()
        assert [message.hex() for message in reader.feed(unhex(each["bytes"]))] == each["messages"]
        assert reader.damaged == each["damaged"]


def test_packed_tensors_and_requests() -> None:
    for each in vectors("packed"):
        assert pack(unhex(each["tensor"])).hex() == each["packed"]
        assert unpack(unhex(each["packed"])) == unhex(each["tensor"])
    assert all(unpack(unhex(each)) is None for each in vectors("cut"))
    for each in vectors("requests"):
        made = infer_request(each["request"], unhex(each["tensor"]), each["encodings"])
        assert made.hex() == each["message"]


def test_answers() -> None:
    for each in vectors("answers"):
        reply = parse_infer_answer(unhex(each["message"]))
        told = None if reply is None else {**asdict(reply), "scores": reply.scores.hex()}
        assert told == each["reply"]


@pytest.mark.parametrize("each", vectors("hellos"), ids=lambda each: each["message"][:16])
def test_hellos(each: dict[str, Any]) -> None:
    if "refused" in each:
        with pytest.raises(LinkError) as refused:
            parse_hello(unhex(each["message"]))
        assert str(refused.value) == each["refused"]
        return
    hello = parse_hello(unhex(each["message"]))
    assert (hello is None) == (each["hello"] is None)
    if hello is not None:
        told = asdict(hello)
        for side in ("inputs", "outputs"):
            told[side] = [{**one, "shape": list(one["shape"])} for one in told[side]]
        assert {**told, "encodings": list(hello.encodings)} == each["hello"]
