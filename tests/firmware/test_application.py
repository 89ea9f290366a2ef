"""The board's application, compiled for this machine: what it answers to which bytes."""

import ctypes
from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from glyphite.convert.version import __version__
from glyphite.host.device.wire.frame import FrameReader, cobs_encode, encode_frame
from glyphite.host.device.wire.messages import (
    Hello,
    InferReply,
    WireTensor,
    hello_request,
    infer_request,
    parse_hello,
    parse_infer_answer,
)
from glyphite.host.device.wire.packing import pack
from glyphite.host.device.wire.protocol import (
    LITERALS_MAX,
    LONG_RUN,
    PROTOCOL,
    Encoding,
    Message,
    Status,
)
from tests.vectors.wire import vectors

INPUTS = 300
RAW, BOTH = (Encoding.RAW,), tuple(Encoding)
RUNS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


class Bench:
    """A board without a line: bytes in, messages out."""

    def __init__(self, firmware: ctypes.CDLL, which: int = 0) -> None:
        self.firmware = firmware
        firmware.bench_begin(which)

    def send(self, line: bytes) -> list[bytes]:
        room = ctypes.create_string_buffer(1 << 16)
        count = self.firmware.bench_exchange(line, len(line), room, len(room))
        return FrameReader().feed(room.raw[:count])

    def hello(self) -> Hello:
        (message,) = self.send(encode_frame(hello_request()))
        hello = parse_hello(message)
        assert hello is not None
        return hello

    def ask(self, message: bytes) -> InferReply:
        (answer,) = self.send(encode_frame(message))
        reply = parse_infer_answer(answer)
        assert reply is not None
        return reply

    def infer(self, request: int, tensor: NDArray[np.int8]) -> InferReply:
        return self.ask(infer_request(request, tensor.tobytes(), RAW))


@pytest.fixture
def bench(firmware: ctypes.CDLL) -> Bench:
    return Bench(firmware)


def some_tensor(seed: int) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-128, 128, INPUTS, np.int8)


def expected(tensor: NDArray[np.int8]) -> bytes:
    """What tests/firmware/tiny/model.c says of itself; it works in place, front to back."""
    values = tensor.astype(int)
    for c in range(10):
        values[c] = np.clip(values[c] + 2 * values[c + 1] + c, -128, 127)
    return values[:10].astype(np.int8).tobytes()


def test_hello_tells_all_of_board_and_model(bench: Bench) -> None:
    hello = bench.hello()
    assert hello == Hello(
        protocol=PROTOCOL,
        firmware=f"Glyphite {__version__}",
        board="bench",
        model_name="tiny",
        model_sha256="000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff",
        inputs=(WireTensor((1, 300), hello.inputs[0].scale, -128),),
        outputs=(WireTensor((1, 10), 0.00390625, -128),),
        clock_hz=16_000_000,
        timer_hz=1_000_000,
        receive_buffer=64,
        encodings=(Encoding.RAW, Encoding.PACKED),
        inferences=0,
        remark="",
    )
    assert hello.inputs[0].scale == pytest.approx(1 / 255)


def test_an_answer_has_scores_input_crc_and_time(bench: Bench) -> None:
    tensor = some_tensor(1)
    reply = bench.infer(7, tensor)
    assert reply == InferReply(7, Status.OK, crc32(tensor.tobytes()), 1000, expected(tensor))


@RUNS
@given(st.binary(min_size=INPUTS, max_size=INPUTS), st.integers(0, 0xFFFF))
def test_any_tensor_arrives_whole(firmware: ctypes.CDLL, content: bytes, request: int) -> None:
    reply = Bench(firmware).ask(infer_request(request, content, RAW))
    assert (reply.request, reply.input_crc) == (request, crc32(content))
    assert reply.scores == expected(np.frombuffer(content, np.int8))


@RUNS
@given(st.lists(st.integers(0, 700), max_size=6))
def test_any_cutting_of_the_bytes_gives_the_same_answers(
    firmware: ctypes.CDLL, cuts: list[int]
) -> None:
    bench = Bench(firmware)
    line = b"".join(encode_frame(infer_request(n, some_tensor(n).tobytes(), RAW)) for n in (1, 2))
    answers: list[bytes] = []
    for start, end in pairwise([0, *sorted(cuts), len(line)]):
        answers += bench.send(line[start:end])
    assert [answer[-10:] for answer in answers] == [expected(some_tensor(n)) for n in (1, 2)]


def test_a_repeated_id_gets_the_cached_answer_and_runs_once(bench: Bench) -> None:
    """Also where the payload was damaged into another: the answer belongs to the id."""
    bench.hello()
    first = bench.infer(1, some_tensor(1))
    again = bench.infer(1, some_tensor(1))
    other = bench.infer(1, some_tensor(2))
    assert first == again == other
    assert bench.hello().inferences == 1


def test_a_hello_forgets_the_cached_answer(bench: Bench) -> None:
    """Else a new conversation's first request would get the old one's answer."""
    bench.infer(1, some_tensor(1))
    bench.hello()
    assert bench.infer(1, some_tensor(2)).scores == expected(some_tensor(2))


def test_a_damaged_request_is_refused_with_its_id_and_does_not_run(bench: Bench) -> None:
    message = bytearray(infer_request(9, some_tensor(1).tobytes(), RAW))
    crc = crc32(bytes(message))
    message[100] ^= 1
    line = b"\0" + cobs_encode(bytes(message) + crc.to_bytes(4, "big")) + b"\0"
    (answer,) = bench.send(line)
    assert parse_infer_answer(answer) == InferReply(9, Status.CORRUPT)
    assert bench.hello().inferences == 0


