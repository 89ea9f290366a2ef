"""``glyphite emulate``: a board on a terminal that any program can open, again and again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from glyphite.convert.errors import InputError
from glyphite.convert.hold import LOCK
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device.session import connect
from glyphite.host.device.transport.emulator import link_to
from glyphite.host.device.wire.frame import encode_frame
from glyphite.host.device.wire.messages import hello_request
from tests.builders.models import ModelBuilder
from tests.paths import PROJECT

PLAIN_CLIENT = f"""
import serial, sys
port = serial.Serial(sys.argv[1], 115200, timeout=10)
port.write({encode_frame(hello_request())!r})
assert port.read(1) == b"\\0"
print(b"pool" in port.read_until(b"\\0"))
"""


@pytest.fixture
def pool(build_folder: Path, require_tool: Callable[..., None]) -> ModelFolder:
    """A .tflite with one pooling in it."""
    require_tool("cc")
    model = ModelBuilder()
    model.tensor((1, 4, 4, 1), 0.05, -128)
    model.tensor((1, 2, 2, 1), 0.05, -128)
    size = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2, "padding": 1}
    model.operator("MAX_POOL_2D", [0], [1], "Pool2DOptions", version=2, **size)
    folder = ModelFolder(build_folder / "pool", build_folder / "pool" / "model_int8.tflite")
    folder.root.mkdir(parents=True)
    folder.tflite.write_bytes(model.build([0], [1]))
    return folder


@contextmanager
def emulate(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The verb, running; it is sent SIGTERM behind the block if it still runs."""
    with subprocess.Popen(
        [sys.executable, "-m", "glyphite.host.cli", "emulate", "pool", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()
            process.wait(timeout=20)


def port_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    document = ""
    while not document.endswith("}\n"):
        line = process.stdout.readline()
        assert line, process.stderr and process.stderr.read()
        document += line
    return str(json.loads(document)["port"])


def plain_client(port: str) -> str:
    """Another program, which knows pyserial and nothing of ours."""
    return subprocess.run(
        [sys.executable, "-c", PLAIN_CLIENT, port],
        check=True,
        capture_output=True,
        text=True,
        cwd="/",
        timeout=60,
    ).stdout


def test_other_programs_come_and_go_and_the_board_stays(pool: ModelFolder, tmp_path: Path) -> None:
    """Two plain programs, then our own session, which is not put off by the board's own keeper."""
    link = tmp_path / "board"
    with emulate("--board", "native", "--link", str(link), "--json") as process:
        assert port_of(process) == str(link)
        assert plain_client(str(link)) == "True\n"
        assert plain_client(str(link)) == "True\n"
        with connect(str(link)) as session:
            assert session.hello().model_name == "pool"
        assert plain_client(os.path.realpath(link)) == "True\n"
        assert process.poll() is None


def test_pyserials_miniterm_opens_it(pool: ModelFolder, tmp_path: Path) -> None:
    link = tmp_path / "board"
    with emulate("--board", "native", "--link", str(link), "--json") as process:
        port_of(process)
        master, slave = os.openpty()
        with subprocess.Popen(
            [sys.executable, "-m", "serial.tools.miniterm", str(link), "115200"],
            stdin=slave,
            stdout=slave,
            stderr=subprocess.PIPE,
        ) as miniterm:
            assert b"Miniterm on" in (miniterm.stderr.readline() if miniterm.stderr else b"") or (
                b"Miniterm on" in (miniterm.stderr.readline() if miniterm.stderr else b"")
            )
            os.write(master, b"\x1d")  # Ctrl-] ends it
            assert miniterm.wait(timeout=20) == 0
        os.close(master)
        os.close(slave)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_cleanly(pool: ModelFolder, tmp_path: Path, number: int) -> None:
    """Exit code 0, nothing on stderr, the link gone, no process left."""
    link = tmp_path / "board"
    with emulate("--board", "native", "--link", str(link), "--json") as process:
        terminal = Path(os.path.realpath(port_of(process)))
        born = terminal.stat().st_ctime_ns
        process.send_signal(number)
        assert process.wait(timeout=20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    assert not link.is_symlink()
    with suppress(FileNotFoundError):  # or another program's, which has its number now
        assert terminal.stat().st_ctime_ns != born


def test_a_board_that_is_not_emulated_is_refused_before_anything_is_built(
    pool: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["emulate", "pool", "--board", "due"]) == 2
    assert capsys.readouterr().err == (
        "glyphite emulate: The board 'due' is not emulated. Name one that is: "
        "`glyphite boards` lists them.\n"
    )
    assert not pool.generated.exists()


def test_people_are_told_the_port(pool: ModelFolder) -> None:
    with emulate("--board", "native") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("pool runs on native. Its serial port: /dev/pts/")


def test_a_cortex_m4_on_a_terminal_answers_a_plain_program(
    pool: ModelFolder, require_tool: Callable[..., None]
) -> None:
    require_tool("arm-none-eabi-gcc", "qemu-system-arm")
    with emulate("--board", "cortex-m4", "--json") as process:
        port = port_of(process)
        assert plain_client(port) == "True\n"
        assert plain_client(port) == "True\n"


def test_a_link_that_exists_is_not_overwritten(pool: ModelFolder, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("data")
    with emulate("--board", "native", "--link", str(precious)) as process:
        assert process.wait(timeout=20) == 2
        assert process.stderr is not None
        assert process.stderr.read() == (
            f"glyphite emulate: {precious} exists already. Remove it, or name another path.\n"
        )
    assert precious.read_text() == "data"


@pytest.mark.parametrize("name", ["", ".", "a" * 250, "a" * 300])
def test_a_name_that_no_link_can_have_is_a_sentence(name: str) -> None:
    with pytest.raises(InputError, match="Name another path"), link_to("/dev/null", Path(name)):
        pytest.fail("it was made")


def test_a_link_that_leads_nowhere_is_replaced(pool: ModelFolder, tmp_path: Path) -> None:
    """It is what a board that was killed has left."""
    link = tmp_path / "board"
    link.symlink_to("/dev/pts/no-such-terminal")
    with emulate("--board", "native", "--link", str(link), "--json") as process:
        assert port_of(process) == str(link)
        assert link.exists()


def test_a_link_in_no_folder_is_a_sentence(pool: ModelFolder, tmp_path: Path) -> None:
    with emulate("--board", "native", "--link", str(tmp_path / "no" / "link")) as process:
        assert process.wait(timeout=20) == 2
        assert process.stderr is not None
        assert "cannot be made (No such file or directory). Name another path." in (
            process.stderr.read()
        )


def test_a_link_of_a_killed_board_is_replaced_though_it_leads_to_anothers_terminal(
    tmp_path: Path,
) -> None:
    """A terminal gets the number of an earlier one; the lock beside the link tells whose it is."""
    link = tmp_path / "board"
    link.symlink_to("/dev/null")
    with pytest.raises(InputError, match="board exists already"), link_to("/dev/zero", link):
        pass
    assert link.readlink() == Path("/dev/null")
    (tmp_path / f".board{LOCK}").write_text("1 (glyphite emulate)")
    with link_to("/dev/zero", link):
        assert link.readlink() == Path("/dev/zero")
        with (
            pytest.raises(InputError, match="board is in use by process"),
            link_to("/dev/null", link),
        ):
            pass
        assert link.readlink() == Path("/dev/zero")
    assert list(tmp_path.iterdir()) == []
