"""A float model to a quantized one by a scheme, for ``convert`` and ``schemes``."""

import argparse
import dataclasses
import hashlib
from pathlib import Path

from glyphite.convert.errors import InputError, ModelError
from glyphite.convert.files import remove, write_bytes
from glyphite.convert.manifest import Manifest
from glyphite.convert.progress import NotedProgress
from glyphite.convert.quantize import quantize
from glyphite.convert.quantize.calibration import SAMPLES, Calibration, evenly
from glyphite.convert.quantize.float_model import FloatModel, KerasModel, open_model
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.quantize.schemes import USUAL, Scheme, scheme_named
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli.calibrating import Samples
from glyphite.host.cli.console import progress_bar
from glyphite.host.cli.digits import count_of
from glyphite.host.runners.trial import try_out
from glyphite.train.aware import AwareSettings, aware_tflite

AWARE_SAMPLES = 10_000
"""Training samples that the scheme aware learns from, at the most: it mends what is trained."""


def add_aware(parser: argparse.ArgumentParser) -> None:
    """Declare ``--aware-epochs`` and ``--aware-samples``."""
    usual = AwareSettings().epochs
    parser.add_argument(
        "--aware-epochs",
        metavar="N",
        type=count_of,
        default=usual,
        help=f"of the scheme aware: passes over the training samples (default: {usual})",
    )
    parser.add_argument(
        "--aware-samples",
        metavar="N",
        type=count_of,
        default=AWARE_SAMPLES,
        help=f"of these, as many, evenly spread (default: {AWARE_SAMPLES:,})",
    )


def scheme_of(folder: ModelFolder) -> Scheme:
    """The scheme of a folder's last conversion; the usual one where there was none."""
    try:
        return scheme_named(Manifest.load(folder.manifest).scheme)
    except InputError:
        return USUAL


def count_for(scheme: Scheme, asked: int | None) -> int:
    """The calibration samples of a scheme: its own number, or the one that was asked for."""
    return scheme.samples or asked or SAMPLES


def opened(source: Path, progress: NotedProgress) -> FloatModel:
    """The float model at ``source``; ``progress`` gets one step once TensorFlow is there.

    Raises what :func:`open_model` does, and ModelError where a .tflite crashes an interpreter.
    """
    progress(0, note="loading TensorFlow")
    load_tensorflow()
    progress(1, note=f"reading {source.name}")
    if source.suffix == ".tflite":
        try_out(source)
    return open_model(source)


def trained_further(
    model: FloatModel, samples: Samples, calibrated: Calibration, arguments: argparse.Namespace
) -> bytes:
    """The int8 .tflite after a training aware of int8, with a progress bar; ``arguments`` are those
    of :func:`add_aware`.

    Raises ModelError where the model is none of Keras or cannot be trained so, InputError where
    there are no samples to learn from.
    """
    if not isinstance(model, KerasModel):
        raise ModelError(
            "The scheme aware trains a Keras model further, and this one is none. Name its .keras "
            "file, or take another scheme."
        )
    part = samples.learnt_from
    if part is None:
        raise InputError(
            "The scheme aware needs samples to learn from, and random numbers are none. Name data "
            "with --data, or take another scheme."
        )
    raw = evenly(part.inputs, arguments.aware_samples)
    settings = AwareSettings(arguments.aware_epochs)
    with progress_bar("Training for int8", settings.batches(len(raw))) as progress:
        return aware_tflite(
            model.network,
            raw,
            samples.preprocessing,
            calibrated.inputs,
            settings=settings,
            progress=progress,
        )


def manifest_of(
    scheme: Scheme,
    content: bytes,
    name: str,
    *,
    model: FloatModel,
    samples: Samples,
    calibrated: Calibration,
) -> Manifest:
    """The manifest of the .tflite ``content``, which was made of ``model`` by ``scheme``."""
    return dataclasses.replace(
        quantize.manifest_of(content, name, samples.classes),
        preprocessing=samples.preprocessing,
        data=samples.record,
        calibration=calibrated.source,
        scheme=scheme.name,
        float_sha256=hashlib.sha256(model.content).hexdigest(),
    )


def write_model(
    folder: ModelFolder, source: Path, model: FloatModel, manifest: Manifest, content: bytes
) -> None:
    """Write the model's folder: the float model, the manifest and the .tflite.

    Raises InputError where one cannot be written.
    """
    kept = folder.root / model.file
    if source != kept:
        write_bytes(kept, model.content)  # the float runner looks for it there
    for other in {folder.keras, folder.float_tflite} - {kept}:
        remove(other)
    manifest.save(folder.manifest)  # before what it describes, which is not used without it
    write_bytes(folder.tflite, content)
