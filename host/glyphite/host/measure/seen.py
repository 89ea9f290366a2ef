"""The whole way on one board, and the record of it that its owner can send in.

The record says what was seen to work on which kind of board. It holds nothing of its owner: no
path, no name of a user or a PC, no serial number.
"""

import getpass
import hashlib
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import Annotated, TypedDict

import numpy as np
from msgspec import Meta

from glyphite.convert.documents import Date, now
from glyphite.convert.errors import GlyphiteError, LinkError
from glyphite.convert.manifest import Manifest, Sha256
from glyphite.convert.text import counted
from glyphite.convert.version import __version__
from glyphite.host.device.found_ports import find_ports, known_at
from glyphite.host.device.session import Session, connect
from glyphite.host.device.transport import is_emulated, open_port
from glyphite.host.device.wire.messages import Hello
from glyphite.host.measure import stream
from glyphite.host.measure.by_board import Judge, Times
from glyphite.host.measure.stream_figures import summarize
from glyphite.host.measure.times import OnBoard
from glyphite.host.runners.base import Tensors

FORMAT = 1
"""The version of the record."""
DTR_SECONDS = 0.25
"""Seconds for which DTR is taken back: the capacitor that resets an Arduino takes milliseconds."""
UNPLUG_SECONDS = 60.0
"""Seconds to wait for the hand that unplugs the board."""
ASKED_AT_ONCE = 5
"""Samples between two looks at whether the board has gone."""
PACKAGES = ("numpy", "pyserial")
OK, WRONG, LEFT_OUT = "ok", "wrong", "left out"

StepState = Annotated[str, Meta(pattern=r"^(ok|wrong|left out)\Z")]
Number = Annotated[int, Meta(ge=0)]
Rate = Annotated[float, Meta(gt=0, le=1e9)]


class Step(TypedDict):
    """A part of the way."""

    name: str
    state: StepState
    said: str
    """What happened, or why not, as a sentence."""
    seconds: Annotated[float, Meta(ge=0)]


class Device(TypedDict):
    """What a board says of itself, and USB of it."""

    board: str
    firmware: str
    protocol: Number
    model: str
    sha256: str
    clock_hz: Number
    timer_hz: Number
    receive_buffer: Number
    remark: str
    usb_id: str | None
    emulated: bool


class Images(TypedDict):
    """The figures of the images."""

    data: str
    data_sha256: str
    images: Number
    reference: str
    """The runner whose bytes are the right ones."""
    scores: Number
    """Bytes that were compared."""
    mismatched_bytes: Number
    largest_difference: Number
    scores_sha256: Sha256
    """That of all the board's scores, one image after the other."""
    retries: Number
    images_per_second: Rate
    seconds_per_image: Times | None
    timed_by: OnBoard | None


class Seen(TypedDict):
    """The content of the file."""

    format: Number
    date: Date
    glyphite: str
    python: str
    system: str
    machine: str
    packages: dict[str, str]
    flashed: str | None
    """The kind of board that was flashed first; None where none was."""
    device: Device | None
    """None where the board did not answer."""
    images: Images | None
    steps: list[Step]


@dataclass(frozen=True)
class Subject:
    """The board, the model that it has to hold, and what it has to answer."""

    link: stream.Link
    manifest: Manifest
    tensors: Tensors
    judge: Judge

    @property
    def is_emulated(self) -> bool:
        """Whether no hand can unplug it."""
        return is_emulated(self.link.url)

    def ask(self, session: Session) -> None:
        """Ask the board a few samples. Raises LinkError where a byte of the answers is wrong."""
        few = slice(ASKED_AT_ONCE)
        answers = [answer.scores for answer in session.answers(self.tensors[few])]
        if not np.array_equal(np.array(answers), self.judge.scores[few]):
            raise LinkError(
                f"The board on {session.url} answered otherwise than before. Reset it, and try "
                "again."
            )


