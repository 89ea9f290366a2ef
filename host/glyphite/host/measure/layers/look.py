"""From what was gathered of a model's layers to the record of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.documents import now
from glyphite.convert.manifest import Manifest
from glyphite.host.measure.layers.advice import Way, advise
from glyphite.host.measure.layers.causes import (
    Seen,
    dead_channels,
    findings,
    has_range,
    own_db,
    used,
)
from glyphite.host.measure.layers.gather import Gathered
from glyphite.host.measure.layers.made_up import maker_of, reads_samples, with_made_up
from glyphite.host.measure.layers.match import Pair, keras_layer
from glyphite.host.measure.layers.tally import NOTHING_DB, Tally, decibels
from glyphite.host.measure.layers.weights import Weights, weights_of
from glyphite.host.measure.layers_record import (
    EnginePair,
    Histogram,
    LayerFigures,
    LayersRecord,
    Reference,
    SampleFigures,
    WeightFigures,
    WorstValue,
)
from glyphite.host.measure.truth import Task, Truth, classes_of

WORST = 5
"""Samples that are named."""
MOST_NAMED = 3
"""Numbers to be met that are named of a sample."""
MOST_SCORES = 1000
"""Outputs of a sample that are kept: a reconstruction may have more."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Subject:
    """What a record is of, beside its figures."""

    manifest: Manifest
    truth: Truth
    reference: Reference
    engine: str
    way: Way
    engines: Sequence[EnginePair]


def summarize(found: Gathered, of: Subject) -> LayersRecord:
    """The record of what was gathered, with the advice that follows from it.

    Raises ModelError where nothing says what the weights' numbers mean.
    """
    samples = len(found.scores)
    has_float = of.reference is Reference.FLOAT
    answers = _classes(of, found.real_scores)
    costs = [float(np.square(each - found.real_scores).sum()) for each in found.alone]
    signal, total = float(np.square(found.real_scores).sum()), sum(costs)
    by_tensor = {
        pair.quantized: tally for pair, tally in zip(found.pairs, found.tallies, strict=True)
    }
    seen, layers = [], []
    for pair, cost, alone in zip(found.pairs, costs, found.alone, strict=True):
        one = _seen(found, pair, by_tensor, decibels(signal, cost), has_float=has_float)
        changed = None if answers is None else int(np.count_nonzero(_classes(of, alone) != answers))
        share = cost / total if total > 0 and one.tally.has_own else None
        seen.append(one)
        layers.append(_figures(found, one, share, changed if one.tally.has_own else None))
    seen = with_made_up(found.graph, seen)
    given = _classes(of, found.scores)
    differ = None if answers is None else int(np.count_nonzero(answers != given))
    return LayersRecord(
        model=of.manifest.name,
        sha256=of.manifest.sha256,
        float_sha256=of.manifest.float_sha256 if has_float else "",
        reference=of.reference,
        data=of.truth.data,
        samples=samples,
        engine=of.engine,
        answers_differ=differ,
        layers=layers,
        advice=advise(seen, findings(seen, samples), of.way, samples),
        worst=_worst(found, of, answers, given),
        engines=list(of.engines),
        date=now(),
        activations=of.manifest.activations,
    )


def _classes(of: Subject, scores: NDArray[Any]) -> NDArray[np.intp] | None:
    """The answers (n,); None where the task has no classes."""
    return classes_of(of.manifest, scores) if of.truth.task is Task.CLASSES else None


def _seen(
    found: Gathered,
    pair: Pair,
    by_tensor: dict[int, Tally],
    alone_db: float | None,
    *,
    has_float: bool,
) -> Seen:
    """One layer; ``alone_db`` is what its own error leaves of the output."""
    graph, tally = found.graph, by_tensor[pair.quantized]
    return Seen(
        pair,
        tally,
        _weights(found, pair, by_tensor, has_float=has_float),
        alone_db,
        has_range(graph, pair),
        dead_channels(graph, pair, tally, by_tensor, len(found.scores)),
        keras_layer(graph.tensors[pair.quantized].name),
        is_first=pair.number is not None and reads_samples(graph, graph.operators[pair.number]),
    )


def _weights(
    found: Gathered, pair: Pair, by_tensor: dict[int, Tally], *, has_float: bool
) -> Weights | None:
    if pair.number is None:
        return None
    other = None if pair.float_number is None else found.floats.operators[pair.float_number]
    operator = found.graph.operators[pair.number]
    source = by_tensor.get(operator.inputs[0])
    squares = None if source is None else source.real_squares
    made = by_tensor.get(maker_of(found.graph, operator))
    return weights_of(
        *(found.graph, operator, found.floats, other, squares),
        channels=None if made is None else made.channels,
        has_float=has_float,
    )


