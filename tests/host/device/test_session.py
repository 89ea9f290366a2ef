"""A session with a real firmware process: exact answers over good and bad lines, and sentences."""

import itertools
import os
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import serial
from numpy.typing import NDArray

from glyphite.convert.boards import load_board
from glyphite.convert.errors import InputError, LinkError, PortError
from glyphite.convert.shipped import FIRMWARE
from glyphite.convert.version import __version__
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.board_check import check_board
from glyphite.host.device.build import build
from glyphite.host.device.greeting import pauses
from glyphite.host.device.session import Session, connect
from glyphite.host.device.transport import open_port
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.protocol_sim import Serial
from glyphite.host.device.wire.frame import encode_frame
from glyphite.host.device.wire.messages import Hello, parse_hello, parse_infer_answer
from glyphite.host.device.wire.protocol import PROTOCOL, Item, Message, Status
from glyphite.host.measure.stream import Link, stream
from tests.builders.hostile import answer, terminal
from tests.strict import absent

TINY_SHA256 = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"


def tensors(count: int) -> NDArray[np.int8]:
    return np.random.default_rng(5).integers(-128, 128, (count, 1, 300), np.int8)


def expected(tensor: NDArray[np.int8]) -> list[int]:
    """What tests/firmware/tiny/model.c says of itself; it works in place, front to back."""
    values = tensor.ravel().astype(int)
    for c in range(10):
        values[c] = np.clip(values[c] + 2 * values[c + 1] + c, -128, 127)
    return [int(value) for value in values[:10]]


@pytest.mark.usefixtures("native", "patient")
def test_a_board_answers_every_input_exactly() -> None:
    with connect("sim://native", TINY_SHA256) as session:
        for tensor in tensors(50):
            answer = session.ask(tensor)
            assert answer.scores.tolist() == expected(tensor)
            assert answer.input_crc == crc32(tensor.tobytes())
            assert answer.seconds == answer.ticks / 1_000_000
        assert session.hello().inferences == 50
        assert session.retries == 0


@pytest.mark.usefixtures("native")
@pytest.mark.parametrize(
    "faults",
    [
        "flip=0.1",
        "lose=0.1",
        "double=0.2",
        "insert=0.1",
        "delay=0.02",
        "split=0.2",
        "flip=0.02&lose=0.02&double=0.02&insert=0.02&delay=0.01&split=0.02",
    ],
)
def test_a_bad_line_costs_time_and_no_answer(faults: str) -> None:
    """200 inferences: every answer exact, and none counted twice, however often it was repeated."""
    url = f"fault://sim://native?{faults}&seed=11"
    inputs, numbers = tensors(200), []
    with connect(url, TINY_SHA256) as session:
        for number, answer in enumerate(session.answers(inputs)):
            assert answer.scores.tolist() == expected(inputs[number])
            numbers.append(number)
        assert numbers == list(range(200))
        assert session.hello().inferences in range(200, 201 + session.retries)
        assert session.restarts == 0
        assert (session.retries > 10) == (faults not in ("delay=0.02", "split=0.2"))


