"""Whose bytes a board has to give: those of TensorFlow Lite Micro, or of what stands in for it.

The package tflite-micro has wheels for Linux on x86-64 alone. Elsewhere the generated C, compiled
for this PC, stands in: this project's tests hold its bytes equal to TFLM's. Every result names the
one that it was compared with.
"""

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.runners.base import Runner, package_version
from glyphite.host.runners.compiled import CompiledRunner
from glyphite.host.runners.kept import KeptRunner
from glyphite.host.runners.tflm import TflmRunner, has_tflm

TFLM, STAND_IN = TflmRunner.name, CompiledRunner.name
LITERT = "int8_litert"
"""What no board's bytes are held against: it rounds differently."""

KEPT = "tflm.scores"
"""The file of TFLM's scores in a model's folder."""

Reference = Annotated[str, Meta(pattern=rf"^({TFLM}|{STAND_IN})\Z")]
"""The name of the runner that a result was compared with."""

LONG = {
    **{TFLM: "TensorFlow Lite Micro", STAND_IN: "the generated C on this PC"},
    LITERT: "LiteRT",
}
WHOSE = {TFLM: "TensorFlow Lite Micro's", STAND_IN: "the generated C's on this PC"}
BRIEF = {TFLM: "TFLM", STAND_IN: "this PC's C", LITERT: "LiteRT"}
"""For people, by the name of the runner."""

EXPLAINED = (
    "tflite-micro is not installed here (it has wheels for Linux on x86-64 alone): the generated "
    "C, compiled for this PC, stands in for it. Glyphite's tests hold its bytes equal to TFLM's."
)


def oracle(tflite: Path) -> Runner:
    """The runner whose bytes a board has to give for the model ``tflite``."""
    return TflmRunner(tflite) if has_tflm() else CompiledRunner(tflite)


def kept_oracle(folder: ModelFolder, manifest: Manifest) -> Runner:
    """The same, with TFLM's scores kept in the model's folder; those of the stand-in are not, as
    they are made sooner and by a compiler that may change."""
    right = oracle(folder.tflite)
    engine = f"{right.name} {package_version('tflite-micro')}"
    kept = KeptRunner(right, folder.root / KEPT, manifest, engine)
    return kept if right.name == TFLM else right


def explanation(name: str) -> str:
    """The sentence on the runner called ``name`` where it is a stand-in; else ""."""
    return EXPLAINED if name == STAND_IN else ""
