"""`glyphite serve` as a program, a native board, and clients that are no browser."""

import asyncio
import http.client
import json
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.boards import load_board
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.device.transport.emulator import EmulatedBoard, link_to
from glyphite.host.device.transport.firmware_files import find_firmware
from glyphite.host.runners.litert import read_manifest
from tests.strict import absent, require_module, require_proc

require_module("starlette", "uvicorn", "websockets")
import uvicorn  # noqa: E402
from starlette.types import Receive, Scope, Send  # noqa: E402
from uvicorn.server import ServerState  # noqa: E402
from websockets.exceptions import ConnectionClosed, InvalidStatus  # noqa: E402
from websockets.sync.client import connect  # noqa: E402
from websockets.typing import Origin  # noqa: E402

from glyphite.host.serve.desk import Desk  # noqa: E402
from glyphite.host.serve.engines import Float, Reference  # noqa: E402
from glyphite.host.serve.inputs import Inputs, Samples  # noqa: E402
from glyphite.host.serve.run import CONNECTIONS, Impatient, listening, server_of  # noqa: E402
from glyphite.host.serve.site import site  # noqa: E402
from tests.page.serving import SECONDS, Client, Served, best, serving  # noqa: E402


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build folder with the native board's firmware of the model ``uno``."""
    if shutil.which("cc") is None:
        absent("cc is not installed.")
    folder = tmp_path_factory.mktemp("serve")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHITE_BUILD", str(folder))
        assert main(["build", "uno", "--board", "native"]) == 0
    return folder


@pytest.fixture(scope="module")
def served(built: Path) -> Iterator[Served]:
    with serving(built, "uno", "--board", "native") as one:
        yield one
        assert one.interrupt() == 0


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    one = Client(served.url)
    yield one
    one.close()


def _bar(column: int = 30) -> NDArray[np.uint8]:
    """A 1, as a drawing."""
    image = np.zeros((60, 60), np.uint8)
    image[10:50, column - 3 : column + 3] = 255
    return image


def test_a_drawing_is_answered_by_all_engines(client: Client) -> None:
    assert client.welcome["model"]["kind"] == "digits"
    state = client.state("connected")
    assert state["board"] == "native"
    told = client.read(_bar())
    assert best(told) == "1"
    board, here = told["answer"]["engines"][:2]
    assert (board["name"], board["differs"], here["name"]) == ("board", False, "int8 (PC)")
    assert board["bytes"] == here["bytes"]
    assert told["answer"]["reference"] in ("TFLM", "this PC's C")
    assert (told["answer"]["width"], told["answer"]["height"]) == (28, 28)


def test_tensorflow_is_loaded_into_a_process_of_its_own(client: Client, served: Served) -> None:
    """One that ends while a thread of its own loads it is aborted. The float model answers when it
    is loaded, is left out where its process has died, and nothing else is disturbed."""
    require_module("tensorflow")
    require_proc()
    while len(engines := client.read(_bar())["answer"]["engines"]) < 3:
        assert served.program.poll() is None
    assert [each["name"] for each in engines] == ["board", "int8 (PC)", "float"]
    assert np.abs(np.subtract(engines[2]["scores"], engines[1]["scores"])).max() < 0.1
    assert not _holds_tensorflow(served.program.pid)
    (floats,) = filter(_holds_tensorflow, _children(served.program.pid))
    os.kill(floats, signal.SIGKILL)
    while len(engines := client.read(_bar())["answer"]["engines"]) > 2:
        assert served.program.poll() is None
    assert best(client.read(_bar())) == "1"


def _holds_tensorflow(process: int) -> bool:
    return "/libtensorflow" in Path(f"/proc/{process}/maps").read_text()


def _children(process: int) -> list[int]:
    threads = Path(f"/proc/{process}/task").iterdir()
    return [int(each) for one in threads for each in (one / "children").read_text().split()]


@pytest.mark.parametrize("image", [np.zeros((60, 60), np.uint8), np.eye(60, dtype=np.uint8)])
def test_what_cannot_be_read_is_told_and_the_next_is_read(
    client: Client, image: NDArray[np.uint8]
) -> None:
    assert client.read(image)["type"] == "refused"
    client.socket.send("no message")
    assert client.told("refused")["text"].startswith("The server does not understand the page")
    assert best(client.read(_bar())) == "1"


