"""Faults in the look at a model's layers."""

from tests.faults.fault import Fault

LAYERS = "host/glyphite/host/measure/layers/"
TESTS = tuple(
    f"host/measure/layers/test_layer_{each}.py"
    for each in ("ranges", "weights", "tally", "engines")
)

FAULTS: tuple[Fault, ...] = (
    Fault(
        "a value at the end of the range counts as cut off",
        LAYERS + "tally.py",
        "below, above = ideal < low - margin, ideal > high + margin",
        "below, above = ideal <= low, ideal >= high",
        TESTS,
    ),
    Fault(
        "what a layer has inherited counts as its own error",
        LAYERS + "gather.py",
        "return self._alone.tensor(pair.real)",
        "return real",
        TESTS,
    ),
    Fault(
        "a layer is blamed for cutting off what it inherits",
        LAYERS + "causes.py",
        "cut = min(tally.cut, tally.beyond)",
        "cut = tally.cut",
        TESTS,
    ),
    Fault(
        "the input's calibration is blamed on the layers, too",
        LAYERS + "advice.py",
        "if of_input is not None and cause in OF_RANGES:",
        "if of_input is None and cause in OF_INPUT:",
        TESTS,
    ),
    Fault(
        "a bias that nobody feels is named",
        LAYERS + "causes.py",
        "return np.flatnonzero(is_other & (seen.tally.own_worst > BEYOND * step))",
        "return np.flatnonzero(is_other)",
        TESTS,
    ),
    Fault(
        "one scale for all is told of weights that have one each",
        LAYERS + "weights.py",
        "is_coarse & (self.scales == 1) & (len(self.levels) > 1)",
        "is_coarse | (self.scales > 1)",
        TESTS,
    ),
    Fault(
        "a layer's error alone is run through the layer itself again",
        LAYERS + "rewrite.py",
        "graph.operators = graph.operators[number + 1 :]",
        "graph.operators = graph.operators[number:]",
        TESTS,
    ),
    Fault(
        "engines are compared from the last layer on",
        LAYERS + "engines.py",
        "number = min(self.first)",
        "number = max(self.first)",
        TESTS,
    ),
    Fault(
        "layers of other names are told by nothing",
        LAYERS + "match.py",
        "for step in range(block.size):",
        "for step in range(0):",
        TESTS,
    ),
    Fault(
        "the samples that int8 changes come last",
        LAYERS + "look.py",
        "-errors, ~changed))[:WORST]",
        "-errors, changed))[:WORST]",
        TESTS,
    ),
)
