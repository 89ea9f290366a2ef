"""What is wrong with a layer, by its figures; and what mends it, in words.

Layers of well converted models add noise of 40 to 47 dB below their values. The limits below lie
far from that, so that a sound model gets no advice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.manifest import INT16, LIMITS
from glyphite.host.measure.layers.match import INPUT, Pair
from glyphite.host.measure.layers.rewrite import BIAS
from glyphite.host.measure.layers.tally import BEYOND, NOTHING_DB, Tally, decibels
from glyphite.host.measure.layers.weights import Weights
from glyphite.host.measure.layers_record import Cause

MANY_CUT, SOME_CUT = 0.01, 0.001
"""Shares of values that are cut off: so many are one too many; of so few, the error has to be most
of the layer's own."""
FEWEST_CUT = 10
"""Values that are cut off: fewer are the odd outlier, unless the answers suffer."""
MOSTLY = 0.5
SOUND_DB = 35.0
"""Own noise of a layer that is as it should be lies at least so far below its values."""
POOR_DB = 25.0
"""Below this, a layer has lost much."""
FED_DB = 10.0
"""Below this, what a layer inherits is so far from float that its own error tells little."""
OTHER_DB = 3.0
"""Below this, weights have nothing to do with those that they should be."""
LEAST_USED, LEAST_OF_INPUT = 0.375, 0.55
"""The part of the range that values have to take, and that samples have to: at a half, one of
int8's eight bits is lost, at a quarter two."""
FEWEST = 30
"""Samples that tell how much of a range is used."""
FEWEST_DEAD = 100
"""Samples after which a channel that never changed is called dead."""
BIAS_STEPS = 1.0
"""Steps of the output by which a bias may differ from the float model's."""
SMALL_STEPS = 8
"""A channel whose values vary by no more of the 256 is nearly lost."""

NO_COST = -1000.0
"""Decibels of no error at all."""

FIXED = ("SOFTMAX", "LOG_SOFTMAX", "LOGISTIC", "TANH", "L2_NORMALIZATION")
"""Operators whose output has a scale that TensorFlow Lite fixes."""
SHARING = (
    *("CONCATENATION", "PACK", "MAXIMUM", "MINIMUM", "SELECT_V2", "SELECT", "PAD", "PADV2"),
    *("SPLIT", "SPLIT_V", "SUM"),
)
"""Operators whose inputs must have the scale of their output, or may share it."""
ELEMENTWISE = ("RELU", "RELU6", "RELU_N1_TO_1", "PRELU", "LEAKY_RELU", "ELU", "HARD_SWISH", "GELU")
"""Operators that give a value for each value, and with BIAS may be where a channel dies."""


@dataclass(frozen=True, eq=False)
class Seen:
    """One layer, and all that is known of it."""

    pair: Pair
    tally: Tally
    weights: Weights | None
    output_db: float | None
    """Of the model's output where this layer alone is in int8; None where nothing is lost."""
    has_range: bool
    """Whether the range is of this layer's choosing: not its input's, not a fixed one."""
    dead: NDArray[np.intp]
    keras: str | None
    """The name of the Keras layer, where it is known."""
    is_first: bool = False
    """Whether no layer with weights is before it: it reads the samples themselves."""
    made_up: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))
    """Channels (k,) so small that the weights of a layer behind, which make up for them, are
    coarse."""
    made_up_cost: float = NO_COST
    """What that costs there, as :attr:`cost` has it."""
    is_carried: bool = False
    """Whether its weights are coarse for coarse channels of the layer that makes its input: both
    have one scale for all weights, and one mend."""

    @property
    def cost(self) -> float:
        """The error that the layer's own leaves at the model's output, in dB of the answers."""
        return NO_COST if self.output_db is None else -self.output_db

    @property
    def own_db(self) -> float | None:
        """Of the error that it adds itself; None where it adds none."""
        return own_db(self.tally)

    @property
    def is_fed_well(self) -> bool:
        """Whether what it inherits is near enough to float to tell of the layer itself."""
        inherited = decibels(self.tally.own_signal, self.tally.inherited)
        return inherited is None or inherited > FED_DB

    @property
    def used(self) -> float:
        """The part of the range that the float model's values take."""
        return used(self.tally)


