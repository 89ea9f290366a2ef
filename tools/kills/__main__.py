"""Ends each writing verb at each of its file operations, and looks at what the others make of it.

``python -m tools.kills [--verb VERB] [--json]``. A killed verb leaves the folder of the model as it
was, as it would have become, or so that those who read it refuse it with a sentence. A figure that
is neither the earlier nor the later one is a fault, and so is a traceback. Then each verb is run
without what it needs: room on the disk, permission, an output, file descriptors, memory. States
that are the same byte for byte are looked at once.
"""

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from glyphite.convert.quantize.quiet import load_tensorflow
from tools.kills.chain import CHAIN, SLOW, Step, little_data
from tools.kills.killed import Judge, Tried, try_kills
from tools.kills.starved import FRESH, WAYS, Starved, Way, look, try_way
from tools.kills.workplace import Workplace

USED = (
    *("matplotlib.figure", "matplotlib.backends.backend_agg", "matplotlib.ticker"),
    *("jinja2", "tflite_micro", "PIL.PngImagePlugin", "ai_edge_litert.interpreter"),
    *("glyphite.convert.quantize.float_model", "glyphite.train.fit"),
)
"""Packages that verbs load; what is loaded here costs their processes nothing."""


def main() -> int:
    """Try all verbs or some; returns 1 where there is a fault."""
    arguments = _arguments()
    steps = [_quicker(step, arguments.quick) for step in CHAIN if _is(step, arguments.verb)]
    with tempfile.TemporaryDirectory(prefix="glyphite-kills-") as scratch, little_data():
        place = Workplace(Path(scratch))
        _apart(lambda: _prepare(place))
        starved = [] if arguments.only == "kills" else _starve(place, steps, FRESH)
        _load()
        starved += [] if arguments.only == "kills" else _starve(place, steps, WAYS)
        results = [each for step in steps for each in _judged(place, step, starved, arguments.only)]
        os.chdir("/")
    if arguments.json:
        print(json.dumps([vars(each) for each in results], indent=2))
    points = sum(each.points for each in results if isinstance(each, Tried))
    runs = sum(each.runs for each in results if isinstance(each, Starved))
    faults = sum(len(each.faults) for each in results)
    print(f"{points} points and {runs} other endings were tried: {faults} faults.", file=sys.stderr)
    return int(faults > 0)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.kills", description=__doc__)
    verbs = [step.verb for step in CHAIN]
    parser.add_argument("--verb", choices=verbs, help="only this one")
    parser.add_argument("--only", choices=("kills", "endings"), help="only one of the two parts")
    parser.add_argument("--quick", action="store_true", help="without the readers that are slow")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    return parser.parse_args()


def _is(step: Step, verb: str | None) -> bool:
    return verb in (None, step.verb)


def _quicker(step: Step, quick: bool) -> Step:
    readers = tuple(each for each in step.readers if not (quick and each[0] in SLOW))
    return replace(step, readers=readers)


def _load() -> None:
    for package in USED:
        import_module(package)
    load_tensorflow()
    import_module("keras")


def _prepare(place: Workplace) -> None:
    _load()
    place.prepare()


def _apart(work: Callable[[], object]) -> None:
    """Do it in a process of its own, so that what it loads is not loaded here."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(process.exitcode)


def _starve(place: Workplace, steps: Sequence[Step], ways: Sequence[Way]) -> list[Starved]:
    starved = []
    for step in steps:
        for way in ways:
            starved.append(try_way(place, step, way))
            _say(f"{step.verb}, {way.name}: {starved[-1].runs} runs")
    return starved


def _judged(
    place: Workplace, step: Step, starved: Sequence[Starved], only: str | None
) -> Iterator[Tried | Starved]:
    """Look at what the verb has left when it was starved; then end it by kills."""
    judge = Judge(place, step)
    for each in starved:
        if each.verb == step.verb:
            look(judge, each)
            _say(str(each))
            yield each
    if only != "endings":
        tried = try_kills(judge)
        _say(str(tried))
        yield tried


def _say(text: str) -> None:
    used = sum(os.times()[:4])
    print(f"{used:6.0f} s  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
