"""A board on a pseudo-terminal that really speaks the wire, and says what a test has it say."""

import os
import pty
import struct
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

import numpy as np

from glyphite.convert.manifest import Manifest, TensorInfo, sha256_of
from glyphite.convert.workspace import ModelFolder, find_model
from glyphite.host.device.wire.frame import FrameReader, encode_frame
from glyphite.host.device.wire.protocol import PROTOCOL, Item, Message
from tests.builders.models import ModelBuilder

Rule = Callable[[bytes], bytes]
"""From a message of the host to the bytes on the line."""

TICKS = 10


@contextmanager
def terminal(answer: Rule | None = None, idle: Callable[[], bytes] = bytes) -> Iterator[str]:
    """A pseudo-terminal with a device behind it that answers by a rule, or is silent.

    ``idle`` gives what it sends whenever nothing has come.
    """
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    stop = threading.Event()

    def send(data: bytes) -> None:
        while data and not stop.is_set():
            try:
                data = data[os.write(master, data) :]
            except BlockingIOError:
                time.sleep(0.001)

    def serve() -> None:
        reader = FrameReader()
        while not stop.is_set():
            try:
                messages = reader.feed(os.read(master, 4096))
            except BlockingIOError:
                send(idle())
                time.sleep(0.001)
                continue
            for message in messages if answer else []:
                assert answer is not None
                send(answer(message))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        stop.set()
        thread.join()
        os.close(slave)
        os.close(master)


def text(content: str) -> bytes:
    """A text in hello."""
    return content.encode().ljust(32, b"\0")


def items_of(manifest: Manifest) -> dict[int, bytes]:
    """The items of an honest board's hello that holds the manifest's model."""
    return {
        Item.FIRMWARE: text("Glyphite 9"),
        Item.BOARD: text("native"),
        Item.MODEL_NAME: text(manifest.name),
        Item.MODEL_SHA256: bytes.fromhex(manifest.sha256),
        Item.INPUT_SHAPE: _shape(manifest.input),
        Item.OUTPUT_SHAPE: _shape(manifest.output),
        Item.INPUT_SCALE: struct.pack("<f", manifest.input.scale),
        Item.INPUT_ZERO_POINT: struct.pack("<i", manifest.input.zero_point),
        Item.OUTPUT_SCALE: struct.pack("<f", manifest.output.scale),
        Item.OUTPUT_ZERO_POINT: struct.pack("<i", manifest.output.zero_point),
        Item.CLOCK_HZ: bytes(4),
        Item.TIMER_HZ: struct.pack("<I", 1_000_000),
        Item.RECEIVE_BUFFER: struct.pack("<I", 64),
        Item.ENCODINGS: b"\0",
        Item.INFERENCES: bytes(4),
    }


def _shape(tensor: TensorInfo) -> bytes:
    return struct.pack(f"<{len(tensor.shape)}I", *tensor.shape)


def hello(items: dict[int, bytes]) -> bytes:
    """The message HELLO_ANSWER with these items."""
    packed = b"".join(bytes([kind, len(value)]) + value for kind, value in items.items())
    return bytes([Message.HELLO_ANSWER, PROTOCOL]) + packed


def answer(request: bytes, scores: bytes, status: int = 0, ticks: int = TICKS) -> bytes:
    """The message INFER_ANSWER to a request."""
    crc = crc32(request[4:])  # behind type, id and encoding
    return (
        bytes([Message.INFER_ANSWER])
        + request[1:3]
        + struct.pack("<bII", status, crc, ticks)
        + scores
    )


class Board:
    """An honest board that gives every input the same scores; what it says can be changed.

    ``reply`` gets the honest frame of an answer and the request, ``greet`` the honest hello.
    """

    def __init__(
        self,
        items: dict[int, bytes],
        scores: bytes,
        greet: Rule = bytes,
        reply: Callable[[bytes, bytes], bytes] = lambda frame, request: frame,
    ) -> None:
        self.items = dict(items)
        self.scores = scores
        self.heard: list[int] = []
        """The first byte of each message."""
        self._greet = greet
        self._reply = reply
        self._ran = 0

    def __call__(self, message: bytes) -> bytes:
        """The bytes on the line that answer a message of the host."""
        self.heard.append(message[0])
        if message[0] == Message.HELLO:
            self.items[Item.INFERENCES] = struct.pack("<I", self._ran)
            return self._greet(encode_frame(hello(self.items)))
        self._ran += 1
        return self._reply(encode_frame(answer(message, self.scores)), message)

    def restart(self) -> None:
        """Begin to count anew."""
        self._ran = 0


SCORES = np.array([-128, -100, -90, -80, -70, -60, -50, 90, -40, -30], np.int8)
"""Of every input of the fixed model: the digit 7."""


def fixed_model(folder: Path, build_folder: Path) -> ModelFolder:
    """A digit model that gives SCORES to every input, as its weights are zero; its manifest."""
    model = ModelBuilder()
    source = model.tensor((1, 784), 1 / 255, -128)
    weights = model.weights(np.zeros((10, 784), np.int8), 0.5)
    values = np.asarray(SCORES, np.int32) + 128
    bias = model.tensor((10,), 0.5 / 255, data=values, dtype="INT32")
    sink = model.tensor((1, 10), 0.5 / 255, -128)
    model.operator("FULLY_CONNECTED", [source, weights, bias], [sink], "FullyConnectedOptions", 4)
    path = folder / "fixed.tflite"
    path.write_bytes(model.build([source], [sink]))
    Manifest(
        name="fixed",
        sha256=sha256_of(path),
        input=TensorInfo((1, 784), "int8", float(np.float32(1 / 255)), -128),
        output=TensorInfo((1, 10), "int8", float(np.float32(0.5 / 255)), -128),
        labels=tuple("0123456789"),
    ).save(build_folder / "fixed" / "manifest.json")
    return find_model(str(path))


def board_of(
    folder: ModelFolder,
    items: dict[str, bytes] | None = None,
    greet: Rule = bytes,
    reply: Callable[[bytes, bytes], bytes] = lambda frame, request: frame,
) -> Board:
    """A board with the fixed model; ``items`` of its hello are others."""
    told = items_of(Manifest.load(folder.manifest))
    told |= {Item[name]: value for name, value in (items or {}).items()}
    return Board(told, SCORES.tobytes(), greet, reply)
