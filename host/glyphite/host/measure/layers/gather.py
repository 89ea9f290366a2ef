"""Runs a model in float and in int8 on the same samples, and tallies each layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.errors import ModelError
from glyphite.convert.manifest import LIMITS
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.measure.layers.match import INPUT, Pair, pairs_of
from glyphite.host.measure.layers.rewrite import EDGES, apart, behind
from glyphite.host.measure.layers.tally import Tally
from glyphite.host.runners.all_tensors import AllTensors
from glyphite.host.runners.base import Scores, Tensors

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gathered:
    """What was seen of every layer, in the order in which they run."""

    graph: Graph
    """That of the int8 model."""
    floats: Graph
    """That of the float model."""
    pairs: Sequence[Pair]
    tallies: Sequence[Tally]
    """One for each of ``pairs``."""
    real_scores: Floats
    """(n, outputs): the float model's answers."""
    scores: Scores
    """(n, outputs): those of the int8 model, of its output's type."""
    alone: Sequence[Floats]
    """For each of ``pairs`` (n, outputs): what the float model answers where the layer's own error
    is added to what it gives, and no other."""


def gather(
    content: bytes,
    floats: bytes,
    samples: NDArray[np.float32],
    tensors: Tensors,
    progress: Progress = ignore_progress,
) -> Gathered:
    """Run the .tflite ``content`` and the float .tflite ``floats`` on the same samples.

    ``samples`` (n, *shape) are as the float model takes them, ``tensors`` (n, *shape) as the int8
    model does. Raises ModelError where LiteRT cannot run one of them or their layers are not each
    other's, ToolError where none is installed.
    """
    found = _Both(content, floats)
    real_scores, scores = [], []
    for number, (sample, tensor) in enumerate(zip(samples, tensors, strict=True)):
        real, given = found.add(number, sample[np.newaxis], tensor[np.newaxis])
        real_scores.append(real.reshape(-1))
        scores.append(given.reshape(-1))
        progress(1)
    return Gathered(
        found.graph,
        found.real_graph,
        found.pairs,
        found.tallies,
        np.array(real_scores, np.float64),
        np.array(scores),
        [np.array(each, np.float64) for each in found.alone],
    )


