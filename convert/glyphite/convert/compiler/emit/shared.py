"""Kernels that several layers share: one copy of each in the code.

A kernel is inlined into a layer's function, where every size is a constant: fast, but each layer
has a copy. Layers that differ in sizes only can share one. What they have in common is a constant
there too; the rest is what is left of the layers' own structs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glyphite.convert.compiler.emit.constants import initializer
from glyphite.convert.compiler.emit.layers import Names, scratch_type, wrap
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.compiler.ir.program import Layer, Step
from glyphite.convert.compiler.ir.struct import Field, flat

MOST_COPIES = {Goal.SPEED: 8, Goal.RAM: 3, Goal.SIZE: 1}
"""Layers up to which each has a copy of its own."""
_ARRAYS = {"int8": "const GLYPHITE_CONST int8_t *", "int32": "const GLYPHITE_CONST int32_t *"}


@dataclass(frozen=True)
class _User:
    """A layer that could call a shared kernel."""

    layer: Layer
    step: Step
    function: str
    by_rows: bool

    def group(self, goal: Goal) -> tuple[object, ...]:
        """Layers of the same group can share."""
        fields = self.fields.values()
        selected = (field.value for field in fields if field.selects)
        form = (self.function, bool(self.step.scratch_bytes), tuple(self.fields), *selected)
        if self.most_equal_copies(goal) is None:
            return form
        return *form, *(field.value for field in fields if field.is_size)

    def most_equal_copies(self, goal: Goal) -> int | None:
        """As the kernel's, where speed is the goal."""
        return self.step.kernel.sharing.most_equal_copies if goal is Goal.SPEED else None

    def most_copies(self, goal: Goal) -> int:
        """Layers of a group up to which each has a copy of its own."""
        equal = self.most_equal_copies(goal)
        return MOST_COPIES[goal] if equal is None else equal

    @cached_property
    def fields(self) -> Mapping[str, Field]:
        """Numbers and arrays by their paths in the kernel's struct."""
        return {field.path: field for field in flat(self.step.constants)}

    def differs(self, other: _User, path: str) -> bool:
        """Whether a field must be kept for each layer."""
        value = self.fields[path].value
        return isinstance(value, np.ndarray) or bool(value != other.fields[path].value)


@dataclass(frozen=True)
class Shared:
    """C that layers share."""

    functions: list[str]
    structs: Mapping[str, str]
    """Layer -> its struct: what the layers of a function differ in."""


def shared(names: Names, goal: Goal) -> Shared:
    """The functions for kernels that are shared; ``names`` then tells their callers."""
    groups: dict[tuple[object, ...], list[_User]] = {}
    for user in _users(names):
        groups.setdefault(user.group(goal), []).append(user)
    functions, structs, callers = [], {}, {}
    for users in groups.values():
        first = users[0]
        if len(users) <= first.most_copies(goal):
            continue
        name = f"share_{first.layer.name}"
        callers.update({user.layer.name: name for user in users})
        kept = [path for path in first.fields if any(first.differs(user, path) for user in users)]
        functions.append(_definition(name, first, kept))
        structs.update({user.layer.name: _struct(name, user, kept) for user in users})
        structs[first.layer.name] = f"{_type(name, first, kept)}\n{structs[first.layer.name]}"
    names.shared = callers
    return Shared(functions, structs)


def _users(names: Names) -> Iterator[_User]:
    for (layer, step), task in zip(names.layers, names.plan.tasks, strict=True):
        if step.kernel.sharing.possible:
            function = step.rows.function if step.rows and task.by_rows else step.kernel.name
            yield _User(layer, step, function, task.by_rows)


def _type(name: str, user: _User, kept: Sequence[str]) -> str:
    """What layers differ in, as a struct of their own, of the types that the kernel's has."""
    lines = []
    for path in kept:
        field = user.fields[path]
        kind = f"{field.c_type} " if field.array is None else _ARRAYS[field.array.dtype.name]
        lines.append(f"    {kind}{_member(path)};")
    return "\n".join([f"struct {name} {{", *lines, "};"])


def _struct(name: str, user: _User, kept: Sequence[str]) -> str:
    lines = []
    for path in kept:
        field = user.fields[path]
        array = f"{user.layer.name}_{field.name}"
        lines.append(f"    {field.value if field.array is None else array}, /* {_member(path)} */")
    return "\n".join([f"static const struct {name} {user.layer.name} = {{", *lines, "};"])


def _definition(name: str, user: _User, kept: Sequence[str]) -> str:
    parameters = list(_parameters(user))
    declared = ", ".join([f"const struct {name} *layer", *map("".join, parameters)])
    given = ", ".join(["&own", *(parameter for _, parameter in parameters)])
    own = initializer(
        user.step.constants,
        lambda path, value: f"layer->{_member(path)}" if path in kept else str(value),
        8,
    )
    lines = [
        wrap(f"MODEL_LAYER void {name}({declared}) {{", 0),
        f"    const struct glyphite_{user.step.kernel.name} own = {own};",
        "    " + wrap(f"glyphite_{user.function}({given});", 4),
        "    MODEL_DONE;",
        "}",
    ]
    return "\n".join(lines)


def _member(path: str) -> str:
    return path.replace(".", "_")


def _parameters(user: _User) -> Iterator[tuple[str, str]]:
    """(type, name), but for the layer itself."""
    step = user.step
    rows = step.rows if user.by_rows else None
    for name in rows.arguments if rows else ():
        yield "int32_t ", name
    if rows.pointer_array if rows else step.kernel.pointer_array:
        yield "const int8_t *const *", "inputs"
    else:
        yield from (("const int8_t *", f"input{i}") for i in range(len(step.inputs)))
    yield from (("int8_t *", f"output{i}") for i in range(rows.made if rows else 1))
    sums = rows.sums_bytes if rows else 0
    if step.scratch_bytes + sums:
        yield f"{scratch_type(sums)} *", "scratch"