@dataclass
class Way:
    """The way so far. ``say`` tells the user what goes on."""

    say: Callable[[str], None]
    steps: list[Step] = field(default_factory=list)
    hello: Hello | None = None
    images: Images | None = None

    @property
    def is_right(self) -> bool:
        """Whether no step went wrong."""
        return all(step["state"] != WRONG for step in self.steps)

    def skip(self, name: str, why: str) -> None:
        """Leave a step out."""
        self.steps.append(Step(name=name, state=LEFT_OUT, said=why, seconds=0.0))

    @contextmanager
    def step(self, name: str) -> Iterator["Outcome"]:
        """Take a step; an error in it is kept, and no step is taken behind it."""
        outcome, begun = Outcome(), time.monotonic()
        if not self.is_right:
            raise _BrokenOffError
        self.say(f"{name}...")
        try:
            yield outcome
        except GlyphiteError as error:
            outcome.state, outcome.said = WRONG, str(error)
        seconds = round(time.monotonic() - begun, 3)
        self.steps.append(Step(name=name, state=outcome.state, said=outcome.said, seconds=seconds))
        self.say(f"{name}: {outcome.state}. {outcome.said}")


class _BrokenOffError(Exception):
    """A step went wrong, so that none behind it is taken."""


@dataclass
class Outcome:
    """How a step ended."""

    state: str = OK
    said: str = ""


def greet(url: str, baud: int, way: Way) -> None:
    """Ask the board who it is, whatever model it has."""
    with way.step("hello") as outcome, connect(url, baud=baud) as session:
        way.hello = session.board
        outcome.said = f"{session.board.firmware} on {session.board.board}."


def whole_way(subject: Subject, way: Way, on_answer: stream.OnAnswer) -> None:
    """Go on to the end: the images, a reset, unplugging. A flash and hello come before it."""
    try:
        _images(subject, way, on_answer)
        _reset(subject, way)
        if subject.is_emulated:
            way.skip("unplug", "An emulated board has no cable.")
        else:
            _unplug(subject, way)
    except _BrokenOffError:
        return


def _images(subject: Subject, way: Way, on_answer: stream.OnAnswer) -> None:
    with way.step("images") as outcome:
        streamed = stream.stream(subject.link, subject.tensors, on_answer)
        told = summarize(subject.manifest, subject.link, streamed, subject.judge)
        way.images = Images(
            data=PurePath(told["data"]["title"]).name,
            data_sha256=told["data"]["sha256"],
            images=told["images"],
            reference=told["reference"],
            scores=told["scores"],
            mismatched_bytes=told["mismatched_bytes"],
            largest_difference=told["largest_difference"],
            scores_sha256=hashlib.sha256(streamed.scores.tobytes()).hexdigest(),
            retries=told["retries"],
            images_per_second=told["images_per_second"],
            seconds_per_image=told["seconds_per_image"],
            timed_by=told["timed_by"],
        )
        outcome.said = (
            f"{told['mismatched_bytes']:,} of {counted(told['scores'], 'byte')} of "
            f"{counted(told['images'], 'image')} differ; repeated requests: {told['retries']:,}. "
            f"{streamed.doubt}".strip()
        )
        if told["mismatched_bytes"]:
            outcome.state = WRONG


def _reset(subject: Subject, way: Way) -> None:
    """Whether DTR resets the board, which then begins to count its inferences anew."""
    is_reset: bool | None
    with way.step("reset") as outcome:
        if subject.is_emulated:
            with _connected(subject) as session:
                subject.ask(session)
            with _connected(subject) as session:
                is_reset = session.board.inferences == 0
            outcome.said = "An emulated board has no DTR; its port was opened anew. "
        else:
            is_reset = _reset_by_dtr(subject)
        if is_reset is None:
            outcome.state, outcome.said = LEFT_OUT, "This line has no DTR."
            return
        outcome.said += (
            "It began anew, and answers." if is_reset else "It went on as before, and answers."
        )


