"""Asks what is at a port: Glyphite's firmware, a bootloader, another sketch, or nothing.

Opening a port resets most Arduinos, and each question here opens it.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from glyphite.convert.boards import Board, all_boards
from glyphite.convert.errors import GlyphiteError, LinkError
from glyphite.convert.progress import Progress
from glyphite.convert.text import command, printable
from glyphite.convert.version import __version__
from glyphite.convert.workspace import DEFAULT
from glyphite.host.device.board_check import remedy
from glyphite.host.device.bootloader import answering
from glyphite.host.device.doctor.check import Check, State, command_in
from glyphite.host.device.found_ports import FoundPort
from glyphite.host.device.greeting import Greeting
from glyphite.host.device.trace import TO_PC
from glyphite.host.device.transport import is_emulated, open_port
from glyphite.host.device.wire.messages import Hello
from glyphite.host.device.wire_port import WirePort

HELLO_SECONDS = 8.0
"""Seconds for a board to answer hello: longer than any bootloader waits."""
OTHER_SECONDS = 3.0
"""The same at another baud rate."""
BAUDS = (115200, 9600, 57600, 1000000, 38400, 230400)
"""The usual rates, the most likely one first: Glyphite's, and that of Arduino's serial monitor."""
STEPS = 1 + len(BAUDS)
"""Questions at the most, for a progress bar."""
FLOOD_BYTES = 256
"""A bootloader does not say so much when it is told hello."""
TEXT_SHOWN = 50
LEAST_TEXT = 6
READABLE = 0.9
"""Of what a sketch prints at the right baud rate, so much is letters."""


@dataclass(frozen=True)
class Heard:
    """What came back at one baud rate."""

    baud: int
    hello: Hello | None
    said: str
    """Why there is no hello, as a sentence."""
    received: bytes

    @property
    def text(self) -> str:
        """What a sketch printed; "" where it is no text."""
        letters = self.received.replace(b"\0", b"").decode("ascii", "replace")
        readable = sum(letter.isprintable() or letter in "\r\n\t" for letter in letters)
        readable -= letters.count("\ufffd")
        if len(letters.strip()) < LEAST_TEXT or readable < READABLE * len(letters):
            return ""
        return printable(" ".join(letters.split()))[:TEXT_SHOWN]


def line_checks(url: str, baud: int, found: FoundPort | None, progress: Progress) -> list[Check]:
    """What answers at the port ``url``. ``found``: what USB tells of it; ``progress`` is called
    with 1 after each question."""
    with _as_check("open") as opening:
        open_port(url, baud).close()
    if opening:
        return opening
    heard = hear(url, baud, HELLO_SECONDS)
    progress(1)
    if heard.hello is not None:
        return _glyphite(heard, heard.hello, found)
    if "protocol" in heard.said:
        told = Check("board", "protocol", State.WRONG, heard.said, _flash(found, url))
        return [_baud(heard, State.OK), told]
    if is_emulated(url) or heard.text:
        return _another(heard, url, found)
    for other in BAUDS:
        if other != baud:
            answer = hear(url, other, OTHER_SECONDS)
            progress(1)
            if answer.hello is not None or answer.text:
                return _at_another_rate(answer, heard, url, found)
    return _no_firmware(heard, url, found)


@contextmanager
def _as_check(name: str) -> Iterator[list[Check]]:
    """A list that gets a check where the block fails."""
    failed: list[Check] = []
    try:
        yield failed
    except GlyphiteError as error:
        failed.append(Check("board", name, State.WRONG, str(error), command_in(str(error))))


def hear(url: str, baud: int, seconds: float) -> Heard:
    """Say hello at a baud rate for so many seconds, and hear what comes."""
    received: list[bytes] = []

    def passing(way: str, _: str, data: bytes) -> None:
        if way == TO_PC:
            received.append(data)

    try:
        with closing(open_port(url, baud)) as port:
            greeting = Greeting(WirePort(port, seconds, passing), None, None, "MODEL")
            hello, said = greeting.say(seconds), ""
    except LinkError as error:
        hello, said = None, str(error)
    return Heard(baud, hello, said, b"".join(received))


def _baud(heard: Heard, state: State, more: str = "", mend: str = "") -> Check:
    return Check("board", "baud rate", state, f"{heard.baud} bits a second{more}", mend)


def _glyphite(heard: Heard, hello: Hello, found: FoundPort | None) -> list[Check]:
    """Of a board that answers."""
    other = f", and this is Glyphite {__version__}" if __version__ not in hello.firmware else ""
    checks = [
        _baud(heard, State.OK),
        Check("board", "program", State.OK, f"{hello.firmware or 'Glyphite'}{other}"),
        Check("board", "board", State.OK, hello.board or "it does not say which"),
        Check("board", "protocol", State.OK, str(hello.protocol), told=hello),
    ]
    if hello.remark:
        said = f"{hello.model_name!r} does not run: {hello.remark}"
        return [*checks, Check("board", "model", State.WRONG, said)]
    if found is not None and found.boards and hello.board not in found.boards:
        kinds = " or ".join(found.boards)
        said = f"by its USB id it is {kinds}, and its firmware was built for {hello.board!r}"
        checks[2] = Check("board", "board", State.WRONG, said, _flash(found, found.device))
    return checks


def _another(heard: Heard, url: str, found: FoundPort | None) -> list[Check]:
    """Of a program that is not Glyphite's, or says nothing, at the baud rate that was asked."""
    if heard.text:
        said = f"another sketch, which prints {heard.text!r}"
        told = Check("board", "program", State.WRONG, said, _flash(found, url))
        return [_baud(heard, State.OK, ", at which it prints text"), told]
    return [Check("board", "program", State.WRONG, heard.said, _flash(found, url))]


