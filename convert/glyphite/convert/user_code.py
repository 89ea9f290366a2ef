"""The one way in for a function of the user's own: ``FILE.py:FUNCTION``.

The file is run as Python runs it, and may do whatever the user may: it is as trusted as the user.
"""

import inspect
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType, TracebackType

from glyphite.convert.errors import CodeError, InputError, ToolError
from glyphite.convert.files import read_bytes
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.convert.text import printable, printable_lines

MOST_BYTES = 1 << 24
_LOADS_TENSORFLOW = re.compile(rb"^(?:import|from)\s+(?:tensorflow|keras)\b", re.MULTILINE)
"""A line of a file that loads it at once, whose log the user would see."""
_NAMED = re.compile(r"(?P<path>.+\.py):(?P<function>[^:/\\]*)", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True)
class Named:
    """A function, as it is named on a command line."""

    path: Path
    function: str

    def __str__(self) -> str:
        return f"{self.path}:{self.function}"


def named(text: str) -> Named | None:
    """What ``FILE.py:FUNCTION`` names, also ``C:\\x.py:f``; None where it is not of this form."""
    found = _NAMED.fullmatch(text)
    return None if found is None else Named(Path(found["path"]), found["function"])


def answer_of(function: Named) -> object:
    """What the function returns, which is called without arguments.

    Raises InputError where there is no such file or function, CodeError where the user's code
    raises: its message ends with the traceback of that code alone.
    """
    module = _module(function.path)
    found = getattr(module, function.function, None)
    if not callable(found):
        raise InputError(_absent(function, module))
    try:
        inspect.signature(found).bind()
    except TypeError as error:
        raise InputError(
            f"{printable(str(function))} cannot be called without arguments: {error}. "
            "Give each a value of its own in the file."
        ) from error
    except ValueError:  # of a function in C nobody knows
        pass
    with _running(function.path):
        return found()


def _absent(function: Named, module: ModuleType) -> str:
    own = [
        name
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", None) == module.__name__
    ]
    near = get_close_matches(function.function, own, 1) or own[:1]
    there = f"It has {', '.join(own[:10])}" if own else "It has none"
    way_out = f"Name one, for example {function.path}:{near[0]}" if near else "Write one"
    return printable(
        f"{function.path} has no function {function.function!r}. {there}. {way_out}.", 600
    )


def _module(path: Path) -> ModuleType:
    """The file as a module, run anew at each call."""
    source = read_bytes(path, MOST_BYTES)
    if _LOADS_TENSORFLOW.search(source):
        with suppress(ToolError):  # where it is not installed, the user's own line says so
            load_tensorflow()
    module = ModuleType(f"glyphite_user_{path.stem}")  # no name of a package that others import
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where dataclasses and pickle look for it
    with _running(path):
        exec(compile(source, str(path), "exec"), vars(module))
    return module


@contextmanager
def _running(path: Path) -> Iterator[None]:
    """Let the user's code import what lies beside it, and be told of by a CodeError."""
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        yield
    except Exception as error:
        raise CodeError(_message(path, error)) from error
    except SystemExit as error:
        raise CodeError(f"{printable(str(path))} ends the program: exit {error.code}.") from error
    finally:
        sys.path.remove(folder)


def _message(path: Path, error: Exception) -> str:
    own = _own_frames(error.__traceback__, path)
    lines = traceback.format_exception(type(error), error, own)
    told = printable_lines("".join(lines).rstrip("\n"))
    return f"{printable(str(path))} raised {type(error).__name__}. Its own traceback:\n{told}"


def _own_frames(trace: TracebackType | None, path: Path) -> TracebackType | None:
    """The traceback from the first frame of the user's file on; none where it did not compile."""
    while trace is not None and trace.tb_frame.f_code.co_filename != str(path):
        trace = trace.tb_next
    return trace
