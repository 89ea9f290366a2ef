"""The float model by Keras: the only file of ``host`` that imports TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glyphite.convert.errors import ModelError
from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.text import printable
from glyphite.host.runners.base import Scores, Tensors, chunks

CHUNK = 500


@dataclass(frozen=True)
class KerasRunner:
    """Runs a model.keras on the float inputs that the int8 tensors represent."""

    model: Path
    manifest: Manifest
    name: str = "float"

    def run(self, tensors: Tensors, progress: Progress = ignore_progress) -> Scores:
        """The float32 scores (n, classes).

        Raises ModelError where Keras cannot load the model, ToolError where TensorFlow is not
        installed.
        """
        load_tensorflow()
        import keras

        try:
            network = keras.models.load_model(self.model, compile=False)
        except (ValueError, OSError, TypeError) as error:
            first, *_ = str(error).splitlines() or [type(error).__name__]
            raise ModelError(
                f"{self.model} cannot be loaded by Keras: {printable(first)} "
                "Make it anew with `glyphite train`."
            ) from error
        results = []
        for part in chunks(tensors, CHUNK):
            inputs = self.manifest.dequantize_input(part)
            results.append(network(inputs, training=False).numpy())
            progress(len(part))
        return np.concatenate(results).reshape(len(tensors), -1)
