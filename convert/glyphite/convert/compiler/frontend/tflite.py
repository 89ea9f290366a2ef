"""Reads a .tflite into a Graph, and takes nothing in the file for granted.

Only what the file's structure promises is checked here: every length and index is held against the
file before it is followed. What the numbers mean is checked in ``check``, beside this file.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.compiler.ir.graph import ITEM_BYTES, Graph, Operator, Quantization, Tensor
from glyphite.convert.compiler.ops import definitions, require_supported
from glyphite.convert.errors import ModelError, ToolError
from glyphite.convert.text import printable

IDENTIFIER = b"TFL3"
MOST = 4096
"""Tensors, operators, or operands of one operator. Larger counts are damage, or an attack."""
MOST_AXES = 8
MOST_NAME_BYTES = 200

_NUMPY = {"int8": "<i1", "int32": "<i4", "float32": "<f4"}
_DAMAGE = (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError)
"""What the schema's classes raise where an offset leads out of the file."""

Table = Any
"""A table of the schema, whose classes have no types."""


def read(content: bytes) -> Graph:
    """The graph in the bytes of a .tflite.

    Raises ModelError where they are not a whole one, ToolError without ai-edge-litert.
    """
    require_identifier(content)
    try:
        return _Reader(schema(), content).graph()
    except _DAMAGE as error:
        raise damaged("an offset leads out of the file") from error


def read_loosely(content: bytes) -> tuple[Graph, ...]:
    """Every subgraph of a .tflite, also where it cannot be compiled; operators have no options.

    For what hands the file on to TensorFlow Lite Micro. Raises ModelError where it is not a whole
    one, ToolError without ai-edge-litert.
    """
    require_identifier(content)
    try:
        return _Reader(schema(), content, strict=False).graphs()
    except _DAMAGE as error:
        raise damaged("an offset leads out of the file") from error


def require_identifier(content: bytes) -> None:
    """Look at the first bytes of a .tflite. Raises ModelError where they are not such."""
    if content[4:8] != IDENTIFIER:
        raise ModelError(f"This is not a .tflite: {_other_file(content)}")


def _other_file(content: bytes) -> str:
    """What begins so instead, and how a .tflite is made of it."""
    if content.startswith(b"PK\x03\x04"):
        return "it is a zip, as .keras files are. Quantize one with `glyphite convert MODEL.keras`."
    if content.startswith(b"\x89HDF"):
        return (
            "it is an .h5 file, as Keras 2 wrote them. Load it with keras.models.load_model, save "
            "that model as a .keras file, and quantize it with `glyphite convert MODEL.keras`."
        )
    return (
        "its bytes 4 to 7 are not 'TFL3'. Name a file that `glyphite convert` or TensorFlow's "
        "converter has written."
    )


def schema() -> Any:  # noqa: ANN401 - a generated module without types
    """The classes of the .tflite's tables. Raises ToolError without ai-edge-litert."""
    try:
        from ai_edge_litert import schema_py_generated
    except ModuleNotFoundError as error:
        raise ToolError(
            "ai-edge-litert is not installed, and reading a .tflite's layers needs it. "
            "Install it with `pip install ai-edge-litert`."
        ) from error
    return schema_py_generated


def damaged(what: str) -> ModelError:
    """The error of a file that starts like a .tflite and does not go on like one."""
    return ModelError(
        f"The .tflite is truncated or damaged: {what}. Copy it again, or make it anew with "
        "`glyphite convert`."
    )


