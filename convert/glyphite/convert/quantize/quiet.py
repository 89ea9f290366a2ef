"""Imports TensorFlow on demand and keeps its log off the terminal."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import IO

from glyphite.convert.extras import absent
from glyphite.convert.files import temporary_place


@contextmanager
def quiet() -> Iterator[IO[bytes]]:
    """Redirect stdout and stderr of the whole process to a temporary file within the block.

    C++ writes to the file descriptors and not to ``sys.stderr``, so both the descriptors and
    Python's streams are redirected. Yields the file: it has the reason where something fails.
    Raises InputError where no temporary file can be written.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    with (
        tempfile.TemporaryFile(dir=temporary_place()) as away,
        os.fdopen(os.dup(away.fileno()), "w", encoding="utf-8", newline="") as text,
        redirect_stdout(text),
        redirect_stderr(text),
    ):
        try:
            for descriptor in kept:
                os.dup2(away.fileno(), descriptor)
            yield away
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError):  # no room; what is said later is heard
                    stream.flush()
            for descriptor, copy in kept.items():
                os.dup2(copy, descriptor)
                os.close(copy)


def load_tensorflow() -> None:
    """Import TensorFlow without its output on the terminal, before code that imports it again.

    Raises ToolError where TensorFlow, or a package that it needs, is not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet():
            import tensorflow  # noqa: F401
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        raise absent(package, "training and quantization") from error
