"""Mutations of what a file says: a flatbuffer that is whole, of a model that need not be."""

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from glyphite.convert.compiler.ops import supported
from tests.builders.models import pack

Rng = np.random.Generator
Model = Any
"""A ModelT of the schema, whose classes have no types."""
Mutation = Callable[[Model, Rng], None]

INTEGERS = (
    -(2**31), -65536, -32769, -129, -128, -2, -1, 0, 1, 2, 3, 4, 5, 7, 8, 16, 31, 32, 33, 127, 128,
    255, 256, 1000, 4095, 4096, 32767, 32768, 65535, 65536, 2**20, 2**24, 2**24 + 1, 2**31 - 1,
)  # fmt: skip
FLOATS = (
    0.0, -0.0, -1.0, float("nan"), float("inf"), -float("inf"), 1e-45, 1e-40, 1.2e-38, 1e-30, 1e-20,
    2.0**-33, 2.0**-31, 1e-5, 1 / 256, 1 / 128, 0.5, 1.0, 2.0, 1e5, 2.0**31, 1e10, 1e20, 3.4e38,
)  # fmt: skip
EXTENTS = (1, 2, 3, 4, 6, 9, 17, 33, 100, 1000, 4096, 2**15, 2**16, 2**20, 2**24)
NAMES = (b"", b"two\nlines", b"\x1b[31mred", b"*/ int x; /*", b'"\\', b"\xff\xfe", b"x" * 5000)
KINDS = (*supported(), "CUSTOM", "WHILE", "SIN")
"""Those that the compiler knows, and some that it lacks."""
INTEGER_TYPES = (schema.TensorType.INT32,)
LONGEST_CHAIN = 5000
"""Operators that are put behind a model's last one."""


def mutate(content: bytes, rng: Rng) -> bytes:
    """One to three mutations of a .tflite; tried again where one has no place in the model."""
    while True:
        model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
        try:
            for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
                MUTATIONS[int(rng.integers(len(MUTATIONS)))](model, rng)
            return pack(model)
        except _MISPLACED:
            continue


_MISPLACED = (ValueError, TypeError, IndexError, AttributeError, OverflowError, RecursionError,
              flatbuffers.builder.BuilderNotFinishedError, KeyError)  # fmt: skip
"""What numbers raise that their field has no room for, and tables that are not there."""


def _any(rng: Rng, choices: Sequence[Any]) -> Any:  # noqa: ANN401
    return choices[int(rng.integers(len(choices)))]


def _integer(rng: Rng) -> int:
    return int(_any(rng, INTEGERS)) if rng.random() < 0.6 else int(rng.integers(-4, 20))


def _real(rng: Rng) -> float:
    return float(_any(rng, FLOATS)) if rng.random() < 0.6 else float(np.exp(rng.uniform(-30, 30)))


def _tensor(model: Model, rng: Rng) -> Any:  # noqa: ANN401
    return _any(rng, model.subgraphs[0].tensors)


def _operator(model: Model, rng: Rng) -> Any:  # noqa: ANN401
    return _any(rng, model.subgraphs[0].operators)


def _extent(model: Model, rng: Rng) -> None:
    """One axis of one tensor."""
    tensor = _tensor(model, rng)
    shape = list(tensor.shape)
    shape[int(rng.integers(len(shape)))] = _integer(rng)
    tensor.shape = shape


def _same_extent(model: Model, rng: Rng) -> None:
    """An extent wherever it occurs among the computed tensors, so that shapes stay in step."""
    computed = [tensor for tensor in model.subgraphs[0].tensors if tensor.buffer == 0]
    old = int(_any(rng, [extent for tensor in computed for extent in tensor.shape]))
    new = int(_any(rng, EXTENTS))
    for tensor in computed:
        tensor.shape = [new if extent == old else int(extent) for extent in tensor.shape]


def _rank(model: Model, rng: Rng) -> None:
    """Axes added or taken away, in one tensor or in all."""
    tensors = model.subgraphs[0].tensors if rng.random() < 0.3 else [_tensor(model, rng)]
    change = int(rng.integers(4))
    for tensor in tensors:
        shape = [int(extent) for extent in tensor.shape]
        tensor.shape = ([], shape[1:], [1, *shape], [*shape, 1])[change]


def _scale(model: Model, rng: Rng) -> None:
    quantization = _tensor(model, rng).quantization
    scales = list(quantization.scale)
    value = _real(rng)
    if rng.random() < 0.5:
        scales[int(rng.integers(len(scales)))] = value
    else:
        scales = [value] * (len(scales) if rng.random() < 0.8 else int(rng.integers(0, 9)))
    quantization.scale = scales


