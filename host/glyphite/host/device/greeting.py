"""Hello: who is at the other end of the line, and whether that is the board one wants."""

import dataclasses
from collections.abc import Callable, Iterator
from itertools import chain

from glyphite.convert.errors import LinkError
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import printable
from glyphite.host.device.board_check import check_board
from glyphite.host.device.wire.frame import STRANGE_BYTES, decode_old_frame
from glyphite.host.device.wire.messages import Hello, hello_request, parse_hello
from glyphite.host.device.wire_port import WirePort

BOOT_SECONDS = 2.0
"""Seconds to wait after the first hello. Opening the port resets the board, whose bootloader then
runs first; that of an Arduino Mega waits for more as long as bytes arrive."""

HELLO_AGAIN = 0.3
"""Seconds to wait after the second hello: the first one fell to the bootloader."""

QUIET_SECONDS = 2.7
"""Seconds to wait after the third hello, and half as long again after each later one: a bootloader
that these hellos hold, on a slow emulator or after a second reset, gets the silence it needs."""

AWAKE_SECONDS = 0.1
"""Seconds to wait for the hello of a board that has just answered; then a third longer each time,
so that a line that loses every other frame has many tries."""

TEXT_SHOWN = 60
"""Characters of what a board prints that are shown."""

Take = Callable[[bytes], object]
"""What gets the messages that come before the hello."""


class Greeting:
    """Says hello on ``wire``, and remembers what the board said of itself.

    ``sha256``: that of the model that the board has to hold; ``manifest``: the whole description of
    that model; ``named``: what a command calls it.
    """

    def __init__(
        self, wire: WirePort, sha256: str | None, manifest: Manifest | None, named: str
    ) -> None:
        self.told: Hello | None = None
        """The last hello; None where there was none."""
        self.ran = 0
        """How often the board has run its model, as far as is known here."""
        self.restarts = 0
        """How many restarts of the board were noticed."""
        self.heard = ""
        """What its program had printed before the last hello; "" where that is no text."""
        self.damaged = 0
        """How much that was no frame came before the last hello, since the one before."""
        self._wire = wire
        self._sha256 = sha256
        self._manifest = manifest
        self._named = named
        self._echoed = False

    def say(self, seconds: float, take: Take = bytes, *, opened: bool = False) -> Hello:
        """Send hello until the board answers, for so many seconds; its description.

        ``take`` gets the messages that come before it; ``opened``: the port was opened just now,
        which may have reset the board. Raises LinkError where the board does not
        answer, tells what cannot be, has another version of the protocol or another model than the
        one that is wanted, or is another board than before; and where the line breaks.
        """
        end, before = self._wire.now() + seconds, self._wire.traffic.received
        pausing, awake = pauses(awake=False), pauses(awake=True)
        if self.told is not None:
            pausing = chain((BOOT_SECONDS, HELLO_AGAIN) if opened else (), awake)
        while (left := self._wire.left(end)) > 0:
            pause = next(pausing)
            if self.told is None:
                self._wire.send_old(hello_request())
            self._wire.send(hello_request())
            told = self._within(min(pause, left), take)
            if told is not None:
                return self._accept(told)
            if self._wire.reader.damaged:  # it is up, and the line is bad
                pausing = awake
        came = self._wire.traffic.received > before
        raise LinkError(self._silence(seconds, came=came))

    def _printed(self) -> str:
        reader = self._wire.reader
        found = reader.strange or reader.pending[-STRANGE_BYTES:]
        text = " ".join(found.decode("ascii", "replace").split())
        readable = sum(32 <= ord(letter) < 127 for letter in text)
        is_text = len(text) >= 6 and readable >= 0.9 * len(text)
        return printable(text)[:TEXT_SHOWN] if is_text else ""

    def _within(self, seconds: float, take: Take) -> Hello | None:
        """The hello that comes within so many seconds."""
        end = self._wire.now() + seconds
        told: Hello | None = None
        while told is None and self._wire.left(end) > 0:
            for message in self._wire.messages():
                take(message)
                told = told or self._hello_in(message)
            if self.told is None:  # else it does not speak protocol 1
                told = told or self._old_hello()
        return told

    def _old_hello(self) -> Hello | None:
        """The hello of a board of protocol 1, whose frames have a short CRC: a damaged frame of
        this protocol is none."""
        old = decode_old_frame(self._wire.reader.strange) or b""
        return self._hello_in(old) if old[1:2] == bytes([1]) else None

    def _hello_in(self, message: bytes) -> Hello | None:
        """The hello in a message; None where it is another message."""
        self._echoed = self._echoed or message == hello_request()
        try:
            return parse_hello(message)
        except LinkError as error:
            raise LinkError(
                f"The board on {self._wire.name} is not believed: {error}. Build its firmware "
                "again, and flash it."
            ) from error

    def _accept(self, told: Hello) -> Hello:
        """Take what the board said of itself, after a check that it may be believed."""
        check_board(self._wire.name, told, self._sha256, self._manifest, self._named)
        before = self.told
        if before is not None:
            if dataclasses.replace(before, inferences=told.inferences) != told:
                raise LinkError(
                    f"The board on {self._wire.name} is another one than before: it was "
                    f"{_who(before)}, and now it is {_who(told)}. Leave it connected, and start "
                    "again."
                )
            self.restarts += told.inferences < self.ran
        self.told, self.ran = told, told.inferences
        self.heard = self._printed()
        reader = self._wire.reader
        self.damaged = reader.damaged
        reader.damaged, reader.strange = 0, b""
        reader.longest = max(reader.longest, 2 * sum(output.bytes for output in told.outputs))
        return told

    def _silence(self, seconds: float, *, came: bool) -> str:
        """What is said where no hello came within so many seconds; ``came``: other bytes did."""
        name, baud = self._wire.name, self._wire.baud
        if self.told is not None and (came or self._wire.reader.damaged):
            return (
                f"The board on {name} answered before, and what comes from there now is damaged, "
                f"for {seconds:g} s. Check the cable, and what else uses the line."
            )
        if self.told is not None:
            return (
                f"The board on {name} has stopped: it answered before, and no hello for "
                f"{seconds:g} s. Reset it, check cable and power, and try again."
            )
        if self._echoed:
            return (
                f"The board on {name} sends back what it is sent. Connect its transmit and "
                "receive pins crosswise, and flash firmware made with `glyphite build`."
            )
        if self._wire.traffic.received:
            text = self._printed()
            printed = f"It prints {text!r}. " if text else ""
            return (
                f"The board on {name} sends bytes, and they are not Glyphite's frames. "
                f"{printed}Check the baud rate, which is {baud} here, and flash firmware made with "
                "`glyphite build`."
            )
        return (
            f"The board on {name} is silent: no answer to hello in {seconds:g} s. "
            f"Check that this is the right port and {baud} its baud rate, and flash "
            "firmware made with `glyphite build`."
        )


def pauses(*, awake: bool) -> Iterator[float]:
    """Seconds to wait after each hello, without an end."""
    if not awake:
        yield from (BOOT_SECONDS, HELLO_AGAIN)
    pause, growth = (AWAKE_SECONDS, 1.3) if awake else (QUIET_SECONDS, 1.5)
    while True:
        yield pause
        pause *= growth


def _who(board: Hello) -> str:
    return f"{board.board!r} with {board.model_name!r}, SHA-256 {board.model_sha256 or 'not told'}"
