"""The recorded figures of TensorFlow Lite Micro (``tflm.toml``) for a network of the same shape."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

RECORDED = Path(__file__).with_name("tflm.toml")


@dataclass(frozen=True)
class Baseline:
    """The cost of a network of the same shape in TFLM."""

    title: str
    count: int
    """Instructions of one inference."""
    static_ram_bytes: int
    code_bytes: int
    method: str


def find_baseline(
    board: str, macs: int, source: tuple[int, ...], sink: tuple[int, ...]
) -> Baseline | None:
    """The figures for ``board`` and a network with these MACs, input and output shape, if any.

    ``source`` and ``sink`` are the shapes of input and output, with the batch.
    """
    recorded = tomllib.loads(RECORDED.read_text())
    for model in recorded["model"]:
        key = (recorded["board"], model["macs"], tuple(model["input"]), tuple(model["output"]))
        if key == (board, macs, source, sink):
            figures = {name: model[name] for name in ("count", "static_ram_bytes", "code_bytes")}
            return Baseline(model["title"], **figures, method=recorded["method"])
    return None
