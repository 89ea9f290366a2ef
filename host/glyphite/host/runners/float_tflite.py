"""The float model where it is no model of Keras: a float32 .tflite, run by LiteRT."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from glyphite.convert.files import read_bytes
from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.convert.quantize.float_tflite import FloatTflite
from glyphite.host.runners.base import Outputs, Tensors, only, require_finite


@dataclass(frozen=True)
class FloatTfliteRunner:
    """Runs a model_float.tflite on float inputs, or on those that int8 ones represent."""

    model: Path
    manifest: Manifest
    name: str = "float_litert"

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        """The float32 scores (n, classes) of its one output.

        Raises ModelError where LiteRT cannot load the model or it answers with values that are not
        finite, InputError where it cannot be read.
        """
        tensors = only(inputs)
        model = FloatTflite(read_bytes(self.model), str(self.model))
        results = []
        for tensor in tensors:
            results.append(model.answers(self.manifest.dequantize_input(tensor[np.newaxis]))[0])
            progress(1)
        scores = np.stack(results).reshape(len(tensors), -1)
        require_finite(scores, self.model)
        return (scores,)