def test_a_flood_gets_its_newest_answer_and_others_get_theirs(
    client: Client, served: Served
) -> None:
    calm = Client(served.url)
    numbers = [client.send(_bar(20 + each % 20)) for each in range(40)]
    for _ in range(3):
        assert best(calm.read(_bar())) == "1"
    calm.close()
    answered: list[int] = []
    while not answered or answered[-1] != numbers[-1]:
        answered.append(client.told("answer")["id"])
    assert answered == sorted(answered)
    assert len(answered) < len(numbers)


def test_a_message_that_is_too_large_ends_that_connection_alone(served: Served) -> None:
    flooding, calm = Client(served.url), Client(served.url)
    with pytest.raises(ConnectionClosed):  # while it is sent, or behind it
        flooding.socket.send("x" * (3 << 20))
        flooding.told("answer")
    assert best(calm.read(_bar())) == "1"
    calm.close()


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (None, "http://evil.example"),
        (None, "null"),
        (None, None),
        ("evil.example", "http://evil.example"),
    ],
)
def test_another_page_is_refused(served: Served, host: str | None, origin: str | None) -> None:
    address = served.url.removeprefix("http://").rstrip("/")
    name, port = address.split(":")
    said = None if origin is None else Origin(origin)
    url = f"ws://{host or name}:{port}/board"
    with (
        pytest.raises(InvalidStatus) as caught,
        connect(url, origin=said, sock=socket.create_connection((name, int(port)))),
    ):
        pass
    assert caught.value.response.status_code == 403


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 200),
        ("/app.js", {}, 200),
        ("/other", {}, 404),
        ("/../cli/serve.py", {}, 404),
        ("/%2e%2e/cli/serve.py", {}, 404),
        ("/tsconfig.json", {}, 404),
        ("/", {"Host": "evil.example"}, 403),
        ("/", {"Origin": "http://evil.example"}, 403),
    ],
)
def test_files_of_the_page_alone_are_given(
    served: Served, path: str, headers: dict[str, str], status: int
) -> None:
    found, policy, content = got(served, path, headers)
    assert found == status
    if status == 200:
        assert "default-src 'none'" in policy
        assert len(content) > 1000


def got(served: Served, path: str, headers: dict[str, str]) -> tuple[int, str, bytes]:
    """The status, the policy and the content that are given for ``path``."""
    asked = http.client.HTTPConnection(served.url.removeprefix("http://").rstrip("/"))
    with closing(asked):
        asked.request("GET", path, headers=headers)
        answer = asked.getresponse()
        return answer.status, answer.getheader("Content-Security-Policy") or "", answer.read()


def test_test_samples_keep_no_drawing_from_its_answer(client: Client) -> None:
    """What is asked meanwhile, as often as it may be, is answered too."""
    client.socket.send('{"type": "sample", "id": 900}')
    number = client.send(_bar())
    for each in range(901, 904):
        client.socket.send(f'{{"type": "sample", "id": {each}}}')
    told: set[int] = set()
    while len(told) < 5 and not {number, 903} <= told:
        told.add(client.told("answer", "sample")["id"])
    assert {number, 903} <= told


def test_who_is_silent_loses_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a few dozen connections that ask nothing would keep all pages out."""
    monkeypatch.setattr("glyphite.host.serve.run.ASK_SECONDS", 0.05)

    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"here"})

    async def asked(text: bytes) -> bytes:
        config = uvicorn.Config(app, log_config=None, http=Impatient)
        config.load()
        loop, state = asyncio.get_running_loop(), ServerState()
        server = await loop.create_server(lambda: Impatient(config, state, {}), "127.0.0.1", 0)
        async with server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(text)
            read = await asyncio.wait_for(reader.read(), SECONDS)
            writer.close()
        return read

    assert asyncio.run(asked(b"")) == b""
    assert asyncio.run(asked(b"GET / HTTP/1.1\r\nHost: 127")) == b""
    whole = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    assert b"here" in asyncio.run(asked(whole + b"GET / HTTP/1.1"))


def test_silent_connections_give_their_places_to_who_asks(served: Served) -> None:
    """However many there are, and however soon they come again."""
    host, port = served.url.removeprefix("http://").rstrip("/").split(":")
    with ExitStack() as opened:
        for _ in range(CONNECTIONS + 8):
            silent = opened.enter_context(socket.create_connection((host, int(port))))
            silent.sendall(b"GET / HTTP/1.1\r\nHost: 127")
        assert got(served, "/", {})[0] == 200


@pytest.fixture
def without_board() -> Iterator[str]:
    """The address of a server in this process, whose board never comes."""
    folder = find_model("uno")
    manifest = read_manifest(folder)
    inputs = Inputs(manifest, True, lambda: Samples(np.zeros((1, 28, 28), np.uint8), [""]))
    reference = Reference(folder, manifest)
    floats = Float(folder, manifest, ThreadPoolExecutor(1), print)  # which is never begun
    desk = Desk(inputs, (), reference, floats, shares=False, has_samples=True)
    with listening("127.0.0.1", 0) as (listener, url):
        server = server_of(site(desk, "127.0.0.1"))
        running = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        running.start()
        yield url
        server.should_exit = True
        running.join(SECONDS)


def test_a_page_that_was_quiet_gives_its_place_to_one_that_comes(
    without_board: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else one program that opens as many WebSockets as there are places would keep all out."""
    monkeypatch.setattr("glyphite.host.serve.site.MOST_BROWSERS", 2)
    quiet = "glyphite.host.serve.site.QUIET_SECONDS"
    monkeypatch.setattr(quiet, 1000.0)
    first, second = Client(without_board), Client(without_board)
    first.socket.send('{"type": "sample", "id": 1}')
    first.told("sample")
    with pytest.raises(ConnectionClosed, match=r"1013.* 2 pages are open already. Close one."):
        Client(without_board)  # both have just come
    monkeypatch.setattr(quiet, 0.0)
    third = Client(without_board)
    with pytest.raises(ConnectionClosed, match="another has taken its place"):
        second.told("sample")
    for each in (first, third):
        each.socket.send('{"type": "sample", "id": 2}')
        each.told("sample")
        each.close()


