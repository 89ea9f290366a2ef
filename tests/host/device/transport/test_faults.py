"""The bad line: what it does to bytes, by the rates that were asked for, and to a port."""

import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import serial
from hypothesis import given
from hypothesis import strategies as st

from glyphite.convert.errors import InputError
from glyphite.host.device.session import connect
from glyphite.host.device.transport import (
    has_no_baud,
    is_emulated,
    line_baud,
    open_port,
    protocol_fault,
)
from glyphite.host.device.transport.faults import (
    Event,
    Faults,
    FaultyLine,
    Step,
    parse_faults,
    split_url,
)
from glyphite.host.device.transport.firmware_files import emulated_board, lacks_firmware
from tests.builders.hostile import terminal

FRAMES = b"".join(bytes([1 + n % 255] * 20) + b"\0" for n in range(2000))
"""2,000 frames of 21 bytes."""


def joined(steps: list[Step]) -> bytes:
    return b"".join(step for step in steps if isinstance(step, bytes))


def carried(faults: Faults, data: bytes = FRAMES) -> list[Step]:
    return FaultyLine(faults, 0).carry(data)


@given(st.binary(max_size=300), st.integers(0, 5))
def test_a_line_that_only_waits_loses_nothing(data: bytes, seed: int) -> None:
    assert joined(carried(Faults(seed=seed), data)) == data
    assert joined(carried(Faults(split=0.5, delay=0.5, seed=seed), data)) == data


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 5))
def test_the_faults_do_not_depend_on_the_pieces(pieces: list[bytes], seed: int) -> None:
    """All kinds at once: the same bytes, pauses and events, in the same order."""
    faults = Faults(*8 * (0.3,), seed=seed)

    def flat(steps: list[Step]) -> list[object]:
        return [part for s in steps for part in (list(s) if isinstance(s, bytes) else [s])]

    line = FaultyLine(faults, 0)
    by_pieces = [step for piece in pieces for step in line.carry(piece)]
    assert flat(by_pieces) == flat(carried(faults, b"".join(pieces)))


def test_each_direction_has_its_own_faults() -> None:
    faults = Faults(*6 * (0.1,), seed=4)
    assert carried(faults) == carried(faults)
    assert carried(faults) != FaultyLine(faults, 1).carry(FRAMES)


@pytest.mark.parametrize(
    "kind", ["flip", "lose", "double", "insert", "delay", "split", "reset", "vanish"]
)
def test_rates_are_rates_a_frame(kind: str) -> None:
    line = FaultyLine(parse_faults({kind: "0.1", "seed": "9"}), 0)
    steps = line.carry(FRAMES)
    assert line.hits[kind] == pytest.approx(200, rel=0.2)
    whole, found = FRAMES.split(b"\0"), joined(steps).split(b"\0")
    if kind in ("delay", "split"):
        assert sum(isinstance(step, float) for step in steps) == line.hits[kind]
    elif kind in tuple(Event):
        assert steps.count(Event(kind)) == line.hits[kind]
    elif kind == "lose":
        assert len(found) < len(whole)  # of a whole frame as often its end, too
        assert 4 < (len(FRAMES) - len(joined(steps))) / line.hits[kind] < 20
    elif kind == "double":
        again = sum(one == other for one, other in itertools.pairwise(found))
        assert again == pytest.approx(100, rel=0.3)
    else:
        assert sum(frame not in whole for frame in found) == pytest.approx(200, rel=0.3)


def test_any_place_of_a_frame_is_hit_its_end_too() -> None:
    """One bit is another byte, and of its end no end."""
    data = 300 * (bytes([0x55] * 9) + b"\0")
    places = set()
    for seed in range(20):
        changed = joined(carried(Faults(flip=0.5, seed=seed), data))
        assert len(changed) == len(data)
        places |= {at % 10 for at, byte in enumerate(changed) if byte != data[at]}
    assert places == set(range(10))


def test_the_port_behind_keeps_the_settings_that_are_its_own() -> None:
    for url, port, own in (
        ("fault:///dev/ttyACM0?flip=0.5&seed=9", "/dev/ttyACM0", {"flip": "0.5", "seed": "9"}),
        ("fault://COM3?baud=9600", "COM3", {"baud": "9600"}),
        ("fault://sim://native?flip=1&firmware=/a/b", "sim://native?firmware=/a/b", {"flip": "1"}),
        ("fault://socket://host:7?logging=debug", "socket://host:7?logging=debug", {}),
        ("sim://native?firmware=/x", "sim://native?firmware=/x", {}),
        ("COM3", "COM3", {}),
    ):
        assert split_url(url) == (port, own)
    assert parse_faults({"flip": "0.5", "seed": "9"}) == Faults(flip=0.5, seed=9)
    assert Faults(seed=9).rates == {}


@pytest.mark.parametrize(
    "url",
    [
        "fault://sim://native?flip=0.5&seed=1&flip=0.1",
        "fault:///dev/ttyACM0?flip=0&flip=0",
        "fault://sim://native?flip=0.1&firmware=a&firmware=b",
        "sim://native?firmware=a&firmware=b",
    ],
)
def test_a_setting_that_is_given_twice_is_refused(url: str) -> None:
    """Nobody knows which was meant."""
    name = "firmware" if "firmware" in url else "flip"
    with pytest.raises(InputError, match=rf"The setting {name} is given 2 times\. Give it once\."):
        open_port(url, 115200)


