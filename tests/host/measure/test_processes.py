"""Executors of a process each, and what they survive."""

import multiprocessing
import os
import signal
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from glyphite.host.measure.processes import own_processes
from tests.strict import require_signals


def test_a_process_that_dies_is_replaced_and_signals_of_a_terminal_end_none() -> None:
    require_signals()
    with own_processes(1) as (one,):
        with pytest.raises(BrokenProcessPool):
            one.submit(os._exit, 3).result()
        number = one.submit(os.getpid).result()
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(number, each)
        assert one.submit(os.getpid).result() == number
        endless = one.submit(time.sleep, 1000)
    with pytest.raises(BrokenProcessPool):
        endless.result()
    with pytest.raises(RuntimeError, match="has been ended"):
        one.submit(os.getpid)
    assert number not in {each.pid for each in multiprocessing.active_children()}
