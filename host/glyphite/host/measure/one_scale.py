"""Whether a board's bytes are those of a library whose dense layers know one scale a tensor."""

import numpy as np

from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.errors import GlyphiteError
from glyphite.convert.export.tflm_dense import has_channels, misread
from glyphite.convert.export.tflm_library import CHIRALE
from glyphite.convert.files import read_bytes
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder
from glyphite.host.runners.base import Scores, Tensors
from glyphite.host.runners.tflm import has_tflm, infer

MOST = 50
"""Inputs that decide: more would only take longer."""

CAUSE = (
    "These are exactly the bytes of a TensorFlow Lite Micro from before October 2024, which takes "
    "one scale for all channels of a dense layer. Export the sketch for the library that it is "
    "built with, as `{export}` does for one."
)


def one_scale(model: ModelFolder, tensors: Tensors, scores: Scores, right: Scores) -> str:
    """The sentences on that cause where it explains all ``scores`` (n, classes) of ``tensors``.

    ``right``: what should have come. Empty where it does not, or cannot be known here. Raises
    InputError where the .tflite cannot be read.
    """
    wrong = np.flatnonzero((scores.view(np.int8) != right.view(np.int8)).any(axis=1))[:MOST]
    if not len(wrong) or not has_tflm():
        return ""
    content = read_bytes(model.tflite)
    try:
        graphs = read_loosely(content)
        if not has_channels(graphs):
            return ""
        found = infer(misread(content, graphs), tensors[wrong])
    except GlyphiteError:  # another cause, then, which the caller goes on to look for
        return ""
    export = command("glyphite", "export", model.named, "--tflm", "--library", CHIRALE.name)
    return CAUSE.format(export=export) if np.array_equal(found, scores[wrong]) else ""
