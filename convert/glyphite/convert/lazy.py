"""Names of a package that are imported when they are first asked for (PEP 562).

A package's face may so name what takes long to import, and importing any module below the package
costs no more than that module.
"""

from collections.abc import Callable, Mapping
from importlib import import_module


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of ``package``; ``homes``: a name -> the module below it that has it.

    Raises AttributeError, when it is called, for every other name.
    """

    def found(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{homes[name]}"), name)

    return found
