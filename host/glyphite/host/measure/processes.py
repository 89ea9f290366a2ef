"""Processes of this PC as executors, each of one process, for work that needs one to itself."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from typing import Any

SIGNALS = {
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
}
"""What a terminal, or who ends a whole group, sends to these processes, too."""
Job = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any], "Future[Any]"]


class OwnProcess(Executor):
    """One process, in order. Where it has died, the next call gets a new one.

    A pool of concurrent.futures has semaphores, of which a helper process tells, with a traceback,
    where a signal ended it or its parent; and its own end can meet that of Python.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._asking, self._starting = threading.Lock(), threading.Lock()
        self._process: BaseProcess | None = None
        self._line: Connection | None = None
        self._has_ended = False
        threading.Thread(target=self._work, name="own process", daemon=True).start()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        """Have ``fn`` called there; what is given and answered is pickled.

        Raises RuntimeError behind :meth:`shutdown`, as nobody would answer any more.
        """
        made: Future[Any] = Future()
        with self._asking:
            if self._has_ended:
                raise RuntimeError("The process has been ended.")
            self._jobs.put((fn, args, kwargs, made))
        return made

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End the process, whatever it does."""
        with self._asking:
            self._has_ended = True
            self._jobs.put(None)
        with self._starting:  # of a process that begins just now, too
            process = self._process
        if process is not None:
            process.kill()
            process.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            fn, args, kwargs, made = job
            if not made.set_running_or_notify_cancel():
                continue
            try:
                has_worked, told = self._asked((fn, args, kwargs))
            except BaseException as error:  # raised where it is awaited
                has_worked, told = False, error
            (made.set_result if has_worked else made.set_exception)(told)

    def _asked(self, call: object) -> tuple[bool, Any]:
        """Whether it was done, and what came of it. Raises BrokenProcessPool where the process
        has died, OSError where there can be none."""
        if self._process is None or not self._process.is_alive():
            self._begin()
        if self._line is None:
            raise BrokenProcessPool("No process begins any more.")
        try:
            self._line.send(call)
            has_worked, told = self._line.recv()
        except (EOFError, ConnectionError) as error:
            if self._process is not None:  # it may be about to end
                self._process.kill()
                self._process.join()
            raise BrokenProcessPool("The process has ended.") from error
        return has_worked, told

    def _begin(self) -> None:
        here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        with there, self._starting:
            self._line = None
            if not self._has_ended:
                process = context.Process(target=_serve, args=(there,))
                with _held_back():
                    process.start()
                self._process, self._line = process, here


@contextmanager
def _held_back() -> Iterator[None]:
    """Let no signal meet a process that begins here before it is ready for it: the new one has the
    mask of the thread that begins it. Nor the helper of multiprocessing, which lives as long."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        ensure_running()  # which lets SIGINT and SIGTERM through again
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(line: Connection) -> None:
    """Do what is asked, one call behind the other, until nobody can ask any more."""
    for number in SIGNALS:  # a handler, which programs that are started here do not inherit
        signal.signal(number, lambda *_: None)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()
    with suppress(EOFError, ConnectionError):
        while True:
            fn, args, kwargs = line.recv()
            try:
                told = True, fn(*args, **kwargs)
            except BaseException as error:
                told = False, error
            try:
                line.send(told)
            except (TypeError, AttributeError, ValueError, RuntimeError) as error:
                line.send((False, TypeError(f"The answer cannot be passed on ({error}).")))


def _end_after(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)


@contextmanager
def own_processes(count: int) -> Iterator[list[Executor]]:
    """So many executors of a process each. Behind the block none is left, and what one still does
    is given up."""
    executors: list[Executor] = [OwnProcess() for _ in range(count)]
    try:
        yield executors
    finally:
        for executor in executors:
            executor.shutdown()