@dataclass(frozen=True)
class Finding:
    """A cause, and where it is."""

    cause: Cause
    place: int
    """Among the layers that were seen."""
    cost: float = NO_COST
    """As :attr:`Seen.cost`, or what it costs a layer behind where that is more."""


def own_db(tally: Tally) -> float | None:
    """Of the error that a layer adds itself; None where it adds none, or that is not known."""
    found = decibels(tally.own_signal, tally.own_error) if tally.has_own else None
    return None if found is None or found > NOTHING_DB else found


def used(tally: Tally) -> float:
    """The part of a tensor's range, with 0, that the float model's values take."""
    if not tally.values:
        return 0.0
    low, high = tally.range
    least, most = min(0.0, float(tally.real_low.min())), max(0.0, float(tally.real_high.max()))
    if tally.least == LIMITS[INT16][0]:  # as far below 0 as above it, whatever the values are
        return max(-least, most) / high
    return (most - least) / (high - low)


def has_range(graph: Graph, pair: Pair) -> bool:
    """Whether a layer's output has a range of its own, which calibration has set."""
    if pair.number is None:
        return True
    operator = graph.operators[pair.number]
    if operator.kind in FIXED:
        return False
    ours = graph.tensors[pair.quantized].quantization
    sources = (graph.tensors[index] for index in operator.inputs if index >= 0)
    if any(each.data is None and each.quantization == ours for each in sources):
        return False
    readers = (each for each in graph.consumers(pair.quantized) if each.kind in SHARING)
    return not any(graph.output_of(each).quantization == ours for each in readers)


def dead_channels(
    graph: Graph, pair: Pair, tally: Tally, by_tensor: dict[int, Tally], samples: int
) -> NDArray[np.intp]:
    """Channels (k,) of a layer that gave one value for all samples, where it is this layer that
    makes it so."""
    nowhere = np.zeros(0, np.intp)
    if pair.number is None or samples < FEWEST_DEAD:
        return nowhere
    operator: Operator = graph.operators[pair.number]
    constant = tally.real_low == tally.real_high
    if operator.kind in ELEMENTWISE:
        before = by_tensor.get(operator.inputs[0])
        if before is None or before.channels != tally.channels:
            return nowhere
        constant &= before.real_low != before.real_high
    elif operator.kind not in BIAS:
        return nowhere
    return np.flatnonzero(constant)


def findings(layers: Sequence[Seen], samples: int) -> list[Finding]:
    """What is wrong, in the order of the layers. What nothing explains is told of one layer, that
    which costs most, and only where nothing else is found."""
    found: list[Finding] = []
    for place, seen in enumerate(layers):
        for cause in _causes(seen, samples):
            cost = NO_COST if cause is Cause.DEAD_CHANNELS else seen.cost
            if cause in (Cause.UNEVEN_CHANNELS, Cause.COARSE_CHANNELS):
                cost = max(cost, seen.made_up_cost)
            found.append(Finding(cause, place, cost))
    if not any(each.cause is not Cause.DEAD_CHANNELS for each in found):
        poor = [place for place, seen in enumerate(layers) if _is_poor(seen)]
        if poor:
            worst = min(poor, key=lambda place: layers[place].output_db or 0.0)
            found.append(Finding(Cause.UNEXPLAINED, worst, layers[worst].cost))
    return found


def _causes(seen: Seen, samples: int) -> Iterable[Cause]:
    is_input = seen.pair.kind == INPUT
    losses = [*_of_range(seen, samples, is_input), *_of_weights(seen)]
    if not losses and seen.has_range and len(small_channels(seen)):
        losses = [Cause.UNEVEN_CHANNELS]
    yield from losses
    if len(seen.dead):
        yield Cause.DEAD_CHANNELS


