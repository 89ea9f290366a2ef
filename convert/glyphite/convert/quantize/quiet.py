"""TensorFlow without its noise: imported on demand, its log kept from the user's terminal."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import IO

from glyphite.convert.errors import ToolError


@contextmanager
def quiet() -> Iterator[IO[bytes]]:
    """Keep everything off the terminal that is written to stdout or stderr meanwhile.

    For the whole process. C++ writes to the file descriptors, past ``sys.stderr``, so those are
    turned away, and Python's own writers with them. Yields the file that all goes to, for who
    needs the reason of a failure.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    kept = {descriptor: os.dup(descriptor) for descriptor in (1, 2)}
    with (
        tempfile.TemporaryFile() as away,
        os.fdopen(os.dup(away.fileno()), "w") as text,
        redirect_stdout(text),
        redirect_stderr(text),
    ):
        try:
            for descriptor in kept:
                os.dup2(away.fileno(), descriptor)
            yield away
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, copy in kept.items():
                os.dup2(copy, descriptor)
                os.close(copy)


def load_tensorflow() -> None:
    """Import TensorFlow silently, so that later imports of it are free; ToolError without it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with quiet():
            import tensorflow  # noqa: F401
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        raise ToolError(
            f"The package {package} is not installed, and training and quantization need it. "
            "Install it with `pip install 'glyphite[train]'`."
        ) from error
