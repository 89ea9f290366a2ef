"""Every fault at once, and boards that hang, end, restart, or are somebody else: each answer is
right and counted once, or there is one sentence within a stated time."""

import os
import signal
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.errors import LinkError
from glyphite.host.device.pipeline import Trouble
from glyphite.host.device.session import Session, connect
from glyphite.host.device.transport import open_port
from glyphite.host.device.transport.protocol_fault import Serial as Faulty
from glyphite.host.device.wire.frame import FrameReader, encode_frame, encode_old_frame
from glyphite.host.device.wire.messages import WireTensor
from glyphite.host.device.wire.protocol import Encoding, Item, Message
from tests.bad_line.campaign import faulty_url, good_scores, pace, rates, run
from tests.builders.hostile import Board, terminal

SCORES = bytes(range(4))
TENSOR = np.zeros(4, np.int8)
SHAPE = struct.pack("<2I", 1, 4)
ITEMS = {int(Item.INPUT_SHAPE): SHAPE, int(Item.OUTPUT_SHAPE): SHAPE, int(Item.INFERENCES): b""}
BANNER = b"\r\nboot: restarted by the watchdog (8)\r\nload 1, 2, 3\r\nentry\r\n"
"""As an ESP32 prints it: no zero ends it."""


def inputs(count: int) -> NDArray[np.int8]:
    return np.random.default_rng(8).integers(-128, 128, (count, 1, 300), np.int8)


@pytest.mark.parametrize(
    ("common", "rare", "count"), [(0.01, 0.002, 1000), (0.05, 0.002, 60), (0.1, 0.002, 6)]
)
def test_every_input_is_answered_once_and_rightly(
    native: Path, common: float, rare: float, count: int
) -> None:
    """All kinds at once. `python -m tests.bad_line` does so with 10,000."""
    asked = inputs(count)
    found = run(faulty_url(native, rates(common, rare, seed=5)), asked, good_scores(native, asked))
    assert found.exact, found
    assert found.repeats.total() > 0
    assert found.hits["flip"] > 0


def test_a_bad_line_tells_how_long_it_kept_a_board_idle(native: Path) -> None:
    asked, idle = inputs(30), dict[str, float]()
    for name, faults in (("bad", "delay=1&seed=4"), ("good", "seed=4")):
        with connect(f"fault://sim://native?firmware={native}&{faults}") as session:
            session.infer(asked)
            idle[name] = session.traffic.delayed
            waited = session.traffic.waited
            assert idle[name] <= waited
    assert idle["bad"] > 0.5 > idle["good"]  # 60 delays of 0.075 s on average


def test_a_port_that_vanishes_and_a_board_that_restarts_cost_no_answer(native: Path) -> None:
    asked = inputs(200)
    url = faulty_url(native, {"vanish": 0.005, "reset": 0.02, "seed": 3})
    found = run(url, asked, good_scores(native, asked))
    assert found.exact, found
    assert {"vanish", "reset"} <= set(found.hits)
    assert set(found.repeats) >= {"the line broke", "the board restarted"}
    assert found.restarts >= found.hits["vanish"]


def test_a_paced_line_is_kept_busy(native: Path) -> None:
    """Of tensors that cannot be packed: the next travels while one is computed."""
    found = pace(native, inputs(20), 115200, (Encoding.RAW, Encoding.PACKED))
    assert found.sent * 10 / 115200 == pytest.approx(found.seconds, rel=0.3)


def test_background_makes_a_paced_line_three_times_as_fast(native: Path) -> None:
    asked = np.full((20, 1, 300), -128, np.int8)
    asked[:, :, 100:140] = inputs(20)[:, :, :40]
    raw, packed = (
        pace(native, asked, 115200, codings)
        for codings in ((Encoding.RAW,), (Encoding.RAW, Encoding.PACKED))
    )
    assert raw.seconds > 3 * packed.seconds


def ended(port: str, about: Callable[[Session], None] = lambda _: None) -> tuple[str, float]:
    """The sentence with which a board is given up, and after how many seconds."""
    with connect(port, timeout=0.5) as session:
        session.give_up = 1.0
        about(session)
        start = time.monotonic()
        with pytest.raises(LinkError) as caught:
            session.run(np.zeros((50, *session.board.inputs[0].shape), np.int8))
        assert caught.value.exit_code == 1
        return str(caught.value), time.monotonic() - start


