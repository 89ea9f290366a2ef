"""The description of a quantized model, in one JSON file beside it.

An image is prepared as this file says on the PC and for the board, so that training, calibration
and inference cannot disagree.
"""

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import ModelError
from glyphite.convert.files import read_bytes, write_text


@dataclass(frozen=True)
class TensorInfo:
    """An input or output tensor: ``real = scale * (quantized - zero_point)``."""

    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True)
class Manifest:
    """What later stages need to know of a quantized model."""

    name: str
    sha256: str
    """SHA-256 of the .tflite, 64 hexadecimal digits: a board sends it to say which model it has."""
    input: TensorInfo
    output: TensorInfo
    labels: tuple[str, ...]
    pixel_divisor: float = 255.0
    """Preprocessing: a pixel of 0..255 is divided by this before the float model sees it."""
    calibration: str = ""
    accuracy: dict[str, float] = field(default_factory=dict)
    """Accuracy by runner as a fraction, filled in by ``compare``."""
    tools: dict[str, str] = field(default_factory=dict)
    """Versions of the tools that made the model."""

    def quantize_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.int8]:
        """Pixels (n, height, width) of 0..255 as the int8 input tensors (n, *input.shape[1:]).

        ``round(pixel / pixel_divisor / scale) + zero_point``, kept within -128..127; halves are
        rounded to even.
        """
        levels = np.arange(256, dtype=np.float64) / self.pixel_divisor / self.input.scale
        table = np.clip(np.round(levels) + self.input.zero_point, -128, 127).astype(np.int8)
        return table[pixels].reshape(len(pixels), *self.input.shape[1:])

    def dequantize_input(self, tensors: NDArray[np.int8]) -> NDArray[np.float32]:
        """The float inputs (n, ...) that int8 input tensors (n, ...) represent."""
        shifted = tensors.astype(np.int32) - self.input.zero_point
        return (shifted * np.float64(self.input.scale)).astype(np.float32)

    def save(self, path: Path) -> None:
        """Write the manifest as JSON. Raises InputError where ``path`` cannot be written."""
        write_text(path, json.dumps(dataclasses.asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Manifest":
        """Read a manifest.

        Raises ModelError where ``path`` is not a manifest, InputError where it cannot be read.
        """
        try:
            fields: dict[str, Any] = json.loads(read_bytes(path))
            fields["input"] = _tensor_info(fields["input"])
            fields["output"] = _tensor_info(fields["output"])
            fields["labels"] = tuple(fields["labels"])
            return cls(**fields)
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{path} is not a model manifest ({error}). Make it anew with `glyphite convert`."
            ) from error


def _tensor_info(fields: dict[str, Any]) -> TensorInfo:
    return TensorInfo(**{**fields, "shape": tuple(fields["shape"])})


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits. Raises InputError where it cannot be read."""
    return hashlib.sha256(read_bytes(path)).hexdigest()
