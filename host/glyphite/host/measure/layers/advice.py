"""The advice that follows from what is wrong with layers, in words and as a command."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from glyphite.convert.manifest import LIMITS
from glyphite.convert.quantize.schemes import USUAL, Rule, scheme_named
from glyphite.convert.text import command
from glyphite.host.measure.layers.causes import (
    Finding,
    Seen,
    coarse_channels,
    other_biases,
    small_channels,
    steps_of,
)
from glyphite.host.measure.layers.match import INPUT
from glyphite.host.measure.layers_record import Advice, Cause

OF_INPUT = (Cause.INPUT_CUT_OFF, Cause.INPUT_TOO_WIDE)
OF_RANGES = (Cause.CUT_OFF, Cause.TOO_WIDE)
"""What calibration on other data does to layers, too."""
SURE = 1000
"""Samples after which a channel that never changed is dead beyond doubt."""
UNKNOWN = 5000
"""Samples to calibrate on where nothing says how many there were: ten times the usual."""
MOST_NAMED = 6
"""Channels or layers in a sentence."""


@dataclass(frozen=True)
class Way:
    """How a model is converted anew."""

    named: str | None
    """What `glyphite convert` is given; None where there is no float model."""
    data_words: tuple[str, ...]
    """The options that name the data that were looked at; none where the model knows them."""
    calibrated: int | None
    """Samples that it was calibrated on, where that is known."""
    available: int | None
    """Samples that there were to calibrate on, where that is known."""
    scheme: str
    """How it was quantized, as ``--scheme`` takes it; empty where that is not known."""
    is_random: bool
    """Whether these were random numbers."""
    data: str
    """What the data that were looked at are called."""
    is_same: bool = False
    """Whether it was calibrated on the training samples of the very same data: converting anew
    changes nothing then."""

    @property
    def is_exhausted(self) -> bool:
        """Whether there are no more samples to calibrate on."""
        return None not in (self.calibrated, self.available) and self.calibrated == self.available

    def convert(self, *words: str) -> str | None:
        """The command; None where there is no float model."""
        if self.named is None:
            return None
        return command("glyphite", "convert", self.named, *self.data_words, *words)


def advise(
    layers: Sequence[Seen], found: Sequence[Finding], way: Way, samples: int
) -> list[Advice]:
    """One advice for each cause, which names the layer where it costs most, and the others; the
    costliest first.

    Where the input was calibrated on other data, the ranges of the layers behind it are too: that
    is one cause, and the input's.
    """
    found = sorted(found, key=lambda each: (not _is_of_input(each, layers), -each.cost, each.place))
    causes = list(dict.fromkeys(each.cause for each in found))
    of_input = next((each for each in causes if each in OF_INPUT), None)
    made = []
    for cause in causes:
        if of_input is not None and cause in OF_RANGES:
            continue
        family = OF_RANGES if cause is of_input else ()
        places = [each.place for each in found if each.cause is cause or each.cause in family]
        made.append(_advice(cause, list(dict.fromkeys(places)), layers, way, samples))
    return sorted(made, key=lambda each: not each.loses_accuracy)


def _is_of_input(finding: Finding, layers: Sequence[Seen]) -> bool:
    """Whether the samples are to be mended first: layers behind may be well then."""
    return layers[finding.place].pair.kind == INPUT


def _advice(
    cause: Cause, places: list[int], layers: Sequence[Seen], way: Way, samples: int
) -> Advice:
    seen = layers[places[0]]
    what, mend, words = _WORDS[cause](seen, way, samples)
    typed = None if words is None else way.convert(*words)
    behind = [layers[place] for place in places[1:]]
    others = [each.pair.name for each in behind]
    called = _listed([_called(each) for each in behind]) if others else ""
    also = f" The same holds for {called}." if others else ""
    if others and cause is Cause.DEAD_CHANNELS:
        also = _also_dead(behind)
    if words is not None and typed is None:
        shown = command("glyphite", "convert", "MODEL.keras", *way.data_words, *words)
        mend += f" There is no float model here; with it: `{shown}`."
    return Advice(
        cause=cause,
        layer=seen.pair.name,
        others=others,
        loses_accuracy=cause is not Cause.DEAD_CHANNELS,
        text=f"{_called(seen)}: {what}{also} {mend}",
        command=typed,
    )


def _called(seen: Seen) -> str:
    """A layer for a sentence: the operator and its place, and the Keras layer."""
    return f"{seen.pair.name} ({seen.keras})" if seen.keras else seen.pair.name


def _listed(names: Sequence[object]) -> str:
    """Names for a sentence, the first of many."""
    shown = [str(each) for each in names]
    if len(names) > MOST_NAMED + 1:
        shown = [*shown[:MOST_NAMED], f"{len(names) - MOST_NAMED} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


Words = tuple[str, str, tuple[str, ...] | None]
"""What is seen, what mends it, and what `glyphite convert` is given for that beside the model; None
where no conversion does it."""


def _reach(seen: Seen) -> str:
    tally = seen.tally
    least, most, (low, high) = tally.real_low.min(), tally.real_high.max(), tally.range
    kind = next(name for name, limits in LIMITS.items() if limits == (tally.least, tally.most))
    return (
        f"float values reach from {least:.4g} to {most:.4g}, and {kind}'s range is {low:.4g} to "
        f"{high:.4g}"
    )


def _input_cut_off(seen: Seen, way: Way, samples: int) -> Words:
    tally = seen.tally
    what = f"{100 * tally.cut:.2g} % of the values are cut off: {_reach(seen)}."
    if not way.is_same or way.is_random:
        return what, *_other_data(way)
    mend = (
        f"It was calibrated on training samples of {way.data}, and these are test samples that "
        "reach further. Prepare both alike, and convert anew."
    )
    if not way.is_exhausted:
        option = f"--calibration-samples {_more(way, samples)}"
        mend += f" Where they are alike, calibrate on more of them ({option})."
    return what, mend, None


def _input_too_wide(seen: Seen, way: Way, _: int) -> Words:
    what = f"the samples take {100 * seen.used:.2g} % of the range: {_reach(seen)}."
    if not way.is_same or way.is_random:
        return what, *_other_data(way)
    mend = (
        f"It was calibrated on training samples of {way.data}, some of which reach further than "
        "these test samples. Prepare both alike, leave outliers out, and convert anew."
    )
    return what, mend, None


def _other_data(way: Way) -> tuple[str, tuple[str, ...]]:
    was = "on random numbers" if way.is_random else "on other data, or these are prepared otherwise"
    return (
        f"The model was calibrated {was}. Calibrate it on data like {way.data}, or prepare the "
        "samples as those of the calibration were.",
        (),
    )


def _cut_off(seen: Seen, way: Way, samples: int) -> Words:
    tally = seen.tally
    what = f"it saturates: {100 * tally.cut:.2g} % of its values are cut off; {_reach(seen)}."
    if way.is_random:
        return what, *_other_data(way)
    scheme = scheme_named(way.scheme or USUAL.name)
    if scheme.rule is not Rule.WHOLE:
        whole = (
            f"The scheme {scheme.name} leaves a part of what the samples show out of the ranges: "
            f"take {USUAL.name}, which takes the whole."
        )
        return what, whole, ("--scheme", USUAL.name)
    if way.is_exhausted:
        return what, *_other_samples(way)
    more = _more(way, samples)
    words = ("--calibration-samples", str(more))
    if scheme.samples is not None:  # its number is its own, whatever the option says
        words = ("--scheme", f"samples-{more}")
    return (
        what,
        "Try to calibrate on more samples, as varied as these. Whether any of them reaches so far "
        "is not measured here.",
        words,
    )


def _other_samples(way: Way) -> tuple[str, tuple[str, ...] | None]:
    """What mends the range of a layer that no sample reaches that there is to calibrate on."""
    used = (
        f"All {way.calibrated:,} samples that there are have calibrated it, and none of them "
        "reaches so far, so more of them, or another scheme, change nothing."
    )
    if way.data_words:
        return f"{used} Calibrate it on data like {way.data}.", ()
    return (
        f"{used} Put samples as varied as these among the training samples, and convert anew.",
        None,
    )


def _more(way: Way, samples: int) -> int:
    more = max(samples, 10 * way.calibrated if way.calibrated else UNKNOWN)
    return min(more, way.available or more)


def _too_wide(seen: Seen, way: Way, _: int) -> Words:
    what = f"its values take {100 * seen.used:.2g} % of the range: {_reach(seen)}."
    if way.is_random:
        return what, *_other_data(way)
    if way.is_same and scheme_named(way.scheme or USUAL.name).rule is Rule.WHOLE:
        rare = "Leave what is rare out of the ranges, or outliers out of the training samples."
        return what, rare, ("--scheme", "percentile")
    return (
        what,
        "Calibrate on representative data, without outliers. Where that changes nothing, "
        "--scheme percentile leaves out what is rare.",
        (),
    )


def _coarse_channels(seen: Seen, way: Way, _: int) -> Words:
    weights = seen.weights
    coarse = list(coarse_channels(seen))
    most = 0 if weights is None else int(weights.levels[coarse].max(initial=0))
    what = (
        f"all weights share one scale, and those of {_channels(coarse)} reach {most} of its 127 "
        "steps at the most."
    )
    mend = "Quantize the weights per channel, as `glyphite convert` does of itself."
    return what, mend, ("--scheme", "per-channel")  # else it keeps the scheme of this model


def _bias_cut_off(seen: Seen, way: Way, _: int) -> Words:
    what = (
        f"the bias of {_channels(list(other_biases(seen)))} is not the float model's: at the "
        "scale of its sums, it is more than 32 bits hold and was cut off, or it was changed."
    )
    mend = (
        "Convert the float model anew. Where that does not mend it, the channel's weights are "
        "nearly 0 beside its bias: prune it."
    )
    return what, mend, ()


def _coarse_weights(seen: Seen, way: Way, _: int) -> Words:
    weights = seen.weights
    large = [] if weights is None else list(weights.large_inputs)
    whose = f"those for {_channels(large)} of its input" if large else "a few large ones"
    found = [] if weights is None else [weights.sqnr_db, weights.felt_db]
    least = min((each for each in found if each is not None), default=0.0)
    what = (
        f"rounding its weights leaves {least:.1f} dB: {whose} take the scale, and the others are "
        "few steps of it."
    )
    if not seen.is_first:
        normalized = (
            "with a BatchNormalization before this layer, which brings its inputs to one size"
        )
        return what, f"Train anew with weight decay, or {normalized}.", None
    mend = "Train anew with weight decay."
    if large:
        mend = (
            "It is the first layer: bring the columns or channels of the samples to one size "
            "before the model (--preprocess standard), and train anew; or train with weight decay."
        )
    return what, mend, None


def _other_weights(seen: Seen, way: Way, _: int) -> Words:
    what = "its weights have nothing to do with those of the float model."
    return what, "The .tflite is of another model, or was changed. Make it anew.", ()


def _uneven_channels(seen: Seen, way: Way, _: int) -> Words:
    small = list(small_channels(seen))
    steps, of = ceil(steps_of(seen)[small].max()), seen.tally.most - seen.tally.least + 1
    if seen.pair.kind == INPUT:
        return (
            f"one scale serves all {seen.tally.channels} columns or channels of a sample, and "
            f"leaves {steps} of {of:,} steps at the most to {_channels(small)}, which the answers "
            "need.",
            "Bring them to one size before the model, each less its mean and divided by its "
            "deviation (--preprocess standard), and train anew. A layer in the model is too late.",
            None,
        )
    return (
        f"one scale serves all {seen.tally.channels} channels of its output, and leaves "
        f"{steps} of {of:,} steps at the most to {_channels(small)}, which the answers need.",
        "Train with a BatchNormalization behind this layer, which brings its channels to one size.",
        None,
    )


def _dead_channels(seen: Seen, way: Way, samples: int) -> Words:
    dead = list(seen.dead)
    verb = "gives" if len(dead) == 1 else "give"
    sure = "" if samples >= SURE else " More samples (--count) make sure of it."
    return (
        f"{_channels(dead)} {verb} {_constants(seen)} for {samples:,} samples: dead. "
        "That costs flash and time, and no accuracy.",
        f"Prune: build the layer with {_left(seen)} channels, and train anew.{sure}",
        None,
    )


def _left(seen: Seen) -> str:
    return f"{seen.tally.channels - len(seen.dead)} in place of {seen.tally.channels}"


def _constants(seen: Seen) -> str:
    """The values that dead channels give, in their order."""
    values = [f"{each:.3g}" for each in seen.tally.real_low[seen.dead]]
    if len(set(values)) == 1:
        return f"nothing but {values[0]}"
    return f"one value each ({_listed(values)})"


def _also_dead(others: Sequence[Seen]) -> str:
    """What is said of the other layers."""
    said = [
        f"{_channels(list(each.dead))} of {_called(each)}, with {_constants(each)} ({_left(each)})"
        for each in others
    ]
    return (
        f" Dead, too, {'is' if len(others) == 1 and len(others[0].dead) == 1 else 'are'} "
        f"{'; '.join(said)}."
    )


def _unexplained(seen: Seen, way: Way, _: int) -> Words:
    own, left = (f"{each or 0:.1f} dB" for each in (seen.own_db, seen.output_db))
    return (
        f"its own error is {own} below its values, and alone leaves the model's answers {left}; "
        "neither its range nor its weights explain that.",
        "Look at its histogram (--picture layers.png), and convert the float model anew.",
        (),
    )


def _channels(places: Sequence[object]) -> str:
    return f"channel{'' if len(places) == 1 else 's'} {_listed(places)}"


_WORDS = {
    Cause.INPUT_CUT_OFF: _input_cut_off,
    Cause.INPUT_TOO_WIDE: _input_too_wide,
    Cause.CUT_OFF: _cut_off,
    Cause.TOO_WIDE: _too_wide,
    Cause.COARSE_CHANNELS: _coarse_channels,
    Cause.BIAS_CUT_OFF: _bias_cut_off,
    Cause.COARSE_WEIGHTS: _coarse_weights,
    Cause.OTHER_WEIGHTS: _other_weights,
    Cause.UNEVEN_CHANNELS: _uneven_channels,
    Cause.DEAD_CHANNELS: _dead_channels,
    Cause.UNEXPLAINED: _unexplained,
}
