"""Who may ask: the page that this server gave out, and no other page in the same browser.

A browser sends a request that any page makes, with that page's Origin. And a name that a stranger
owns can lead to this PC (DNS rebinding): the stranger's page then has the same Origin as its
requests, but their Host is that name, and no name of this PC.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

FORBIDDEN, REFUSED = 403, 1008
"""A status of HTTP, and a code by which a WebSocket is closed."""
EVERYWHERE = ("", "0.0.0.0", "::")
"""Hosts that stand for all addresses of this PC."""


def known_hosts(listening: str) -> Callable[[str], bool]:
    """Whether a host's name or address in a request can be that of a server at ``listening``."""
    names = {"localhost", listening.lower()}
    loopback = listening in ("localhost",) or _is_loopback(listening)
    if not loopback:
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}

    def is_known(host: str) -> bool:
        if host.lower() in names:
            return True
        address = _address(host)
        if address is None:
            return False
        return address.is_loopback if loopback else True  # no stranger's name is an address

    return is_known


def refusal(host: str | None, origin: str | None, is_known: Callable[[str], bool], *,
            needs_origin: bool) -> str:  # fmt: skip
    """Why a request with these headers is refused, in a sentence; "" where it is not."""
    name = _hostname(f"//{host}") if host else None
    if name is None or not is_known(name):
        return "This server does not answer to that name. Open the address that it printed."
    if origin is None:
        return "A page has to say its Origin. Open the address that was printed." * needs_origin
    if origin.lower() != f"http://{host}".lower():
        return "Another page's requests are refused. Open the address that was printed."
    return ""


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return address is not None and address.is_loopback


class Guard:
    """Refuses what does not come from this server's own page, before anything else sees it."""

    def __init__(self, app: ASGIApp, listening: str) -> None:
        self._app, self._is_known = app, known_hosts(listening)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        hosts = [value for key, value in scope["headers"] if key == b"host"]
        origins = [value for key, value in scope["headers"] if key == b"origin"]
        host = hosts[0].decode("latin-1") if len(hosts) == 1 else None
        origin = origins[0].decode("latin-1") if origins else None
        socket_asked = scope["type"] == "websocket"
        why = refusal(host, origin, self._is_known, needs_origin=socket_asked)
        if not why:
            await self._app(scope, receive, send)
        elif socket_asked:  # before it is accepted, which is a 403, too
            await send({"type": "websocket.close", "code": REFUSED, "reason": why})
        else:
            await PlainTextResponse(f"{why}\n", FORBIDDEN)(scope, receive, send)


class Rate:
    """So many messages a second, with some to spare at once; who sends more waits."""

    def __init__(self, per_second: float, at_once: int) -> None:
        self._per_second, self._most = per_second, float(at_once)
        self._left, self._at = float(at_once), time.monotonic()

    def delay(self) -> float:
        """Take one; returns the seconds to wait before it is read."""
        now = time.monotonic()
        self._left = min(self._most, self._left + (now - self._at) * self._per_second) - 1
        self._at = now
        return max(0.0, -self._left / self._per_second)

    async def wait(self) -> None:
        """Wait until the next message may be read."""
        await asyncio.sleep(self.delay())
