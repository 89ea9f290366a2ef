"""MLPerf Tiny's protocol on the board's side: what it answers to which characters."""

import ctypes
import re
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

INPUTS = 300
TENSOR, PIXELS, ERRORS, FLOATS, NOT_READY, FAILING = range(6)
RUNS = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
READY = "m-ready\r\n"


def some_tensor(seed: int) -> NDArray[np.int8]:
    return np.random.default_rng(seed).integers(-128, 128, INPUTS, np.int8)


class Bench:
    """A board without a line: characters in, characters out."""

    def __init__(self, firmware: ctypes.CDLL, which: int = TENSOR) -> None:
        self.firmware = firmware
        self.room = ctypes.create_string_buffer(1 << 16)
        self.started = self._said(firmware.mlperf_begin(which, self.room, len(self.room)))

    def _said(self, count: int) -> str:
        assert count <= len(self.room)
        return self.room.raw[:count].decode("ascii")

    def send(self, line: bytes) -> str:
        count = self.firmware.mlperf_exchange(line, len(line), self.room, len(self.room))
        return self._said(count)

    def ask(self, command: str) -> list[str]:
        """The lines of the answer, without the last, which says that it ends."""
        said = self.send(command.encode("latin-1") + b"%")
        assert said.endswith(READY) and said.count("m-ready") == 1
        return said.removesuffix(READY).split("\r\n")[:-1]

    def load(self, data: bytes, piece: int = 31) -> None:
        assert self.ask(f"db load {len(data)}") == [f"m-[Expecting {len(data)} bytes]"]
        for start in range(0, len(data), piece):
            said = self.ask(f"db {data[start : start + piece].hex()}")
            assert said == (["m-load-done"] if start + piece >= len(data) else [])

    def results(self, command: str = "infer 1 0") -> list[float]:
        (line,) = [line for line in self.ask(command) if line.startswith("m-results-[")]
        return [float(text) for text in line[len("m-results-[") : -1].split(",")]


@pytest.fixture
def bench(firmware: ctypes.CDLL) -> Bench:
    return Bench(firmware)


def right(tensor: NDArray[np.int8]) -> list[float]:
    """The tiny model's results to three decimals, by what its C says of itself: it works in place,
    front to back."""
    values = tensor.astype(int)
    for c in range(10):
        values[c] = np.clip(values[c] + 2 * values[c + 1] + c, -128, 127)
    return [float(np.floor(1000 * (value + 128) / 256 + 0.5)) / 1000 for value in values[:10]]


def test_the_board_says_that_it_has_started(bench: Bench) -> None:
    assert re.fullmatch(
        r"m-timestamp-mode-performance\r\nm-lap-us-\d+\r\nm-init-done\r\nm-ready\r\n", bench.started
    )


def test_it_tells_its_name_its_model_and_the_time(bench: Bench) -> None:
    assert bench.ask("name") == ["m-name-dut-[bench]"]
    assert bench.ask("profile") == [
        "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
        "m-model-[tiny]",
    ]
    first, second = (int(bench.ask("timestamp")[0].removeprefix("m-lap-us-")) for _ in "ab")
    assert 0 < first < second
    assert len(bench.ask("help")) > 5


def test_an_inference_is_answered_by_results_between_two_times(bench: Bench) -> None:
    tensor = some_tensor(1)
    bench.load(tensor.tobytes())
    said = bench.ask("infer 7 2")
    patterns = [
        "m-warmup-start-2",
        "m-warmup-done",
        "m-infer-start-7",
        r"m-lap-us-\d+",
        r"m-lap-us-\d+",
        "m-infer-done",
        r"m-results-\[(\d\.\d{3},){9}\d\.\d{3}\]",
    ]
    assert all(re.fullmatch(*pair) for pair in zip(patterns, said, strict=True))
    assert int(said[3][9:]) < int(said[4][9:])
    assert bench.results("results") == right(tensor)