def test_an_emulated_board_behind_a_bad_line_is_one() -> None:
    """Else its times would be told as a real board's, and its firmware would not be built."""
    url = "fault://sim://native?flip=0.1"
    assert is_emulated(url)
    assert emulated_board(url) == "native"
    lacking = lacks_firmware(url, "00" * 32)
    assert lacking is not None
    assert lacking.board.name == "native"
    assert has_no_baud(url)
    assert not has_no_baud(f"{url}&baud=9600")
    assert line_baud(f"{url}&baud=9600", 115200) == 9600
    assert line_baud("fault://COM3?baud=230400", 115200) == 115200
    assert has_no_baud("fault://socket://lab:7?flip=0.1")
    assert not is_emulated("fault:///dev/ttyACM0?flip=0.1")


# --- the port ----------------------------------------------------------------------------------


class Fake(serial.SerialBase):
    """A port that sends back what it is sent, and writes down its control lines."""

    def open(self) -> None:
        self.kept, self.told, self.is_open = b"", list[tuple[str, object]](), True

    def close(self) -> None:
        self.is_open = False

    @property
    def in_waiting(self) -> int:
        return len(self.kept)

    def read(self, size: int = 1, /) -> bytes:
        taken, self.kept = self.kept[:size], self.kept[size:]
        return taken

    def write(self, data: object, /) -> int | None:
        self.kept += bytes(data)  # type: ignore[call-overload]
        return None

    def reset_input_buffer(self) -> None:
        self.kept = b""

    def reset_output_buffer(self) -> None:
        self.told.append(("out", "reset"))

    def _update_dtr_state(self) -> None:
        self.told.append(("dtr", self.dtr))

    def _update_rts_state(self) -> None:
        self.told.append(("rts", self.rts))

    def _update_break_state(self) -> None:
        self.told.append(("break", self.break_condition))

    def _reconfigure_port(self) -> None:
        if self.is_open:
            self.told.append(("baud", self.baudrate))


Open = Callable[[str], tuple[protocol_fault.Serial, Fake]]


@pytest.fixture
def behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """``behind("flip=0.1")``: a bad line, and the port behind it."""
    opened = []

    def make(settings: str) -> tuple[protocol_fault.Serial, Fake]:
        fake = Fake()
        fake.open()
        monkeypatch.setattr(protocol_fault, "open_port", lambda url, baud: fake)
        port = serial.serial_for_url(f"fault://COM3?{settings}", timeout=1.0)
        assert isinstance(port, protocol_fault.Serial)
        opened.append(port)
        return port, fake

    yield make
    for port in opened:
        port.close()


def test_control_lines_and_baud_rate_are_passed_on(behind: Open) -> None:
    port, fake = behind("")
    port.dtr = False
    port.rts = False
    port.break_condition = True
    port.baudrate = 57600
    told = [item for item in fake.told if item[0] != "baud"]
    assert told == [("dtr", False), ("rts", False), ("break", True)]
    assert fake.baudrate == 57600


def test_a_reset_is_a_pulse_of_dtr_and_what_is_on_the_way_is_lost(behind: Open) -> None:
    port, fake = behind("reset=1&seed=1")
    port.write(b"abcdef\0")
    assert [item for item in fake.told if item[0] == "dtr"] == [("dtr", False), ("dtr", True)]
    assert len(port.read(99)) < 7
    assert port.hits["reset"] >= 1


def test_a_port_that_vanished_raises_until_it_is_back(
    behind: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol_fault, "GONE_SECONDS", 0.2)
    port, fake = behind("vanish=1")
    with pytest.raises(serial.SerialException, match="was it unplugged"):
        port.write(40 * b"a" + b"\0")
    assert not fake.is_open
    for use in (lambda: port.read(1), lambda: port.write(b"a"), lambda: port.in_waiting):
        with pytest.raises(serial.SerialException, match="was it unplugged"):
            use()
    port.close()
    with pytest.raises(serial.SerialException, match="it is gone"):
        port.open()
    time.sleep(0.25)
    port.open()
    assert port.is_open
    with pytest.raises(serial.SerialException, match="already open"):
        port.open()


def test_a_delay_holds_the_rest_of_the_frame(behind: Open) -> None:
    port, _ = behind("delay=1&seed=3")
    start = time.monotonic()
    port.write(b"abcdefgh\0")
    assert port.read(4) + port.read(5) == b"abcdefgh\0"
    assert time.monotonic() - start > 0.01


def test_a_baud_rate_paces_both_directions(behind: Open) -> None:
    """10 bits a byte: 96 bytes there and back, frame behind frame, at 9,600 baud."""
    port, _ = behind("baud=9600")
    start = time.monotonic()
    port.write(8 * b"abcdefghijk\0")
    port.timeout = 5.0
    assert port.read(96) == 8 * b"abcdefghijk\0"
    assert 0.1 < time.monotonic() - start < 1.0  # the last frame comes back behind the others


def test_input_that_is_forgotten_is_not_read(behind: Open) -> None:
    port, fake = behind("")
    port.write(b"abc")
    port.reset_input_buffer()
    port.reset_output_buffer()
    port.timeout = 0.0
    assert port.read(3) == b""
    assert ("out", "reset") in fake.told


def test_dtr_restarts_an_emulated_board(native: Path) -> None:
    """Where it is set behind being cleared, and not where it is set already."""
    with connect("sim://native") as session:
        session.ask(np.zeros(300, np.int8))
        port = session._wire._port
        port.dtr = True
        assert session.hello().inferences == 1
        port.dtr = False
        assert session.hello().inferences == 1
        port.dtr = True
        assert session.hello().inferences == 0
        assert session.restarts == 1


def test_a_device_behind_a_bad_line_is_opened_as_any(native: Path) -> None:
    with terminal() as path, connect_to(f"fault://{path}?seed=1") as port:
        assert port.write(b"abc\0") == 4


def connect_to(url: str) -> serial.SerialBase:
    return serial.serial_for_url(url, timeout=0.1)
