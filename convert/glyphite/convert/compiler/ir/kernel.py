"""A kernel of the C library: what the generator knows of it, in one record."""

from __future__ import annotations

from dataclasses import dataclass

from glyphite.convert.compiler.ir.struct import Struct


@dataclass(frozen=True)
class Sharing:
    """When several layers call one copy of a kernel's code instead of having a copy each.

    A copy of its own is faster, since the compiler then knows every size.
    """

    possible: bool = True
    """False where pointers are of other types than ``int8_t *``, or the code is small."""
    most_equal_copies: int | None = None
    """Of a kernel that loses too much where sizes are not constants: for speed, only layers of
    equal sizes share, where there are more of them than this. None: any layers do."""


NOT_SHARED = Sharing(possible=False)


@dataclass(frozen=True)
class Kernel:
    """One header below ``kernels/``, its struct, and how the generated C treats them.

    A kernel of one kind of processor has beside its record a function ``match``, which takes a step
    by a portable kernel and gives the same step by this one, with the memory, rows and overlaps
    that this one needs; or a refusal that says why not.
    """

    header: str
    """``dsp/conv_2d.h``: its path below ``kernels/``."""
    struct: type[Struct]
    sharing: Sharing = Sharing()
    in_flash: bool = False
    """Whether it reads its struct and arrays from an AVR's program memory (GLYPHITE_FAR)."""
    pointer_array: bool = False
    """Whether it takes any number of inputs, as one array of pointers."""

    @property
    def name(self) -> str:
        """``dsp_conv_2d``: C calls its function and its struct ``glyphite_dsp_conv_2d``."""
        return self.struct.C_NAME

    @property
    def folder(self) -> str:
        """``portable``, or the kind of processor that it is made for."""
        return self.header.partition("/")[0]
