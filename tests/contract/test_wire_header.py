"""The C end of the wire is made from the Python definition, and its document shows the same."""

from pathlib import Path

from glyphite.convert.compiler.emit.text import MODEL_NAME_BYTES
from glyphite.convert.shipped import FIRMWARE
from glyphite.host.device.wire import header, protocol

PROJECT = FIRMWARE.parent
LIBRARY = FIRMWARE / "library" / "Glyphite"


def test_the_committed_header_is_the_definitions() -> None:
    assert header.PATH.read_text() == header.header(), f"run `python -m {header.__name__}`"


def test_the_header_is_formatted_as_the_other_c_files() -> None:
    assert max(map(len, header.header().splitlines())) <= 100


def test_the_longest_name_of_a_model_fits_a_text_of_hello() -> None:
    """Filled up with at least one zero; C and Python of the wire have one number already."""
    assert MODEL_NAME_BYTES == protocol.TEXT_BYTES - 1


def test_every_number_has_a_comment() -> None:
    for enum in (protocol.Message, protocol.Item, protocol.Encoding, protocol.Status):
        assert all(member.note for member in enum), enum


def test_no_two_names_share_a_number() -> None:
    for enum in (protocol.Message, protocol.Item, protocol.Encoding, protocol.Status):
        assert len(enum.__members__) == len(list(enum)), f"{enum} has an alias"


def test_the_document_lists_every_number_with_its_name() -> None:
    document = (PROJECT / "docs" / "wire.md").read_text()
    for enum in (protocol.Message, protocol.Item, protocol.Encoding, protocol.Status):
        for member in enum:
            number = f"0x{member:02x}" if enum is protocol.Message else str(int(member))
            assert f"| {number} | {member.name} |" in document, (enum, member)


def test_the_library_is_a_valid_arduino_library() -> None:
    """The keys that the library specification (format 1.5) asks for, and where files must lie."""
    lines = (LIBRARY / "library.properties").read_text().splitlines()
    keys = [line.split("=", 1)[0] for line in lines]
    needed = "name version author maintainer sentence paragraph category url architectures"
    assert set(needed.split()) <= set(keys)
    assert (LIBRARY / "src" / "Glyphite.h").is_file()
    sketch: Path = LIBRARY / "examples" / "classify" / "classify.ino"
    assert len(sketch.read_text().splitlines()) < 40
