"""Checks of a ``.keras`` file before Keras loads it: a zip of a description and of weights."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glyphite.convert.archives import unpack_zip
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.files import read_bytes
from glyphite.convert.text import printable

MOST_BYTES = 256 << 20
"""Of a file and of what is in it: ten times the largest model that is trained for such boards."""
WEIGHTS = "model.weights.h5"
MOST_LAYERS = 1000
"""Nested ones included; a chain of 200 takes Keras half a second."""
MOST_IN_SEQUENCE = 120
"""Layers of a Sequential, which Keras builds anew for each: 100 take 3 seconds, 200 take 13."""


def check(path: Path) -> dict[str, Any]:
    """Make sure that ``path`` is a ``.keras`` file with layers of Keras alone, of an honest size.

    Returns the description of the model, as Keras deserializes it. A Lambda's code would be run by
    loading it, and the code of a custom layer is not in the file.
    Raises ModelError where the file is missing, is not a ``.keras`` file, unpacks to too much, has
    such a layer or too many; InputError where it cannot be read.
    """
    if not path.exists() and not path.is_symlink():
        raise ModelError(f"No such file: {path}. Name a .keras file, or a model's name.")
    content = read_bytes(path, MOST_BYTES)
    try:
        files = unpack_zip(content, "it", MOST_BYTES)
        description = _description(files["config.json"])
        foreign = next(_foreign_layers(description), None)
        _check_weights(files.get(WEIGHTS))
    except (InputError, ValueError, KeyError, RecursionError) as error:
        reason = printable(str(error)).rstrip(".")
        raise ModelError(
            f"{path} is not a .keras file ({reason}). Save a model with `model.save('NAME.keras')`."
        ) from error
    _check_layers(path, list(_lists_of_layers(description)))
    if foreign is not None:
        kind, name = foreign
        raise ModelError(
            f"Layer {name!r} of the type {kind} in {path} is code that is not Keras's own, and "
            "cannot be loaded. Replace it by layers of Keras and save the model anew."
        )
    return description


def _description(content: bytes) -> dict[str, Any]:
    description = json.loads(content)
    if not isinstance(description, dict) or "config" not in description:
        raise ValueError("its config.json describes no model")
    return description


def _lists_of_layers(description: dict[str, Any]) -> Iterator[tuple[object, int]]:
    """Of each list of layers, however deep in the description: whose class, and how many layers."""
    left = list[Any]([description])
    while left:
        node = left.pop()
        if isinstance(node, dict):
            config = node.get("config")
            layers = config.get("layers") if isinstance(config, dict) else None
            if isinstance(layers, list):
                yield node.get("class_name"), len(layers)
            left += node.values()
        elif isinstance(node, list):
            left += node


def _check_layers(path: Path, lists: list[tuple[object, int]]) -> None:
    """ModelError where Keras would take minutes to make so many layers."""
    if (count := sum(length for _, length in lists)) > MOST_LAYERS:
        raise ModelError(
            f"{path} has {count:,} layers, and at most {MOST_LAYERS:,} are loaded. Make a smaller "
            "model: no microcontroller has room for it."
        )
    sequences = [length for kind, length in lists if kind == "Sequential"]
    if sum(length**2 for length in sequences) > MOST_IN_SEQUENCE**2:
        raise ModelError(
            f"{path} has {sum(sequences)} layers in Sequentials, too many for Keras to load soon: "
            f"one of {MOST_IN_SEQUENCE} layers is the most. Join them by `keras.Model` instead."
        )


def _check_weights(content: bytes | None) -> None:
    """ValueError where the weights are in other files, or are more than the file could hold.

    HDF5 packs and links as well: a data set of a few bytes can stand for any number of zeros, or
    for what lies in another file of this machine.
    """
    if content is None:
        return
    import h5py  # comes with TensorFlow, which loads the file after this check

    try:
        with h5py.File(io.BytesIO(content), "r") as weights:
            size = sum(_sizes(weights, set()))
    except (OSError, RuntimeError, OverflowError) as error:
        raise ValueError(f"its {WEIGHTS} is damaged: {error}") from error
    if size > MOST_BYTES:
        raise ValueError(f"its weights have {size:,} bytes, and at most {MOST_BYTES:,} are read")


def _sizes(group: Any, seen: set[int]) -> Iterator[int]:  # noqa: ANN401 - h5py has no types
    """The bytes of each data set below ``group``; every one lies in the file itself, and once.

    ``seen`` has the addresses of what was met before: groups may be linked in rings.
    """
    import h5py

    for name in group:
        own = isinstance(group.get(name, getlink=True), h5py.HardLink)
        found = group[name] if own else None
        address = h5py.h5o.get_info(found.id).addr if found else 0
        if not own or address in seen or getattr(found, "external", None):
            raise ValueError(f"its {WEIGHTS} has {name} from another place")
        seen.add(address)
        if isinstance(found, h5py.Group):
            yield from _sizes(found, seen)
        elif isinstance(found, h5py.Dataset) and not found.is_virtual:
            yield found.size * found.dtype.itemsize
        else:
            raise ValueError(f"its {WEIGHTS} has {name}, which is no array")


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
