"""The pages and the WebSocket: each browser asks in its own time, and gets its newest answer."""

import asyncio
import mimetypes
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Generic, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket, WebSocketDisconnect

from glyphite.convert.errors import GlyphiteError
from glyphite.host.serve.desk import Desk
from glyphite.host.serve.guard import Guard, Rate
from glyphite.host.serve.messages import (
    Answer,
    Answered,
    BoardState,
    NextSample,
    Read,
    ReadValues,
    Refused,
    Sampled,
    Told,
    Welcome,
    encode,
    parse,
)

PAGE = Path(__file__).parent.parent / "page"
ENDINGS = (".html", ".css", ".js", ".svg")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
MOST_BROWSERS = 32
QUIET_SECONDS = 10.0
"""Where all places are taken, a page that has asked nothing for so long gives its own to one that
comes: else a program that opens as many WebSockets, and asks nothing, would keep all pages out."""
PER_SECOND, AT_ONCE = 12.0, 12
"""Messages of one browser that are read: the page sends at most six a second."""
TOO_MANY = 1013
CLOSE_SECONDS = 1.0
"""For a page to close its end of a connection that was closed here."""
Made = TypeVar("Made")


def site(desk: Desk, listening: str) -> ASGIApp:
    """The application: the page's files, and the WebSocket at /board."""
    files = {
        path.relative_to(PAGE).as_posix(): path.read_bytes()
        for path in sorted(PAGE.rglob("*"))
        if path.suffix in ENDINGS
    }
    browsers = _Browsers(desk)

    async def file(request: Request) -> Response:
        name = request.path_params.get("name") or "index.html"
        content = files.get(name)
        if content is None:
            return Response("There is no such page.\n", 404, HEADERS, "text/plain")
        return Response(content, 200, HEADERS, mimetypes.guess_type(name)[0])

    routes = [
        WebSocketRoute("/board", browsers.serve),
        Route("/", file),
        Route("/{name:path}", file),
    ]
    return Guard(Starlette(routes=routes, lifespan=browsers.running), listening)


class _Browsers:
    """All that are connected."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._numbers = count(1)
        self._open: set[_Browser] = set()
        self._refused = 0
        """Connections that are told that there is no place."""
        self._computing = ThreadPoolExecutor(1, "computing")
        """One thread, of which each browser asks one thing at a time: so they take turns."""

    @asynccontextmanager
    async def running(self, _: Starlette) -> AsyncIterator[None]:
        """Hear of the board's state in this event loop."""
        loop = asyncio.get_running_loop()

        def told(state: BoardState) -> None:
            with suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._spread, state)

        self._desk.on_state(told)
        yield
        self._computing.shutdown(wait=False, cancel_futures=True)

    def _spread(self, state: BoardState) -> None:
        for browser in self._open:
            browser.state = state
            browser.changed.set()

    async def serve(self, socket: WebSocket) -> None:
        """One browser, until it leaves."""
        address = socket.client.host if socket.client else ""
        if len(self._open) >= MOST_BROWSERS and not self._has_made_room(address):
            await self._refuse(socket)
            return
        browser = _Browser(next(self._numbers), address, socket, self._desk, self._computing)
        self._open.add(browser)
        try:
            await socket.accept()
            await browser.serve()
        finally:
            self._open.discard(browser)
            self._desk.leave(browser.number)

    async def _refuse(self, socket: WebSocket) -> None:
        """Say why there is no place; of many that come at once, to some: a connection that hears
        it may stay until it is cut off, and so keep others out."""
        if self._refused >= MOST_BROWSERS:
            await socket.close(TOO_MANY)
            return
        self._refused += 1
        try:
            with suppress(WebSocketDisconnect, RuntimeError, OSError):  # it has left
                await socket.accept()  # else a browser hears neither the code nor the reason
                await socket.close(TOO_MANY, f"{MOST_BROWSERS} pages are open already. Close one.")
            await asyncio.sleep(CLOSE_SECONDS)
        finally:
            self._refused -= 1

    def _has_made_room(self, address: str) -> bool:
        """Of the pages of the address that has most of them, the one that was quiet the longest
        goes, where it was for long, or where the address that asks for a place has fewer."""
        pages = Counter(browser.address for browser in self._open)
        greatest, most = pages.most_common(1)[0]
        theirs = (browser for browser in self._open if browser.address == greatest)
        quietest = min(theirs, key=lambda browser: browser.asked_at)
        quiet = time.monotonic() - quietest.asked_at
        if quiet < QUIET_SECONDS and pages[address] + 1 >= most:
            return False
        self._open.discard(quietest)
        quietest.displaced.set()
        return True


