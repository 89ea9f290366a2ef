"""A trained Keras model made ready for int8: batch norm folded away, activations apart.

What is left are the steps that the converter makes of the model: a layer with its ReLU is one, and
a softmax at a layer's end is one of its own.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

FOLDING = ("Conv1D", "Conv2D", "DepthwiseConv2D", "Dense")
"""Layers that take a batch normalization behind them into their weights."""
FUSED = ("linear", "relu", "relu6")
"""Activations that the converter makes one step with their layer."""
PASSING = {
    *("Identity", "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianNoise"),
    *("GaussianDropout", "AlphaDropout", "Flatten", "Reshape", "Permute", "InputLayer"),
    *("MaxPooling1D", "MaxPooling2D", "AveragePooling1D", "AveragePooling2D"),
    *("ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"),
}
"""Layers that give out the values that they take: int8 has one scale for both."""
FIXED = ("softmax", "sigmoid", "tanh")
"""Activations whose range TensorFlow Lite fixes."""


@dataclass(frozen=True)
class Place:
    """The output of a step, which int8 rounds."""

    layer: str
    tensor: Any
    """Of the folded model: a symbolic tensor of Keras."""


def folded(model: "keras.Model") -> "keras.Model":
    """``model`` with new layers of the same weights, each batch norm taken into what is before it.

    It gives the same answers as ``model`` does where that is not trained.
    """
    import keras

    whole = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    norms = _norms(whole)
    into = {layer.name: norm for norm, layer in norms.items()}
    apart = {each.name: each for each in whole.layers if _is_apart(each)}
    norm_names = {norm.name for norm in norms}

    def clone(layer: Any) -> Any:  # noqa: ANN401 - Keras has no types
        if layer.name in norm_names:
            return keras.layers.Identity(name=layer.name)
        settings = layer.get_config()
        if layer.name in into:
            settings["use_bias"] = True
        if layer.name in apart:
            settings["activation"] = "linear"
        return type(layer).from_config(settings)

    def call(layer: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401
        if layer.name in norm_names:
            return layer(given[0])  # without the mask that a batch norm takes
        made = layer(*given, **named)
        if layer.name not in apart:
            return made
        last = apart[layer.name].activation
        return keras.layers.Activation(last, name=f"{layer.name}_activation")(made)

    made = keras.models.clone_model(whole, clone_function=clone, call_function=call)
    for layer in whole.layers:
        if layer.name in norm_names or not layer.weights:
            continue
        norm = into.get(layer.name)
        weights = layer.get_weights() if norm is None else _into(layer, norm)
        made.get_layer(layer.name).set_weights(weights)
    return made


def places(model: "keras.Model") -> list[Place]:
    """Where int8 rounds in a ``folded`` model, but for its input and for ranges that are fixed."""
    users: dict[int, list[Any]] = {}
    for node in _nodes(model):
        for tensor in node.input_tensors:
            users.setdefault(id(tensor), []).append(node)
    calls = Counter(node.operation.name for node in _nodes(model))
    found = []
    for node in _nodes(model):
        layer = node.operation
        is_plain = kind(layer) not in PASSING and activation(layer) not in FIXED
        if is_plain and calls[layer.name] == 1 and not _is_fused(node.outputs[0], users):
            found.append(Place(layer.name, node.outputs[0]))
    return sorted(found, key=lambda place: place.layer)


def kind(layer: Any) -> str:  # noqa: ANN401
    """The name of a layer's class."""
    return type(layer).__name__


def activation(layer: Any) -> str:  # noqa: ANN401
    """The name of a layer's activation; "" where it has none."""
    if kind(layer) in ("ReLU", "Softmax"):
        return kind(layer).lower()
    return str(getattr(getattr(layer, "activation", None), "__name__", ""))


def _nodes(model: "keras.Model") -> list[Any]:
    """Each use of a layer, from the input on."""
    by_depth = model._nodes_by_depth
    return [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth]]


def _norms(whole: "keras.Model") -> dict[Any, Any]:
    """Each batch norm that can be folded -> the layer that takes it in."""
    uses = Counter(id(tensor) for node in _nodes(whole) for tensor in node.input_tensors)
    calls = Counter(node.operation.name for node in _nodes(whole))
    found = {}
    for node in _nodes(whole):
        norm = node.operation
        if kind(norm) != "BatchNormalization" or calls[norm.name] != 1:
            continue
        tensor = node.input_tensors[0]
        before = tensor._keras_history.operation
        is_last = norm.axis in (-1, len(tensor.shape) - 1)
        is_alone = uses[id(tensor)] == 1 and calls[before.name] == 1
        if is_last and is_alone and kind(before) in FOLDING and activation(before) == "linear":
            found[norm] = before
    return found


def _into(layer: Any, norm: Any) -> list[Any]:  # noqa: ANN401
    """Kernel and bias of ``layer`` with the batch norm behind it in them."""
    weights = layer.get_weights()
    kernel, bias = weights[0], weights[1] if len(weights) > 1 else 0.0
    mean, variance = np.asarray(norm.moving_mean), np.asarray(norm.moving_variance)
    by = 1.0 / np.sqrt(variance + norm.epsilon)
    by = by * np.asarray(norm.gamma) if norm.scale else by
    shift = np.asarray(norm.beta) if norm.center else 0.0
    is_depthwise = kind(layer) == "DepthwiseConv2D"  # its channels are the last two axes
    times = by.reshape(kernel.shape[-2:]) if is_depthwise else by
    return [kernel * times, (bias - mean) * by + shift]


def _is_apart(layer: Any) -> bool:  # noqa: ANN401
    """Whether its activation is a step of its own."""
    name = activation(layer)
    return kind(layer) in FOLDING and bool(name) and name not in FUSED


def _is_fused(tensor: Any, users: dict[int, list[Any]]) -> bool:  # noqa: ANN401
    """Whether nothing but a ReLU takes a tensor, so that it is never rounded."""
    taking = users.get(id(tensor), [])
    if len(taking) != 1:
        return False
    layer = taking[0].operation
    if kind(layer) in ("Identity", "Dropout"):
        return _is_fused(taking[0].outputs[0], users)
    return kind(layer) in ("ReLU", "Activation") and activation(layer) in ("relu", "relu6")