class _Both:
    """The int8 model, the float model, and the float model's layers each by itself."""

    def __init__(self, content: bytes, floats: bytes) -> None:
        self.graph, self.real_graph = (read_loosely(each)[0] for each in (content, floats))
        self.pairs = pairs_of(self.graph, self.real_graph)
        _require_alike(self.graph, self.pairs)
        self._makes = {
            output: number
            for number, each in enumerate(self.real_graph.operators)
            for output in each.outputs
        }
        """The place of the float model's operator that makes a tensor."""
        alone = apart(floats)
        self._int8 = AllTensors(content, "the int8 model")
        self._float = AllTensors(floats, "the float model")
        self._alone = AllTensors(alone.content, "the layers of the float model")
        self._feeds = self._of_int8(alone.sources)
        self.tallies = [self._tally(each) for each in self.pairs]
        self.alone: list[list[Tensors]] = [[] for _ in self.pairs]
        """For each pair, a sample's outputs with that layer's own error alone."""
        self._rest = [self._behind(floats, each) for each in self.pairs]

    def _of_int8(self, sources: dict[tuple[int, int], int]) -> dict[int, int | None]:
        """The int8 model's tensor for each input of the layers alone; None where it has none."""
        of_float = {
            each.float_number: each.number for each in self.pairs if each.number is not None
        }
        feeds: dict[int, int | None] = {}
        for (number, place), source in sources.items():
            ours = of_float.get(number)
            operator = None if ours is None else self.graph.operators[ours]
            fits = operator is not None and place < len(operator.inputs)
            feeds[source] = operator.inputs[place] if operator is not None and fits else None
        return feeds

    def _tally(self, pair: Pair) -> Tally:
        tensor = self.graph.tensors[pair.quantized]
        if tensor.quantization is None:
            raise ModelError(
                f"The tensor {tensor.name!r} of the .tflite is {tensor.dtype} and has no scale, so "
                "nothing says what its numbers mean. Convert the model anew."
            )
        least, most = LIMITS[tensor.dtype]
        channels = tensor.shape[-1] if len(tensor.shape) > 1 else 1
        return Tally(tensor.quantization, least, most, max(channels, 1))

    def add(self, number: int, sample: Tensors, tensor: Tensors) -> tuple[Tensors, Tensors]:
        """Tally one sample; returns what both models answer."""
        self._float.run({self.real_graph.inputs[0]: sample})
        self._int8.run({self.graph.inputs[0]: tensor})
        self._alone.run({source: self._fed(source) for source in self._feeds})
        for place, (pair, tally) in enumerate(zip(self.pairs, self.tallies, strict=True)):
            real, levels = self._float.tensor(pair.real), self._int8.tensor(pair.quantized)
            ideal = self._ideal(pair, real)
            tally.add(number, real, levels, ideal)
            own = 0.0 if ideal is None else self._number(pair.quantized) - ideal
            self.alone[place].append(self._answer(place, real, own))
        outputs = self.real_graph.outputs[0], self.graph.outputs[0]
        return self._float.tensor(outputs[0]), self._int8.tensor(outputs[1])

    def _behind(self, floats: bytes, pair: Pair) -> AllTensors | None:
        """The layers of the float model behind one; None where it is the last."""
        is_input = pair.kind == INPUT
        made = -1 if is_input else self._makes.get(pair.real, -1)
        content = behind(floats, made)
        return (
            None if content is None else AllTensors(content, "the last layers of the float model")
        )

    def _answer(self, place: int, real: Tensors, own: NDArray[np.float64] | float) -> Tensors:
        """The float model's outputs where ``own`` is added to what a layer gives."""
        given = (real.astype(np.float64) + own).astype(np.float32)
        rest, pair = self._rest[place], self.pairs[place]
        if rest is None:
            return given.reshape(-1)
        feeds = {index: self._float.tensor(index) for index in rest.inputs if index != pair.real}
        rest.run({**feeds, pair.real: given} if pair.real in rest.inputs else feeds)
        return rest.tensor(self.real_graph.outputs[0]).reshape(-1)

    def _fed(self, source: int) -> Tensors:
        shape, dtype = self._alone.takes(source)
        ours = self._feeds[source]
        values = None if ours is None else self._number(ours)
        if values is None or values.size != np.prod(shape):
            return np.zeros(shape, dtype)
        return values.reshape(shape).astype(dtype)

    def _number(self, tensor: int) -> Tensors:
        """A tensor of the int8 model as the numbers that it stands for."""
        values, known = self._int8.tensor(tensor), self.graph.tensors[tensor]
        if known.dtype not in LIMITS or known.quantization is None:
            return values
        numbers = known.quantization
        return (values.astype(np.float64) - numbers.zero_point) * numbers.scale

    def _ideal(self, pair: Pair, real: Tensors) -> Tensors | None:
        if pair.kind == INPUT:
            return real
        if pair.number is not None and pair.kind in EDGES:
            return self._number(self.graph.operators[pair.number].inputs[0])
        if pair.float_number is None:
            return None
        return self._alone.tensor(pair.real)


def _require_alike(graph: Graph, pairs: Sequence[Pair]) -> None:
    """ModelError where a layer has no partner: its error would be laid at the next one's door."""
    matched = {each.number for each in pairs}
    lacking: list[Operator] = [
        each
        for number, each in enumerate(graph.operators)
        if number not in matched
        and each.kind not in EDGES
        and graph.output_of(each).dtype in LIMITS
    ]
    if lacking:
        raise ModelError(
            f"The float model has no layer that is {lacking[0].label} of the int8 model, so the "
            "two cannot be held against each other."
        )