class _Browser:
    """One WebSocket: a task hears requests, one answers the newest, one gives test samples, one
    tells of the board, one waits until another page takes the place."""

    def __init__(
        self,
        number: int,
        address: str,
        socket: WebSocket,
        desk: Desk,
        computing: ThreadPoolExecutor,
    ) -> None:
        self.number, self.address = number, address
        self.state = desk.state
        self.changed, self.displaced = asyncio.Event(), asyncio.Event()
        self.asked_at = time.monotonic()
        self._socket, self._desk, self._computing = socket, desk, computing
        self._rate = Rate(PER_SECOND, AT_ONCE)
        self._readings: _Newest[Read | ReadValues] = _Newest()
        self._samples: _Newest[NextSample] = _Newest()
        self._sending = asyncio.Lock()

    async def serve(self) -> None:
        """Until the browser leaves."""
        await self._send(Welcome(self._desk.model, self._desk.has_samples))
        self.changed.set()
        jobs = (self._hear, self._answer, self._give_samples, self._tell, self._go)
        tasks = [asyncio.create_task(each()) for each in jobs]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                with suppress(WebSocketDisconnect, RuntimeError, OSError):  # it has left
                    task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, told: Told) -> None:
        async with self._sending:
            await self._socket.send_text(encode(told))

    async def _hear(self) -> None:
        while True:
            await self._rate.wait()
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            asked = parse(message.get("text") or "")
            if isinstance(asked, Refused):
                await self._send(asked)
                continue
            self.asked_at = time.monotonic()
            if isinstance(asked, NextSample):
                self._samples.put(asked)
            else:
                self._readings.put(asked)

    async def _answer(self) -> None:
        while True:
            asked = await self._readings.get()
            try:
                told: Told = Answered(asked.id, await self._answer_to(asked))
            except GlyphiteError as error:
                told = Refused(asked.id, str(error))
            await self._send(told)

    async def _answer_to(self, asked: Read | ReadValues) -> Answer:
        seen = await self._compute(lambda: self._desk.see(asked))
        board = await self._desk.ask_board(self.number, seen)
        return await self._compute(lambda: self._desk.answer(seen, board))

    async def _give_samples(self) -> None:
        while True:
            asked = await self._samples.get()
            try:
                told: Told = Sampled(asked.id, await _aside(self._desk.next_sample))
            except GlyphiteError as error:
                told = Refused(asked.id, str(error))
            await self._send(told)

    async def _tell(self) -> None:
        while True:
            await self.changed.wait()
            self.changed.clear()
            await self._send(self.state)

    async def _go(self) -> None:
        await self.displaced.wait()
        await self._socket.close(TOO_MANY, "This page was idle, and another has taken its place.")

    def _compute(self, work: Callable[[], Made]) -> Awaitable[Made]:
        return asyncio.get_running_loop().run_in_executor(self._computing, work)


class _Newest(Generic[Made]):
    """What waits to be done: of what was put, the newest alone."""

    def __init__(self) -> None:
        self._held: list[Made] = []
        self._changed = asyncio.Event()

    def put(self, asked: Made) -> None:
        self._held = [asked]
        self._changed.set()

    async def get(self) -> Made:
        await self._changed.wait()
        self._changed.clear()
        return self._held.pop()


def _aside(work: Callable[[], Made]) -> "asyncio.Future[Made]":
    """Do what may take minutes, as fetching data, so that neither answers nor the end wait for
    it."""
    made: Future[Made] = Future()
    made.set_running_or_notify_cancel()  # who leaves meanwhile waits no more, and the work ends

    def run() -> None:
        try:
            made.set_result(work())
        except BaseException as error:  # raised where it is awaited
            made.set_exception(error)

    waiting = asyncio.wrap_future(made)
    threading.Thread(target=run, name="aside", daemon=True).start()
    return waiting