def test_what_strangers_send_is_not_printed(
    without_board: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Else they could fill the terminal, by a line a request."""
    host, port = without_board.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port))) as wrong:
        wrong.sendall(b"no request\r\n\r\n")
        assert b" 400 " in wrong.recv(100)
    client = Client(without_board)
    client.socket.send(b"\xff", text=True)
    with pytest.raises(ConnectionClosed):
        client.told("answer")
    assert [record for record in caplog.records if record.name == "uvicorn.error"] == []


def test_headers_that_do_not_end_are_cut_off_and_the_next_page_is_given(served: Served) -> None:
    address = served.url.removeprefix("http://").rstrip("/")
    asked = http.client.HTTPConnection(address)
    try:
        asked.request("GET", "/", headers={"X-Long": "x" * 4_000_000})
        status = asked.getresponse().status
    except (ConnectionError, http.client.HTTPException):  # it hangs up before all was sent
        status = 400
    asked.close()
    assert 400 <= status < 500
    test_files_of_the_page_alone_are_given(served, "/", {}, 200)


def test_a_port_that_goes_away_is_connected_again(built: Path, tmp_path: Path) -> None:
    """As a board that is unplugged: its port is gone, and another has its name later."""
    link = tmp_path / "board"
    board, image = load_board("native"), find_built(built)
    with ExitStack() as opened:
        with EmulatedBoard(board, image, terminal=True) as one, link_to(one.terminal, link):
            served = opened.enter_context(serving(built, "uno", "--port", str(link)))
            client = Client(served.url)
            assert best(client.read(_bar())) == "1"
        client.state("reconnecting")
        told = client.read(_bar())
        assert next(each["name"] for each in told["answer"]["engines"]) == "int8 (PC)"
        with EmulatedBoard(board, image, terminal=True) as again, link_to(again.terminal, link):
            client.state("connected")
            assert best(client.read(_bar())) == "1"
            served.program.send_signal(signal.SIGHUP)  # while a page is open
            assert served.program.wait(SECONDS) == 0
            assert "Traceback" not in (built / "serve.log").read_text()
            client.close()


def find_built(folder: Path) -> Path:
    """The firmware of the native board in a build folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHITE_BUILD", str(folder))
        return find_firmware("native").path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--port", "sim://native", "--board", "native"], "are two boards"),
        (["--board", "due"], "is not emulated"),
        (["--board", "native", "--host", "192.0.2.1"], "Nothing can listen on 192.0.2.1"),
        (["--board", "native", "--http-port", "99999"], "is no port: 0 to 65535 is"),
        (["--port", "/dev/nothing"], "There is no port /dev/nothing"),
    ],
)
def test_what_cannot_be_served_is_told(
    words: list[str], said: str, built: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("GLYPHITE_BUILD", str(built))
    try:
        code = main(["serve", "uno", *words])
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err


def test_without_the_extra_one_sentence_names_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(name: str) -> object:
        return None if name == "uvicorn" else object()

    monkeypatch.setattr("glyphite.host.cli.serve.find_spec", find)
    assert main(["serve", "uno", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)["error"]
    assert told.startswith("The page needs the package uvicorn, which is not installed. ")
    assert "[serve]" in told
