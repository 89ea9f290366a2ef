"""A Python that is as Windows's in what our own code asks of it: run as a program.

The modules of POSIX cannot be imported, ``sys.platform`` is ``win32``, ``msvcrt`` locks. What other
packages have asked the system when they were imported stays: they are imported before.
"""

import importlib
import os
import pkgutil
import shutil
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

POSIX = {"fcntl", "termios", "pty", "tty", "resource", "pwd", "grp", "posix", "syslog", "crypt"}
OTHERS = (
    *("ctypes", "multiprocessing.pool", "concurrent.futures.process", "subprocess", "tempfile"),
    *("numpy", "serial", "serial.tools.list_ports", "PIL.Image", "PIL.ImageFilter", "msgspec"),
    *("rich.console", "rich.progress", "rich.table", "jinja2", "ai_edge_litert.interpreter"),
    "ai_edge_litert.schema_py_generated",
    "tflite_micro.python.tflite_micro.runtime",
    "matplotlib.backends.backend_agg",
    "matplotlib.font_manager",
    "matplotlib.figure",
    *("asyncio", "starlette.applications", "starlette.websockets", "uvicorn"),
)


class Blocker(MetaPathFinder):
    """Refuses the modules that Windows lacks."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name in POSIX:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def become_windows() -> None:
    """Let this Python be so from now on."""
    for other in OTHERS:
        with suppress(ImportError):
            importlib.import_module(other)
    for name in POSIX & set(sys.modules):
        del sys.modules[name]
    sys.meta_path.insert(0, Blocker())
    locks = ModuleType("msvcrt")
    vars(locks).update(LK_NBLCK=2, locking=lambda descriptor, mode, count: None)
    sys.modules["msvcrt"] = locks
    here, which = sys.platform, shutil.which

    def found_as_here(
        name: str, mode: int = os.F_OK | os.X_OK, path: str | None = None
    ) -> str | None:
        sys.platform = here  # it asks for the endings of Windows's programs
        try:
            return which(name, mode, path)
        finally:
            sys.platform = "win32"

    shutil.which = found_as_here  # type: ignore[assignment]
    sys.platform = "win32"


def import_all() -> int:
    """Import every module of the product; returns their number."""
    import glyphite

    found = [module.name for module in pkgutil.walk_packages(glyphite.__path__, "glyphite.")]
    programs = {name for name in found if name.endswith(("__main__", "trial_program"))}
    for name in found:
        if name not in programs:
            importlib.import_module(name)
    return len(found)


def main(verbs: Sequence[str]) -> int:
    """Import all, then run each command; the first that fails ends it."""
    become_windows()
    count = import_all()
    print(f"{count} modules", file=sys.stderr)
    from glyphite.host.cli import main as run

    return next((code for line in verbs if (code := run(line.split()))), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