@pytest.mark.usefixtures("native")
def test_a_second_session_gets_no_answer_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both number from 1, as seldom happens: hello must make the board forget."""
    monkeypatch.setattr("glyphite.host.device.session.first_id", lambda: 0)
    with serial.serial_for_url("sim://native") as port:
        first, second = tensors(2)
        assert Session(port).ask(first).scores.tolist() == expected(first)
        assert Session(port).ask(second).scores.tolist() == expected(second)


@pytest.mark.usefixtures("native")
def test_stale_bytes_before_hello_are_skipped() -> None:
    with serial.serial_for_url("sim://native") as port:
        port.write(b"\x05garbage without an end" + encode_frame(bytes([Message.HELLO]))[:9])
        assert Session(port).hello().model_name == "tiny"


@pytest.mark.usefixtures("native")
def test_a_tensor_of_another_size_or_type_is_refused_before_it_is_sent() -> None:
    with connect("sim://native") as session:
        with pytest.raises(InputError, match=r"takes int8 of shape \(1, 300\), and this is int8"):
            session.ask(np.zeros((28, 28), np.int8))
        with pytest.raises(InputError, match=r"and this is float64 of shape \(300,\)"):
            session.ask(np.zeros(300))
        with pytest.raises(InputError, match=r"int8 of shape \(\) for each of 300 samples"):
            session.infer(np.zeros(300, np.int8))
        with pytest.raises(InputError, match="this is one int8, and no samples"):
            session.infer(np.array(1, np.int8))
        with pytest.raises(InputError, match="this is nothing"):
            session.run()


@pytest.mark.usefixtures("native")
def test_another_model_is_refused_with_both_hashes() -> None:
    with pytest.raises(LinkError) as caught, connect("sim://native", "ab" * 32):
        pass
    assert str(caught.value) == (
        f"The board on sim://native holds another model: 'tiny' with SHA-256 {TINY_SHA256}, and "
        f"yours is {'ab' * 32}. Put yours on it: `glyphite build MODEL --board native`."
    )
    assert caught.value.exit_code == 1


def test_another_model_behind_a_pseudo_terminal_is_for_emulate_to_change(tmp_path: Path) -> None:
    """What `glyphite build` writes, nobody would start there."""
    link = tmp_path / "board"
    with terminal() as path:
        link.symlink_to(path)
        for port, more in ((path, ""), (str(link), f" --link {link}")):
            with pytest.raises(LinkError) as caught:
                check_board(port, Hello(PROTOCOL, board="native"), "cd" * 32, None, "net")
            assert str(caught.value).endswith(
                " Stop the `glyphite emulate` at that port, and start it anew with yours: "
                f"`glyphite emulate net --board native{more}`."
            )


def test_firmware_of_another_protocol_version_is_refused(
    tiny: ModelFolder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    require_tool: Callable[..., None],
) -> None:
    """The library, compiled for real with protocol 3 in its wire header."""
    require_tool("cc")
    library = tmp_path / "src"
    shutil.copytree(FIRMWARE / "library" / "Glyphite" / "src", library)
    header = library / "glyphite_wire.h"
    header.write_text(header.read_text().replace("GLYPHITE_PROTOCOL 2", "GLYPHITE_PROTOCOL 3"))
    monkeypatch.setattr("glyphite.host.device.build.LIBRARY", library)
    build(tiny, load_board("native"))
    with pytest.raises(LinkError) as caught, connect("sim://native"):
        pass
    assert str(caught.value) == (
        f"The board on sim://native runs Glyphite {__version__} with protocol 3, and this is "
        f"Glyphite {__version__} with protocol 2. Flash firmware of this version: `glyphite build "
        "MODEL --board native`."
    )


def test_a_silent_board_is_named_as_such() -> None:
    with terminal() as path, pytest.raises(LinkError) as caught, connect(path, timeout=0.5):
        pass
    assert str(caught.value) == (
        f"The board on {path} is silent: no answer to hello in 0.5 s. Check that this is the right "
        "port and 115200 its baud rate, and flash firmware made with `glyphite build`."
    )


def test_a_bootloader_that_hellos_hold_gets_ever_longer_silences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An Arduino Mega's waits anew with each byte; here for longer than any first pause."""
    for name, seconds in (("BOOT_SECONDS", 0.1), ("HELLO_AGAIN", 0.05), ("QUIET_SECONDS", 0.15)):
        monkeypatch.setattr(f"glyphite.host.device.greeting.{name}", seconds)
    sketch, heard, silences = Echo(), [time.monotonic()], [0.0]

    def bootloader(message: bytes) -> bytes:
        heard.append(time.monotonic())
        silences.append(heard[-1] - heard[-2])
        return sketch(message) if max(silences) > 0.3 else b""

    with terminal(bootloader) as path, connect(path, timeout=5) as session:
        assert session.board.inputs[0].shape == (1, 4)
    assert len(sketch.heard) == 1


def test_the_first_hellos_come_as_soon_as_a_board_may_be_up() -> None:
    seconds = list(itertools.islice(pauses(awake=False), 4))
    assert seconds[:2] == [2.0, 0.3]
    assert 2.0 < seconds[2] < seconds[3]
    assert sum(seconds) < 10


def test_a_board_with_other_firmware_is_named_as_such() -> None:
    with (
        terminal(lambda _: b"Hello from another sketch\r\n") as path,
        pytest.raises(LinkError, match="sends bytes, and they are not Glyphite's frames") as caught,
        connect(path, timeout=0.5),
    ):
        pass
    assert path in str(caught.value)