def _figures(found: Gathered, seen: Seen, share: float | None, changed: int | None) -> LayerFigures:
    pair, tally = seen.pair, seen.tally
    tensor = found.graph.tensors[pair.quantized]
    scale, count = tally.numbers.scale, max(tally.values, 1)
    low, high = tally.range
    total = decibels(tally.signal, tally.error)
    return LayerFigures(
        name=pair.name,
        kind=pair.kind,
        number=pair.number,
        tensor=tensor.name,
        keras_layer=seen.keras,
        shape=list(tensor.shape),
        scale=scale,
        zero_point=tally.numbers.zero_point,
        low=low,
        high=high,
        values=tally.values,
        sqnr_db=None if total is None or total > NOTHING_DB else total,
        own_sqnr_db=own_db(tally),
        mean_error=tally.absolute / count,
        largest_error=tally.largest,
        mean_error_steps=tally.absolute / count / scale,
        largest_error_steps=tally.largest / scale,
        own_mean_error=tally.own_absolute / count if tally.has_own else None,
        own_largest_error=tally.own_largest if tally.has_own else None,
        cut_off=tally.cut,
        cut_off_low=tally.cut_low,
        cut_off_high=tally.cut_high,
        at_limits=tally.at_limits / count,
        range_used=used(tally),
        channels=tally.channels if tally.channels > 1 else None,
        dead_channels=[int(each) for each in seen.dead],
        output_share=share,
        answers_changed=changed,
        weights=_weight_figures(seen.weights),
        histogram=_histogram(tally),
        worst=_worst_value(tally, tensor.shape),
    )


def _weight_figures(weights: Weights | None) -> WeightFigures | None:
    if weights is None:
        return None
    coarse = [int(each) for each in weights.coarse]
    return WeightFigures(weights.scales, weights.sqnr_db, coarse)


def _histogram(tally: Tally) -> Histogram:
    low, high = tally.range
    half = tally.numbers.scale / 2
    real, given = tally.real_bins.tolist(), tally.given_bins.tolist()
    return Histogram(low - half, high + half, real[1:-1], given[1:-1], real[0], real[-1])


def _worst_value(tally: Tally, shape: tuple[int, ...]) -> WorstValue | None:
    if tally.worst is None:
        return None
    sample, place, real, given = tally.worst
    where = [int(at) for at in np.unravel_index(place, shape[1:] or (1,))]
    return WorstValue(sample, where, real, given)


def _worst(
    found: Gathered,
    of: Subject,
    answers: NDArray[np.intp] | None,
    given: NDArray[np.intp] | None,
) -> list[SampleFigures]:
    """The samples whose answer int8 changes, and then those whose scores it changes most."""
    real = of.manifest.dequantize_output(found.scores)
    errors = np.abs(real - found.real_scores).max(axis=1)
    changed = np.zeros(len(errors), np.bool_)
    if answers is not None and given is not None:
        changed = answers != given
    order = np.lexsort((np.arange(len(errors)), -errors, ~changed))[:WORST]
    named = _namer(of)
    right = _right(of)
    return [
        SampleFigures(
            index=int(index),
            label=right(int(index)),
            float_answer=None if answers is None else named(int(answers[index])),
            int8_answer=None if given is None else named(int(given[index])),
            error=float(errors[index]),
            float_scores=[float(each) for each in found.real_scores[index][:MOST_SCORES]],
            int8_scores=[float(each) for each in real[index][:MOST_SCORES]],
        )
        for index in order
    ]


def _right(of: Subject) -> Callable[[int], str | None]:
    """What is right for a sample, as text: its class, or the numbers to be met."""
    named, truth = _namer(of), of.truth
    if truth.task is Task.CLASSES and truth.labels is not None:
        labels = truth.labels
        return lambda index: named(int(labels[index]))
    if truth.task is Task.NUMBERS and truth.values is not None:
        values = truth.values
        return lambda index: ", ".join(f"{each:.4g}" for each in values[index][:MOST_NAMED])
    return lambda index: None


def _namer(of: Subject) -> Callable[[int], str]:
    labels = of.manifest.labels

    def named(number: int) -> str:
        return labels[number] if len(labels) > 1 and number < len(labels) else str(number)

    return named
