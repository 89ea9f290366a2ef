"""Ports and emulated boards: real pyserial, real processes; none is left behind."""

import os
import pty
import select
import signal
import subprocess
import sys
import textwrap
import time
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
import serial
from serial.tools.list_ports_common import ListPortInfo

from glyphite.convert.boards import Board, load_board
from glyphite.convert.errors import BoardError, InputError, LinkError, PortError, ToolError
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.build import build
from glyphite.host.device.session import connect
from glyphite.host.device.transport import open_port, ports
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.device.transport.firmware_files import (
    find_firmware,
    forget_firmware,
    lacks_firmware,
    record_firmware,
)
from glyphite.host.device.transport.line import Line
from glyphite.host.device.wire.frame import FrameReader, encode_frame
from glyphite.host.device.wire.messages import hello_request, parse_hello
from tests.paths import PROJECT
from tools.kills.limits import unwritable

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def terminal() -> Iterator[str]:
    """A pseudo-terminal's path, with nothing behind it."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    path = os.ttyname(slave)
    os.close(slave)
    yield path
    os.close(master)


def processes_of(image: Path) -> list[int]:
    """The processes, zombies among them, that have the image on their command line."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                if os.fsencode(image) in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue
    return found


def wait_until_gone(image: Path) -> None:
    """The kernel may list a process that was killed for some milliseconds more."""
    deadline = time.monotonic() + 10
    while processes_of(image):
        assert time.monotonic() < deadline, "the emulator outlived its program"
        time.sleep(0.02)


def wait_until_there(image: Path) -> None:
    """A process that has just been started may have no command line yet."""
    deadline = time.monotonic() + 10
    while not processes_of(image):
        assert time.monotonic() < deadline, "the emulator was not started"
        time.sleep(0.02)


@pytest.fixture(autouse=True)
def before() -> set[int]:
    """The children that other tests have left to this process."""
    return children()


def children() -> set[int]:
    """The children of this process, zombies among them: all that it has not waited for."""
    lists = Path("/proc/self/task").glob("*/children")
    return {int(child) for file in lists for child in file.read_text().split()}


def test_a_sim_url_is_a_pyserial_port_to_any_program(native: Path) -> None:
    """Only pyserial's own interface is used, line settings included."""
    with serial.serial_for_url("sim://native", baudrate=9600, timeout=5) as port:
        port.dtr = False
        port.rts = True
        port.baudrate = 115200
        port.write(encode_frame(hello_request()))
        reply = port.read(4)
        assert len(reply) == 4
        while not reply.endswith(b"\0"):
            reply += port.read(1)
        (message,) = FrameReader().feed(reply)
        hello = parse_hello(message)
        assert hello is not None
        assert hello.model_name == "tiny"
        port.timeout = 0.05
        assert port.read(10) == b""
        assert port.port == "sim://native"


def test_closing_the_port_ends_the_board_and_leaves_no_zombie(
    native: Path, before: set[int]
) -> None:
    port = serial.serial_for_url("sim://native")
    wait_until_there(native)
    port.close()
    wait_until_gone(native)
    assert children() <= before
    port.close()


def test_a_port_can_be_opened_again(native: Path) -> None:
    port = serial.serial_for_url("sim://native", timeout=5)
    for _ in range(2):
        port.write(encode_frame(hello_request()))
        assert port.read(1) == b"\0"
        port.close()
        port.open()
    with pytest.raises(serial.SerialException, match="already open"):
        port.open()
    port.close()
    wait_until_gone(native)


def test_an_exception_inside_a_session_leaves_nothing_running(
    native: Path, before: set[int]
) -> None:
    with pytest.raises(ZeroDivisionError), connect("sim://native") as session:
        session.ask(np.zeros(300, np.int8))
        raise ZeroDivisionError
    wait_until_gone(native)
    assert children() <= before


