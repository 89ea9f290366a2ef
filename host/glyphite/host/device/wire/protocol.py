"""The only definition of the wire: message types, hello's items, encodings, statuses, limits.

``python -m glyphite.host.device.wire.header`` generates the C header from it; ``docs/wire.md``
shows it as tables. All numbers on the wire are little-endian, except the CRC of a frame.
"""

from enum import IntEnum

PROTOCOL = 2
"""The version, increased only by a change that an old host or board cannot ignore. Version 1 had
a CRC of 16 bits, in frames and of the input."""

TEXT_BYTES = 32
"""Bytes of a text in hello, filled up with zeros."""

RANK_MAX = 4
"""Lengths of 32 bits of a shape in hello, filled up with zeros."""


class _Noted(IntEnum):
    """A number with a note on its meaning, which becomes the comment in C."""

    note: str

    def __new__(cls, value: int, note: str = "") -> "_Noted":
        member = int.__new__(cls, value)
        member._value_ = value
        member.note = note
        return member


class Message(_Noted):
    """A frame's first byte."""

    HELLO = 0x01, "to the board: no content; the board drops its cached answer"
    INFER = 0x02, "to the board: id u16, encoding u8, the input tensors one after another"
    HELLO_ANSWER = 0x81, "to the host: protocol u8, then items of type u8, length u8, value"
    INFER_ANSWER = 0x82, "to the host: id u16, status i8; when OK: input CRC u32, ticks u32, scores"


class Item(_Noted):
    """An item of hello, sent as type, length and value; a host skips unknown ones."""

    FIRMWARE = 1, "text: name and version of the firmware"
    BOARD = 2, "text: the board's name"
    MODEL_NAME = 3, "text: the model's name"
    MODEL_SHA256 = 4, "32 bytes: SHA-256 of the .tflite that the model was made from"
    INPUT_SHAPE = 5, "u32 per dimension, zeros after the last; an item for each input"
    OUTPUT_SHAPE = 6, "u32 per dimension, zeros after the last; an item for each output"
    INPUT_SCALE = 7, "float32: real = scale * (quantized - zero_point)"
    INPUT_ZERO_POINT = 8, "i32"
    OUTPUT_SCALE = 9, "float32"
    OUTPUT_ZERO_POINT = 10, "i32"
    CLOCK_HZ = 11, "u32: the processor's clock; 0 where it is not known"
    TIMER_HZ = 12, "u32: ticks per second, for those of an answer; 0 where it is not known"
    RECEIVE_BUFFER = 13, "u32: bytes that may arrive while the board is busy"
    ENCODINGS = 14, "u8 per encoding of the input tensor that the board decodes"
    INFERENCES = 15, "u32: number of runs of the model since the board started"
    REMARK = 16, "text: what the board found wrong with its model's engine; empty where nothing"


class Encoding(_Noted):
    """The encoding of the input tensor in a request."""

    RAW = 0, "the bytes of the tensor as they are in memory"
    PACKED = 1, "the background byte; then tokens, each with its literal bytes behind it"


class Status(_Noted):
    """The result of a request."""

    OK = 0, "the scores follow"
    CORRUPT = -1, "the frame arrived damaged; send it again with the same id"
    WRONG_SIZE = -2, "the payload has another size than the input tensor"
    UNKNOWN_ENCODING = -3, "the encoding is not one of those in hello"
    NOT_READY = -4, "the model could not be set up: hello's REMARK says why, where it is known"
    FAILED = -5, "the model ran and gave no output"


LITERALS_MAX = 7
"""PACKED: a token's low 3 bits count the literal bytes behind it, its high 5 bits the bytes of the
background before those."""

LONG_RUN = 32
"""PACKED: where the low bits are 0, the high bits and 1 count runs of so many bytes."""

ANSWER_HEADER_BYTES = 12
"""Bytes of an INFER_ANSWER before the scores: message, id, status, input CRC and ticks."""

REFUSAL_BYTES = 4
"""Bytes of an INFER_ANSWER whose status is not OK: message, id and status."""
