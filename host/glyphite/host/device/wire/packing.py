"""The encoding PACKED of an input tensor: runs of its most frequent byte are told by their length.

A picture of a digit is mostly background. The first byte is the background; then come tokens. A
token's low 3 bits count the bytes (1 to 7) that follow it and are taken as they are; its high 5
bits count the bytes of the background (0 to 31) before those. Where the low bits are 0, nothing
follows, and the high bits count runs of 32 bytes of the background (1 to 32). A board decodes this
with two bytes of memory.
"""

import re
from collections import Counter
from functools import lru_cache

from glyphite.host.device.wire.protocol import LITERALS_MAX, LONG_RUN

TOKEN_RUN = LITERALS_MAX + 1
"""A token is its high bits times this, plus its low bits."""
RUNS_MAX = 32
"""The most runs of LONG_RUN in one token."""


def pack(tensor: bytes) -> bytes:
    """``tensor`` encoded as PACKED; it may be longer than the tensor, which RAW is not."""
    if not tensor:
        return b"\0"
    background = Counter(tensor).most_common(1)[0][0]
    packed = bytearray([background])
    for found in _pieces(background).finditer(tensor):
        run, literals = found.end(1) - found.start(1), found[2]
        if run >= LONG_RUN:
            packed.append(TOKEN_RUN * (run // LONG_RUN - 1))
            run %= LONG_RUN
        if run and not literals:  # at the end: a token has to have one
            run, literals = run - 1, packed[:1]
        if literals:
            packed.append(TOKEN_RUN * run + len(literals))
            packed += literals
    return bytes(packed)


@lru_cache(maxsize=256)
def _pieces(background: int) -> "re.Pattern[bytes]":
    """What finds a run and the literal bytes behind it. A lone byte of the background among literal
    ones is one of them, as a token for it would take the same byte."""
    byte = re.escape(bytes([background]))
    run = b"%b{0,%d}" % (byte, RUNS_MAX * LONG_RUN)
    literals = b"(?:[^%b]|%b(?!%b)){0,%d}" % (byte, byte, byte, LITERALS_MAX)
    return re.compile(b"(%b)(%b)" % (run, literals), re.DOTALL)


def unpack(packed: bytes) -> bytes | None:
    """The tensor that :func:`pack` has encoded, as a board decodes it; None where it is cut."""
    if not packed:
        return None
    background, at, tensor = packed[:1], 1, bytearray()
    while at < len(packed):
        high, literals = divmod(packed[at], TOKEN_RUN)
        run = high if literals else LONG_RUN * (high + 1)
        tensor += background * run + packed[at + 1 : at + 1 + literals]
        at += 1 + literals
    return bytes(tensor) if at == len(packed) else None