SHAPE = b"".join(
    bytes([item, 8]) + struct.pack("<2I", 1, 4) for item in (Item.INPUT_SHAPE, Item.OUTPUT_SHAPE)
)


def scripted(refusal: bytes, told: bytes = SHAPE) -> Callable[[bytes], bytes]:
    """A device that says a proper hello and answers each inference with ``refusal``."""

    def answer(message: bytes) -> bytes:
        if message[0] == Message.HELLO:
            return encode_frame(bytes([Message.HELLO_ANSWER, PROTOCOL]) + told)
        return encode_frame(bytes([Message.INFER_ANSWER]) + message[1:3] + refusal)

    return answer


class Echo:
    """A device whose scores are its input; with ``late``, the reply before goes ahead again."""

    def __init__(self, *, late: bool = False) -> None:
        self.heard: list[int] = []
        """The first byte of each message."""
        self.shape = SHAPE
        self._late = late
        self._before = b""

    def __call__(self, message: bytes) -> bytes:
        self.heard.append(message[0])
        if message[0] == Message.HELLO:
            return encode_frame(bytes([Message.HELLO_ANSWER, PROTOCOL]) + self.shape)
        number, tensor = message[1:3], message[4:]  # behind id and encoding
        crc = crc32(tensor).to_bytes(4, "little")
        reply = encode_frame(
            bytes([Message.INFER_ANSWER]) + number + bytes([0]) + crc + bytes(4) + tensor
        )
        before, self._before = self._before, reply
        return before + reply if self._late else reply


def test_a_late_reply_to_another_request_is_not_taken_for_this_one_s() -> None:
    """It tells of another tensor: taken for this one's, it would end the session."""
    device = Echo(late=True)
    with terminal(device) as path, connect(path) as session:
        for value in (1, 2, 3):
            tensor = np.full(4, value, np.int8)
            assert session.ask(tensor).scores.tolist() == tensor.tolist()
        assert session.retries == 0


