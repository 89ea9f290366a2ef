"""What is silenced speaks again afterwards, and leaves nothing open."""

import os

import pytest

from glyphite.convert.quantize.quiet import quiet


def say_from_c() -> None:
    """As C++ does: to the descriptors, past Python's streams."""
    for descriptor in (1, 2):
        os.write(descriptor, b"said\n")


def test_both_streams_are_silent_within_the_block_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet() as away:
        say_from_c()
        print("said by Python", flush=True)
        away.seek(0)
        assert away.read() == b"said\nsaid\nsaid by Python\n"
    assert capfd.readouterr() == ("", "")
    say_from_c()
    assert capfd.readouterr() == ("said\n", "said\n")


def test_an_error_ends_the_silence(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="in the block"), quiet():
        raise ValueError("in the block")
    say_from_c()
    assert capfd.readouterr() == ("said\n", "said\n")


def test_no_descriptor_stays_open() -> None:
    """The next one to be opened has the number that it had before."""

    def free() -> int:
        descriptor = os.dup(1)
        os.close(descriptor)
        return descriptor

    before = free()
    with quiet():
        pass
    assert free() == before
