"""The network ``uno`` in float and in int8, with images, as a look at its layers takes them."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.manifest import Manifest
from glyphite.convert.quantize.float_tflite import FloatTflite
from glyphite.convert.quantize.quantize import manifest_of
from glyphite.host.measure.layers.advice import Way
from glyphite.host.measure.layers.gather import Gathered, gather
from glyphite.host.measure.layers.look import Subject, summarize
from glyphite.host.measure.layers.rewrite import in_float
from glyphite.host.measure.layers_record import Advice, Cause, LayersRecord, Reference
from tests.builders.defects import signed, with_weights
from tests.builders.truth import labelled
from tests.paths import PROJECT

Floats = NDArray[np.float32]
COUNT = 120
"""Test images that are looked at."""
LAYERS = (
    *("input", "conv_2d_0", "conv_2d_1", "max_pool_2d_2", "conv_2d_3", "conv_2d_4"),
    *("fully_connected_5", "softmax_6"),
)
"""Those of the network ``uno``."""
WAY = Way("uno", (), 500, 60_000, "", is_random=False, data="MNIST")


@dataclass(frozen=True, eq=False)
class Uno:
    """The network in float, in int8 as it should be, and images."""

    floats: bytes
    int8: bytes
    samples: Floats
    calibration: Floats
    labels: NDArray[np.uint8]
    calibration_labels: NDArray[np.uint8]

    def quantized(self, floats: bytes | None = None, scale: float = 1.0) -> bytes:
        """The int8 .tflite of ``floats``, calibrated on images ``scale`` times as light."""
        return FloatTflite(floats or self.floats, "uno").quantized(self.calibration * scale)

    def gathered(self, content: bytes, floats: bytes | None = None) -> tuple[Gathered, Manifest]:
        """What is seen of ``content`` beside ``floats``."""
        manifest = dataclasses.replace(manifest_of(content, "uno"))
        levels = self.samples / manifest.input.scale
        tensors = np.clip(np.round(levels) + manifest.input.zero_point, -128, 127).astype(np.int8)
        return gather(content, floats or self.floats, self.samples, tensors), manifest

    def record(
        self,
        content: bytes,
        floats: bytes | None = None,
        reference: Reference = Reference.FLOAT,
    ) -> LayersRecord:
        """The record of ``content`` beside ``floats``."""
        found, manifest = self.gathered(content, floats)
        subject = Subject(manifest, labelled(self.labels), reference, "LiteRT", WAY, [])
        return summarize(found, subject)


def made_uno() -> Uno:
    """The shipped network, calibrated anew."""
    shipped = (PROJECT / "models" / "uno" / "model_int8.tflite").read_bytes()
    mnist = load_mnist()
    samples, calibration = (
        (images / np.float32(255)).astype(np.float32).reshape(-1, 28, 28, 1)
        for images in (mnist.test_images[:COUNT], mnist.train_images[::600])
    )
    floats = signed(in_float(shipped))
    int8 = FloatTflite(floats, "uno").quantized(calibration)
    return Uno(
        floats, int8, samples, calibration, mnist.test_labels[:COUNT], mnist.train_labels[::600]
    )


def told(advice: Sequence[Advice]) -> list[tuple[Cause, str, list[str]]]:
    """Cause, first layer and the others of each advice."""
    return [(each.cause, each.layer, each.others) for each in advice]


def shares(record: LayersRecord) -> dict[str, float]:
    """The part of each layer in the error at the output."""
    return {layer.name: layer.output_share or 0.0 for layer in record.layers}


def smaller(uno: Uno, factor: float, channel: int = 3) -> bytes:
    """The same network, in which a channel of the first layer is smaller by ``factor``."""

    def less(values: Floats) -> Floats:
        values[channel] /= factor
        return values

    def more(values: Floats) -> Floats:
        values[..., channel] *= factor
        return values

    return with_weights(with_weights(uno.floats, 0, less, less), 1, more)