def test_a_reply_of_another_id_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device that counts otherwise: every tensor is the right one, and every id is wrong."""
    monkeypatch.setattr("glyphite.host.device.session.GIVE_UP", 1.0)
    tensor = np.zeros(4, np.int8)
    reply = bytes([0]) + crc32(tensor.tobytes()).to_bytes(4, "little") + bytes(4 + 4)
    device = scripted(reply)

    def other(message: bytes) -> bytes:
        return device(message[:1] + b"\x77\x77" + message[3:])

    with (
        terminal(other) as path,
        connect(path, timeout=0.5) as session,
        pytest.raises(LinkError, match=r"said hello, and no inference was answered in 1 s\."),
    ):
        session.ask(tensor)


def test_hello_is_said_once_a_session() -> None:
    """Whoever has opened it knows the board already, and so does each inference."""
    device = Echo()
    with terminal(device) as path, connect(path) as session:
        assert session.board.inputs[0].shape == (1, 4)
        session.ask(np.zeros(4, np.int8))
        assert session.board is session.board
    assert device.heard == [Message.HELLO, Message.INFER]


def test_streaming_says_hello_once() -> None:
    device, tensors = Echo(), np.arange(12, dtype=np.int8).reshape(3, 4)
    with terminal(device) as path:
        streamed = stream(Link(path, sha256=""), tensors, lambda *_: None)
    assert streamed.scores.tolist() == tensors.tolist()
    assert device.heard == [Message.HELLO, *3 * [Message.INFER]]


def test_a_board_that_went_silent_is_asked_who_it_is_before_it_is_believed() -> None:
    """Another board may have been connected meanwhile, which answers as well."""
    device = Echo()
    silent = [True]

    def lose(message: bytes) -> bytes:
        if message[0] == Message.INFER and message[1] == 2 and silent:
            silent.pop()
            return b""
        return device(message)

    with terminal(lose) as path, connect(path) as session:
        session._request = 0
        tensor = np.zeros(4, np.int8)
        session.ask(tensor)
        session.ask(tensor)
        assert session.retries == 1
        assert device.heard == [1, 2, 1, 2]
        device.shape = SHAPE + bytes([Item.BOARD, 3]) + b"uno"
        silent.append(True)
        session._request = 1
        with pytest.raises(LinkError, match="is another one than before: it was '' with '',"):
            session.ask(tensor)


def test_a_float_that_is_no_number_is_no_score() -> None:
    """Of a model whose output is float32: hello then tells a scale of 0."""
    floats = SHAPE + bytes([Item.OUTPUT_SCALE, 4]) + bytes(4)
    tensor = np.zeros(4, np.int8)
    head = bytes([0]) + crc32(tensor.tobytes()).to_bytes(4, "little") + bytes(4)
    for last, right in ((0.5, True), (np.nan, False), (-np.inf, False)):
        device = scripted(head + struct.pack("<4f", 1, 2, 3, last), floats)
        with terminal(device) as path, connect(path) as session:
            if right:
                assert session.ask(tensor).scores.tolist() == [1, 2, 3, 0.5]
                continue
            with pytest.raises(LinkError, match=f"a score that is not a number .{last}"):
                session.ask(tensor)


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (Status.WRONG_SIZE, r"size is not its model's\. Flash the right model \(status -2\)"),
        (Status.UNKNOWN_ENCODING, r"cannot decode this encoding .* Flash current firmware"),
        (Status.NOT_READY, r"arena is too small\. Build the firmware again with a larger arena"),
        (Status.FAILED, r"got no output\. Build the firmware again"),
        (-77, r"refused with an unknown status \(status -77\)"),
    ],
)
def test_a_refusal_becomes_a_sentence(status: int, text: str) -> None:
    device = scripted(status.to_bytes(1, "little", signed=True))
    with (
        terminal(device) as path,
        connect(path) as session,
        pytest.raises(LinkError, match=text),
    ):
        session.ask(np.zeros(4, np.int8))


def test_a_board_that_knows_why_it_is_not_ready_says_so() -> None:
    said = b"schema is not version 3".ljust(32, b"\0")
    device = scripted(bytes([256 + Status.NOT_READY]), SHAPE + bytes([Item.REMARK, 32]) + said)
    text = r"could not set its model up \(schema is not version 3\)\. What it prints when it starts"
    with (
        terminal(device) as path,
        connect(path) as session,
        pytest.raises(LinkError, match=text),
    ):
        session.ask(np.zeros(4, np.int8))


def test_a_board_that_saw_another_tensor_is_found_out() -> None:
    reply = bytes([0]) + (0x1234).to_bytes(4, "little") + bytes(4) + bytes(4)
    with (
        terminal(scripted(reply)) as path,
        connect(path) as session,
        pytest.raises(
            LinkError, match=r"saw another input than was sent \(CRC 00001234, not 2144df1c\)"
        ),
    ):
        session.ask(np.zeros(4, np.int8))


def test_ids_go_on_from_0_behind_the_largest_that_the_wire_has() -> None:
    reply = bytes([0]) + (0x2144DF1C).to_bytes(4, "little") + bytes(4) + b"\x07\x00\x00\x07"
    with terminal(scripted(reply)) as path, connect(path) as session:
        session._request = 0xFFFE
        for expected in (0xFFFF, 0, 1):
            assert session.ask(np.zeros(4, np.int8)).scores.tolist() == [7, 0, 0, 7]
            assert session._request == expected


def test_a_line_that_never_gets_better_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glyphite.host.device.session.GIVE_UP", 0.5)
    corrupt = bytes([256 + Status.CORRUPT])
    with (
        terminal(scripted(corrupt)) as path,
        connect(path, timeout=0.5) as session,
        pytest.raises(LinkError, match=r"no inference was answered in 0\.5 s\."),
    ):
        session.ask(np.zeros(4, np.int8))


@pytest.mark.usefixtures("native")
def test_a_board_that_goes_away_is_told_at_once() -> None:
    with connect("sim://native") as session:
        emulated = session._wire._port._emulated  # type: ignore[attr-defined]
        os.killpg(emulated.process.pid, 9)
        emulated.process.wait()
        with pytest.raises(LinkError, match=r"The line to sim://native broke .*Connect it"):
            session.ask(tensors(1)[0])


def test_unknown_items_of_hello_are_skipped_and_missing_ones_have_defaults() -> None:
    message = (
        bytes([Message.HELLO_ANSWER, PROTOCOL, 250, 3, 1, 2, 3, 3, 2]) + b"ab" + bytes([251, 0])
    )
    assert parse_hello(message) == Hello(protocol=PROTOCOL, model_name="ab")


@pytest.mark.parametrize(
    "message", [b"", b"\x81", b"\x82\x01\x00", b"\x82\x01\x00\x00\x01", b"\x01\x01"]
)
def test_what_is_cut_short_is_no_answer(message: bytes) -> None:
    assert parse_hello(message) is None
    assert parse_infer_answer(message) is None


def test_the_right_board_passes() -> None:
    check_board("here", Hello(protocol=PROTOCOL, model_sha256="cd" * 32), "cd" * 32)
    check_board("here", Hello(protocol=PROTOCOL, model_sha256="cd" * 32), None)


@pytest.mark.usefixtures("native")
def test_no_samples_have_no_scores_and_a_session_ends_with_its_block() -> None:
    with connect("sim://native") as session:
        assert session.infer(tensors(0)).shape == (0, 10)
        with pytest.raises(InputError, match="Samples are numpy arrays, and this is list"):
            session.infer([1, 2])  # type: ignore[arg-type]
    with pytest.raises(LinkError, match=r"The session with the board on sim://native is over\."):
        session.infer(tensors(1))


@pytest.mark.usefixtures("native")
def test_open_port_gives_a_pyserial_port() -> None:
    with pytest.raises(PortError, match="5 is no name of a port"):
        open_port(5, 115200)  # type: ignore[arg-type]
    with open_port("sim://native", 115200) as port:
        assert isinstance(port, serial.SerialBase)
        assert Session(port).hello().board == "native"


def test_a_board_that_has_no_processor_is_given_time(tmp_path: Path) -> None:
    """Two emulators that compute for ever share one processor, so each has half of the time."""
    if not hasattr(os, "sched_setaffinity"):
        absent("Linux alone tells who waits.")
    image = tmp_path / "firmware.elf"
    image.write_text("#!/bin/sh\nwhile :; do :; done\n")
    image.chmod(0o755)
    board, processors = load_board("native"), os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(processors)})
    try:
        one, other = EmulatedBoard(board, image), EmulatedBoard(board, image)
    finally:
        os.sched_setaffinity(0, processors)
    with other, Serial() as port:
        port.open_on(one)
        start = time.monotonic()
        with pytest.raises(LinkError, match=r"no answer to hello in 0\.5 s"):
            Session(port, 0.5).hello()
        assert time.monotonic() - start > 0.7


def test_a_model_of_several_inputs_and_outputs_is_asked_with_all_of_them() -> None:
    """A board of one's own tells each tensor; its payload and its answer have them in order."""
    ints, floats = np.arange(3, dtype=np.int8), np.arange(2, dtype=np.float32)
    threes, twos = struct.pack("<2I", 1, 3), struct.pack("<2I", 1, 2)
    items = (
        *((Item.INPUT_SHAPE, threes), (Item.INPUT_SHAPE, twos)),
        *((Item.OUTPUT_SHAPE, twos), (Item.OUTPUT_SHAPE, threes)),
        *((Item.INPUT_SCALE, struct.pack("<f", 0.5)), (Item.INPUT_SCALE, bytes(4))),
        *((Item.OUTPUT_SCALE, bytes(4)), (Item.OUTPUT_SCALE, struct.pack("<f", 0.25))),
    )
    told = bytes([Message.HELLO_ANSWER, PROTOCOL])
    told += b"".join(bytes([kind, len(value)]) + value for kind, value in items)

    def answering(message: bytes) -> bytes:
        if message[0] == Message.HELLO:
            return encode_frame(told)
        taken = message[4:]
        assert taken == ints.tobytes() + floats.tobytes()
        return encode_frame(answer(message, taken[3:] + taken[:3]))

    with terminal(answering) as path, connect(path) as session:
        outputs = session.ask(ints[np.newaxis], floats[np.newaxis]).outputs
        assert [output.tolist() for output in outputs] == [floats.tolist(), ints.tolist()]
        with pytest.raises(InputError, match=r"takes int8 of shape \(1, 3\) and float32 of shape"):
            session.ask(ints[np.newaxis])
        with pytest.raises(InputError, match=r"are of 2 and 1 samples, .* Give as many of each\."):
            session.run(np.array([ints, ints]), floats[np.newaxis])
