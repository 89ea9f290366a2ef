"""Models of one dense layer with chosen weights, with a manifest, as the verbs find them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.preprocessing import NAMED
from glyphite.convert.quantize.quantize import manifest_of
from tests.builders.models import ModelBuilder


def dense(
    root: Path,
    name: str,
    weights: NDArray[Any],
    scale: float = 0.02,
    shape: tuple[int, ...] | None = None,
    **said: object,
) -> str:
    """A model in the build folder ``root``, which multiplies by ``weights`` (outputs, inputs).

    Inputs, of ``shape``, and outputs are -128 to 127 times ``scale``. ``said`` are fields of its
    manifest, by which samples are taken as they are. Returns its name.
    """
    model, precision = ModelBuilder(), float(np.abs(weights).max()) / 127
    source = model.tensor(shape or (1, weights.shape[1]), scale, 0)
    matrix = model.weights(np.round(weights / precision).astype(np.int8), precision)
    bias = model.bias(np.zeros(len(weights), np.int32))
    sink = model.tensor((1, len(weights)), scale, 0)
    inputs = [source, matrix, bias]
    model.operator("FULLY_CONNECTED", inputs, [sink], "FullyConnectedOptions", 4)
    folder, content = root / name, model.build([source], [sink])
    folder.mkdir(parents=True)
    (folder / "model_int8.tflite").write_bytes(content)
    fields: dict[str, Any] = {"preprocessing": NAMED["raw"], **said}
    dataclasses.replace(manifest_of(content, name), **fields).save(folder / "manifest.json")
    return name
