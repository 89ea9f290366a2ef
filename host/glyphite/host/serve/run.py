"""Keeps the server running until Ctrl-C."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable
from glyphite.host.serve.messages import MOST_BYTES

HEADERS_AT_MOST = 16 << 10
CONNECTIONS = 64
"""At once; more are answered by 503."""
LAST_SECONDS = 2
"""For open connections to end, once the server does."""


@contextmanager
def listening(host: str, port: int) -> Iterator[tuple[socket.socket, str]]:
    """A socket that listens, and its URL. ``port`` 0: one that is free.

    Raises InputError where ``host`` is no address of this PC, or the port is taken.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        listener = socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = printable(getattr(error, "strerror", None) or str(error))
        raise InputError(
            f"Nothing can listen on {printable(host)}, port {port} ({reason}). Name another port "
            "with --http-port (0 takes a free one), or leave out --host."
        ) from error
    with listener:
        shown = f"[{host}]" if ":" in host else host
        yield listener, f"http://{shown}:{listener.getsockname()[1]}/"


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer browsers until Ctrl-C or SIGTERM, which raise KeyboardInterrupt."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=HEADERS_AT_MOST,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=LAST_SECONDS,
        server_header=False,
    )
    uvicorn.Server(config).run(sockets=[listener])
