"""Opens a serial port, with a sentence for each way in which that can fail."""

import errno
import itertools
import os
import re
import stat
import sys
from contextlib import suppress
from pathlib import Path

import serial
from serial.tools import list_ports

from glyphite.convert.errors import GlyphiteError, PortError
from glyphite.convert.text import printable
from glyphite.host.device.transport.faults import split_url

WRITE_TIMEOUT = 10.0
"""Seconds to send a request; a board whose line takes longer is not working."""

MEMORY_DEVICES = 1
"""Linux's major number of /dev/null, /dev/zero, /dev/full, which any program may have open."""

GLYPHITE = "glyphite"
"""What the name of a running Glyphite begins with."""

WINDOWS = os.name == "nt"
"""Whose refusal of a port has no number, and means that another program has it."""

TERMINALS = re.compile(r"/dev/pts/\d+" if sys.platform == "linux" else r"/dev/ttys\d+")
"""The names of pseudo-terminals; macOS calls nothing else so."""

EMULATED = "sim://"
"""What the URL of an emulated board begins with; its name follows."""


def is_emulated(url: str) -> bool:
    """Whether an emulated board is at ``url``, also behind a bad line."""
    return split_url(url)[0].startswith(EMULATED)


def is_pseudo_terminal(url: str) -> bool:
    """Whether another program is at the other end of ``url``, as `glyphite emulate` is."""
    return bool(TERMINALS.fullmatch(os.path.realpath(split_url(url)[0])))


def is_network(url: str) -> bool:
    """Whether ``url`` is a TCP connection, whose other end may have a line or none."""
    return split_url(url)[0].lower().startswith("socket://")


def has_no_baud(url: str) -> bool:
    """Whether no baud rate limits the line: pipes to an emulated board, a pseudo-terminal, or a
    network."""
    free = is_emulated(url) or is_pseudo_terminal(url) or is_network(url)
    return free and "baud" not in split_url(url)[1]


def line_baud(url: str, baud: int) -> int | None:
    """What limits the line to ``url``, opened at ``baud`` bits a second, which a bad line to it may
    be slower than; None where nothing does."""
    if has_no_baud(url):
        return None
    port, faults = split_url(url)
    own = [] if is_emulated(port) or is_pseudo_terminal(port) or is_network(port) else [baud]
    return min([*own, *(int(float(faults[name])) for name in ("baud",) if name in faults)])


def open_port(url: str, baud: int) -> serial.SerialBase:
    """The open port at ``url``, a device or a pyserial URL, locked for other programs.

    Raises PortError where it does not exist, is in use, or may not be opened. For an emulated board
    (``sim://``), also InputError where a setting is wrong, BoardError where there is no such board,
    ToolError where its emulator is not installed.
    """
    if baud < 1:
        raise PortError(
            f"A baud rate of {baud} cannot be. Give that of the board's firmware, which is 115200 "
            "where its board file has no other."
        )
    if not isinstance(url, str) or not url or not url.isprintable():
        raise PortError(f"{printable(repr(url))} is no name of a port. {_ports_found()}")
    holder = find_holder(url)
    if holder:
        raise PortError(_busy(url, holder))
    try:
        port: serial.Serial = serial.serial_for_url(url, baudrate=baud, do_not_open=True)
        port.write_timeout = WRITE_TIMEOUT
        if "://" not in url and os.name == "posix":
            port.exclusive = True
        port.open()
    except GlyphiteError:  # of an emulated board
        raise
    except MemoryError:  # which the command itself tells of
        raise
    except Exception as error:  # the handlers of pyserial's URLs raise whatever they meet
        raise PortError(_cannot_open(url, error)) from error
    return port


def _cannot_open(url: str, error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number in (errno.EBUSY, errno.EAGAIN) or (WINDOWS and "PermissionError" in str(error)):
        return _busy(url, "another program")
    if number in (errno.EACCES, errno.EPERM):
        return (
            f"You have no permission to use the port {url}. Join the group "
            f"{_group(url)!r} (`sudo usermod -aG {_group(url)} $USER`) and log in again."
        )
    if number == errno.ENOENT or "FileNotFoundError" in str(error):
        return f"There is no port {url}. {_ports_found()}"
    is_foreign = "://" in url and not is_emulated(url)
    if is_foreign and not isinstance(error.__context__ or error, OSError):  # of reading the URL
        return f"{url} is no URL that pyserial understands. {_ports_found()}"
    return f"The port {url} cannot be opened as a serial line ({error}). {_ports_found()}"


def _busy(url: str, holder: str) -> str:
    return f"The port {url} is in use by {holder}. Close it there, then try again."


def _ports_found() -> str:
    ports = [f"{port.device} ({printable(port.description)})" for port in list_ports.comports()]
    found = ", ".join(ports)
    return (
        f"Ports found: {found or 'none'}. Connect the board and name its port, or use an "
        "emulated one such as sim://native."
    )


def _group(device: str) -> str:
    try:
        return Path(device).group()
    except (KeyError, OSError, NotImplementedError):
        return "dialout"


def find_holder(device: str) -> str | None:
    """The program that has ``device`` open, as text; None where there is none, and off Linux.

    A lock alone does not help, as a terminal program may not ask for one and then takes bytes. The
    program at the other end of a pseudo-terminal is the device itself, and does not count.
    """
    if not Path("/proc/self/fd").is_dir() or not _may_be_line(device):
        return None
    target = os.path.realpath(device)
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            links = _open_files(process)
            if target in links.values() and not _owns_terminal(process, links, target):
                return f"{_program(process)} (process {process.name})"
    return None


def _may_be_line(device: str) -> bool:
    """Whether ``device`` is a file for characters, other than /dev/null and its like."""
    try:
        found = Path(device).stat()
    except OSError:  # none, or a URL
        return False
    return stat.S_ISCHR(found.st_mode) and os.major(found.st_rdev) != MEMORY_DEVICES


def _open_files(process: Path) -> dict[str, str]:
    """The open files of a process by number; none where this user may not see them."""
    try:
        return {link.name: os.readlink(link) for link in (process / "fd").iterdir()}  # noqa: PTH115
    except OSError:
        return {}


def _owns_terminal(process: Path, links: dict[str, str], terminal: str) -> bool:
    masters = [number for number, target in links.items() if target.endswith("/ptmx")]
    return any(_terminal_of(process, number) == terminal for number in masters)


def _terminal_of(process: Path, number: str) -> str | None:
    try:
        text = (process / "fdinfo" / number).read_text(encoding="utf-8")
    except OSError:
        return None
    index = re.search(r"^tty-index:\s*(\d+)", text, re.MULTILINE)
    return f"/dev/pts/{index[1]}" if index else None


def _program(process: Path) -> str:
    with suppress(OSError):
        if verb := _verb(os.fsdecode((process / "cmdline").read_bytes()).split("\0")):
            return printable(f"{GLYPHITE} {verb}")
    try:
        return printable(os.fsdecode((process / "comm").read_bytes()).strip())
    except OSError:
        return "another program"


def _verb(words: list[str]) -> str:
    """What of Glyphite a command line runs, as a script or as a module; "" of another program."""
    for word, following in itertools.pairwise(words[:5]):
        if Path(word).stem == GLYPHITE or word in ("glyphite.host.cli", "glyphite"):
            return following if following.isalpha() else ""
        if word.startswith("-") and word != "-m":
            return ""
    return ""
