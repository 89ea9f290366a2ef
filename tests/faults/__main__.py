"""``python -m tests.faults``: puts small faults in by hand, and asks the tests to notice each.

Every fault is put into a copy of the tree, and the tests of the file's own folder are run there
until one fails. The working tree is never touched.
"""

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event

from tests.faults.fault import Fault, FaultError, check
from tests.faults.faults import FAULTS
from tests.faults.trial import Outcome, Verdict, try_out
from tests.paths import PROJECT

LIMIT = 900.0


def main(arguments: Sequence[str] | None = None) -> int:
    """0: all were caught. 1: one was not. 2: a wrong call, or a fault that cannot be put in.

    130 after Ctrl-C, which also ends the tests that run.
    """
    settings = _parser().parse_args(arguments)
    try:
        check(PROJECT, FAULTS)
        chosen = _chosen(settings.only, settings.room)
    except FaultError as error:
        print(error, file=sys.stderr)
        return 2
    if settings.list:
        for fault in chosen:
            print(f"{fault.room}: {fault.name}")
        return 0
    try:
        return _summarize(_try_all(chosen, settings.jobs, settings.limit))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", metavar="NAME", help="this fault alone")
    parser.add_argument("--room", metavar="ROOM", help="faults below this room: host/device")
    parser.add_argument("--jobs", type=int, choices=(1, 2), default=1, help="at a time")
    parser.add_argument(
        "--limit", type=float, default=LIMIT, metavar="SECONDS", help="for one fault's tests"
    )
    parser.add_argument("--list", action="store_true", help="name the faults and try none")
    return parser


def _chosen(only: str | None, room: str | None) -> list[Fault]:
    chosen = [
        fault
        for fault in FAULTS
        if only in (None, fault.name) and f"{fault.room}/".startswith(f"{room or fault.room}/")
    ]
    if not chosen:
        raise FaultError("No fault has that name and room. `--list` names them all.")
    return chosen


def _try_all(faults: Sequence[Fault], jobs: int, limit: float) -> list[Verdict]:
    verdicts, stop = [], Event()
    with ThreadPoolExecutor(jobs) as pool:
        started = [pool.submit(try_out, PROJECT, fault, limit, stop) for fault in faults]
        try:
            for done in as_completed(started):
                verdicts.append(done.result())
                _print(verdicts[-1])
        except BaseException:  # Ctrl-C comes here, to the main thread
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise
    return verdicts


def _print(verdict: Verdict) -> None:
    where = f"{verdict.fault.room}, {verdict.seconds:.0f} s"
    print(f"{verdict.outcome:8} {verdict.fault.name} ({where}): {verdict.witness}", flush=True)


def _summarize(verdicts: Sequence[Verdict]) -> int:
    missed = [verdict for verdict in verdicts if verdict.outcome is not Outcome.CAUGHT]
    print(f"{len(verdicts) - len(missed)} of {len(verdicts)} faults were caught.")
    for verdict in missed:
        print(f"{verdict.outcome}: {verdict.fault.name} in {verdict.fault.path}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
