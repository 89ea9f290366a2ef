"""An emulated board: a process whose UART is a pair of pipes, or a pseudo-terminal for others."""

import atexit
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from glyphite.convert.beside import Beside
from glyphite.convert.boards import Board, Emulator
from glyphite.convert.errors import BoardError, InputError, ToolError
from glyphite.convert.hold import LOCK, holder, release, take
from glyphite.convert.programs import Running, complaint, signal_name
from glyphite.host.device.packages import install
from glyphite.host.device.transport.avr import ENDINGS, avr_command
from glyphite.host.device.transport.line import Line

if sys.platform != "win32":
    import pty
    import termios
    import tty

START_SECONDS = 300.0
"""For an emulator that lives to be ready, which takes it a second: this machine may be busy."""
STOP_SECONDS = 30.0
"""Seconds for the shell to end; it kills an emulator that does not end within 20 seconds."""
READ_SECONDS = 1.0
"""Seconds for the rest of an ended emulator's messages to be read."""
KEPT_BYTES = 4096
"""Of what an emulator writes to stderr, the first so many: what is wrong stands there."""
FROM_SHELL = 128
"""More than the number of a signal is the exit code of a shell whose program was ended by it."""
FROM_OUTSIDE = {
    getattr(signal, name)
    for name in ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT")
    if hasattr(signal, name)
}
"""Signals that no mistake in a firmware gives."""
OUTPUT_SPEED = 5  # index in the list that tcgetattr returns

NO_TERMINALS = (
    "Windows has no pseudo-terminals, which this needs. Use `glyphite stream --port sim://native`, "
    "which needs none, or WSL."
)

# A shell runs the emulator and a watcher, which ends the emulator when the other end of the file
# that is watched is closed: the system does that when the program that started the shell ends.
# Windows has no such shell. There, and wherever it is killed, the native board still ends by
# itself, as its line does.
_KEEPER = """
watched=$1; signal=$2; shift 2
exec 3<$watched 4<&0
"$@" <&4 3<&- 4<&- & emulator=$!
exec >/dev/null 2>&1 4<&-
(
    read -r nothing <&3
    kill -$signal $emulator
    [ $signal = KILL ] && exit
    for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 1; done
    kill -9 $emulator
) & watcher=$!
exec 3<&- </dev/null
wait $emulator; status=$?
kill $watcher; wait $watcher
exit $status
"""


def emulator_command(board: Board, image: Path, extra: Sequence[str] = ()) -> list[str]:
    """The command that runs ``image``, with the board's UART as its stdin and stdout.

    ``extra``: further arguments of the emulator. Raises BoardError where the board has no emulator,
    ToolError where the emulator is not installed, InputError where ``image`` cannot be read.
    """
    emulator = board.emulator
    if emulator is None:
        raise BoardError(
            f"The board {board.name!r} has no emulator. Connect a real one and name its port."
        )
    if emulator.kind == "process":
        return [str(image.resolve()), *extra]
    if emulator.kind == "simavr":
        return avr_command(board, image, extra)
    return [
        *(_program(board, emulator), "-M", str(emulator.machine), "-kernel", str(image)),
        *("-icount", "shift=0", "-display", "none", "-monitor", "none", "-serial", "stdio"),
        *extra,
    ]


def _program(board: Board, emulator: Emulator) -> str:
    program = shutil.which(emulator.program or "")
    if program is None:
        raise ToolError(
            f"{emulator.program}, which emulates the board {board.name!r}, is not installed. "
            + install(str(emulator.package), more=", or use sim://native")
        )
    return program


class _Messages:
    """What an emulator writes to stderr: its firmware may write there too, so nobody is shown it
    as it is. A thread reads it all, so that the emulator never waits, and keeps the beginning.
    Raises MemoryError where there is none for the thread; the descriptor is closed then, too.
    """

    def __init__(self, descriptor: int) -> None:
        self._kept = b""
        try:
            self._reader = Beside(lambda: self._read(descriptor))
            self._reader.require_begun()
        except BaseException:
            os.close(descriptor)
            raise

    def _read(self, descriptor: int) -> None:
        with open(descriptor, "rb", buffering=0) as stream:
            while piece := stream.read(KEPT_BYTES):
                self._kept += piece[: KEPT_BYTES - len(self._kept)]

    @property
    def complaint(self) -> str:
        """The line that says what is wrong, made printable; "" where there is none."""
        self._reader.join(READ_SECONDS)
        return complaint(self._kept.decode(errors="replace"))


