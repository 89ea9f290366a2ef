"""The advice that follows from what is wrong with layers, in words and as a command."""

from collections.abc import Sequence
from dataclasses import dataclass

from glyphite.convert.text import command
from glyphite.host.measure.layers.causes import Finding, Seen, small_channels
from glyphite.host.measure.layers.weights import FEW_STEPS
from glyphite.host.measure.layers_record import Advice, Cause

OF_INPUT = (Cause.INPUT_CUT_OFF, Cause.INPUT_TOO_WIDE)
OF_RANGES = (Cause.CUT_OFF, Cause.TOO_WIDE)
"""What calibration on other data does to layers, too."""
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
    is_random: bool
    """Whether these were random numbers."""
    data: str
    """What the data that were looked at are called."""

    def convert(self, *words: str) -> str | None:
        """The command; None where there is no float model."""
        if self.named is None:
            return None
        return command("glyphite", "convert", self.named, *self.data_words, *words)


def advise(layers: Sequence[Seen], found: Sequence[Finding], way: Way, samples: int) -> list[Advice]:
    """One advice for each cause, which names the first layer that has it, and the others.

    Where the input was calibrated on other data, the ranges of the layers behind it are too: that
    is one cause, and the input's.
    """
    causes = list(dict.fromkeys(each.cause for each in found))
    of_input = next((each for each in causes if each in OF_INPUT), None)
    made = []
    for cause in causes:
        if of_input is not None and cause in OF_RANGES:
            continue
        family = OF_RANGES if cause is of_input else ()
        places = [each.place for each in found if each.cause is cause or each.cause in family]
        made.append(_advice(cause, sorted(set(places)), layers, way, samples))
    return sorted(made, key=lambda each: not each.loses_accuracy)


def _advice(
    cause: Cause, places: list[int], layers: Sequence[Seen], way: Way, samples: int
) -> Advice:
    seen = layers[places[0]]
    what, mend, words = _WORDS[cause](seen, way, samples)
    typed = None if words is None else way.convert(*words)
    others = [layers[place].pair.name for place in places[1:]]
    also = f" So {'is' if len(others) == 1 else 'are'} {_named(others)}." if others else ""
    if words is not None and typed is None:
        shown = command("glyphite", "convert", "MODEL.keras", *way.data_words, *words)
        mend += f" There is no float model here; with it: `{shown}`."
    return Advice(
        cause=cause,
        layer=seen.pair.name,
        others=others,
        loses_accuracy=cause is not Cause.DEAD_CHANNELS,
        text=f"{seen.pair.name}: {what}{also} {mend}",
        command=typed,
    )


