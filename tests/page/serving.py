"""A `glyphite serve` that runs as a program of its own, and a page's end of its WebSocket."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from websockets.sync.client import connect
from websockets.typing import Origin

SECONDS = 120.0
"""For whatever takes a calm machine less than one."""


class Served:
    """A server: its address, and the program."""

    def __init__(self, url: str, program: "subprocess.Popen[str]") -> None:
        self.url, self.program = url, program

    def interrupt(self) -> int:
        """End it as Ctrl-C does; its exit code."""
        self.program.send_signal(signal.SIGINT)
        return self.program.wait(SECONDS)


@contextmanager
def serving(build: Path, *words: str) -> Iterator[Served]:
    """``glyphite serve`` with these arguments, until the end of the block."""
    command = [sys.executable, "-m", "glyphite.host.cli", "serve", "--http-port", "0", "--json"]
    command += words  # which may name another port
    environment = {
        **os.environ,
        "GLYPHITE_BUILD": str(build),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    log = build / "serve.log"
    with log.open("w") as errors:
        program = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        yield Served(_url(program, log), program)
    finally:
        if program.poll() is None:
            program.send_signal(signal.SIGINT)
        program.wait(SECONDS)


def _url(program: "subprocess.Popen[str]", log: Path) -> str:
    """The address in the document that it prints."""
    assert program.stdout is not None
    text = ""
    for line in program.stdout:
        text += line
        if line.startswith("}"):
            return str(json.loads(text)["url"])
    raise AssertionError(f"it did not begin: {text}{log.read_text()}")


class Client:
    """A page's end, without the page."""

    def __init__(self, url: str) -> None:
        address = url.removeprefix("http://").rstrip("/")
        self._opened = ExitStack()
        connecting = connect(
            f"ws://{address}/board",
            origin=Origin(f"http://{address}"),
            open_timeout=SECONDS,
            close_timeout=1.0,
        )
        self.socket = self._opened.enter_context(connecting)
        self.welcome = self.told("welcome")
        self._last = 0

    def told(self, *kinds: str) -> dict[str, Any]:
        """The next message of one of these kinds."""
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(SECONDS))
            if message["type"] in kinds:
                return message

    def state(self, wanted: str) -> dict[str, Any]:
        """Wait for a state of the board."""
        while (told := self.told("state"))["state"] != wanted:
            pass
        return told

    def send(self, image: NDArray[np.uint8], **more: object) -> int:
        """Ask what is in a picture (h, w); the number of the request."""
        self._last += 1
        height, width = image.shape
        picture = {"width": width, "height": height, "pixels": _text(image), **more}
        self.socket.send(json.dumps({"type": "read", "id": self._last, "picture": picture}))
        return self._last

    def read(self, image: NDArray[np.uint8], **more: object) -> dict[str, Any]:
        """The answer to a picture, or why there is none."""
        number = self.send(image, **more)
        while (told := self.told("answer", "refused"))["id"] != number:
            pass
        return told

    def close(self) -> None:
        """Leave."""
        self._opened.close()


def _text(image: NDArray[np.uint8]) -> str:
    return base64.b64encode(image.tobytes()).decode()


def best(told: dict[str, Any]) -> str:
    """The digit of the board in an answer."""
    (board,) = [each for each in told["answer"]["engines"] if each["name"] == "board"]
    return str(int(np.argmax(board["scores"])))
