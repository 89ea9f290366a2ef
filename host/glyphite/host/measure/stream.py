"""Sends test images to boards, and compares their scores with TensorFlow Lite Micro's."""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import InputError
from glyphite.convert.manifest import Manifest
from glyphite.host.device.session import connect
from glyphite.host.device.trace import Passing
from glyphite.host.device.transport import EMULATED, is_emulated
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.device.wire.protocol import PROTOCOL
from glyphite.host.measure.by_board import BoardPart, board_name, wire_of
from glyphite.host.measure.doubt import doubt
from glyphite.host.measure.portion import BAUD, BoardAt, Expected
from glyphite.host.measure.received import ByBoard, Received, Repeats
from glyphite.host.measure.running import Firmware
from glyphite.host.measure.share import Part, share, url_of
from glyphite.host.measure.times import clock_at
from glyphite.host.measure.wire_use import Wire
from glyphite.host.runners.base import Tensors

OnAnswer = Callable[[int, Answer], None]
"""Called with each image's index and answer as it arrives, in the caller's thread."""


@dataclass(frozen=True)
class Link:
    """The board to stream to: a serial port or pyserial URL, and the model it has to hold."""

    url: str
    sha256: str
    baud: int = BAUD
    jobs: int = 1
    """The number of emulated boards that share the images."""
    manifest: Manifest | None = None
    """With it, the board's tensors have to be the model's, too."""
    named: str = "MODEL"
    """What a command calls the model."""
    firmware: Firmware | None = None
    """That of an emulated board, where it is known."""
    notify: Callable[[str], None] = lambda _: None
    """Gets sentences on what happens to the line."""
    expected: Expected | None = None
    """Seconds that an inference will take on the board of a hello."""
    trace: Passing | None = None
    """What gets the bytes that pass."""

    @property
    def board(self) -> BoardAt:
        """One of its boards."""
        return BoardAt(self.url, self.sha256, self.baud, self.manifest, self.named, self.expected)


@dataclass(frozen=True)
class Streamed:
    """The answers of the board, or of several that shared the images."""

    hello: Hello
    """Of several boards, that of the first."""
    scores: Tensors
    """(n, classes)."""
    seconds: NDArray[np.float64]
    """(n,): the board's own time for each image; nan where its timer's rate is not known."""
    ticks: NDArray[np.int64]
    """(n,): the same in ticks of the board's timer."""
    wall_seconds: float
    """Seconds from the first image sent to the last answer, without the hello."""
    wire: Wire
    """What passed over the line; where the run was resumed, since then."""
    restarts: int = 0
    """How many restarts of the board were noticed."""
    doubt: str = ""
    """A sentence on why the board's times are not believed; empty where they are."""
    timed_by: str | None = None
    """Whose clock the times are by; None where they are an emulator's own."""
    parts: tuple[BoardPart, ...] = ()
    """Of several ports; none where it is that of the link alone."""
    by: NDArray[np.uint16] | None = None
    """(n,): the part that each answer is of; None where there is one."""
    samples: NDArray[np.int64] | None = None
    """(n,): which of the run's samples each answer is to; None where it is all of them."""
    run_images: int = 0
    """Samples of the whole run; 0 where they are these."""
    shared_with: tuple[str, ...] = ()
    """The other ports of the run."""

    def of(self, chosen: Sequence[BoardPart]) -> "Streamed":
        """What those of its parts did alone."""
        places = [self.parts.index(part) for part in chosen]
        mask, all_by, samples = np.isin(self.owners, places), self.owners, self.indices
        by = np.searchsorted(places, all_by[mask]).astype(np.uint16)
        others = (
            part.port
            for place, part in enumerate(self.parts)
            if part not in chosen and (all_by == place).any()
        )
        return dataclasses.replace(
            self,
            hello=chosen[0].hello,
            scores=self.scores[mask],
            seconds=self.seconds[mask],
            ticks=self.ticks[mask],
            wire=wire_of(chosen),
            restarts=sum(part.restarts for part in chosen),
            parts=tuple(chosen),
            by=by,
            samples=samples[mask],
            run_images=self.run_images or len(samples),
            shared_with=tuple(others),
        )

    @property
    def owners(self) -> NDArray[np.uint16]:
        """(n,): the part that each answer is of."""
        return np.zeros(len(self.scores), np.uint16) if self.by is None else self.by

    @property
    def indices(self) -> NDArray[np.int64]:
        """(n,): which of the run's samples each answer is to."""
        return np.arange(len(self.scores)) if self.samples is None else self.samples


