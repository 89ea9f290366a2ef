"""The first layer at which two int8 engines differ: LiteRT, TFLM and the generated C."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.compiler.frontend.tflite import read_loosely
from glyphite.convert.compiler.ir.graph import Graph, Operator
from glyphite.convert.compiler.ir.rows import geometry
from glyphite.convert.errors import ModelError, ToolError
from glyphite.convert.files import temporary_folder
from glyphite.convert.manifest import LIMITS
from glyphite.convert.progress import Progress, ignore_progress
from glyphite.host.device.c_compiler import c_compiler
from glyphite.host.measure.layers.rewrite import with_all_outputs
from glyphite.host.measure.layers_record import EngineDifference, EnginePair
from glyphite.host.measure.watched_c import WatchedC
from glyphite.host.runners.all_tensors import AllTensors
from glyphite.host.runners.base import SHORT, Tensors
from glyphite.host.runners.tflm import PreservedTensors, has_tflm

SAMPLES = 50
"""That are compared, evenly spread: TFLM takes 3 ms for each."""

Values = dict[int, NDArray[Any]]
"""What an engine made of each tensor that it keeps, flat, by the tensor's number."""
Engine = Callable[[Tensors], Values]
"""From one input (*shape) to the tensors."""


def compare_engines(
    content: bytes, name: str, tensors: Tensors, progress: Progress = ignore_progress
) -> tuple[list[EnginePair], list[str]]:
    """Run the .tflite ``content`` on at most SAMPLES of ``tensors`` (n, *shape) in each engine.

    ``progress`` is called with the samples of ``tensors`` that are done with. Returns each engine
    against TFLM, or against the C where TFLM is not installed, and a sentence on each engine that
    is left out. Raises ModelError where the .tflite is none.
    """
    graph = read_loosely(content)[0]
    indices = [index for each in graph.operators for index in each.outputs]
    indices = [index for index in indices if graph.tensors[index].dtype in LIMITS]
    engines: dict[str, Engine] = {}
    left_out: list[str] = []
    makers: dict[str, Callable[[], Engine]] = {
        "int8_litert": lambda: _litert(content, indices),
        "c": lambda: _generated_c(content, name),
    }
    if has_tflm():
        makers["int8_tflm"] = lambda: _tflm(content, indices)
    for kind, make in makers.items():
        try:
            engines[kind] = make()
        except (ModelError, ToolError) as error:
            left_out.append(f"{SHORT[kind]} is left out layer by layer: {error}")
    right = next((each for each in ("int8_tflm", "c") if each in engines), None)
    others = [each for each in engines if each != right]
    if right is None or not others:
        progress(len(tensors))
        return [], left_out
    places = np.linspace(0, len(tensors) - 1, min(SAMPLES, len(tensors))).astype(int)
    held = {each: _Held(graph) for each in others}
    for done, place in enumerate(places):
        expected = engines[right](tensors[place])
        for each in others:
            held[each].add(int(place), engines[each](tensors[place]), expected)
        progress(int(places[done + 1] if done + 1 < len(places) else len(tensors)) - int(place))
    return [held[each].pair(SHORT[each], SHORT[right], len(places)) for each in others], left_out


@dataclass
class _Held:
    """One engine against another."""

    graph: Graph

    def __post_init__(self) -> None:
        self.first: dict[int, EngineDifference] = {}
        """The first sample that differs at each layer, by the layer's place."""
        self.counts: dict[int, int] = {}
        """Samples whose first difference is at that layer."""
        self.layers = 0

    def add(self, sample: int, found: Values, expected: Values) -> None:
        """Compare one sample, up to the first layer that differs."""
        self.layers = len(found.keys() & expected.keys())
        for number, operator in enumerate(self.graph.operators):
            for output in operator.outputs:
                if output not in found or output not in expected:
                    continue
                ours, theirs = found[output], expected[output]
                made = min(ours.size, theirs.size)  # the C makes no rows that nothing reads
                if np.array_equal(ours[:made], theirs[:made]):
                    continue
                self.counts[number] = self.counts.get(number, 0) + 1
                if number not in self.first:
                    where = self.graph.operators[number], self.graph.tensors[output].shape
                    self.first[number] = _difference(*where, sample, ours[:made], theirs[:made])
                return

    def pair(self, first: str, second: str, samples: int) -> EnginePair:
        """What came of it."""
        if not self.first:
            return EnginePair(first, second, samples, self.layers, None)
        number = min(self.first)
        found = self.first[number]
        found = EngineDifference(**{**vars(found), "samples": self.counts[number]})
        return EnginePair(first, second, samples, self.layers, found)


def _difference(
    operator: Operator,
    shape: tuple[int, ...],
    sample: int,
    ours: NDArray[Any],
    theirs: NDArray[Any],
) -> EngineDifference:
    """Where two outputs, flat, of ``shape`` first differ."""
    wrong = np.flatnonzero(ours != theirs)
    first = int(wrong[0])
    return EngineDifference(
        layer=f"{operator.kind.lower()}_{operator.index}",
        kind=operator.kind,
        sample=sample,
        place=[int(at) for at in np.unravel_index(first, shape[1:] or (1,))],
        first_value=int(ours[first]),
        second_value=int(theirs[first]),
        differing=len(wrong),
        values=ours.size,
        samples=0,
    )


def _litert(content: bytes, indices: Sequence[int]) -> Engine:
    """As it runs by default, with its delegate: every tensor is made an output."""
    model = AllTensors(with_all_outputs(content), "the int8 model", delegate=True)

    def engine(tensor: Tensors) -> Values:
        model.run({model.inputs[0]: tensor[np.newaxis]})
        return {index: model.tensor(index).reshape(-1) for index in indices}

    return engine


def _tflm(content: bytes, indices: list[int]) -> Engine:
    model = PreservedTensors(content)

    def engine(tensor: Tensors) -> Values:
        return {index: found.reshape(-1) for index, found in model.infer(tensor, indices).items()}

    return engine


def _generated_c(content: bytes, name: str) -> Engine:
    """For this PC, as `glyphite compare` runs it; of a layer's rows, those that are made."""
    c_compiler()
    compiled = compile_model(content, name)
    with temporary_folder() as folder:
        compiled.write(folder)
        model = WatchedC(compiled, folder)
    graph = compiled.program.graph
    made = {
        task.output: task.height
        * graph.tensors[task.output].count
        // geometry(graph.tensors[task.output])[0]
        for task in compiled.plan.tasks
    }

    def engine(tensor: Tensors) -> Values:
        _, tensors = model.infer(tensor)
        return {
            index: values.reshape(-1)[: made.get(index, values.size)]
            for index, values in tensors.items()
            if values.dtype == np.int8
        }

    return engine
