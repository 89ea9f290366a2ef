"""TFLM's scores that are kept are used for the same model, engine and samples alone."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.runners.base import Outputs, Tensors
from glyphite.host.runners.kept import KeptRunner
from glyphite.host.runners.tflm import TflmRunner
from tests.paths import PROJECT
from tests.strict import require_module

UNO = PROJECT / "models" / "uno"


@dataclass
class Counting:
    """TFLM, which counts what it is asked."""

    name: str = "int8_tflm"
    asked: list[int] = field(default_factory=list)

    def run(self, *inputs: Tensors, progress: Progress = ignore_progress) -> Outputs:
        self.asked.append(len(inputs[0]))
        return TflmRunner(UNO / "model_int8.tflite").run(*inputs, progress=progress)


def test_a_sample_is_asked_once_of_a_model_and_engine(tmp_path: Path) -> None:
    require_module("tflite_micro")
    digits = (load_mnist().test_images[:6] ^ 0x80).view(np.int8).reshape(6, 28, 28, 1)
    manifest, path = Manifest.load(UNO / "manifest.json"), tmp_path / "scores"
    counting, steps = Counting(), list[int]()

    def ask(samples: Tensors, engine: str = "one") -> Tensors:
        kept = KeptRunner(counting, path, manifest, engine)
        scores = kept.run(samples, progress=steps.append)[0]
        assert kept.known == len(samples) - (counting.asked.pop() if counting.asked else 0)
        return scores

    right = TflmRunner(UNO / "model_int8.tflite").run(digits)[0]
    for samples, expected, fresh in (
        (digits[:4], right[:4], 4),
        (digits[[5, 2, 0]], right[[5, 2, 0]], 1),
        (digits, right, 1),
        (digits, right, 0),
    ):
        known = len(samples) - fresh
        np.testing.assert_array_equal(ask(samples), expected)
        assert steps[-2:] == [known, fresh] if fresh else steps[-1] == known
    np.testing.assert_array_equal(ask(digits[:1], "another"), right[:1])

    content = bytearray(path.read_bytes())
    content[-1] ^= 1  # a wrong score
    path.write_bytes(bytes(content))
    kept = KeptRunner(counting, path, manifest, "another")
    np.testing.assert_array_equal(kept.run(digits[:1])[0], right[:1])
    assert (kept.known, counting.asked) == (0, [1])