@pytest.mark.parametrize(
    ("baud", "said"),
    [
        (-3, "A baud rate of -3 cannot be"),
        (0, "A baud rate of 0 cannot be"),
    ],
)
def test_a_baud_rate_that_cannot_be_is_a_sentence_and_leaves_nothing_running(
    native: Path, baud: int, said: str, before: set[int]
) -> None:
    with pytest.raises(PortError, match=said):
        open_port("sim://native", baud)
    wait_until_gone(native)
    assert children() <= before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_emulator_outlives_the_program_that_started_it(native: Path, number: int) -> None:
    program = textwrap.dedent(
        """
        import time
        from glyphite.host.device.session import connect
        with connect("sim://native") as session:
            print(session.hello().model_name, flush=True)
            time.sleep(60)
        """
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=PROJECT,
        env={**os.environ, "GLYPHITE_BUILD": str(native.parents[2])},
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"tiny\n"
        wait_until_there(native)
        other.send_signal(number)
    wait_until_gone(native)


def test_two_boards_run_at_once(native: Path) -> None:
    with connect("sim://native") as first, connect("sim://native") as second:
        first.ask(np.zeros(300, np.int8))
        assert first.hello().inferences == 1
        assert second.hello().inferences == 0


def test_a_cortex_m4_is_a_port_too(tiny: ModelFolder, require_tool: Callable[..., None]) -> None:
    """Every byte value passes QEMU's UART, and leaves no process behind."""
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    image = build(tiny, load_board("cortex-m4")).image
    tensor = np.arange(300).astype(np.uint8).view(np.int8)
    with connect("sim://cortex-m4") as session:
        assert session.hello().board == "cortex-m4"
        answer = session.ask(tensor)
        assert answer.scores.tolist() == [c + 2 * (c + 1) + c for c in range(10)]
        assert answer.seconds == answer.ticks / 25_000_000 > 0
    assert not processes_of(image)


def test_a_bad_line_to_a_cortex_m4_gives_exact_answers(
    tiny: ModelFolder, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    build(tiny, load_board("cortex-m4"))
    tensor = np.arange(300).astype(np.uint8).view(np.int8)
    with connect("fault://sim://cortex-m4?lose=0.04&flip=0.04&seed=3") as session:
        for _ in range(40):
            answer = session.ask(tensor)
            assert answer.scores.tolist() == [c + 2 * (c + 1) + c for c in range(10)]
        assert session.hello().inferences in range(40, 41 + session.retries)
        assert session.retries > 0


def test_an_image_can_be_named(native: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.elf"
    copy.write_bytes(native.read_bytes())
    copy.chmod(0o755)
    native.unlink()
    with connect(f"sim://native?firmware={copy}") as session:
        assert session.hello().model_name == "tiny"
    with pytest.raises(LinkError) as caught:
        open_port("sim://native", 115200)
    assert str(caught.value) == (
        "No firmware was built for the board 'native' yet. "
        "Build it with `glyphite build uno --board native`."
    )


@pytest.mark.parametrize(
    ("url", "kind", "text"),
    [
        ("sim://nowhere", BoardError, "No board called 'nowhere'. There are: "),
        ("sim://", BoardError, "No board called ''."),
        ("sim://native?firmware=/no/such", InputError, "No such firmware image: /no/such. Check"),
        (
            "sim://native?drop=0.1",
            InputError,
            "Unknown setting 'drop'. An emulated board has firmware; a bad line, as in "
            "fault://sim://native?flip=0.01, has flip, lose, ",
        ),
        ("fault://sim://native?drop=0.1", InputError, "Unknown setting 'drop'. An emulated board"),
        ("fault:///dev/ttyNONE7?drop=0.1", InputError, "Unknown setting 'drop'. An emulated"),
        ("fault://", InputError, "fault:// names no port. Write, say, fault://sim://native?flip="),
        ("fault://sim://nowhere?flip=1", BoardError, "No board called 'nowhere'. There are: "),
        ("fault:///dev/ttyNONE7?flip=1", PortError, "There is no port /dev/ttyNONE7. Ports found:"),
        ("fault://sim://native?flip=often", InputError, "flip=often is not a number. Write, say,"),
        ("fault://sim://native?flip=2", InputError, "flip=2 is not a rate. Rates are 0 to 1."),
        ("fault://sim://native?flip=nan", InputError, "flip=nan is not a rate. Rates are 0 to 1."),
        ("fault://sim://native?seed=1.5", InputError, "seed=1.5 is not a number."),
        ("fault://sim://native?baud=-1", InputError, "baud=-1 is below 0. Write, say, baud=7."),
    ],
)
def test_a_sim_url_with_a_mistake_is_a_sentence(url: str, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as caught:
        open_port(url, 115200)
    assert str(caught.value).startswith(text)


def test_an_absent_emulator_names_its_package_and_the_way_round(
    tiny: ModelFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError) as caught:
        EmulatedBoard(load_board("cortex-m4"), tmp_path / "firmware.elf")
    assert str(caught.value) == (
        "qemu-system-arm, which emulates the board 'cortex-m4', is not installed. Install it with "
        "`sudo apt-get install qemu-system-arm`, or use sim://native."
    )


def test_a_port_that_does_not_exist_lists_those_that_do() -> None:
    with pytest.raises(PortError) as caught:
        open_port("/dev/ttyNONE7", 115200)
    assert caught.value.exit_code == 2
    assert str(caught.value).startswith("There is no port /dev/ttyNONE7. Ports found: ")
    assert str(caught.value).endswith(
        "Connect the board and name its port, or use an emulated one such as sim://native."
    )


@pytest.mark.parametrize("url", ["hwgrep://(", "socket://host", "spy://", "alt://x?class=y"])
def test_a_url_that_pyserial_cannot_take_is_a_sentence(url: str) -> None:
    with pytest.raises(PortError, match="Connect the board and name its port"):
        open_port(url, 9600)


@pytest.mark.parametrize("url", ["", "sim://un\no", "sim://native\x1b"])
def test_a_name_that_no_port_has_is_a_sentence(url: str) -> None:
    with pytest.raises(PortError, match=r"^'.*' is no name of a port\. Ports found: ") as caught:
        open_port(url, 9600)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("url", ["hwgrep://(", "socket://", "socket://localhost:99999999"])
def test_a_url_that_is_none_is_called_so(url: str) -> None:
    with pytest.raises(PortError, match="is no URL that pyserial understands"):
        open_port(url, 9600)


def test_a_file_is_no_port(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("not a terminal")
    with pytest.raises(LinkError, match=f"The port {path} cannot be opened as a serial line"):
        open_port(str(path), 115200)


def test_what_any_program_has_open_is_no_port_in_use() -> None:
    with (
        Path(os.devnull).open("wb"),
        pytest.raises(LinkError, match="cannot be opened as"),
    ):
        open_port(os.devnull, 115200)


def test_what_other_devices_and_programs_are_called_moves_no_cursor(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A USB device writes its own description, and a program its own name."""
    hostile = ListPortInfo("/dev/ttyEVIL0")
    hostile.description = "\x1b[2J\nall is well"
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [hostile])
    with pytest.raises(PortError) as caught:
        open_port("/dev/ttyNONE7", 115200)
    assert r"Ports found: /dev/ttyEVIL0 (\x1b[2J\nall is well)." in str(caught.value)
    (tmp_path / "comm").write_bytes(b"\x1b[2J\xff\n")
    assert ports._program(tmp_path) == r"\x1b[2J\xff"


@pytest.mark.parametrize("exclusive", [True, None])
def test_a_port_held_by_another_program_is_told_with_its_name(
    terminal: str, exclusive: bool | None
) -> None:
    """Also where that program asked for no lock: two readers would share the bytes."""
    program = (
        "import serial, sys, time\n"
        f"port = serial.Serial(sys.argv[1], exclusive={exclusive})\n"
        "print('open', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, terminal], stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(PortError) as caught:
            open_port(terminal, 115200)
        other.kill()
    assert caught.value.exit_code == 2
    name = Path(sys.executable).resolve().name[:15]
    assert str(caught.value) in {
        f"The port {terminal} is in use by {comm} (process {other.pid}). "
        "Close it there, then try again."
        for comm in ("python", "python3", name)
    }
    with open_port(terminal, 115200) as port:
        assert port.is_open


def test_a_lock_is_noticed_where_the_system_does_not_list_open_files(
    terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "find_holder", lambda device: None)
    with serial.Serial(terminal, exclusive=True), pytest.raises(LinkError) as caught:
        open_port(terminal, 115200)
    assert str(caught.value) == (
        f"The port {terminal} is in use by another program. Close it there, then try again."
    )


def test_a_port_without_permission_names_the_group(
    terminal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root everything is permitted, so the refusal is the operating system's error itself."""
    group = Path(terminal).group()
    denied = serial.SerialException(13, f"could not open port {terminal}: Permission denied")
    assert ports._cannot_open(terminal, denied) == (
        f"You have no permission to use the port {terminal}. Join the group {group!r} "
        f"(`sudo usermod -aG {group} $USER`) and log in again."
    )


def test_a_port_without_permission_is_refused(terminal: str) -> None:
    if os.geteuid() != 0:
        Path(terminal).chmod(0)
        with pytest.raises(LinkError, match="You have no permission to use the port"):
            open_port(terminal, 115200)


@pytest.mark.parametrize(
    "ending",
    [
        ("exit 7", "has stopped (exit code 7). Build the firmware again."),
        ("kill -SEGV $$", "was ended by SIGSEGV. Build the firmware again."),
        (
            "kill -9 $$",
            "was ended by SIGKILL. Somebody ended it, or the system for want of memory. Start it "
            "again.",
        ),
        (
            r"printf 'hello\nerror: \033[31mred\n' >&2; seq 100000 >&2; exit 7",
            r"has stopped (exit code 7): error: \x1b[31mred. Build the firmware again.",
        ),
    ],
)
@pytest.mark.parametrize("terminal", [False, True])
def test_an_emulator_that_ends_by_itself_is_said_so(
    ending: tuple[str, str], terminal: bool, tmp_path: Path, before: set[int], capfd: Capture
) -> None:
    """Its firmware may write what it likes: that is made printable, and holds nothing up."""
    script, said = ending
    image = tmp_path / "firmware.elf"
    image.write_text(f"#!/bin/sh\n{script}\n")
    image.chmod(0o755)
    with (
        EmulatedBoard(load_board("native"), image, terminal=terminal) as emulated,
        pytest.raises(ToolError) as caught,
    ):
        emulated.wait()
    assert str(caught.value) == (f"The board's run is over: the emulator {said}")
    assert capfd.readouterr().err == ""
    assert not emulated.running
    assert children() <= before


def test_only_the_image_that_is_forgotten_runs_no_more(tmp_path: Path) -> None:
    """The record may be of another model's image by then."""
    board, first, last = load_board("native"), tmp_path / "first.elf", tmp_path / "last.elf"
    for image in (first, last):
        image.touch()
        record_firmware(board, image)
    forget_firmware(board, first)
    assert find_firmware("native").path == last.resolve()
    forget_firmware(board, last)
    with pytest.raises(PortError, match="No firmware was built for the board 'native' yet"):
        find_firmware("native")


def test_a_record_that_cannot_be_removed_is_told_with_a_way_out(
    tmp_path: Path, build_folder: Path
) -> None:
    board = load_board("native")
    record_firmware(board, tmp_path / "firmware.elf")
    with (
        unwritable(build_folder / ".boards"),
        pytest.raises(
            InputError, match=r"native\.json cannot be written: Permission denied\. Free"
        ),
    ):
        forget_firmware(board, tmp_path / "firmware.elf")


DAMAGED = {
    "cut": '{"board": "/x/native.toml", "im',
    "empty": "",
    "list": "[]",
    "missing": '{"board": "x"}',
    "unknown": '{"board": "x", "image": "y", "model": "z"}',
    "number": '{"board": "x", "image": 1}',
    "deep": "[" * 100_000,
}


def own_native(path: Path) -> Board:
    """A board file of the user's own, which calls itself "mine"."""
    text = load_board("native").path.read_text()
    path.write_text(text.replace('name = "native"', 'name = "mine"'))
    return load_board(str(path))


def test_the_firmware_of_another_board_of_the_same_name_is_not_run(tmp_path: Path) -> None:
    """A board file of the user's own does not run what another one of that name was built for."""
    files = [tmp_path / "a.toml", tmp_path / os.fsdecode(b"\xe9.toml")]
    image = tmp_path / "firmware.elf"
    image.write_bytes(bytes(40))
    for path in files:
        own_native(path)
    record_firmware(load_board(str(files[0])), image)
    with pytest.raises(PortError, match="No firmware was built for the board"):
        find_firmware(str(files[1]))
    record_firmware(load_board(str(files[1])), image)
    for path in files:
        assert find_firmware(str(path)).board.path == path
        url = f"sim://{quote(os.fsencode(path))}"
        assert lacks_firmware(url, "00" * 32) is None
        other = lacks_firmware(url, "01" * 32)
        assert other is not None
        assert other.holds_other


def test_a_damaged_record_of_a_board_of_ones_own_names_its_file(
    tmp_path: Path, build_folder: Path
) -> None:
    board = own_native(tmp_path / "mine.toml")
    record_firmware(board, board.path)
    (record,) = (build_folder / ".boards").glob("mine-*.json")
    record.write_text("")
    with pytest.raises(InputError, match=rf"`glyphite build uno --board {board.path}`\.$"):
        find_firmware(str(board.path))


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_record_is_named_and_a_build_makes_it_anew(
    tmp_path: Path, build_folder: Path, name: str
) -> None:
    board, image = load_board("native"), tmp_path / "firmware.elf"
    image.touch()
    record = build_folder / ".boards" / "native.json"
    record.parent.mkdir(parents=True)
    record.write_text(DAMAGED[name])
    with pytest.raises(InputError) as caught:
        find_firmware("native")
    assert str(caught.value).startswith(f"{record}: ")
    assert str(caught.value).endswith("with `glyphite build uno --board native`.")
    forget_firmware(board, image)  # as a build begins
    record_firmware(board, image)
    assert find_firmware("native").path == image.resolve()


# --- the line of a board on pipes ------------------------------------------------------------


@pytest.fixture
def line() -> Iterator[tuple[Line, int, int]]:
    """A line, and the files by which a board would hear and speak."""
    taking, giving = os.pipe()
    hearing, saying = os.pipe()
    opened = Line(hearing, giving)
    yield opened, taking, saying
    for descriptor in (saying, taking):
        os.close(descriptor)
    opened.close()


def test_a_line_reads_what_is_asked_for_and_waits_no_longer(line: tuple[Line, int, int]) -> None:
    opened, taking, saying = line
    os.write(saying, b"abc")
    assert opened.read(2, 5.0) == b"ab"
    assert opened.in_waiting == 1
    start = time.monotonic()
    assert opened.read(9, 0.05) == b"c"
    assert 0.05 <= time.monotonic() - start < 4.0
    assert opened.read(1, 0.0) == b""
    os.write(saying, b"old")
    while opened.in_waiting < 3:
        time.sleep(0.001)
    opened.drop()
    assert opened.read(1, 0.0) == b""
    assert opened.write(bytes(range(256)), 1.0)
    assert os.read(taking, 1000) == bytes(range(256))


def test_a_write_of_no_bytes_does_not_end_the_line(line: tuple[Line, int, int]) -> None:
    opened, taking, _ = line
    assert opened.write(b"", 1.0)
    assert opened.write(b"more", 1.0)
    assert select.select([taking], [], [], 5.0)[0]
    assert os.read(taking, 10) == b"more"


def test_a_board_that_takes_nothing_holds_nobody_up(line: tuple[Line, int, int]) -> None:
    assert not all(line[0].write(bytes(1 << 14), 0.05) for _ in range(1000))


def test_a_board_that_has_ended_gives_the_rest_and_then_nothing() -> None:
    taking, giving = os.pipe()
    hearing, saying = os.pipe()
    opened = Line(hearing, giving)
    os.write(saying, b"the rest")
    os.close(saying)
    os.close(taking)
    assert opened.read(100, None) == b"the rest"
    assert opened.read(1, None) == b""
    for _ in range(3):  # into a pipe that nobody reads
        opened.write(b"lost", 0.1)
    opened.close()
