"""Checks of a ``.keras`` file, a zip with a JSON description, before Keras loads it."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glyphite.convert.errors import ModelError


def check(path: Path) -> None:
    """Make sure that ``path`` is a ``.keras`` file with layers of Keras alone.

    A Lambda's code would be run by loading it, and the code of a custom layer is not in the file.
    Raises ModelError where the file is missing, is not a ``.keras`` file, or has such a layer.
    """
    for kind, name in _foreign_layers(_description(path)):
        raise ModelError(
            f"Layer {name!r} of the type {kind} in {path} is code that is not Keras's own, and "
            "cannot be loaded. Replace it by layers of Keras and save the model anew."
        )


def _description(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise ModelError(f"No such file: {path}. Name a .keras file, or a model's name.")
    try:
        with zipfile.ZipFile(path) as archive:
            description = json.loads(archive.read("config.json"))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"{path} is not a .keras file ({error}). Save a model with `model.save('NAME.keras')`."
        ) from error
    if not isinstance(description, dict):
        raise ModelError(f"{path} is not a .keras file (its config.json describes no model).")
    return description


def _foreign_layers(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Type and name of ``node`` and of every layer below it that Keras itself does not define."""
    kind, config = str(node.get("class_name")), node.get("config")
    if not isinstance(config, dict):
        return
    module = str(node.get("module"))
    if kind == "Lambda" or not (module == "keras" or module.startswith("keras.")):
        yield kind, str(config.get("name", kind))
    inner = config.get("layers", [])
    wrapped = config.get("layer")  # of TimeDistributed, Bidirectional
    for layer in [*inner, wrapped] if isinstance(inner, list) else [wrapped]:
        if isinstance(layer, dict):
            yield from _foreign_layers(layer)