def stream(
    links: Link | Sequence[Link],
    tensors: Tensors,
    on_answer: OnAnswer,
    received: Received | None = None,
    executors: Sequence[Executor] = (),
) -> Streamed:
    """Send each of ``tensors`` (n, *shape) to a board, and call ``on_answer`` with each answer.

    Several boards share them; with ``executors``, each link's boards are on every one of those.
    ``received`` has each answer as soon as it is there, also where the run ends early; samples that
    it has an answer for are not sent. Raises InputError where several jobs are asked of a real
    board, a setting of an emulated one is wrong or an answer cannot be kept, PortError where the
    port cannot be opened, LinkError where no board is left that answers, of which each may have
    been silent, hold another model or answer wrongly, BoardError and ToolError where one cannot be
    emulated.
    """
    links = [links] if isinstance(links, Link) else links
    for link in links:
        if link.jobs > 1 and not is_emulated(link.url):
            raise InputError(
                f"--jobs {link.jobs} starts as many emulated boards, and {link.url} is one board. "
                f"Leave --jobs out, or name a port that begins with {EMULATED}."
            )
    kept = received or Received(tensors)
    for index, answer in kept.sorted():
        on_answer(index, answer)

    def told(part: Part, index: int, answer: Answer) -> None:
        kept.start(answer.wall)
        kept.end()
        kept.add(part.hello or Hello(PROTOCOL), index, answer, part.port, part.repeats)
        on_answer(index, answer)

    boards = [link.board for link in links for _ in range(link.jobs)]
    if len(boards) == 1 and not executors:
        parts = [_alone(links[0], tensors, kept, on_answer)]
    else:
        each = [executor for _ in boards for executor in executors]
        parts = share(
            [board for board in boards for _ in range(max(1, len(executors)))],
            tensors,
            told,
            executors=each or None,
            indices=kept.missing(),
            notify=links[0].notify,
            trace=links[0].trace,
        ).parts
    return _joined(links, kept, parts)


def _alone(link: Link, tensors: Tensors, received: Received, on_answer: OnAnswer) -> Part:
    """Ask one board in this thread, which Ctrl-C then reaches while the board is silent, and which
    is told each answer as it comes."""
    missing = np.array(received.missing(), np.int64)
    with connect(
        link.url,
        link.sha256,
        baud=link.baud,
        manifest=link.manifest,
        named=link.named,
        expected=link.expected,
        notify=link.notify,
        trace=link.trace,
    ) as session:
        received.start()
        before = dataclasses.replace(session.traffic)  # hello is none of the samples
        for index, answer in zip(missing, session.answers(tensors[missing]), strict=True):
            received.add(session.board, int(index), answer, link.url, session.repeats)
            on_answer(int(index), answer)
        received.end()
        return Part(
            link.url,
            1,
            len(missing),
            session.board,
            session.traffic.since(before),
            session.repeats,
            session.restarts,
            received.elapsed_now - received.elapsed,
        )


def _joined(links: Sequence[Link], received: Received, parts: Sequence[Part]) -> Streamed:
    """The answers of a board, or of several that ran at the same time, in the order of images."""
    answered = {each.of["port"]: each for each in received.by_board()}
    done = {part.port: part for part in parts if part.lost or part.port in answered}
    ports = list(dict.fromkeys([*done, *answered]))
    urls = [link.url for link in links]
    ports.sort(key=lambda port: urls.index(url_of(port)) if url_of(port) in urls else len(urls))
    seconds = received.elapsed_now - received.elapsed
    by_url = {link.url: link for link in links}
    found = tuple(
        _board_part(
            by_url.get(port),
            done.get(port, Part(port)),
            answered.get(port),
            seconds,
            mixed=received.went_on(port) and not is_emulated(port),
        )
        for port in ports
    )
    answers = received.sorted()
    owner = {index: place for place, port in enumerate(ports) if port in answered
             for index in answered[port].answers}  # fmt: skip
    first = next((part for part in found if part.hello.board), found[0])
    alone = found[0] if len(found) == 1 else None
    return Streamed(
        first.hello,
        np.array([answer.scores for _, answer in answers]),
        np.array([answer.seconds for _, answer in answers], np.float64),
        np.array([answer.ticks for _, answer in answers], np.int64),
        max(received.elapsed_now, 1e-9),
        wire_of(found),
        sum(part.restarts for part in found),
        " ".join(dict.fromkeys(part.doubt for part in found if part.doubt)),
        alone.timed_by if alone else None,
        found,
        np.array([owner[index] for index, _ in answers], np.uint16),
    )


def _board_part(
    link: Link | None, part: Part, answered: ByBoard | None, seconds: float, *, mixed: bool
) -> BoardPart:
    """``link``: None of a port of an earlier run, or on another machine. ``seconds``: of the run,
    in which a board that was not asked left this PC nothing to do, too. ``mixed``: the answers are
    of two runs, and nobody knows whether of the same build."""
    idle = max(0.0, part.boards * seconds - part.asked_seconds)
    answers = list(answered.answers.values()) if answered else []
    earlier = answered.earlier if answered else Repeats()
    hello = part.hello or (answered.hello if answered else Hello(PROTOCOL))
    digest = answered.of["firmware_sha256"] if answered else None
    firmware = Firmware(Path(), digest, None) if digest else None
    firmware = link.firmware if link else firmware
    return BoardPart(
        part.port,
        max(1, part.boards),
        board_name(hello) if part.hello or answered else "",
        hello,
        Wire(
            images=part.answered,
            seconds=seconds,
            sent=part.traffic.sent,
            received=part.traffic.received,
            waited_seconds=part.traffic.waited + idle,
            delayed_seconds=part.traffic.delayed,
            repeats={str(trouble): count for trouble, count in sorted(part.repeats.items())},
            earlier_repeats=None if earlier is None else dict(sorted((+earlier).items())),
        ),
        firmware,
        part.restarts,
        tuple(part.lost),
        _mixed(part.port) if mixed else doubt(part.port, hello, answers) if answers else "",
        clock_at(part.port, hello.board) if answers else None,
    )


def _mixed(port: str) -> str:
    return (
        f"The times of {port} are left out: the run was resumed, and a board at a port does not "
        "tell which build it runs."
    )