def _all_scales(model: Model, rng: Rng) -> None:
    """Every tensor's scales times a number, in or against step."""
    factor = float(np.exp(rng.uniform(-90, 90)))
    for tensor in model.subgraphs[0].tensors:
        if tensor.quantization is not None and rng.random() < 0.8:
            kept = np.clip(np.array(tensor.quantization.scale, np.float64) * factor, 0, 3.4e38)
            tensor.quantization.scale = kept.tolist()


def _zero_point(model: Model, rng: Rng) -> None:
    quantization = _tensor(model, rng).quantization
    value = _any(rng, (_integer(rng), -128, 127, 2**40, -(2**63), 2**63 - 1))
    count = len(quantization.zeroPoint) if rng.random() < 0.8 else int(rng.integers(0, 4))
    quantization.zeroPoint = [value] * count


def _quantization(model: Model, rng: Rng) -> None:
    tensor = _tensor(model, rng)
    if rng.random() < 0.5:
        tensor.quantization = _any(rng, (None, _tensor(model, rng).quantization))
    else:
        tensor.quantization.quantizedDimension = _integer(rng)


def _buffer(model: Model, rng: Rng) -> None:
    tensor = _tensor(model, rng)
    tensor.buffer = _any(rng, (0, _integer(rng) % 2**32, int(rng.integers(len(model.buffers)))))


def _constant(model: Model, rng: Rng) -> Any:  # noqa: ANN401
    """A constant tensor."""
    return _any(rng, [tensor for tensor in model.subgraphs[0].tensors if tensor.buffer])


def _data_length(model: Model, rng: Rng) -> None:
    buffer = model.buffers[_constant(model, rng).buffer]
    longer = bytes(buffer.data) * 2
    length = _any(rng, (0, 1, len(buffer.data) - 1, len(buffer.data) + 1, len(longer)))
    buffer.data = np.frombuffer(longer[:length], np.uint8) if length else None


def _data(model: Model, rng: Rng) -> None:
    """All of a constant: zeros, an end of its type, or an absurd number of 32 bits."""
    tensor = _constant(model, rng)
    buffer = model.buffers[tensor.buffer]
    value = int(_any(rng, (0, 1, -128, 127)))
    data = np.full(len(buffer.data), value, np.int8)
    if tensor.type in INTEGER_TYPES:
        data = np.array(buffer.data).view(np.int32).copy().view(np.int8)
        words = data.view(np.int32)
        words[int(rng.integers(len(words))) :] = _integer(rng)
    buffer.data = data.view(np.uint8)


def _type(model: Model, rng: Rng) -> None:
    _tensor(model, rng).type = int(rng.integers(0, 21))


def _flags(model: Model, rng: Rng) -> None:
    tensor = _tensor(model, rng)
    if rng.random() < 0.5:
        tensor.isVariable = True
    else:
        tensor.sparsity = schema.SparsityParametersT()


def _index(model: Model, rng: Rng) -> int:
    """Of a tensor, or of none."""
    tensors = model.subgraphs[0].tensors
    return int(_any(rng, (-1, len(tensors), _integer(rng), *rng.integers(0, len(tensors), 9))))


def _operand(model: Model, rng: Rng) -> None:
    """Inputs or outputs of an operator: another, one more, one fewer, or its own."""
    operator = _operator(model, rng)
    name = _any(rng, ("inputs", "inputs", "outputs"))
    indices = [int(index) for index in getattr(operator, name)]
    place = int(rng.integers(len(indices)))
    change = int(rng.integers(5))
    if change == 0:
        del indices[place]
    elif change == 1:
        indices.insert(place, _index(model, rng))
    elif change == 2:
        indices[place] = int(_any(rng, [*operator.inputs, *operator.outputs]))
    else:
        indices[place] = _index(model, rng)
    setattr(operator, name, indices)


def _edge(model: Model, rng: Rng) -> None:
    """What the model calls its inputs or outputs."""
    graph = model.subgraphs[0]
    name = _any(rng, ("inputs", "outputs"))
    choices: tuple[list[Any], ...] = (
        [],
        [_index(model, rng)],
        [*getattr(graph, name)] * 2,
        [*graph.inputs],
    )
    setattr(graph, name, [int(index) for index in _any(rng, choices)])


