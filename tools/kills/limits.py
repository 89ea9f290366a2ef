"""What a system may withhold from this process for a while."""

import ctypes
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CAPABILITIES = 0b1110
"""Bits of CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH and CAP_FOWNER, by which root writes anywhere."""
CAPABILITY_VERSION = 0x20080522


@contextmanager
def limit(kind: int, least: int) -> Iterator[None]:
    """A limit of the system on this process, as `ulimit` sets it."""
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (least, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(kind, before)


@contextmanager
def descriptors(count: int) -> Iterator[None]:
    """So many file descriptors more."""
    free = [os.open(os.devnull, os.O_RDONLY) for _ in range(count + 1)]
    for descriptor in free:
        os.close(descriptor)
    with limit(resource.RLIMIT_NOFILE, free[-1]):
        yield


@contextmanager
def memory(count: int) -> Iterator[None]:
    """So many bytes more."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0])
    with limit(resource.RLIMIT_AS, pages * resource.getpagesize() + count):
        yield


@contextmanager
def unwritable(*folders: Path) -> Iterator[None]:
    """No new names in ``folders``, even for root."""
    system, header = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    before, fewer = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    for found in (before, fewer):
        system.capget(header, found)
    fewer[0] &= ~CAPABILITIES
    for folder in folders:
        folder.chmod(0o555)
    system.capset(header, fewer)
    try:
        yield
    finally:
        system.capset(header, before)
        for folder in folders:
            folder.chmod(0o755)
