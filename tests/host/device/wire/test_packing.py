"""PACKED gives back what it was given, and is short where most bytes are one."""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from glyphite.convert.data.mnist import load_mnist
from glyphite.host.device.wire.frame import encode_frame_bare
from glyphite.host.device.wire.messages import infer_request
from glyphite.host.device.wire.packing import pack, unpack
from glyphite.host.device.wire.protocol import Encoding

RUNS = st.lists(st.tuples(st.sampled_from([0, 7, 0x80, 0xFF]), st.integers(1, 1100)), max_size=5)


def runs(pieces: list[tuple[int, int]]) -> bytes:
    return b"".join(bytes([value]) * length for value, length in pieces)


@given(st.binary(max_size=300) | RUNS.map(runs))
@example(b"\x80" * 1024)
@example(b"\x80" * 1025 + b"\x01")
@example(b"\x80" * 31 + b"\x01\x80" * 9)
@example(b"-]^\\" * 5)
def test_what_is_packed_is_given_back(tensor: bytes) -> None:
    assert unpack(pack(tensor)) == tensor


def test_what_is_cut_is_no_tensor() -> None:
    assert unpack(pack(b"\0\0\1\2\3")[:-1]) is None
    assert unpack(b"") is None


def test_the_shorter_encoding_is_sent() -> None:
    """Noise has no background: it loses nothing by the choice."""
    noise = np.random.default_rng(3).bytes(784)
    both = tuple(Encoding)
    assert infer_request(1, noise, both) == infer_request(1, noise, (Encoding.RAW,))
    assert infer_request(1, bytes(784), both)[3:] == bytes(
        [Encoding.PACKED, 0, 23 * 8, 8 * 15 + 1, 0]
    )


def test_the_test_sets_digits_take_a_third_of_raw_frames_at_the_most() -> None:
    digits = load_mnist().test_images[:1000] ^ 0x80

    def on_the_wire(*encodings: Encoding) -> int:
        requests = (infer_request(1, digit.tobytes(), encodings) for digit in digits)
        return sum(len(encode_frame_bare(request)) for request in requests)

    assert 3 * on_the_wire(*Encoding) < on_the_wire(Encoding.RAW)
