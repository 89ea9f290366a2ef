"""Random bytes on the line of a board, and what it answers behind them."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import numpy as np
import serial

from glyphite.host.device.session import Session
from glyphite.host.device.transport import open_port
from glyphite.host.device.wire.frame import FrameReader, encode_frame
from glyphite.host.device.wire.messages import Hello, hello_request, infer_request
from glyphite.host.device.wire.protocol import Encoding, Message
from tests.fuzz.wire.corpus import too_long_by_65536

Rng = np.random.Generator
QUIET = 20
"""Reads of an open port without a byte, a twentieth of a second each, behind which none is left.

The ids of the noise are none of the session behind it all the same: it may get a late answer."""
ASKED = 3
"""Samples that are asked before and behind the noise."""


@dataclass
class Noise:
    """What was sent to a board, and what it made of that."""

    sent: int = 0
    """Bytes."""
    asked: int = 0
    """Frames in it that are a whole request to run the model."""
    answers: Counter[str] = field(default_factory=Counter)
    """Messages of the board, by kind."""
    wrong: list[str] = field(default_factory=list)
    """What must not be."""
    hello_seconds: float = 0.0
    """How long the hello behind the noise took."""


def noise_on(url: str, seconds: float, seed: int) -> Noise:
    """Send noise to the board at ``url`` for so many seconds of this machine's clock.

    The board says hello first, so that its bootloader does not get the noise. Raises LinkError
    where it does not answer behind it.
    """
    rng, found = np.random.default_rng(seed), Noise()
    port = cast(serial.Serial, open_port(url, 115200))
    try:
        before = Session(port)
        told = before.hello()
        samples = [
            rng.integers(-128, 128, (ASKED, *tensor.shape)).astype(tensor.dtype)
            for tensor in told.inputs
        ]
        wanted = before.run(*samples)
        _send(port, _pieces(told, rng), seconds, rng, found)
        start = time.monotonic()
        session = Session(port)
        ran = session.hello().inferences
        found.hello_seconds = time.monotonic() - start
        if not ASKED <= ran <= ASKED + found.asked:
            found.wrong.append(f"{ran} runs, and {ASKED} to {ASKED + found.asked} were asked for")
        for old, new in zip(wanted, session.run(*samples), strict=True):
            if not np.array_equal(old, new):
                found.wrong.append("other scores than before the noise")
    finally:
        port.close()
    return found


def _send(
    port: serial.Serial,
    pieces: "list[Callable[[], bytes]]",
    seconds: float,
    rng: Rng,
    found: Noise,
) -> None:
    """Noise, and what the board says meanwhile: nothing that is no frame."""
    reader, end = FrameReader(), time.monotonic() + seconds
    while time.monotonic() < end:
        which = int(rng.integers(len(pieces)))
        data = pieces[which]()
        how = rng.random()
        found.asked += which in REQUESTS
        if how < 0.2:
            at = int(rng.integers(len(data)))
            data = data[:at] + rng.bytes(1) + data[at + 1 :]
        elif how < 0.3:
            data = data[: int(rng.integers(len(data)))]
        elif how < 0.4:
            data += data
        try:
            port.write(data)
            found.sent += len(data)
        except serial.SerialTimeoutException:
            found.answers["no byte taken in time"] += 1
        if rng.random() < 0.2 or port.in_waiting:  # else more comes while it works
            _listen(port, reader, found)
    quiet = 0
    while quiet < QUIET:  # until it has answered all
        quiet = 0 if _listen(port, reader, found) else quiet + 1
    if reader.damaged:
        found.wrong.append(f"{reader.damaged} pieces from the board are no frames")


def _listen(port: serial.Serial, reader: FrameReader, found: Noise) -> bool:
    data = bytes(port.read(1))
    data += bytes(port.read(port.in_waiting))
    for message in reader.feed(data):
        kind = Message(message[0]).name if message and message[0] in set(Message) else "unknown"
        found.answers[kind] += 1
        if kind not in ("HELLO_ANSWER", "INFER_ANSWER"):
            found.wrong.append(f"a message of kind {kind}")
    return bool(data)


REQUESTS = (0, 1)
"""The pieces that ask for a run of the model."""


def _pieces(told: Hello, rng: Rng) -> "list[Callable[[], bytes]]":
    """What makes a piece of noise, each."""
    size = sum(tensor.bytes for tensor in told.inputs)

    def number() -> int:
        return int(rng.integers(0x8000, 0x10000))

    def request(*encodings: Encoding) -> bytes:
        tensor = bytes(size // 2) + rng.bytes(size - size // 2)
        return encode_frame(infer_request(number(), tensor, encodings))

    def odd_request() -> bytes:
        header = infer_request(number(), b"", (Encoding.RAW,))
        return encode_frame(header[:3] + rng.bytes(int(rng.integers(40))))

    def some(byte: int) -> bytes:
        return bytes([byte]) * int(rng.integers(1, 600))

    return [
        lambda: request(Encoding.RAW),
        lambda: request(*Encoding),
        lambda: encode_frame(hello_request()),
        odd_request,
        lambda: encode_frame(rng.bytes(int(rng.integers(40)))),
        lambda: too_long_by_65536(size, number()),
        *(3 * [lambda: rng.bytes(int(rng.integers(1, 600)))]),
        *((lambda byte=byte: some(byte)) for byte in (0, 1, 0xFF, 2)),
    ]