@RUNS
@given(st.binary(min_size=INPUTS, max_size=INPUTS), st.integers(1, 38), st.sampled_from(["1", "7"]))
def test_any_input_in_pieces_of_any_size_is_inferred_as_it_is(
    firmware: ctypes.CDLL, data: bytes, piece: int, runs: str
) -> None:
    """Although the tiny model works in place, so that a second run would find another input."""
    bench = Bench(firmware)
    bench.load(data, piece)
    results = right(np.frombuffer(data, np.int8))
    assert bench.results(f"infer {runs}") == results
    assert bench.results() == results


def test_pixels_are_128_more_than_the_tensor(firmware: ctypes.CDLL) -> None:
    bench, tensor = Bench(firmware, PIXELS), some_tensor(2)
    pixels = (tensor.astype(int) + 128).astype(np.uint8).tobytes()
    bench.load(pixels)
    assert bench.results("infer 2 1") == right(tensor)
    lines = bench.ask("db print")
    assert (
        "".join(line.removeprefix("m-buffer-").replace("-", "") for line in lines) == pixels.hex()
    )


def test_floats_are_answered_by_one_squared_error(firmware: ctypes.CDLL) -> None:
    """The model doubles: the error is the mean of the squares."""
    bench = Bench(firmware, ERRORS)
    bench.load(struct.pack("<2f", 1.5, -2.0))
    assert bench.results("infer 3 1") == [3.125]
    assert bench.results("results") == [3.125]


