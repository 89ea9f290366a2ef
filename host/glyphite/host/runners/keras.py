"""The float model by Keras, as ``convert.quantize`` loads it: the only file of ``host`` for it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.quantize.read_keras import load_keras
from glyphite.host.runners.base import Outputs, Scores, Tensors, chunks, only, require_finite

CHUNK = 500


class LoadedKeras:
    """A model.keras, kept in memory.

    Raises ModelError where Keras cannot load it, InputError where it cannot be read, ToolError
    where TensorFlow is not installed.
    """

    def __init__(self, model: Path) -> None:
        self._network = load_keras(model)

    def run(self, floats: Tensors) -> Scores:
        """Its float32 output for inputs (n, *shape), at once."""
        return np.asarray(self._network(floats, training=False).numpy())


@dataclass(frozen=True)
class KerasRunner:
    """Runs a model.keras on float inputs, or on those that int8 ones represent."""

    model: Path
    manifest: Manifest
    name: str = "float"

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        """The float32 scores (n, classes) of its one output.

        Raises ModelError where Keras cannot load the model or it answers with values that are not
        finite, InputError where it cannot be read, ToolError where TensorFlow is not installed.
        """
        tensors = only(inputs)
        network = LoadedKeras(self.model)
        results = []
        for part in chunks(tensors, CHUNK):
            results.append(network.run(self.manifest.dequantize_input(part)))
            progress(len(part))
        scores = np.concatenate(results).reshape(len(tensors), -1)
        require_finite(scores, self.model)
        return (scores,)
