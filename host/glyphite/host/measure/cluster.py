"""The workers of a Dask cluster as executors: boards on other machines."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from glyphite.convert.errors import InputError, LinkError, ToolError
from glyphite.convert.text import printable

CONNECT_SECONDS = 10
LACKING = "Dask is not installed. Install it with `pip install 'glyphite[cluster]'`."


def _ignore(*_: object) -> None:
    """Tell nobody."""


@contextmanager
def executors(
    address: str | None, ended: Callable[[str, int], None] = _ignore
) -> Iterator[list[Executor]]:
    """One for each worker of the cluster whose scheduler is at ``address``; none where it is None.

    A worker that ends is stood in for by the others, which open the port where they are; ``ended``
    gets its address and how many tasks they do again, in another thread. Raises
    ToolError where Dask is not installed, InputError where no scheduler is at the address,
    LinkError where it has no worker.
    """
    if address is None:
        yield []
        return
    try:
        from distributed import Client
        from distributed.comm import resolve_address
    except ImportError as error:
        raise ToolError(LACKING) from error
    try:
        resolve_address(address)  # Dask's client waits for what is none, and prints a traceback
        client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        shown = printable(address)
        raise InputError(
            f"No scheduler of a Dask cluster answers at {shown}. Start one with `dask scheduler`, "
            "and name the address that it prints, as --cluster tcp://HOST:8786."
        ) from error
    with client:
        workers = list(client.nthreads())
        if not workers:
            raise LinkError(
                f"The Dask cluster at {printable(address)} has no worker. Start one on each "
                f"machine that has boards, with `dask worker {printable(address)} --nthreads 4`."
            )

        def happened(event: tuple[float, Any]) -> None:
            told = event[1]
            if isinstance(told, dict) and told.get("action") == "remove-worker":
                own = [key for key in told["processing-tasks"] if key in client.futures]
                if own:
                    ended(str(told["worker"]), len(own))

        client.subscribe_topic("all", happened)
        yield [
            client.get_executor(pure=False, workers=[worker], allow_other_workers=True)
            for worker in workers
        ]
