"""Keeps the server running until Ctrl-C."""

import asyncio
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from glyphite.convert.errors import InputError
from glyphite.convert.text import printable
from glyphite.host.serve.messages import MOST_BYTES
from glyphite.host.serve.site import CLOSE_SECONDS

HEADERS_AT_MOST = 16 << 10
CONNECTIONS = 128
"""At once; of more, the oldest that waits for nothing is closed, else a new one answered by 503."""
ASK_SECONDS = 5.0
"""After so long a connection that asks nothing, or does not end its headers, is closed: else such
connections would fill the places of those who ask."""
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


class Impatient(H11Protocol):
    """HTTP with who asks, and not with who is silent."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Look after the new connection from time to time."""
        if len(self.connections) >= CONNECTIONS - 1:
            self._make_room()
        super().connection_made(transport)
        self.began = self.loop.time()
        self.loop.call_later(ASK_SECONDS, self._look)

    def _make_room(self) -> None:
        others = [each for each in self.connections if isinstance(each, Impatient)]
        waiting = [each for each in others if each.waits_for_nothing()]
        if waiting:
            oldest = min(waiting, key=lambda each: each.began)
            self.connections.discard(oldest)
            oldest.transport.abort()

    def waits_for_nothing(self) -> bool:
        """It has asked nothing, or has its answer, or does not take it."""
        return self.cycle is None or self.cycle.response_complete or self.flow.write_paused

    def _look(self) -> None:
        if self.transport.is_closing() or self.transport.get_protocol() is not self:
            return  # it has ended, or is a WebSocket now
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()
        else:
            self.loop.call_later(ASK_SECONDS, self._look)


class Closing(WebSocketsSansIOProtocol):
    """A WebSocket that waits less for the other end to close it, too."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Set the time."""
        super().connection_made(transport)
        self.close_timeout = CLOSE_SECONDS


def _is_own_fault(record: logging.LogRecord) -> bool:
    """Not what strangers send, of which uvicorn would print a line each."""
    return record.getMessage().startswith("Exception in ASGI application")


def serve(app: ASGIApp, listener: socket.socket) -> None:
    """Answer browsers until Ctrl-C, SIGTERM or SIGHUP, which raise KeyboardInterrupt."""
    server = server_of(app)
    with _hearing_hangups(server):
        server.run(sockets=[listener])


@contextmanager
def _hearing_hangups(server: uvicorn.Server) -> Iterator[None]:
    """uvicorn hears Ctrl-C and SIGTERM alone: anything else would be raised amid its work."""
    number = getattr(signal, "SIGHUP", None)
    if number is None or signal.getsignal(number) is signal.SIG_IGN:  # Windows; nohup
        yield
        return
    before = signal.signal(number, server.handle_exit)
    try:
        yield
    finally:
        signal.signal(number, before)


def server_of(app: ASGIApp) -> uvicorn.Server:
    """What answers browsers, by the limits of this module."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        http=Impatient,
        ws=Closing,
        ws_max_size=MOST_BYTES,
        ws_per_message_deflate=False,
        h11_max_incomplete_event_size=HEADERS_AT_MOST,
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=LAST_SECONDS,
        server_header=False,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_own_fault)
    return uvicorn.Server(config)
