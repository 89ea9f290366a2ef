"""The three parts of a data set: as the source has them, else cut by a seed, class by class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.dataset import Part
from glyphite.convert.data.found import TEST, TRAIN, VALIDATION, WHOLE, Found
from glyphite.convert.data.options import Options

FEWEST_TO_HOLD_OUT = 10
"""Training samples from which a validation part is cut: of fewer, each is needed to learn from."""

Places = NDArray[np.intp]


@dataclass(frozen=True)
class Split:
    """The parts, and a sentence on how they came about."""

    train: Part
    validation: Part | None
    test: Part
    sentence: str
    is_made: bool


def split_of(found: Found, options: Options) -> Split:
    """The parts of what a source has found.

    Samples that stand class by class are put in the order of the seed, so that the first hundred
    are of every class.
    """
    parts = {name: _mixed(part, options.seed) for name, part in found.parts.items()}
    if set(parts) <= {WHOLE, TRAIN} and not found.split:
        return _cut(next(iter(parts.values())), options)
    test = parts.get(TEST)
    if test is None and not found.split:
        test = parts.get(VALIDATION)
    if test is None:  # the source itself has made the parts, by shares that leave none to test
        test = next(iter(parts.values())).take(slice(0))
    train = parts.get(TRAIN, test.take(slice(0)))
    held_out = parts.get(VALIDATION) if TEST in parts or found.split else None
    sentence = found.split or _given(found, test)
    if held_out is None and not found.split:
        train, held_out = _hold_out(train, options)
        if held_out is not None:
            sentence += (
                f" {len(held_out):,} of the training samples were held out to validate, by seed "
                f"{options.seed}, leaving {len(train):,}."
            )
    return Split(train, held_out, test, sentence, found.split_is_made)


def _given(found: Found, test: Part) -> str:
    names = ", ".join(f"{len(part):,} {name}" for name, part in found.parts.items())
    instead = "" if TEST in found.parts else " There is no test part: the validation part is it."
    return f"The source has its own parts: {names} samples.{instead}"


def _cut(part: Part, options: Options) -> Split:
    shares = options.shares
    order = _by_class(part, options.seed)
    rest, test = picked(order, shares.test / (shares.train + shares.validation + shares.test))
    learnt = shares.train + shares.validation
    train, held_out = picked(rest, shares.validation / learnt if learnt else 0.0)
    ways = "class by class" if part.labels is not None else "at random"
    sentence = (
        f"The source has one part, which was split by seed {options.seed}, {ways}: {len(train):,} "
        f"to train, {len(held_out):,} to validate, {len(test):,} to test."
    )
    taken = [part.take(shuffled(each, options.seed)) for each in (train, held_out, test)]
    return Split(taken[0], taken[1] if len(held_out) else None, taken[2], sentence, True)


def _hold_out(train: Part, options: Options) -> tuple[Part, Part | None]:
    """The training samples without those to validate by, and those."""
    shares = options.shares
    learnt = shares.train + shares.validation
    if len(train) < FEWEST_TO_HOLD_OUT or not shares.validation:
        return train, None
    kept, held_out = picked(_by_class(train, options.seed), shares.validation / learnt)
    return train.take(np.sort(kept)), train.take(shuffled(held_out, options.seed))


def _by_class(part: Part, seed: int) -> Places:
    """All places, those of a class together, in the order of the seed within it."""
    order = shuffled(np.arange(len(part)), seed)
    if part.labels is None:
        return order
    return order[np.argsort(part.labels[order], kind="stable")]


def picked(order: Places, share: float) -> tuple[Places, Places]:
    """Without and with every so many of ``order``: of each class, the share or the next number.

    Of two or more, a share above 0 has one at least.
    """
    counted = np.floor(np.arange(len(order) + 1) * share + 0.5)
    taken = np.diff(counted) > 0
    if share > 0 and len(order) > 1 and not taken.any():
        taken[-1] = True
    return order[~taken], order[taken]


def _mixed(part: Part, seed: int) -> Part:
    labels = part.labels
    if labels is None or len(labels) < 2 or (np.diff(labels) < 0).any() or labels[0] == labels[-1]:
        return part
    return part.take(shuffled(np.arange(len(part)), seed))


def shuffled(places: Places, seed: int) -> Places:
    """In the order of the seed; numpy promises that ``RandomState`` will never give another."""
    return np.random.RandomState(seed).permutation(places)