class EmulatedBoard:
    """A running emulated board.

    With ``terminal``, and always where simavr emulates it, its line is a pseudo-terminal, else
    pipes. Use it as a context manager, or call :meth:`stop`; it also ends with this program. Raises
    BoardError where the board has no emulator, ToolError where the emulator is not installed or
    does not start, or the system has no pseudo-terminals, InputError where ``image`` cannot be
    read, MemoryError where there is none for the threads that hear it.
    """

    terminal = ""
    """The path of its serial port; "" on pipes."""
    _line: Line | None = None

    def __init__(
        self, board: Board, image: Path, extra: Sequence[str] = (), *, terminal: bool = False
    ) -> None:
        simavr = board.emulator is not None and board.emulator.kind == "simavr"
        if (terminal or simavr) and sys.platform == "win32":
            raise ToolError(NO_TERMINALS)
        self._made = (board, image, extra, terminal)
        command = emulator_command(board, image, extra)
        self._endings = ENDINGS if simavr else {}
        # The emulator of AVRs gets SIGTERM, as it writes a report; QEMU would print a message.
        keeper = ["TERM" if simavr else "KILL", *command]
        with ExitStack() as opened:
            if terminal or simavr:
                self._on_terminal(keeper, opened)
            else:
                self._on_pipes(keeper, opened)
            self._opened = opened.pop_all()

    def _on_terminal(self, keeper: list[str], opened: ExitStack) -> None:
        """The board as a terminal that any program can open, again and again."""
        if sys.platform == "win32":  # which mypy believes here alone
            raise ToolError(NO_TERMINALS)
        master, slave = pty.openpty()
        opened.callback(os.close, slave)  # held open, or the emulator would read an error
        opened.callback(os.close, master)
        tty.setraw(slave)
        self.terminal = os.ttyname(slave)
        self._start(keeper, master, master, opened)
        if keeper[0] == "TERM" and not _listens(self.process, slave):
            raise ToolError(f"The emulator does not start ({self._no_start}). Try again.")

    def _on_pipes(self, keeper: list[str], opened: ExitStack) -> None:
        """The board for this program alone, which works on every system."""
        taking, giving = os.pipe()
        hearing, saying = os.pipe()
        try:
            self._start(keeper, taking, saying, opened)
        except BaseException:
            os.close(giving)
            os.close(hearing)
            raise
        finally:
            os.close(taking)
            os.close(saying)
        self._line = Line(hearing, giving)

    def _start(self, keeper: list[str], stdin: int, stdout: int, opened: ExitStack) -> None:
        """Start the emulator in a new session, so that Ctrl-C does not end it."""
        watched, alive = os.pipe()
        opened.callback(os.close, alive)
        told, telling = os.pipe()
        kept = [watched] if sys.platform != "win32" else []
        command = _kept_by_shell(keeper, watched) if kept else keeper[1:]
        try:
            self._messages = _Messages(told)
            self.process = Running(
                command, stdin=stdin, stdout=stdout, stderr=telling, inherited=kept
            )
        finally:
            os.close(watched)
            os.close(telling)

    def open_line(self) -> Line:
        """The line to the board. One on a terminal notices that: an Arduino restarts then.

        Raises OSError where the terminal cannot be opened.
        """
        if self._line is None:
            terminal = os.open(self.terminal, os.O_RDWR | os.O_NOCTTY)
            return Line(terminal, terminal)
        return self._line

    @property
    def _no_start(self) -> str:
        patience = f"it was not ready in {START_SECONDS:g} s, as where this machine is too busy"
        return patience if self.running else self._complaint or "it says nothing"

    @property
    def running(self) -> bool:
        """Whether the emulator still runs."""
        return self.process.poll() is None

    @property
    def ending(self) -> str:
        """The reason why the emulator has ended by itself, as far as it is known."""
        code = self.process.poll()
        number = self._signal
        how = f"was ended by {signal_name(number)}" if number else f"has stopped (exit code {code})"
        reason = self._endings.get(code or 0, f"the emulator {how}")
        return f"{reason}: {self._complaint}" if code is not None and self._complaint else reason

    @property
    def _signal(self) -> int:
        """That which ended the emulator, of which the shell tells by 128 more; 0 where none did."""
        code = self.process.poll() or 0
        if sys.platform == "win32" or code in self._endings:
            return 0
        return -code if code < 0 else max(0, code - FROM_SHELL)

    @property
    def held_up(self) -> float:
        """Seconds in which the emulator could have run and had no processor, as others had them.

        0 where the system does not tell.
        """
        try:
            task = Path(f"/proc/{self.process.pid}/task/{self.process.pid}")
            emulators = (task / "children").read_text(encoding="utf-8").split()
            waits = [
                int(thread.read_text(encoding="utf-8").split()[1])
                for emulator in emulators
                for thread in Path(f"/proc/{emulator}/task").glob("*/schedstat")
            ]
        except (OSError, IndexError):  # another system, or it has just ended
            return 0.0
        return max(waits, default=0) / 1e9

    @property
    def _complaint(self) -> str:
        return self._messages.complaint.rstrip(".")

    def wait(self) -> None:
        """Wait until the emulator ends. Raises ToolError, as it should run until it is stopped."""
        self.process.wait()
        remedy = "Build the firmware again."
        if self._signal in FROM_OUTSIDE:
            remedy = "Somebody ended it, or the system for want of memory. Start it again."
        raise ToolError(f"The board's run is over: {self.ending}. {remedy}")

    def stop(self) -> None:
        """Stop the emulator and wait until it has ended; a second call does nothing."""
        self._opened.close()
        if sys.platform == "win32":  # where no shell ends it
            self.process.end()
        self.process.end(STOP_SECONDS)
        if self._line is not None:
            self._line.close()

    def again(self) -> "EmulatedBoard":
        """Stop it, and start another of the same firmware, as behind a restart.

        Raises what starting one does.
        """
        self.stop()
        board, image, extra, terminal = self._made
        return EmulatedBoard(board, image, extra, terminal=terminal)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.stop()