class _Reader:
    """One file being read, by the schema module ``schema``.

    ``strict`` refuses what the compiler cannot take, beside what is damaged.
    """

    def __init__(self, schema: Any, content: bytes, *, strict: bool = True) -> None:  # noqa: ANN401
        self.schema = schema
        self.strict = strict
        self.content = content
        self.model: Table = schema.Model.GetRootAs(content, 0)
        self.types = _names(schema.TensorType)
        self.kinds = _names(schema.BuiltinOperator)

    def graph(self) -> Graph:
        """The only subgraph."""
        count = self.subgraphs()
        if count > 1:
            _refuse_state(self.operators(self.model.Subgraphs(0)))
            raise ModelError(
                f"The .tflite has {count} subgraphs, and 1 is supported: control flow such as "
                "loops and conditions cannot be compiled. Convert the model without it."
            )
        return self.subgraph(self.model.Subgraphs(0))

    def graphs(self) -> tuple[Graph, ...]:
        """All subgraphs."""
        return tuple(self.subgraph(self.model.Subgraphs(i)) for i in range(self.subgraphs()))

    def subgraphs(self) -> int:
        """How many there are."""
        count = _length(self.model.SubgraphsLength(), "subgraphs")
        if count == 0:
            raise damaged("it has no subgraph")
        return count

    def operators(self, subgraph: Table) -> tuple[Operator, ...]:
        indices = range(_length(subgraph.OperatorsLength(), "operators"))
        return tuple(self.operator(index, subgraph.Operators(index)) for index in indices)

    def subgraph(self, subgraph: Table) -> Graph:
        tensors = range(_length(subgraph.TensorsLength(), "tensors"))
        operators = self.operators(subgraph)
        return Graph(
            tensors=tuple(
                self.tensor(index, subgraph.Tensors(index), operators) for index in tensors
            ),
            operators=operators,
            inputs=_integers(subgraph.InputsLength(), subgraph.InputsAsNumpy),
            outputs=_integers(subgraph.OutputsLength(), subgraph.OutputsAsNumpy),
        )

    def tensor(self, index: int, table: Table, operators: tuple[Operator, ...]) -> Tensor:
        name = (table.Name() or b"")[:MOST_NAME_BYTES].decode(errors="replace")
        axes = table.ShapeLength()
        if axes > MOST_AXES:
            raise damaged(f"tensor {name!r} has {axes} axes")
        shape = _integers(axes, table.ShapeAsNumpy)
        dtype = self.types.get(table.Type(), f"type {table.Type()}").lower()
        if self.strict and (table.Sparsity() is not None or table.IsVariable()):
            _refuse_state(tuple(operator for operator in operators if index in operator.inputs))
            raise ModelError(
                f"Tensor {name!r} is sparse or a variable, and neither can be compiled. "
                "Convert the model without pruning formats and without state."
            )
        data = self.data(table.Buffer())
        if data is not None and dtype in ITEM_BYTES and table.Sparsity() is None:
            if int(np.prod(shape, dtype=object)) * ITEM_BYTES[dtype] != len(data):
                raise damaged(f"tensor {name!r} of shape {list(shape)} has {len(data)} bytes")
            data = data.view(_NUMPY[dtype]).reshape(shape)
        return Tensor(name, shape, dtype, _quantization(name, shape, table.Quantization()), data)

    def data(self, buffer: int) -> NDArray[Any] | None:
        """A buffer's bytes, or None where it is empty: the tensor is then computed."""
        if not 0 <= buffer < self.model.BuffersLength():
            raise damaged(f"buffer {buffer} does not exist")
        table = self.model.Buffers(buffer)
        if self.strict and table.Offset() > 1:
            raise ModelError(
                "The .tflite keeps constants behind its tables, as models beyond 2 GB do; "
                "such a model is too large to compile."
            )
        if table.DataLength() == 0:
            return None
        return np.asarray(table.DataAsNumpy())

    def operator(self, index: int, table: Table) -> Operator:
        code = table.OpcodeIndex()
        if not 0 <= code < self.model.OperatorCodesLength():
            raise damaged(f"operator {index} has the code {code}, which does not exist")
        entry = self.model.OperatorCodes(code)
        number = max(entry.BuiltinCode(), entry.DeprecatedBuiltinCode())
        kind = self.kinds.get(number, f"builtin {number}")
        if kind == "CUSTOM":
            kind = self.custom_name(index, entry.CustomCode() or b"CUSTOM")
        return Operator(
            index=index,
            kind=kind,
            options=self.options(index, kind, table),
            inputs=_integers(table.InputsLength(), table.InputsAsNumpy),
            outputs=_integers(table.OutputsLength(), table.OutputsAsNumpy),
            version=entry.Version(),
        )

    def custom_name(self, index: int, code: bytes) -> str:
        """What a custom operator calls itself, which no operator of TensorFlow Lite may be."""
        name = printable(code[:MOST_NAME_BYTES].decode(errors="replace"))
        if name != "CUSTOM" and name in self.kinds.values():
            raise damaged(f"operator {index} is a custom one that is called {name}")
        return name

    def options(self, index: int, kind: str, table: Table) -> object:
        """The options as the operator's own file reads them; None for an unknown operator."""
        definition = definitions().get(kind) if self.strict else None
        if definition is None or not definition.OPTIONS:
            return None
        found = table.BuiltinOptions()
        expected = getattr(self.schema.BuiltinOptions, definition.OPTIONS)
        if found is None or table.BuiltinOptionsType() != expected:
            raise damaged(f"operator {index} ({kind}) has no {definition.OPTIONS}")
        options = getattr(self.schema, definition.OPTIONS)()
        options.Init(found.Bytes, found.Pos)
        return definition.parse(options)


def _refuse_state(operators: tuple[Operator, ...]) -> None:
    """Raise ModelError that names the first operator that the compiler lacks, if there is one."""
    for operator in operators:
        require_supported(
            operator,
            "Convert the model without state and control flow: no variables, streaming or loops.",
        )


def _names(enumeration: type) -> dict[int, str]:
    """The names of a schema's enumeration by number."""
    return {number: name for name, number in vars(enumeration).items() if isinstance(number, int)}


def _length(count: int, what: str) -> int:
    if count > MOST:
        raise damaged(f"it has {count} {what}, and at most {MOST} can be")
    return count


def _integers(count: int, as_numpy: Any) -> tuple[int, ...]:  # noqa: ANN401
    if _length(count, "entries in a list") == 0:
        return ()
    return tuple(int(value) for value in as_numpy())


def _quantization(name: str, shape: tuple[int, ...], table: Table) -> Quantization | None:
    """A scale for the tensor or for each channel; None where there is none."""
    count = 0 if table is None else table.ScaleLength()
    if count == 0:
        return None
    axis = table.QuantizedDimension()
    if count > 1 and not (0 <= axis < len(shape) and shape[axis] == count):
        raise damaged(f"tensor {name!r} of shape {list(shape)} has {count} scales on axis {axis}")
    if table.ZeroPointLength() != count:
        raise damaged(
            f"tensor {name!r} has {count} scales and {table.ZeroPointLength()} zero points"
        )
    return Quantization(
        scales=tuple(float(scale) for scale in table.ScaleAsNumpy()),
        zero_points=tuple(int(zero) for zero in table.ZeroPointAsNumpy()),
        axis=axis if count > 1 else 0,
    )