def _kind(model: Model, rng: Rng) -> None:
    """The operator's code, or its version."""
    code = model.operatorCodes[_operator(model, rng).opcodeIndex]
    if rng.random() < 0.3:
        code.version = _integer(rng)
        return
    name = _any(rng, KINDS)
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127) if rng.random() < 0.8 else 0
    code.customCode = _any(rng, (None, *NAMES, *(kind.encode() for kind in KINDS)))


def _code_index(model: Model, rng: Rng) -> None:
    count = len(model.operatorCodes)
    _operator(model, rng).opcodeIndex = int(_any(rng, (count, 2**32 - 1, *range(count))))


def _option(model: Model, rng: Rng) -> None:
    """One field of an operator's options."""
    options = _operator(model, rng).builtinOptions
    name = _any(rng, sorted(vars(options)))
    value = getattr(options, name)
    if isinstance(value, float):
        setattr(options, name, _real(rng))
    elif isinstance(value, bool):
        setattr(options, name, not value)
    else:
        setattr(options, name, _integer(rng))


def _options(model: Model, rng: Rng) -> None:
    """No options, or those of another operator."""
    operator = _operator(model, rng)
    other = _operator(model, rng)
    if rng.random() < 0.3:
        operator.builtinOptionsType, operator.builtinOptions = 0, None
    elif rng.random() < 0.5:
        operator.builtinOptionsType = other.builtinOptionsType
        operator.builtinOptions = other.builtinOptions
    else:
        name = _any(rng, ("Conv2DOptions", "Pool2DOptions", "AddOptions", "SoftmaxOptions"))
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, name)
        operator.builtinOptions = getattr(schema, f"{name}T")()


def _subgraphs(model: Model, rng: Rng) -> None:
    graph = model.subgraphs[0]
    model.subgraphs = list(_any(rng, ([], [graph, graph], [schema.SubGraphT()])))


def _empty(model: Model, rng: Rng) -> None:
    """A list of the model that is empty, or is not there."""
    owner = _any(rng, (model, model.subgraphs[0]))
    lists = [name for name, value in vars(owner).items() if value is not None and name != "version"]
    setattr(owner, _any(rng, sorted(lists)), _any(rng, (None, [])))


def _order(model: Model, rng: Rng) -> None:
    """Operators turned round, repeated, or left out."""
    operators = list(model.subgraphs[0].operators)
    place = int(rng.integers(len(operators)))
    model.subgraphs[0].operators = _any(
        rng,
        (operators[::-1], operators * 2, operators[:place] + operators[place + 1 :], []),
    )


def _name(model: Model, rng: Rng) -> None:
    _tensor(model, rng).name = _any(rng, NAMES)


def _chain(model: Model, rng: Rng) -> None:
    """Many more operators behind the last one, each on the one before: sound, if not too many."""
    graph = model.subgraphs[0]
    kind = _any(rng, ("RELU", "RESHAPE", "MAX_POOL_2D", "ADD", "MUL"))
    options = {"ADD": "AddOptions", "MUL": "MulOptions", "MAX_POOL_2D": "Pool2DOptions"}.get(kind)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, kind)
    code.version = 1
    model.operatorCodes.append(code)
    sources = [int(graph.outputs[0])]
    for _ in range(int(np.exp(rng.uniform(0, np.log(LONGEST_CHAIN))))):
        operator = schema.OperatorT()
        operator.opcodeIndex = len(model.operatorCodes) - 1
        if options is not None:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, f"{options}T")()
        if kind == "MAX_POOL_2D":
            for name in ("strideH", "strideW", "filterHeight", "filterWidth"):
                setattr(operator.builtinOptions, name, 1)
        left = sources[-1]
        operator.inputs = [left, int(_any(rng, sources))] if kind in ("ADD", "MUL") else [left]
        operator.outputs = [len(graph.tensors)]
        sources.append(len(graph.tensors))
        graph.tensors.append(_like(graph.tensors[left]))
        graph.operators.append(operator)
    graph.outputs = [sources[-1]]


def _like(tensor: Any) -> Any:  # noqa: ANN401
    """A computed tensor of the same shape and quantization."""
    made = schema.TensorT()
    made.shape, made.type, made.name = tensor.shape, tensor.type, tensor.name
    made.quantization = tensor.quantization
    return made


MUTATIONS: tuple[Mutation, ...] = (
    _extent, _same_extent, _same_extent, _rank, _scale, _scale, _all_scales, _zero_point,
    _quantization, _buffer, _data_length, _data, _data, _type, _flags, _operand, _operand, _edge,
    _kind, _code_index, _option, _option, _option, _options, _subgraphs, _empty, _order, _name,
    _chain,
)  # fmt: skip
