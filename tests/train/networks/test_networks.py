"""The seed network is the seed document's, to the layer."""

from typing import Any

import numpy as np
import pytest

from glyphite.convert.errors import InputError
from glyphite.train.networks.networks import NETWORKS, network
from tests.strict import require_module

require_module("tensorflow")

SEED_LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("Conv2D", {"filters": 32, "kernel_size": (3, 3), "activation": "relu", "padding": "valid"}),
    ("MaxPooling2D", {"pool_size": (2, 2), "strides": (2, 2)}),
    ("Dropout", {"rate": 0.25}),
    ("Conv2D", {"filters": 64, "kernel_size": (3, 3), "activation": "relu", "padding": "valid"}),
    ("MaxPooling2D", {"pool_size": (2, 2), "strides": (2, 2)}),
    ("Dropout", {"rate": 0.25}),
    ("Conv2D", {"filters": 64, "kernel_size": (3, 3), "activation": "relu", "padding": "valid"}),
    ("Flatten", {}),
    ("Dense", {"units": 64, "activation": "relu"}),
    ("Dropout", {"rate": 0.5}),
    ("Dense", {"units": 10, "activation": "softmax"}),
]


def test_the_seed_network_has_the_seed_documents_layers() -> None:
    model = network("seed")()
    assert model.input_shape == (None, 28, 28, 1)
    assert [type(layer).__name__ for layer in model.layers] == [kind for kind, _ in SEED_LAYERS]
    for layer, (_, settings) in zip(model.layers, SEED_LAYERS, strict=True):
        found = layer.get_config()
        assert {name: found[name] for name in settings} == settings
    assert model.count_params() == 93_322


def test_every_network_reads_a_digit_and_answers_with_ten_scores() -> None:
    for name in NETWORKS:
        model = network(name)()
        assert (model.name, model.output_shape) == (name, (None, 10))
        assert model.input_shape == (None, 28, 28, 1)


def test_an_unknown_network_is_refused_with_those_known() -> None:
    with pytest.raises(InputError) as caught:
        network("sead")
    assert str(caught.value) == (
        f"No network called 'sead'. Did you mean seed? There are: {', '.join(sorted(NETWORKS))}. "
        "One of your own is FILE.py:FUNCTION, which makes a keras.Model; one that is trained "
        "already, as a .keras file, is quantized by `glyphite convert`."
    )


@pytest.mark.parametrize("path", ["./my.keras", "my.tflite", "folder/mine", "folder\\mine"])
def test_a_path_in_place_of_a_network_is_told_the_verb_that_takes_it(path: str) -> None:
    with pytest.raises(
        InputError, match=r"is a path, .* seed, uno, uno-fast, and FILE.* `glyphite convert FILE"
    ):
        network(path)


def test_the_fast_network_has_few_enough_macs_for_a_fortieth_of_a_second() -> None:
    """At about eight cycles each, at 16 MHz."""
    macs = 0
    for layer in network("uno-fast")().layers:
        if hasattr(layer, "kernel"):
            places = np.prod(layer.output.shape[1:-1], dtype=int)
            macs += int(places * layer.kernel.shape.num_elements())
    assert macs == 44_832
