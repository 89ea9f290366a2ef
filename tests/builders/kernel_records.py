"""Every kernel that the compiler has, by its Python file."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from glyphite.convert.compiler.ir.kernel import Kernel
from glyphite.convert.compiler.targets import avr, dsp, portable

TARGETS = {"portable": portable, "avr": avr, "dsp": dsp}


@cache
def records() -> dict[str, Kernel]:
    """Every kernel by its Python file, ``dsp/conv_2d``."""
    found = {}
    for folder, package in TARGETS.items():
        for module in iter_modules(package.__path__):
            file = import_module(f"{package.__name__}.{module.name}")
            if hasattr(file, "KERNEL"):
                found[f"{folder}/{module.name}"] = file.KERNEL
    return found
