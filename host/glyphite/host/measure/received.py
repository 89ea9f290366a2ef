"""The answers that have come of a run, which are kept where it ends early."""

import io
import threading
from pathlib import Path

import numpy as np

from glyphite.convert.documents import to_json
from glyphite.convert.files import write_bytes, write_text
from glyphite.host.device.wire.messages import Answer, Hello


class Received:
    """The answers so far of a run over ``images`` images; several threads may add some."""

    def __init__(self, images: int) -> None:
        self.images = images
        self.hello: Hello | None = None
        """The board's, or that of one of several; None before the first."""
        self._answers: dict[int, Answer] = {}
        self._lock = threading.Lock()

    def add(self, hello: Hello, index: int, answer: Answer) -> None:
        """Keep a board's answer to image ``index``."""
        with self._lock:
            self.hello = hello
            self._answers[index] = answer

    def sorted(self) -> list[tuple[int, Answer]]:
        """Each answered image's index with its answer."""
        with self._lock:
            return sorted(self._answers.items())


def save_partial(
    folder: Path, received: Received, *, board: str, url: str, sha256: str, ended_by: str
) -> Path | None:
    """Write partial.npz (images, scores, times) and partial.json to a board's folder.

    ``board``: its name; ``url``: its port; ``sha256``: of the model that it has to hold. Returns
    the path of the first, or None where no answer had come. Raises InputError where the
    folder cannot be written.
    """
    answered = received.sorted()
    if received.hello is None or not answered:
        return None
    packed = io.BytesIO()
    np.savez_compressed(
        packed,
        images=np.array([index for index, _ in answered], np.int64),
        scores=np.array([answer.scores for _, answer in answered]),
        seconds=np.array([answer.seconds for _, answer in answered], np.float64),
        ticks=np.array([answer.ticks for _, answer in answered], np.int64),
    )
    content = {
        "complete": False,
        "images": len(answered),
        "of": received.images,
        "ended_by": ended_by,
        "sha256": sha256,
        "board": board,
        "port": url,
        "firmware": received.hello.firmware,
    }
    write_bytes(folder / "partial.npz", packed.getvalue())
    write_text(folder / "partial.json", to_json(content))
    return folder / "partial.npz"