def _reset_by_dtr(subject: Subject) -> bool | None:
    """Whether it did; None where the line has no DTR, as a pseudo-terminal has none."""
    link = subject.link
    with closing(open_port(link.url, link.baud)) as port:
        session = Session(port, manifest=subject.manifest, named=link.named, expected=link.expected)
        session.hello()
        subject.ask(session)
        before = session.restarts
        try:
            port.dtr = False
            time.sleep(DTR_SECONDS)
            port.dtr = True
        except OSError:
            return None
        session.hello()
        subject.ask(session)
        return session.restarts > before


def _unplug(subject: Subject, way: Way) -> None:
    """Whether the answers go on where a hand unplugs the board and plugs it in again."""
    told: list[str] = []

    def notify(sentence: str) -> None:
        told.append(sentence)
        way.say(sentence)

    with way.step("unplug") as outcome:
        way.say(
            "Unplug the board's USB cable now, and plug it in again. Ctrl-C leaves that out, and "
            f"so do {UNPLUG_SECONDS:g} s of nothing."
        )
        try:
            with _connected(subject, notify) as session:
                end = time.monotonic() + UNPLUG_SECONDS
                while not told and time.monotonic() < end:
                    subject.ask(session)
                subject.ask(session)
        except KeyboardInterrupt as error:
            if type(error) is not KeyboardInterrupt:  # of SIGTERM, which ends all
                raise
            outcome.state, outcome.said = LEFT_OUT, "It was interrupted."
            return
        if told:
            outcome.said = "It went, came back, and answered on, byte for byte."
        else:
            outcome.state = LEFT_OUT
            outcome.said = f"Nobody unplugged it in {UNPLUG_SECONDS:g} s."


@contextmanager
def _connected(
    subject: Subject, notify: Callable[[str], None] = lambda _: None
) -> Iterator[Session]:
    link = subject.link
    with connect(
        link.url,
        baud=link.baud,
        manifest=subject.manifest,
        named=link.named,
        expected=link.expected,
        notify=notify,
    ) as session:
        yield session


def record(url: str, way: Way, flashed: str | None) -> Seen:
    """What was seen, without anything of who saw it."""
    found = known_at(url, find_ports())
    usb = found.usb_id if found else None
    return Seen(
        format=FORMAT,
        date=now(),
        glyphite=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()}",
        machine=platform.machine(),
        packages={package: version(package) for package in PACKAGES},
        flashed=flashed,
        device=_device(way.hello, usb, emulated=is_emulated(url)) if way.hello else None,
        images=way.images,
        steps=[Step(**{**step, "said": impersonal(step["said"], url)}) for step in way.steps],
    )


def _device(hello: Hello, usb_id: str | None, *, emulated: bool) -> Device:
    return Device(
        board=hello.board,
        firmware=hello.firmware,
        protocol=hello.protocol,
        model=hello.model_name,
        sha256=hello.model_sha256,
        clock_hz=hello.clock_hz,
        timer_hz=hello.timer_hz,
        receive_buffer=hello.receive_buffer,
        remark=hello.remark,
        usb_id=usb_id,
        emulated=emulated,
    )


def impersonal(text: str, url: str) -> str:
    """``text`` without the port's name, the folders of this PC and the name of its user."""
    places = {url: "PORT", str(Path.cwd()): "FOLDER", str(Path.home()): "HOME"}
    for place, word in sorted(places.items(), key=lambda each: -len(each[0])):
        if len(place) > 2:
            text = text.replace(place, word)
    if user := _user():
        text = re.sub(rf"\b{re.escape(user)}\b", "USER", text)
    return " ".join(map(_without_folders, text.split(" ")))


def _without_folders(word: str) -> str:
    """A path's name alone: what is above it is somebody's."""
    is_path = word.count(os.sep) > 1 and "://" not in word
    return f"FOLDER/{word.rpartition(os.sep)[2]}" if is_path else word


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""
