"""LiteRT with every tensor of a model kept, so that each layer can be looked at."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.errors import ModelError
from glyphite.convert.text import printable
from glyphite.host.runners.litert import interpreter_of


class AllTensors:
    """A .tflite in LiteRT without its delegate; with it, only outputs can be read.

    Raises ModelError where LiteRT cannot load it, ToolError where none is installed.
    """

    def __init__(self, content: bytes, named: str, *, delegate: bool = False) -> None:
        """``named`` names the model in messages."""
        self._named = named
        self._interpreter = interpreter_of(content, named, delegate=delegate)
        self.inputs = [int(each["index"]) for each in self._interpreter.get_input_details()]
        self._shapes = {
            int(each["index"]): (tuple(map(int, each["shape"])), np.dtype(each["dtype"]))
            for each in self._interpreter.get_input_details()
        }

    def takes(self, tensor: int) -> tuple[tuple[int, ...], "np.dtype[Any]"]:
        """Shape and type of an input."""
        return self._shapes[tensor]

    def run(self, inputs: Mapping[int, NDArray[Any]]) -> None:
        """Infer once; ``inputs`` by the numbers of their tensors, with the batch.

        Raises ModelError where LiteRT cannot.
        """
        try:
            for tensor, values in inputs.items():
                self._interpreter.set_tensor(tensor, values)
            self._interpreter.invoke()
        except (ValueError, RuntimeError) as error:
            reason = printable(" ".join(str(error).split()).rstrip("."))
            raise ModelError(
                f"LiteRT cannot run {self._named}: {reason}. Convert the model anew."
            ) from error

    def tensor(self, index: int) -> NDArray[Any]:
        """A tensor of the last inference, with the batch."""
        values: NDArray[Any] = self._interpreter.get_tensor(index)
        return values
