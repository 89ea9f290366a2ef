"""How a session is asked, and what it says of a board that answers with something else."""

import struct
import time
from collections.abc import Callable
from contextlib import ExitStack

import numpy as np
import pytest
from serial.tools.list_ports_common import ListPortInfo

from glyphite.convert.errors import InputError, LinkError
from glyphite.host.device import session
from glyphite.host.device.session import connect
from glyphite.host.device.transport.usb import device_at
from glyphite.host.device.wire.frame import encode_frame
from glyphite.host.device.wire.messages import Hello
from glyphite.host.device.wire.protocol import Item, Message
from tests.builders.hostile import Board, terminal

SHAPE = struct.pack("<2I", 1, 4)
ITEMS = {int(Item.INPUT_SHAPE): SHAPE, int(Item.OUTPUT_SHAPE): SHAPE, int(Item.INFERENCES): b""}
SCORES = b"\1\2\3\4"
TENSOR = np.zeros((1, 4), np.int8)


def replying(reply: Callable[[bytes, bytes], bytes]) -> Board:
    return Board(ITEMS, SCORES, reply=reply)


@pytest.mark.parametrize("seconds", [-1, 0, float("nan"), float("inf"), "soon"])
def test_a_wait_that_cannot_be_is_a_wrong_call(seconds: float) -> None:
    said = (
        rf"timeout={seconds!r} cannot be waited for\. Give seconds, above 0 and at most 1,000,000"
    )
    with terminal(Board(ITEMS, SCORES)) as path:
        with pytest.raises(InputError, match=said), connect(path, timeout=seconds):
            pass
        with connect(path, timeout=np.float32(5)) as right:  # type: ignore[arg-type]
            assert right.timeout == 5.0


def test_answers_that_are_being_given_are_not_mixed_with_others() -> None:
    with terminal(Board(ITEMS, SCORES)) as path, connect(path) as asked:
        first = asked.answers(np.zeros((3, 4), np.int8))
        next(first)
        with pytest.raises(InputError, match=r"is giving answers already, .* close their iterator"):
            asked.ask(TENSOR)
        assert len(list(first)) == 2
        assert asked.retries == 0
        next(asked.answers(np.zeros((3, 4), np.int8)))  # dropped, and so over
        assert asked.ask(TENSOR).scores.tolist() == list(SCORES)


def test_each_session_begins_with_an_id_of_its_own() -> None:
    ids: list[int] = []

    def noting(frame: bytes, request: bytes) -> bytes:
        ids.append(int.from_bytes(request[1:3], "little"))
        return frame

    with terminal(replying(noting)) as path:
        for _ in range(4):
            with connect(path) as asked:
                asked.ask(TENSOR)
                asked.ask(TENSOR)
    assert len(set(ids[::2])) > 1
    assert [(first + 1) % 65536 for first in ids[::2]] == ids[1::2]


def infer_answer(length: int) -> bytes:
    """A frame whose CRC is right, of an answer of so many bytes."""
    return encode_frame(bytes([Message.INFER_ANSWER]).ljust(length, b"\7"))


@pytest.mark.parametrize("length", [1, 2, 3, 70_000, 300_000])
def test_an_answer_of_another_length_is_named(length: int) -> None:
    """Also where it is shorter than any answer, or longer than a frame may be."""
    with (
        terminal(replying(lambda *_: infer_answer(length))) as path,
        connect(path) as asked,
        pytest.raises(LinkError) as caught,
    ):
        asked.ask(TENSOR)
    said = f"The board on {path} answered with "
    assert str(caught.value).startswith(said)
    found = int(str(caught.value).removeprefix(said).split()[0].replace(",", ""))
    assert length <= found <= 1.01 * length + 8
    assert str(caught.value).endswith(
        ", and a whole answer has 16. Build its firmware again, and flash it."
    )


def quick(_: Hello) -> float:
    """What is foretold of a fast model."""
    return 0.001


def test_a_board_that_restarts_silently_in_its_first_inference_is_given_up_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It says hello with a count of 0 each time, so that nothing but its silence tells."""
    monkeypatch.setattr(session, "FIRST_LEAST", 0.2)
    monkeypatch.setattr(session, "MISSED_SECONDS", 0.5)
    device = replying(lambda *_: b"")

    def silent(message: bytes) -> bytes:
        said = device(message)
        device.restart()
        return said

    begun = time.monotonic()
    with (
        terminal(silent) as path,
        connect(path, expected=quick) as asked,
        pytest.raises(LinkError, match=r"no inference was answered in [01]\.[0-9]+ s\..* watchdog"),
    ):
        asked.ask(TENSOR)
    assert time.monotonic() - begun < 5.0
    assert device.heard.count(Message.INFER) == session.MISSES


def test_the_first_wait_follows_from_what_is_foretold() -> None:
    with terminal(Board(ITEMS, SCORES)) as path:
        for foretold, wait in ((0.001, session.FIRST_LEAST), (13.0, 104.0), (0.0, 10.0)):
            with connect(path, expected=lambda _, found=foretold: found) as asked:  # type: ignore[misc]
                asked._foretold = foretold
                assert asked._longest == wait


def test_a_line_that_loses_requests_and_is_damaged_is_not_given_up_so_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "FIRST_LEAST", 0.1)
    monkeypatch.setattr(session, "MISSED_SECONDS", 0.2)
    lost = iter(range(8))
    device = Board(
        ITEMS,
        SCORES,
        greet=lambda frame: b"\0\x55\x66\0" + frame,
        reply=lambda frame, _: frame if next(lost, None) is None else b"",
    )
    with terminal(device) as path, connect(path, expected=quick) as asked:
        assert asked.ask(TENSOR).scores.tolist() == list(SCORES)
        assert asked.retries == 8


def listed(name: str, number: str = "A1") -> ListPortInfo:
    """What pyserial would tell of an Uno at that port: no USB is here."""
    told = ListPortInfo(name)
    told.vid, told.pid, told.serial_number = 0x2341, 0x0043, number
    return told


def test_a_board_that_comes_back_under_another_name_is_found_by_its_serial_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Unplugged while it answers: its terminal ends."""
    device, told = Board(ITEMS, SCORES), list[str]()
    names: list[str] = []
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: list(map(listed, names)))
    with ExitStack() as first, terminal(device) as after:
        before = first.enter_context(terminal(device))
        names.append(before)
        with connect(before, notify=told.append) as asked:
            answers = asked.answers(np.zeros((9, 4), np.int8))
            next(answers)
            first.close()
            names[:] = [after]
            assert len(list(answers)) == 8
            assert asked.url == after
    assert told[-1] == f"{before} is back, and is called {after} now."


def test_a_serial_number_that_two_devices_tell_names_none(monkeypatch: pytest.MonkeyPatch) -> None:
    ports = [listed("/dev/ttyUSB0", "0001"), listed("/dev/ttyUSB1", "0001")]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    assert device_at("/dev/ttyUSB0") is None
    assert device_at("/dev/ttyNONE7") is device_at("sim://native") is None
    ports.pop()
    found = device_at("/dev/ttyUSB0")
    assert found is not None
    assert found.names == ["/dev/ttyUSB0"]
