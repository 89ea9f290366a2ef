"""The recorded figures of TensorFlow Lite Micro (``tflm.toml``) for a network of the same shape."""

from dataclasses import dataclass
from pathlib import Path

from glyphite.convert.documents import read_toml

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


@dataclass(frozen=True)
class _Model:
    """The figures of one network."""

    title: str
    macs: int
    input: tuple[int, ...]
    output: tuple[int, ...]
    count: int
    static_ram_bytes: int
    code_bytes: int


@dataclass(frozen=True)
class _Recorded:
    """The content of ``tflm.toml``."""

    method: str
    board: str
    model: list[_Model]


def find_baseline(
    board: str, macs: int, source: tuple[int, ...], sink: tuple[int, ...]
) -> Baseline | None:
    """The figures for ``board`` and a network with these MACs, input and output shape, if any.

    ``source`` and ``sink`` are the shapes of input and output, with the batch. Raises InputError
    where the file of figures is damaged.
    """
    recorded = read_toml(RECORDED, _Recorded, "It came with Glyphite: install that anew.")
    for model in recorded.model:
        if (recorded.board, model.macs, model.input, model.output) == (board, macs, source, sink):
            sizes = (model.static_ram_bytes, model.code_bytes)
            return Baseline(model.title, model.count, *sizes, method=recorded.method)
    return None