def test_floats_of_a_float_model_are_told_with_six_decimals(firmware: ctypes.CDLL) -> None:
    bench = Bench(firmware, FLOATS)
    bench.load(struct.pack("<2f", 0.0001235, -2.0))
    assert bench.ask("infer")[-1] == "m-results-[0.000247,-4.000000]"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0, "0.000"),
        (0.00390625, "0.004"),
        (0.9996, "1.000"),
        (-12.3456, "-12.346"),
        (4294967040.0, "4294967040.000"),
        (4294967296.0, "inf"),
        (float("-inf"), "-inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_real_number_is_rounded_to_the_nearest(
    firmware: ctypes.CDLL, value: float, said: str
) -> None:
    room = ctypes.create_string_buffer(64)
    count = firmware.mlperf_real(ctypes.c_float(value), 1000, room, len(room))
    assert room.raw[:count].decode() == said


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("", "Unknown command: "),
        ("   ", "Unknown command: "),
        ("nam", "Unknown command: nam"),
        ("names all", "Unknown command: names"),
        ("\xe9\x07]", "Unknown command: ??]"),
        ("x" * 81, "A command has at most 80 characters"),
        ("db " + "00" * 39, "A command has at most 80 characters"),
        ("x" * 5000, "A command has at most 80 characters"),
        ("db", "'db' needs 'load', 'print' or bytes"),
        ("db load", "'db load' needs a number of bytes above 0"),
        ("db load 0", "'db load' needs a number of bytes above 0"),
        ("db load 3OO", "Not a number: 3OO"),
        ("db load -1", "Not a number: -1"),
        ("db load 4294967596", "Not a number: 4294967596"),
        ("db load 301", "There is room for 300 bytes"),
        ("db load 4294967295", "There is room for 300 bytes"),
        ("db 00", "More than the 0 bytes that 'db load' announced"),
        ("db 0", "An odd number of hexadecimal digits"),
        ("db 00112", "An odd number of hexadecimal digits"),
        ("db 0x", "Not a hexadecimal digit"),
        ("db g0", "Not a hexadecimal digit"),
        ("db print x", "Not a number: x"),
        ("infer 0", "At least one run is needed"),
        ("infer x", "Not a number: x"),
        ("infer 1 x", "Not a number: x"),
        ("infer 99999999999999999999", "Not a number: 99999999999999999999"),
        ("infer", "The input has 0 of 300 bytes"),
        ("results", "There are no results"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_else_done(
    bench: Bench, command: str, error: str
) -> None:
    assert bench.ask(command) == [f"e-[{error}]"]
    assert bench.ask("name") == ["m-name-dut-[bench]"]


def test_a_command_may_have_80_characters(bench: Bench) -> None:
    assert bench.ask("db " + "0" * 77) == ["e-[An odd number of hexadecimal digits]"]


def test_too_much_data_is_refused_as_a_whole(bench: Bench) -> None:
    bench.ask("db load 4")
    bench.ask("db 0102")
    refused = ["e-[More than the 4 bytes that 'db load' announced]"]
    assert bench.ask("db 030405") == refused
    assert bench.ask("db print") == ["m-buffer-01-02"]
    assert bench.ask("db 0304") == ["m-load-done"]
    assert bench.ask("db 05") == refused
    assert bench.ask("db print") == ["m-buffer-01-02-03-04"]
    assert bench.ask("infer 1 0") == ["e-[The input has 4 of 300 bytes]"]


def test_a_new_load_begins_anew_also_where_it_is_refused(bench: Bench) -> None:
    bench.load(bytes(INPUTS))
    bench.ask("db load 999")
    assert bench.ask("infer 1 0") == ["e-[The input has 0 of 300 bytes]"]
    assert bench.ask("results") == ["e-[There are no results]"]


def test_what_has_come_is_printed_in_lines_of_eight_bytes(bench: Bench) -> None:
    bench.ask("db load 20")
    bench.ask(f"db {bytes(range(18)).hex()}")
    rows = ["00-01-02-03-04-05-06-07", "08-09-0a-0b-0c-0d-0e-0f", "10-11"]
    assert bench.ask("db print") == [f"m-buffer-{row}" for row in rows]
    assert bench.ask("db print 9 3") == ["m-buffer-03-04-05-06-07-08-09-0a", "m-buffer-0b"]
    assert bench.ask("db print 5 18") == bench.ask("db print 0") == []
    assert bench.ask("db print 4294967295 4294967295") == []


def test_line_ends_and_zeros_between_commands_are_passed_over(bench: Bench) -> None:
    assert bench.send(b"\r\nname%\r\n\0\0na\nme%\r\n") == 2 * f"m-name-dut-[bench]\r\n{READY}"


def test_the_beginning_of_a_command_is_forgotten_when_silence_follows(bench: Bench) -> None:
    """The host that sent it is gone; and a pause of less is none."""
    assert bench.send(b"db load 3") == ""
    bench.firmware.mlperf_wait(4_900_000)
    assert bench.send(b"0%") == f"m-[Expecting 30 bytes]\r\n{READY}"
    bench.send(b"db load 3")
    bench.firmware.mlperf_wait(5_100_000)
    assert bench.ask("name") == ["m-name-dut-[bench]"]


def test_times_go_on_where_the_clock_wraps(bench: Bench) -> None:
    times = []
    for _ in range(6):
        times.append(int(bench.ask("timestamp")[0].removeprefix("m-lap-us-")))
        bench.firmware.mlperf_wait(0xC000_0000)
    steps = np.diff(times)
    assert (abs(steps - 0xC000_0000) < 100).all()


def test_a_model_that_is_not_ready_or_fails_is_told(firmware: ctypes.CDLL) -> None:
    assert Bench(firmware, NOT_READY).ask("infer") == ["e-[The model could not be set up]"]
    bench = Bench(firmware, FAILING)
    bench.load(bytes(8))
    assert bench.ask("infer 1 0")[-1] == "e-[There are no results]"


WORDS = st.sampled_from(
    [
        b"db ",
        b"load ",
        b"print ",
        b"infer ",
        b"300",
        b"0 ",
        b"1 ",
        b"00ff",
        b"%",
        b"%",
        b" ",
        b"name",
    ]
)


@RUNS
@given(st.lists(WORDS | st.binary(max_size=90), max_size=40))
def test_after_any_noise_every_command_has_been_answered(
    firmware: ctypes.CDLL, pieces: list[bytes]
) -> None:
    bench = Bench(firmware)
    noise = re.sub(rb"infer *[0-9]{3,}", b"infer", b"".join(pieces))  # which would take minutes
    bench.room = ctypes.create_string_buffer(1 << 20)
    said = bench.send(noise + b"%")
    assert said.count(READY) == noise.count(b"%") + 1
    assert bench.ask("name") == ["m-name-dut-[bench]"]
    tensor = some_tensor(3)
    bench.load(tensor.tobytes())
    assert bench.results() == right(tensor)