def _at_another_rate(answer: Heard, heard: Heard, url: str, found: FoundPort | None) -> list[Check]:
    if answer.hello is None:
        return _another(answer, url, found)
    mend = command("glyphite", "doctor", "--port", url, "--baud", answer.baud)
    said = f", and not {heard.baud}: name it with --baud"
    right = _baud(answer, State.WRONG, said, mend)
    return [right, *_glyphite(answer, answer.hello, found)[1:]]


def _no_firmware(heard: Heard, url: str, found: FoundPort | None) -> list[Check]:
    """Of a board with a bootloader alone, or with a sketch that says nothing readable."""
    floods = len(heard.received) > FLOOD_BYTES  # among which a bootloader's answer is by chance
    kinds = [] if floods else _by_bootloader(url, heard.baud)
    if not kinds:
        mend = _flash(found, url) if found and found.boards else ""
        return [Check("board", "program", State.WRONG, heard.said, mend)]
    said = (
        f"no Glyphite: the bootloader of {' or '.join(kinds)} answers, and behind it a silent "
        "sketch or none"
    )
    known = found is not None and bool(found.boards)
    mend = _flash(found, url) if known else _flash_command(kinds[0], url)
    return [Check("board", "program", State.WRONG, said, mend)]


def _by_bootloader(url: str, baud: int) -> list[str]:
    """The boards whose bootloader's protocol is answered."""
    programmer = answering(url, baud)
    return [board.name for board in all_boards() if programmer and _protocol(board) == programmer]


def _protocol(board: Board) -> str | None:
    return board.arduino.programmer if board.arduino else None


def _flash(found: FoundPort | None, url: str) -> str:
    """The command that puts Glyphite onto the board at ``url``: where its kind is not known, the
    one that lists the kinds."""
    if is_emulated(url):
        return remedy(url, "", DEFAULT)
    if found is None or not found.boards:
        return command("glyphite", "boards")
    return _flash_command(found.boards[0], url)


def _flash_command(board: str, url: str) -> str:
    return command("glyphite", "flash", DEFAULT, "--board", board, "--port", url)