def test_a_damaged_request_in_between_leaves_the_cached_answer(bench: Bench) -> None:
    first = bench.infer(1, some_tensor(1))
    damaged = encode_frame(infer_request(2, some_tensor(2).tobytes(), RAW))
    bench.send(damaged[:150] + b"\0")
    assert bench.infer(1, some_tensor(1)) == first
    assert bench.hello().inferences == 1


def test_the_board_decodes_the_vectors_of_the_wire(firmware: ctypes.CDLL) -> None:
    tensors = [each for each in vectors("packed") if len(each["tensor"]) == 2 * INPUTS]
    assert len(tensors) > 5
    for each in tensors:
        head = infer_request(3, bytes(INPUTS), BOTH)[:4]
        reply = Bench(firmware).ask(head + bytes.fromhex(each["packed"]))
        assert reply.input_crc == crc32(bytes.fromhex(each["tensor"]))


@pytest.mark.parametrize("size", [0, 1, INPUTS - 1, INPUTS + 1, 5 * INPUTS])
def test_a_tensor_of_another_size_is_refused_and_overruns_nothing(bench: Bench, size: int) -> None:
    reply = bench.ask(infer_request(3, bytes(size), RAW))
    assert reply == InferReply(3, Status.WRONG_SIZE)
    assert bench.infer(4, some_tensor(4)).scores == expected(some_tensor(4))


def test_an_unknown_encoding_is_refused(bench: Bench) -> None:
    message = bytearray(infer_request(3, bytes(INPUTS), RAW))
    message[3] = 200
    assert bench.ask(bytes(message)) == InferReply(3, Status.UNKNOWN_ENCODING)


def test_a_model_that_could_not_be_set_up_is_told(firmware: ctypes.CDLL) -> None:
    bench = Bench(firmware, which=1)
    assert bench.hello().model_name == "not ready"
    assert bench.infer(1, some_tensor(1)) == InferReply(1, Status.NOT_READY)


def test_a_run_without_output_is_told_and_not_cached(firmware: ctypes.CDLL) -> None:
    bench = Bench(firmware, which=2)
    assert bench.infer(1, some_tensor(1)) == InferReply(1, Status.FAILED)
    assert bench.infer(1, some_tensor(1)) == InferReply(1, Status.FAILED)


@pytest.mark.parametrize(
    "message", [b"", b"\x03", b"\x80abc", bytes([Message.INFER]), bytes([Message.INFER, 1, 0])]
)
def test_unknown_and_cut_messages_are_met_with_silence(bench: Bench, message: bytes) -> None:
    assert bench.send(encode_frame(message)) == []
    assert bench.hello().model_name == "tiny"


def test_a_hello_with_more_in_it_is_still_a_hello(bench: Bench) -> None:
    (answer,) = bench.send(encode_frame(hello_request() + b"from a later host"))
    assert parse_hello(answer) is not None


def test_no_byte_is_taken_while_an_answer_waits(bench: Bench) -> None:
    frame = encode_frame(hello_request())
    taken = [bench.firmware.bench_sink(byte) & 1 for byte in frame]
    assert all(taken)
    assert bench.firmware.bench_sink(0) & 1 == 0


@RUNS
@given(st.binary(max_size=400))
def test_after_any_noise_the_board_still_answers(firmware: ctypes.CDLL, noise: bytes) -> None:
    bench = Bench(firmware)
    bench.send(noise)
    answers = bench.send(encode_frame(hello_request()))
    assert parse_hello(answers[-1]) is not None


@RUNS
@given(
    st.lists(st.tuples(st.sampled_from([0, 128, 5]), st.integers(1, 300)), min_size=1, max_size=9)
)
def test_a_packed_tensor_arrives_whole(
    firmware: ctypes.CDLL, pieces: list[tuple[int, int]]
) -> None:
    content = b"".join(bytes([value]) * length for value, length in pieces)[:INPUTS]
    content = content.ljust(INPUTS, b"\x07")
    message = infer_request(3, content, BOTH)
    reply = Bench(firmware).ask(message)
    assert (message[3], reply.input_crc) == (Encoding.PACKED, crc32(content))
    assert reply.scores == expected(np.frombuffer(content, np.int8))


@pytest.mark.parametrize("size", [0, 1, INPUTS - 1, INPUTS + 1, 5 * INPUTS])
def test_a_packed_tensor_of_another_size_is_refused_and_overruns_nothing(
    bench: Bench, size: int
) -> None:
    message = infer_request(3, bytes(INPUTS), BOTH)[:4] + pack(bytes(size))
    assert bench.ask(message) == InferReply(3, Status.WRONG_SIZE)
    assert bench.infer(4, some_tensor(4)).scores == expected(some_tensor(4))


@pytest.mark.parametrize("missing", range(1, 7))
def test_a_packed_tensor_whose_last_bytes_are_missing_is_refused(
    bench: Bench, missing: int
) -> None:
    """Though with those that are there it has the right size."""
    runs = (INPUTS - (LITERALS_MAX - missing)) // LONG_RUN
    rest = INPUTS - (LITERALS_MAX - missing) - runs * LONG_RUN
    tokens = bytes([(LITERALS_MAX + 1) * (runs - 1), (LITERALS_MAX + 1) * rest + LITERALS_MAX])
    message = infer_request(3, bytes(INPUTS), BOTH)[:4] + b"\0" + tokens
    literals = bytes(LITERALS_MAX - missing)
    assert bench.ask(message + literals) == InferReply(3, Status.WRONG_SIZE)
    assert bench.hello().inferences == 0