def _named(names: Sequence[object]) -> str:
    """Names for a sentence, the first of many."""
    shown = [str(each) for each in names[:MOST_NAMED]]
    if len(names) > MOST_NAMED:
        shown.append(f"{len(names) - MOST_NAMED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


Words = tuple[str, str, tuple[str, ...] | None]
"""What is seen, what mends it, and what `glyphite convert` is given for that beside the model; None
where no conversion does it."""


def _reach(seen: Seen) -> str:
    tally = seen.tally
    least, most, (low, high) = tally.real_low.min(), tally.real_high.max(), tally.range
    return f"float values reach from {least:.4g} to {most:.4g}, and int8's range is {low:.4g} to {high:.4g}"


def _input_cut_off(seen: Seen, way: Way, _: int) -> Words:
    tally = seen.tally
    what = f"{100 * tally.cut:.2g} % of the values are cut off: {_reach(seen)}."
    return what, *_other_data(way)


def _input_too_wide(seen: Seen, way: Way, _: int) -> Words:
    what = f"the samples take {100 * seen.used:.2g} % of the range: {_reach(seen)}."
    return what, *_other_data(way)


def _other_data(way: Way) -> tuple[str, tuple[str, ...]]:
    was = "on random numbers" if way.is_random else "on other data, or these are prepared otherwise"
    return (
        f"The model was calibrated {was}. Calibrate it on data like {way.data}, or prepare the "
        "samples as those of the calibration were.",
        (),
    )


def _cut_off(seen: Seen, way: Way, samples: int) -> Words:
    tally = seen.tally
    what = (
        f"it saturates: {100 * tally.cut:.2g} % of its values are cut off; {_reach(seen)}."
    )
    if way.is_random:
        return what, *_other_data(way)
    words = ("--calibration-samples", str(_more(way, samples)))
    return what, "Widen the calibration to more samples, as varied as these.", words


def _more(way: Way, samples: int) -> int:
    return max(5000, samples, 10 * (way.calibrated or 0))


def _too_wide(seen: Seen, way: Way, _: int) -> Words:
    what = f"its values take {100 * seen.used:.2g} % of the range: {_reach(seen)}."
    if way.is_random:
        return what, *_other_data(way)
    return what, "Calibrate on representative data, without outliers.", ()


def _coarse_channels(seen: Seen, way: Way, _: int) -> Words:
    coarse = [] if seen.weights is None else list(seen.weights.coarse)
    what = (
        f"all weights share one scale, and those of {_channels(coarse)} are {FEW_STEPS} steps of "
        "it at the most."
    )
    return what, "Quantize the weights per channel, as `glyphite convert` does.", ()


def _bias_cut_off(seen: Seen, way: Way, _: int) -> Words:
    weights = seen.weights
    step = seen.tally.numbers.scale
    places = (
        []
        if weights is None
        else sorted({*weights.bias_at_limit, *(weights.bias_error > step).nonzero()[0]})
    )
    what = (
        f"the bias of {_channels(places)} is not the float model's: at the scale of its sums, it "
        "is more than 32 bits hold and was cut off, or it was changed."
    )
    mend = (
        "Convert the float model anew. Where that does not mend it, its weights are nearly 0 "
        "beside a large bias: prune the channel."
    )
    return what, mend, ()


def _coarse_weights(seen: Seen, way: Way, _: int) -> Words:
    weights = seen.weights
    found = "" if weights is None or weights.sqnr_db is None else f" ({weights.sqnr_db:.1f} dB)"
    return (
        f"rounding its weights has cost much{found}: a few large ones leave the others few steps.",
        "Train anew with weight decay or a limit on the weights, such as Keras's "
        "kernel_constraint=keras.constraints.MaxNorm(2), and convert that.",
        None,
    )


def _other_weights(seen: Seen, way: Way, _: int) -> Words:
    what = "its weights have nothing to do with those of the float model."
    return what, "The .tflite is of another model, or was changed. Make it anew.", ()


def _uneven_channels(seen: Seen, way: Way, _: int) -> Words:
    small = list(small_channels(seen))
    return (
        f"{_channels(small)} of {seen.tally.channels} vary by 8 of 256 steps at the most, as one "
        "scale serves all channels of a layer's output, and the model's answers need them.",
        "Train with a BatchNormalization behind this layer, which brings its channels to one size.",
        None,
    )


def _dead_channels(seen: Seen, way: Way, samples: int) -> Words:
    dead = list(seen.dead)
    values = seen.tally.real_low[dead]
    is_zero = not values.any()
    gives = "0" if is_zero else "one value each"
    verb = "gives" if len(dead) == 1 else "give"
    left = seen.tally.channels - len(dead)
    return (
        f"{_channels(dead)} {verb} nothing but {gives} for {samples:,} samples: dead, they take "
        "flash and time and change no answer.",
        f"Prune them: build this layer with {left} channels in place of {seen.tally.channels}, and "
        "train anew.",
        None,
    )


def _unexplained(seen: Seen, way: Way, _: int) -> Words:
    return (
        f"its own error is only {seen.own_db or 0:.1f} dB below its values, and neither its range "
        "nor its weights explain that.",
        "Look at its histogram (--picture layers.png), and convert the float model anew.",
        (),
    )


def _channels(places: Sequence[object]) -> str:
    return f"channel{'' if len(places) == 1 else 's'} {_named(places)}"


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