def _of_range(seen: Seen, samples: int, is_input: bool) -> Iterable[Cause]:
    tally, least = seen.tally, LEAST_OF_INPUT if is_input else LEAST_USED
    is_most = tally.cut_error > MOSTLY * tally.own_error and (seen.own_db or 0) < SOUND_DB
    cut = min(tally.cut, tally.beyond)  # what float does not reach has been inherited
    is_much = cut > MANY_CUT or (cut > SOME_CUT and is_most and seen.is_fed_well)
    count, least_count = tally.cut_low + tally.cut_high, FEWEST_CUT
    if is_most and _costs(seen, SOUND_DB):  # of an output of one number, few values are many
        least_count = 2
    if tally.has_own and is_much and count >= least_count:
        yield Cause.INPUT_CUT_OFF if is_input else Cause.CUT_OFF
    elif seen.has_range and samples >= FEWEST and 0 < seen.used < least:
        yield Cause.INPUT_TOO_WIDE if is_input else Cause.TOO_WIDE


def _of_weights(seen: Seen) -> Iterable[Cause]:
    weights = seen.weights
    if weights is None:
        return
    if len(other_biases(seen)):
        yield Cause.BIAS_CUT_OFF
    if weights.sqnr_db is not None and weights.sqnr_db < OTHER_DB:
        yield Cause.OTHER_WEIGHTS
    elif len(coarse_channels(seen)):
        yield Cause.COARSE_CHANNELS
    elif is_coarse(seen) and not seen.is_carried:
        yield Cause.COARSE_WEIGHTS


def is_coarse(seen: Seen) -> bool:
    """Whether rounding the layer's weights loses much."""
    weights = seen.weights
    found = [] if weights is None else [weights.sqnr_db, weights.felt_db]
    return any(each is not None and each < POOR_DB for each in found)


def coarse_channels(seen: Seen) -> NDArray[np.intp]:
    """Channels (k,) that one scale for all leaves few steps; a dead one loses nothing by it."""
    weights = seen.weights
    return np.setdiff1d(np.zeros(0, np.intp) if weights is None else weights.coarse, seen.dead)


def other_biases(seen: Seen) -> NDArray[np.intp]:
    """Channels (k,) whose bias is not the float model's, where that is felt: behind a ReLU, a
    channel that gives nothing may have any bias below 0."""
    weights, step = seen.weights, seen.tally.numbers.scale
    if weights is None or len(weights.bias_error) != seen.tally.channels:
        return np.zeros(0, np.intp)
    is_other = weights.bias_at_limit | (weights.bias_error > BIAS_STEPS * step)
    return np.flatnonzero(is_other & (seen.tally.own_worst > BEYOND * step))


def steps_of(seen: Seen) -> NDArray[np.float64]:
    """(channels,): by how many steps of the tensor's scale each channel varies in float."""
    tally = seen.tally
    return (tally.real_high - tally.real_low) / tally.numbers.scale


def small_channels(seen: Seen) -> NDArray[np.intp]:
    """Channels (k,) that vary in float by a few steps at the most, where the answers need them:
    the layer's own error costs much, or a layer behind makes up for it."""
    steps = steps_of(seen)
    is_small = (steps > 0) & (steps <= SMALL_STEPS) & _costs(seen, POOR_DB)
    is_small[seen.made_up] = True
    return np.flatnonzero(is_small)


def _is_poor(seen: Seen) -> bool:
    own = seen.own_db
    if own is None or not seen.is_fed_well:
        return False
    return _costs(seen, POOR_DB) or (own < POOR_DB and _costs(seen, SOUND_DB))


def _costs(seen: Seen, limit: float) -> bool:
    """Whether the layer's own error alone leaves the model's output less than ``limit``."""
    return seen.output_db is not None and seen.output_db < limit
