"""Lines to begin with: valid frames as the host sends them, and programs of every kind of piece."""

from collections.abc import Iterator

import numpy as np

from glyphite.host.device.wire.frame import encode_frame, encode_old_frame
from glyphite.host.device.wire.messages import hello_request, infer_request
from glyphite.host.device.wire.protocol import LITERALS_MAX, LONG_RUN, Encoding

INPUT_BYTES = (1, 7, 32, 300)
"""Of the target's models, by its second byte."""
ENCODER, LINE, PROGRAM = 0, 1, 2
"""What the target makes of an input, by its first byte."""
LONGEST_TOKEN = 0xFF & ~LITERALS_MAX
"""32 runs of LONG_RUN bytes of the background."""


def corpus() -> Iterator[bytes]:
    """The inputs."""
    rng = np.random.default_rng(1)
    for choice, size in enumerate(INPUT_BYTES):
        for encodings in ((Encoding.RAW,), tuple(Encoding)):
            tensor = (rng.integers(0, 256, size) * (rng.random(size) < 0.3)).astype(np.uint8)
            frame = encode_frame(infer_request(1, tensor.tobytes(), encodings))
            yield bytes([LINE, 8 * choice]) + frame + frame
        yield bytes([LINE, 8 * choice]) + frame[:-1] + encode_frame(hello_request()) + frame
        yield bytes([LINE, 8 * choice]) + too_long_by_65536(size)
    yield bytes([LINE, 0]) + encode_old_frame(hello_request())
    for length in (0, 1, 249, 250, 251, 254, 300):
        yield bytes([ENCODER, 0]) + b"\x01" * length
        yield bytes([ENCODER, 0]) + bytes(length)
    for choice in range(64):
        yield bytes([PROGRAM + 8 * (choice % 5), choice]) + rng.bytes(60)


def too_long_by_65536(size: int, request: int = 2) -> bytes:
    """A request in PACKED, and 65,536 bytes too long: a count of 16 bits is at ``size`` again."""
    tokens = bytes([LONGEST_TOKEN]) * (0x10000 // (32 * LONG_RUN))
    pieces = [min(LITERALS_MAX, size - at) for at in range(0, size, LITERALS_MAX)]
    rest = b"".join(bytes([literals]) + bytes(literals) for literals in pieces)
    header = infer_request(request, b"", (Encoding.RAW,))[:3] + bytes([Encoding.PACKED])
    return encode_frame(header + b"\0" + tokens + rest)