@pytest.mark.parametrize("line", ["sim://native", "fault://sim://native?seed=1"])
@pytest.mark.parametrize(
    ("number", "said", "most"),
    [
        (signal.SIGSTOP, "has stopped: it answered before, and no hello for 1 s. Reset it", 10.0),
        (signal.SIGKILL, "broke (the emulator was ended by SIGKILL). Was the board", 3.0),
    ],
)
def test_a_board_that_hangs_or_ends_in_the_middle_is_a_sentence(
    native: Path, line: str, number: signal.Signals, said: str, most: float
) -> None:
    def end(session: Session) -> None:
        session.ask(np.zeros((1, 300), np.int8))
        for pid in processes_of(native):
            os.kill(pid, number)

    told, seconds = ended(line, end)
    assert said in told
    assert seconds < most


def processes_of(image: Path) -> list[int]:
    """The emulators that run the image; their shells have more on their command lines."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == os.fsencode(image):
            found.append(int(process.name))
    assert found
    return found


def restarting(printed: bytes, after: int = 0) -> Board:
    """A board that restarts in every inference behind the first so many."""
    answered: list[bytes] = []

    def reply(frame: bytes, _: bytes) -> bytes:
        if len(answered) < after:
            answered.append(frame)
            return frame
        device.restart()
        return printed

    device = Board(ITEMS, SCORES, reply=reply)
    return device


@pytest.mark.parametrize("after", [0, 2])
def test_a_board_that_restarts_while_it_computes_is_told_within_seconds(after: int) -> None:
    device = restarting(BANNER, after)
    with terminal(device) as port, connect(port) as session:
        start = time.monotonic()
        with pytest.raises(LinkError) as caught:
            for _ in range(after + 1):
                session.ask(TENSOR)
    assert str(caught.value) == (
        f"The board on {port} restarts while it computes: it said hello 3 times, its count of "
        "inferences began again, and no inference was answered. It prints 'boot: restarted by the "
        "watchdog (8) load 1, 2, 3 entry'. Look at its watchdog, stack and power."
    )
    assert time.monotonic() - start < 6
    assert device.heard.count(Message.INFER) == after + 3


def test_text_in_place_of_answers_is_shown_though_the_count_does_not_go_back() -> None:
    device = Board(ITEMS, SCORES, reply=lambda *_: BANNER)
    with terminal(device) as port, connect(port) as session, pytest.raises(LinkError) as caught:
        session.ask(TENSOR)
    assert str(caught.value).startswith(
        f"The board on {port} prints text instead of an answer, 3 times in a row, and says hello "
        "afterwards. It prints 'boot: restarted by the watchdog"
    )


def test_a_board_that_restarts_without_a_word_is_told_with_its_count() -> None:
    with terminal(restarting(b"")) as port:
        told, seconds = ended(port)
    assert "said hello, and no inference was answered in 1 s." in told
    assert told.endswith(
        "if it restarts whenever it computes, look at its watchdog, stack and power."
    )
    assert seconds < 5


def test_a_text_among_answers_is_no_restart() -> None:
    """A board may print what it does, before and behind its answers, and in place of one."""
    asked: list[bytes] = []

    def first_a_text(frame: bytes, request: bytes) -> bytes:
        asked.append(request)
        return frame if len(asked) % 2 == 0 else b"computing 10 classes...\r\n\0"

    with terminal(Board(ITEMS, SCORES, reply=first_a_text)) as port, connect(port) as session:
        for _ in range(3):
            assert session.ask(TENSOR).scores.tolist() == list(SCORES)
        assert session.repeats == {Trouble.DAMAGED: 3}
    said = b"computing 10 classes...\r\n"
    device = Board(ITEMS, SCORES, reply=lambda frame, _: said + frame + b"done in 3 ms\r\n\0")
    with terminal(device) as port, connect(port) as session:
        for _ in range(6):
            assert session.ask(TENSOR).scores.tolist() == list(SCORES)
        assert session.restarts == 0


@pytest.mark.parametrize(
    "answer",
    [
        lambda frame: frame[:9],  # silence in the middle of a frame
        lambda frame: b"\x1b[2J\x1b]0;x\x07" * 3 + b"\xff",
        lambda frame: b"",
        lambda frame: frame[:6] + b"\0" + frame[6:],
        lambda frame: bytes(10_000),
        lambda frame: b"\x01" * 100_000,
    ],
)
def test_what_comes_in_place_of_an_answer_is_a_sentence(answer: Callable[[bytes], bytes]) -> None:
    with terminal(Board(ITEMS, SCORES, reply=lambda frame, _: answer(frame))) as port:
        told, seconds = ended(port)
    assert told.isprintable()
    assert seconds < 8


@pytest.mark.parametrize("flood", [b"\x1b[31m" * 800, bytes(4000), encode_frame(b"\x99" * 40) * 80])
def test_a_flood_behind_hello_is_a_sentence(flood: bytes) -> None:
    begun = threading.Event()

    def reply(frame: bytes, _: bytes) -> bytes:
        begun.set()
        return b""

    device = Board(ITEMS, SCORES, reply=reply)
    with terminal(device, lambda: flood if begun.is_set() else b"") as port:
        told, seconds = ended(port)
    assert told.isprintable()
    assert seconds < 8


def test_silence_in_the_middle_of_a_frame_is_noticed_at_once() -> None:
    """The first inference would be waited for much longer."""
    cut = [True]

    def reply(frame: bytes, _: bytes) -> bytes:
        return frame[:9] if cut and cut.pop() else frame

    with terminal(Board(ITEMS, SCORES, reply=reply)) as port, connect(port) as session:
        start = time.monotonic()
        assert session.ask(TENSOR).scores.tolist() == list(SCORES)
        assert time.monotonic() - start < 5


def test_who_pauses_between_two_answers_does_not_make_the_board_late() -> None:
    lost: list[int] = []

    def reply(frame: bytes, request: bytes) -> bytes:
        if request[1] == 2 and not lost:
            lost.append(2)
            return b""
        return frame

    with terminal(Board(ITEMS, SCORES, reply=reply)) as port, connect(port) as session:
        session.give_up, session.timeout, session._request = 0.5, 0.5, 0
        answers = session.answers(np.zeros((3, 4), np.int8))
        next(answers)
        time.sleep(1.0)
        assert len(list(answers)) == 2
        assert session.retries > 0


def test_a_damaged_hello_is_no_hello_of_protocol_1() -> None:
    """One damaged frame in 65,536 has a CRC of 16 bits that fits; a version of 2 gives it away."""
    lie = encode_old_frame(bytes([Message.HELLO_ANSWER, 2]) + b"\x02\x03uno")
    tries = [lie]
    device = Board(ITEMS, SCORES, greet=lambda frame: tries.pop() if tries else frame)
    with terminal(device) as port, connect(port) as session:
        assert session.board.board == ""
        assert session.board.inputs == (WireTensor((1, 4)),)


def test_a_bad_line_has_many_tries_of_the_first_hello() -> None:
    """Damaged frames say that the board is up: no bootloader has to be waited for."""
    tries: list[bytes] = []

    def greet(frame: bytes) -> bytes:
        tries.append(frame)
        return frame if len(tries) > 5 else frame[:-3] + b"\x55\0"

    with terminal(Board(ITEMS, SCORES, greet=greet)) as port, connect(port, timeout=6):
        assert len(tries) > 5


def test_two_programs_on_one_port_behind_a_bad_line_are_told_of(native: Path) -> None:
    with (
        terminal() as path,
        open_port(path, 115200),
        pytest.raises(LinkError, match=f"The port {path} is in use by another program"),
    ):
        open_port(f"fault://{path}?flip=0.1", 115200)
    with open_port("fault://sim://native", 115200) as port:
        assert isinstance(port, Faulty)
        port.timeout = 0.5
        port.write(encode_frame(bytes([Message.HELLO])))
        assert FrameReader().feed(port.read(400)) != []