def _kept_by_shell(keeper: list[str], watched: int) -> list[str]:
    """The command of the shell that ends the emulator when ``watched`` is closed."""
    return ["/bin/sh", "-c", _KEEPER, "sh", f"/dev/fd/{watched}", *keeper]


def _listens(process: Running, slave: int) -> bool:
    """Wait until the emulator observes the terminal, and so notices when it is opened.

    The emulator then sets the terminal's speed, which is 38400 before. False where it ends or does
    nothing instead.
    """
    end = time.monotonic() + START_SECONDS
    while termios.tcgetattr(slave)[OUTPUT_SPEED] != termios.B115200:
        if process.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the block without an error.

    The first one alone: those behind it disturb neither the cleaning up nor Python's own end.
    """

    def ignore() -> None:
        for number in before:
            signal.signal(number, signal.SIG_IGN)

    def interrupt(*_: object) -> None:
        ignore()
        atexit.register(ignore)
        raise KeyboardInterrupt

    numbers = {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}
    before = {number: signal.getsignal(number) for number in numbers}
    before = {number: now for number, now in before.items() if now is not signal.SIG_IGN}  # nohup
    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def link_to(terminal: str, link: Path | None) -> Iterator[str]:
    """The port's name for other programs: a link, removed after the block, or the terminal.

    A link that a killed program has left is replaced: whose terminal it names now is not known.
    Raises InputError where the link cannot be made.
    """
    if link is None:
        yield terminal
        return
    if not link.name:
        raise InputError(f"{link} is a folder, and no name of a link. Name another path.")
    lock = link.with_name(f".{link.name}{LOCK}")  # behind a kill it is there, and free
    descriptor = _make_link(terminal, link, lock)
    try:
        yield str(link)
    finally:
        link.unlink(missing_ok=True)
        release(lock, descriptor)


def _make_link(terminal: str, link: Path, lock: Path) -> int:
    """Make the link; returns the descriptor of its lock."""
    try:
        ours = lock.exists() or not link.exists()
        if (descriptor := take(lock)) is None:
            raise InputError(f"{link} is in use by {holder(lock)}. Name another path.")
        try:
            if ours and link.is_symlink():
                link.unlink()
            link.symlink_to(terminal)
        except BaseException:
            release(lock, descriptor)
            raise
    except FileExistsError as error:
        raise InputError(f"{link} exists already. Remove it, or name another path.") from error
    except OSError as error:
        raise InputError(
            f"The link {link} cannot be made ({error.strerror}). Name another path."
        ) from error
    return descriptor
