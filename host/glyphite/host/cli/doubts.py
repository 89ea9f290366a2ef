"""What samples show of a model that is most likely not meant, each in a sentence."""

import argparse
from typing import TYPE_CHECKING

from glyphite.convert.manifest import RANDOM, DataRecord, Manifest
from glyphite.host.cli.console import print_status
from glyphite.host.runners.base import Tensors

if TYPE_CHECKING:
    from glyphite.host.measure.truth import Truth

LOOKED_AT = 1000
"""Samples whose values are held against what int8 takes."""
OFTEN = 0.05
"""The share of values beyond that which is more than the odd outlier."""
FEWEST = 30
"""Samples that tell whether a model reads nothing of them."""


def is_random(record: DataRecord | None) -> bool:
    """Whether a model was calibrated on random numbers, so that its accuracy means nothing."""
    return record is not None and record.source == RANDOM


def note_random(manifest: Manifest) -> None:
    """Say of a model that was calibrated on random numbers what its answers are worth."""
    if is_random(manifest.data):
        print_status(
            f"{manifest.name} was calibrated on random numbers, so its accuracy means nothing."
        )


def note_cut_off(manifest: Manifest, title: str, raw: Tensors) -> None:
    """Say so where the input cuts off many values of samples: they were prepared in another way."""
    if is_random(manifest.data) or not len(raw):
        return
    least, most = manifest.input_range
    seen = manifest.preprocessing.apply(raw[: min(len(raw), LOOKED_AT)])
    beyond = (seen < least - manifest.input.scale) | (seen > most + manifest.input.scale)
    if (share := float(beyond.mean())) > OFTEN:
        print_status(
            f"{100 * share:.0f} % of the values of {title} are beyond {least:.4g} to "
            f"{most:.4g}, which is what {manifest.name} takes, and are cut off: they were prepared "
            "otherwise than those of its calibration. Prepare them alike, or convert the float "
            "model anew with --data."
        )


def note_no_digits(
    arguments: argparse.Namespace, manifest: Manifest, truth: "Truth", correct: int | None
) -> None:
    """Say so where a model was given digits, as no data were named, and reads none.

    ``correct``: of the samples of ``truth``, None where there are no classes.
    """
    from numpy import unique

    from glyphite.convert import metrics

    is_guess = arguments.data is None and manifest.data is None and truth.count >= FEWEST
    if not is_guess or correct is None or truth.labels is None:
        return
    _, counts = unique(truth.labels, return_counts=True)
    most = float(counts.max()) / truth.count
    if metrics.wilson_interval(correct, truth.count)[0] <= most:
        print_status(
            f"{manifest.name} is right on {100 * correct / truth.count:.1f} % of "
            f"{truth.data['title']}, no better than one answer to all ({100 * most:.1f} %), and "
            "nothing says that it reads digits. Name its data with --data (see docs/data.md)."
        )
