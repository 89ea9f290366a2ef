"""What passes a line, in words."""

import struct

import pytest

from glyphite.host.device.wire.frame import encode_frame, encode_old_frame
from glyphite.host.device.wire.messages import hello_request, infer_request
from glyphite.host.device.wire.protocol import Item
from glyphite.host.device.wire.readable import LONGEST, Watcher
from tests.builders.hostile import answer, hello, text

REQUEST = infer_request(7, bytes(40), (0, 1))
HELLO = hello({
    Item.FIRMWARE: text("Glyphite 9"),
    Item.BOARD: text("uno"),
    Item.MODEL_NAME: text("net"),
    Item.MODEL_SHA256: bytes.fromhex("ab" * 32),
    Item.OUTPUT_SHAPE: struct.pack("<2I", 1, 2),
    Item.INFERENCES: struct.pack("<I", 1234),
})  # fmt: skip
LINE = [
    (encode_frame(hello_request()), "HELLO"),
    (encode_frame(REQUEST), "INFER 7, PACKED, 4 bytes"),
    (
        encode_frame(HELLO),
        "HELLO_ANSWER protocol 2, Glyphite 9, board uno, model net (abababababab), 1,234 "
        "inferences",
    ),
    (
        encode_frame(answer(REQUEST, b"\x80\x7f\x00", ticks=1500)),
        "INFER_ANSWER 7 OK, 1,500 ticks, input CRC ",
    ),
    (
        encode_frame(answer(REQUEST, bytes(range(12)))),
        "scores 0 1 2 3 4 5 6 7 8 9 and 2 more; the largest is number 11",
    ),
    (encode_frame(answer(REQUEST, b"", status=-1)), "INFER_ANSWER 7 CORRUPT"),
    (encode_frame(answer(REQUEST, b"", status=-77)), "INFER_ANSWER 7 -77"),
    (encode_frame(b"\x82\x01"), "INFER_ANSWER, cut short: 82 01"),
    (encode_frame(b"\x81"), "HELLO_ANSWER, cut short: 81"),
    (encode_frame(b"\x81\x02\x01\x09abc"), "HELLO_ANSWER that is not believed: item 1 of its"),
    (
        encode_frame(b"\x81\x03\x01\x20" + text("Glyphite 10")),
        "HELLO_ANSWER of protocol 3, Glyphite 10",
    ),
    (encode_frame(b"\x55\x01\x02"), "message 0x55, 3 bytes: 55 01 02"),
    (encode_old_frame(b"\x01"), "a frame of protocol 1, 1 byte: 01"),
    (b"\0\xff\x1b[2Jx\0", "damaged, 6 bytes: ff 1b 5b 32 4a 78"),
    (b"\0Guru Meditation\r\n\0", "text: Guru Meditation"),
]


def test_an_answer_of_100_000_bytes_is_no_damaged_one() -> None:
    line, watcher = encode_frame(answer(REQUEST, bytes(range(1, 101)) * 1000)), Watcher()
    (seen,) = (
        seen for at in range(0, len(line), 4096) for seen in watcher.feed(line[at : at + 4096])
    )
    assert "scores 1 2 3 4 5 6 7 8 9 10 and 99,990 more" in seen.words


@pytest.mark.parametrize(("line", "words"), LINE)
def test_each_message_is_a_line_of_words(line: bytes, words: str) -> None:
    (seen,) = Watcher().feed(line)
    assert words in seen.words
    assert seen.words.isprintable()


def test_however_a_line_is_cut_the_words_are_the_same() -> None:
    whole = b"".join(line for line, _ in LINE)
    at_once, by_bytes = Watcher(), Watcher()
    seen = at_once.feed(whole)
    assert len(seen) == len(LINE)
    assert [each for byte in whole for each in by_bytes.feed(bytes([byte]))] == seen


def test_text_of_a_program_without_zeros_is_shown_by_lines() -> None:
    watcher = Watcher()
    assert [seen.words for seen in watcher.feed(b"I see a 7\r\nand \x1b")] == ["text: I see a 7"]
    assert [seen.kind for seen in watcher.flush()] == ["damaged"]
    assert watcher.flush() == []


def test_scores_are_floats_where_hello_says_so() -> None:
    watcher = Watcher()
    told = HELLO + bytes([Item.OUTPUT_SCALE, 4]) + bytes(4)
    watcher.feed(encode_frame(told))
    (seen,) = watcher.feed(encode_frame(answer(REQUEST, struct.pack("<2f", 0.25, -1.5))))
    assert seen.words.endswith("scores 0.25 -1.5; the largest is number 0")


def test_what_never_ends_is_not_kept() -> None:
    watcher = Watcher()
    seen = watcher.feed(b"\xfe" * (LONGEST + 1))
    assert [each.kind for each in seen] == ["damaged"]
    assert watcher.flush() == []
