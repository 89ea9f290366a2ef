"""This PC's own C compiler, for the native board, the generated C on this PC and QEMU's plugin.

Where the system has none, that of the package ziglang does it: the extra `cc` installs it.
Microsoft's cl is not used, as it takes neither C99 nor these options.
"""

import os
import shlex
import shutil
import sys
from importlib.util import find_spec

from glyphite.convert.errors import ToolError
from glyphite.convert.text import command

NATIVE = "cc"
"""What a board file calls this PC's own compiler."""
USUAL = (NATIVE, "gcc", "clang")
EXTRA = "pip install ziglang"


def c_compiler() -> tuple[str, ...]:
    """The command of the C compiler: ``$CC``, cc, gcc, clang, or that of the package ziglang.

    Raises ToolError where there is none.
    """
    if named := os.environ.get("CC"):
        return _named(named)
    if found := next(filter(None, map(shutil.which, USUAL)), None):
        return (found,)
    if find_spec("ziglang") is not None:
        return (sys.executable, "-m", "ziglang", "cc")
    raise ToolError(
        f"No C compiler: {', '.join(USUAL[:-1])} and {USUAL[-1]} are not on the PATH. Install one "
        f"(`{EXTRA}` works on every system), or name yours in the environment variable CC."
    )


def has_c_compiler() -> bool:
    """Whether there is one."""
    try:
        c_compiler()
    except ToolError:
        return False
    return True


def shared_library(*options: str) -> tuple[str, ...]:
    """The arguments that make a shared library; all code moves on Windows, without an option."""
    anywhere = () if sys.platform == "win32" else ("-fPIC",)
    return ("-std=c99", *options, "-shared", *anywhere)


def without_unused(compiler: str) -> str:
    """The argument by which a board's ``compiler`` leaves functions out that nobody calls."""
    apple = compiler == NATIVE and sys.platform == "darwin"
    return "-Wl,-dead_strip" if apple else "-Wl,--gc-sections"


def _named(named: str) -> tuple[str, ...]:
    """What the user named: a program, whatever its path has in it, or one with arguments."""
    words = [named] if shutil.which(named) or sys.platform == "win32" else shlex.split(named)
    program = shutil.which(words[0]) if words else None
    if program is None:
        raise ToolError(
            f"No C compiler: {command(named)}, which the environment variable CC names, is not on "
            "the PATH. Name another there, or none."
        )
    return (program, *words[1:])
