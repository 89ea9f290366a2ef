"""What a page and its server say to each other: JSON, each message held against its type.

Bytes are base64 in it. Names are the page's own: host/page/source.js describes the same records.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from glyphite.convert.text import printable

MOST_SIDE = 400
"""Pixels of a picture's side: what `predict` scales a larger one down to, so the page does."""
MOST_BYTES = 1 << 20
"""Of one message: a picture of 400x400 pixels in colours takes 0.85 MB as base64."""
MOST_VALUES = 10_000
MOST_TEXT = 1000

Number = Annotated[int, Meta(ge=0, le=1 << 31)]
Side = Annotated[int, Meta(ge=1, le=MOST_SIDE)]
State = Literal["connecting", "connected", "reconnecting", "gone"]
Kind = Literal["digits", "picture", "values"]


class Picture(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """A picture as the page has it."""

    width: Side
    height: Side
    pixels: bytes
    """(height * width), grey: of a drawing 0 is paper and 255 ink."""
    rgba: bytes | None = None
    """(height * width * 4), where it has colours."""
    is_tensor: bool = False
    """It has the model's own size, and no digit is looked for in it."""


class Read(msgspec.Struct, tag="read", forbid_unknown_fields=True):
    """Asks what the board reads in a picture."""

    id: Number
    picture: Picture


class ReadValues(msgspec.Struct, tag="values", forbid_unknown_fields=True):
    """Asks what the board answers to values, in raw units."""

    id: Number
    values: Annotated[list[float], Meta(min_length=1, max_length=MOST_VALUES)]


class NextSample(msgspec.Struct, tag="sample", forbid_unknown_fields=True):
    """Asks for another test sample."""

    id: Number


Asked = Read | ReadValues | NextSample


class ModelInfo(msgspec.Struct):
    """What the model is."""

    kind: Kind
    labels: tuple[str, ...]
    shape: tuple[int, ...]
    """Of the input, without the batch."""
    shares: bool
    """Whether scores are shares of 1."""


class Welcome(msgspec.Struct, tag="welcome", rename="camel"):
    """The first message to a page."""

    model: ModelInfo
    has_samples: bool


class BoardState(msgspec.Struct, tag="state", frozen=True, omit_defaults=True):
    """How it stands with the board."""

    state: State
    text: str
    board: str = ""
    model: str = ""
    sha256: str = ""


class EngineAnswer(msgspec.Struct, omit_defaults=True, rename="camel"):
    """One engine's answer."""

    name: str
    scores: list[float]
    milliseconds: float | None
    """Of one inference; None where nobody knows."""
    time_of: str = ""
    output: bytes = msgspec.field(default=b"", name="bytes")
    """The output tensor, where it is int8."""
    differs: bool | None = None
    """Whether the bytes differ from the reference's; None where they were not compared."""


class Answer(msgspec.Struct, rename="camel"):
    """What was seen and answered."""

    tensor28: bytes
    """(height * width): what the model saw, 0 for paper to 255; empty where it saw no picture."""
    width: int
    height: int
    engines: list[EngineAnswer]
    reference: str
    """Whose bytes the board's were held against."""
    note: str = ""


class Answered(msgspec.Struct, tag="answer"):
    """The answer to the request of that id."""

    id: int
    answer: Answer


class Refused(msgspec.Struct, tag="refused"):
    """Why there is none."""

    id: int
    text: str


class Sample(msgspec.Struct, omit_defaults=True):
    """A test sample: a picture or values."""

    label: str
    picture: Picture | None = None
    values: list[float] | None = None


class Sampled(msgspec.Struct, tag="sample"):
    """The test sample that was asked for."""

    id: int
    sample: Sample


Told = Welcome | BoardState | Answered | Refused | Sampled


class _Numbered(msgspec.Struct):
    id: Number


_ASKED: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)
_ID = msgspec.json.Decoder(_Numbered)


def parse(text: str) -> Asked | Refused:
    """The request in a message; where it is none, why, to be sent back."""
    try:
        return _ASKED.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        reason = printable(str(error).rstrip("."))[:MOST_TEXT]
        return Refused(_id_of(text), f"The server does not understand the page ({reason}).")


def _id_of(text: str) -> int:
    try:
        return _ID.decode(text).id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return 0


def encode(told: Told) -> str:
    """A message to the page."""
    return msgspec.json.encode(told).decode()
