"""A runner's scores, made beside other work: the oracle computes while the board does."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from glyphite.convert.beside import Beside
from glyphite.convert.progress import Progress
from glyphite.host.runners.base import Runner, Scores, Tensors

LISTEN_SECONDS = 0.1


class _StoppedError(Exception):
    """Nobody waits for the scores any more."""


class Aside:
    """The scores of a runner as they come; its errors come out where they are waited for."""

    def __init__(self, make: Callable[[], Runner], tensors: Tensors) -> None:
        self.done = 0
        """How many samples are finished."""
        self._stopped = False
        self._result: Future[tuple[Runner, Scores]] = Future()
        self._thread = Beside(lambda: self._work(make, tensors))

    def wait(self, progress: Progress) -> tuple[Runner, Scores]:
        """The runner, and its scores (n, classes).

        ``progress`` is called with the samples that are finished. Raises what the runner raises.
        """
        told = 0
        while True:
            done = self.done
            if done > told:
                progress(done - told)
                told = done
            try:
                return self._result.result(LISTEN_SECONDS)
            except TimeoutError:
                if self._result.done():
                    raise

    def stop(self) -> None:
        """End the work soon, and wait for that."""
        self._stopped = True
        self._thread.join(10.0)

    def _work(self, make: Callable[[], Runner], tensors: Tensors) -> None:
        try:
            runner = make()
            (scores,) = runner.run(tensors, progress=self._count)
            self._result.set_result((runner, scores))
        except BaseException as error:
            self._result.set_exception(error)

    def _count(self, steps: int) -> None:
        if self._stopped:
            raise _StoppedError
        self.done += steps


@contextmanager
def beside(make: Callable[[], Runner], tensors: Tensors) -> Iterator[Aside]:
    """The scores for ``tensors`` (n, *shape) of the runner that ``make`` gives, within the block.

    Raises MemoryError where there is no memory for a thread.
    """
    aside = Aside(make, tensors)
    try:
        yield aside
    finally:
        aside.stop()
