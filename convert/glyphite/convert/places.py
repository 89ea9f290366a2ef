"""Builds, by the folders in which they lie: ``build/<model>/<board>/<goal>``."""

import os
from dataclasses import replace
from pathlib import Path

from glyphite.convert.errors import ModelError
from glyphite.convert.shipped import MODELS
from glyphite.convert.workspace import (
    FIRMWARE_FILE,
    SOURCE,
    TFLITE,
    ModelFolder,
    find_model,
    is_file,
    own_tflite,
)


def find_build(path: Path) -> ModelFolder:
    """The model whose firmware lies in ``path``, which is ``build/<model>/<board>/<goal>``.

    Its places are those of that build. Raises ModelError where ``path`` lies in no model's folder,
    InputError where what says so cannot be read.
    """
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolves no link
    root, shipped = absolute.parents[1], MODELS / absolute.parents[1].name / TFLITE
    if is_file(root / TFLITE):
        found = find_model(str(root))
    elif is_file(root / SOURCE):
        found = find_model(str(own_tflite(root, "Name the model itself.")))
    elif is_file(shipped):
        found = ModelFolder(root, shipped)
    else:
        raise ModelError(
            f"{path} lies in no model's folder: a build is found as build/MODEL/BOARD/GOAL, where "
            "`glyphite build` puts it. Name the model itself."
        )
    return replace(found, root=root, build=str(absolute.relative_to(root)))


def is_c_of_build(path: Path) -> bool:
    """Whether ``path`` is, or lies in, the folder of the C that a firmware was built of."""
    place = path.resolve()
    return any(
        folder.name == "c"
        and is_file(folder / "model.c")
        and is_file(folder.with_name(FIRMWARE_FILE))
        for folder in (place, *place.parents)
    )


def is_of_model(path: Path, model: ModelFolder) -> bool:
    """Whether ``path`` is the folder of ``model`` or of another, and not one in it."""
    own = path.resolve() == model.root.resolve()
    return own or is_file(path / TFLITE) or is_file(path / SOURCE)
