"""The options of verbs that build firmware which speaks another protocol than Glyphite's own."""

import argparse

from glyphite.convert.errors import InputError
from glyphite.host.device.mlperf import BENCHMARKS, Edge, Task, task_of

GLYPHITE, MLPERF = "glyphite", "mlperf"
BENCHMARK = "--benchmark"


def add_protocol(parser: argparse.ArgumentParser) -> None:
    """Declare ``--protocol`` and ``--benchmark``."""
    parser.add_argument(
        "--protocol",
        choices=(GLYPHITE, MLPERF),
        default=GLYPHITE,
        metavar=f"{{{GLYPHITE},{MLPERF}}}",
        help=f"what the firmware speaks: {MLPERF} is MLPerf Tiny's (default: {GLYPHITE})",
    )
    add_benchmark(parser)


def add_benchmark(parser: argparse.ArgumentParser) -> None:
    """Declare ``--benchmark``."""
    parser.add_argument(
        BENCHMARK,
        metavar="ID",
        help=f"which of MLPerf Tiny's the model is for: {', '.join(BENCHMARKS)} (default: the one "
        "that it is named after, else one of its own)",
    )


def wanted_task(arguments: argparse.Namespace, name: str, source: Edge, sink: Edge) -> Task | None:
    """The task that the options ask for; None for Glyphite's own protocol.

    Raises InputError where options do not go together or there is no such benchmark, ModelError
    where the model is none for it.
    """
    if arguments.protocol != MLPERF:
        if arguments.benchmark is not None:
            raise InputError(f"{BENCHMARK} goes with --protocol {MLPERF}. Add it, or leave both.")
        return None
    return task_of(name, source, sink, arguments.benchmark)
