"""A trained model in float32, whichever of the usual files it lies in.

``.keras``, ``.h5``, a SavedModel's folder, and a float ``.tflite``, as litert-torch makes one.
The first two stay models of Keras; a SavedModel becomes a float ``.tflite``, which is then the
model.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.frontend.tflite import IDENTIFIER
from glyphite.convert.errors import ModelError
from glyphite.convert.files import read_bytes, temporary_files_in, temporary_folder
from glyphite.convert.quantize import keras_file, saved_model
from glyphite.convert.quantize.float_tflite import FloatTflite
from glyphite.convert.quantize.quantize import (
    convert_float,
    input_shape,
    layer_of,
    quantize,
)
from glyphite.convert.quantize.quiet import quiet
from glyphite.convert.quantize.read_keras import read_keras
from glyphite.convert.text import printable
from glyphite.convert.workspace import is_file

if TYPE_CHECKING:
    import keras

Floats = NDArray[np.float32]
FORMS = "a .keras, a .h5, a float .tflite, or a SavedModel's folder"


class FloatModel(Protocol):
    """What the conversion asks of a trained model."""

    @property
    def file(self) -> str:
        """The name of the file that it is kept in, in a model's folder."""

    @property
    def content(self) -> bytes:
        """The content of that file."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one input, without the batch."""

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of one output, without the batch."""

    @property
    def float_tflite(self) -> bytes:
        """The same model as a float32 .tflite, with a fixed batch of 1."""

    @property
    def notes(self) -> tuple[str, ...]:
        """A sentence on each thing that was taken otherwise than it is in the file."""

    def answers(self, inputs: Floats) -> Floats:
        """The outputs (n, *output shape) for ``inputs`` (n, *shape)."""

    def layer_of(self, tensor: str) -> str:
        """What a sentence calls the layer that writes a tensor of ``float_tflite``, by its name."""

    def quantized(self, calibration: Floats) -> bytes:
        """The int8 .tflite; ``calibration`` (n, *shape) are inputs like those of the training."""


class KerasModel:
    """A model of Keras, out of a ``.keras`` or an ``.h5`` file."""

    file = "model.keras"

    def __init__(self, model: "keras.Model", content: bytes, notes: tuple[str, ...] = ()) -> None:
        """``content`` is that of a ``.keras`` file with the model in it."""
        self.content = content
        self.notes = notes
        self.network = model
        self.shape = input_shape(model)
        self.output_shape = tuple(int(size or 1) for size in model.outputs[0].shape[1:])

    @cached_property
    def float_tflite(self) -> bytes:
        """The same model as a float32 .tflite. Raises what :func:`convert_float` does."""
        return convert_float(self.network)

    def answers(self, inputs: Floats) -> Floats:
        """The outputs (n, *output shape) for ``inputs`` (n, *shape)."""
        with quiet():
            return np.asarray(self.network(inputs, training=False), np.float32)

    def layer_of(self, tensor: str) -> str:
        """What a sentence calls the layer that writes a tensor of ``float_tflite``, by its name."""
        return layer_of([tensor], self.network) or f"the layer that writes {printable(tensor)!r}"

    def quantized(self, calibration: Floats) -> bytes:
        """The int8 .tflite. Raises what :func:`quantize` does."""
        return quantize(self.network, calibration, self.float_tflite)


def open_model(path: Path) -> FloatModel:
    """The model at ``path``: one of FORMS, told by what is in it.

    Raises ModelError where it is none of these or cannot be loaded, InputError where it cannot be
    read, ToolError where a package that it needs is not installed.
    """
    if path.is_dir():
        if not is_file(path / saved_model.FILE):
            raise ModelError(
                f"{path} is a folder without {saved_model.FILE} and without a model of Glyphite's. "
                f"Name {FORMS}."
            )
        return FloatTflite(saved_model.float_tflite_of(path), str(path))
    if not path.exists() and not path.is_symlink():
        raise ModelError(f"No such file: {path}. Name {FORMS}, or a model's name.")
    content = read_bytes(path, keras_file.MOST_BYTES)
    if content[4:8] == IDENTIFIER:
        return FloatTflite(content, str(path))
    model, notes = read_keras(path)
    return KerasModel(model, content if not keras_file.is_h5(content) else _saved(model), notes)


def _saved(model: "keras.Model") -> bytes:
    """The content of a ``.keras`` file with ``model`` in it."""
    with temporary_folder() as folder, temporary_files_in(folder):
        path = folder / KerasModel.file
        with quiet():
            model.save(path)
        return path.read_bytes()
