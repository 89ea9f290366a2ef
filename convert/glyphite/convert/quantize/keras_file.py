"""Checks of a model's file before Keras loads it.

A ``.keras`` is a zip of a description and of weights, an ``.h5`` is HDF5 with both in it.
"""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from glyphite.convert.archives import unpack_zip
from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.files import read_bytes
from glyphite.convert.text import printable

MOST_BYTES = 256 << 20
"""Of a file and of what is in it: ten times the largest model that is trained for such boards."""
WEIGHTS = "model.weights.h5"
H5_MAGIC = b"\x89HDF\r\n\x1a\n"
MOST_LAYERS = 1000
"""Nested ones included; a chain of 200 takes Keras half a second."""
MOST_IN_SEQUENCE = 120
"""Layers of a Sequential, which Keras builds anew for each: 100 take 3 seconds, 200 take 13."""


def is_h5(content: bytes) -> bool:
    """Whether a file's content is HDF5, as Keras 2 wrote it."""
    return content.startswith(H5_MAGIC)


def check(path: Path) -> dict[str, Any]:
    """Make sure that ``path`` is a ``.keras`` or ``.h5`` file with layers of Keras alone, of an
    honest size.

    Returns the description of the model, as Keras deserializes it. A Lambda's code would be run by
    loading it, and the code of a custom layer is not in the file.
    Raises ModelError where the file is missing, is of neither kind, was written by Keras 2 as a
    ``.keras``, unpacks to too much, has such a layer or too many; InputError where it cannot be
    read.
    """
    if not path.exists() and not path.is_symlink():
        raise ModelError(f"No such file: {path}. Name a .keras file, or a model's name.")
    content = read_bytes(path, MOST_BYTES)
    kind, read = (".h5", _of_h5) if is_h5(content) else (".keras", _of_keras)
    try:
        description, is_own = read(content)
        foreign = next(_foreign_layers(description, is_own), None)
    except _Keras2Error as error:
        raise ModelError(
            f"{path} was saved by Keras {error}, whose .keras files Keras 3 cannot read. Load it "
            f"there and save it as .h5 (`model.save({path.stem + '.h5'!r})`), then convert that."
        ) from error
    except (InputError, ValueError, KeyError, RecursionError) as error:
        reason = printable(str(error)).rstrip(".")
        raise ModelError(
            f"{path} is not a {kind} file ({reason}). Save a model with `model.save('NAME.keras')`."
        ) from error
    _check_layers(path, list(_lists_of_layers(description)))
    if foreign is not None:
        kind, name = foreign
        raise ModelError(
            f"Layer {name!r} of the type {kind} in {path} is code that is not Keras's own, and "
            "cannot be loaded. Replace it by layers of Keras and save the model anew."
        )
    return description


class _Keras2Error(Exception):
    """The file is of Keras 2; the message is its version."""


def _of_keras(content: bytes) -> tuple[dict[str, Any], "_IsOwn"]:
    """The description in the bytes of a ``.keras`` file, and what tells Keras's own layers."""
    files = unpack_zip(content, "it", MOST_BYTES)
    description = _description(files["config.json"])
    found = json.loads(files.get("metadata.json", b"{}"))
    saved_by = printable(str(found.get("keras_version", "")) if isinstance(found, dict) else "")
    if saved_by.startswith("2."):
        raise _Keras2Error(saved_by)
    _check_weights(files.get(WEIGHTS), WEIGHTS)
    return description, _is_of_keras_3


def _of_h5(content: bytes) -> tuple[dict[str, Any], "_IsOwn"]:
    """The same of an ``.h5`` file, in which a layer is known by the name of its class alone."""
    import h5py  # comes with TensorFlow

    _check_weights(content, "model")
    with h5py.File(io.BytesIO(content), "r") as file:
        text = file.attrs.get("model_config")
    if text is None:
        raise ValueError("it has weights alone, and no network")
    return _description(text.encode() if isinstance(text, str) else bytes(text)), _is_by_name


def _is_of_keras_3(node: dict[str, Any]) -> bool:
    module = str(node.get("module"))
    return module == "keras" or module.startswith("keras.")


def _is_by_name(node: dict[str, Any]) -> bool:
    import keras

    name = str(node.get("class_name"))
    return name in ("Functional", "Model", "Sequential") or hasattr(keras.layers, name)


_IsOwn = Callable[[dict[str, Any]], bool]
"""Whether Keras itself defines the layer that is described."""


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


def _check_weights(content: bytes | None, what: str) -> None:
    """ValueError where the weights are in other files, or are more than the file could hold.

    HDF5 packs and links as well: a data set of a few bytes can stand for any number of zeros, or
    for what lies in another file of this machine.
    """
    if content is None:
        return
    import h5py  # comes with TensorFlow, which loads the file after this check

    try:
        with h5py.File(io.BytesIO(content), "r") as weights:
            size = sum(_sizes(weights, set(), what))
    except (OSError, RuntimeError, OverflowError) as error:
        raise ValueError(f"its {what} is damaged: {error}") from error
    if size > MOST_BYTES:
        raise ValueError(f"its weights have {size:,} bytes, and at most {MOST_BYTES:,} are read")


def _sizes(group: Any, seen: set[int], what: str) -> Iterator[int]:  # noqa: ANN401 - h5py has no types
    """The bytes of each data set below ``group``; every one lies in the file itself, and once.

    ``seen`` has the addresses of what was met before: groups may be linked in rings.
    """
    import h5py

    for name in group:
        own = isinstance(group.get(name, getlink=True), h5py.HardLink)
        found = group[name] if own else None
        address = h5py.h5o.get_info(found.id).addr if found else 0
        if not own or address in seen or getattr(found, "external", None):
            raise ValueError(f"its {what} has {name} from another place")
        seen.add(address)
        if isinstance(found, h5py.Group):
            yield from _sizes(found, seen, what)
        elif isinstance(found, h5py.Dataset) and not found.is_virtual:
            yield found.size * found.dtype.itemsize
        else:
            raise ValueError(f"its {what} has {name}, which is no array")


def _foreign_layers(node: dict[str, Any], is_own: _IsOwn) -> Iterator[tuple[str, str]]:
    """Type and name of ``node`` and of every layer below it that Keras itself does not define."""
    kind, config = str(node.get("class_name")), node.get("config")
    if not isinstance(config, dict):
        return
    if kind == "Lambda" or not is_own(node):
        yield kind, str(config.get("name", kind))
    inner = config.get("layers", [])
    wrapped = config.get("layer")  # of TimeDistributed, Bidirectional
    for layer in [*inner, wrapped] if isinstance(inner, list) else [wrapped]:
        if isinstance(layer, dict):
            yield from _foreign_layers(layer, is_own)
