"""Generates ``glyphite_wire.h``: ``python -m glyphite.host.device.wire.header``."""

from collections.abc import Iterable

from glyphite.convert.files import write_text
from glyphite.convert.shipped import FIRMWARE
from glyphite.host.device.wire import protocol

PATH = FIRMWARE / "library" / "Glyphite" / "src" / "glyphite_wire.h"

_ENUMS = (protocol.Message, protocol.Item, protocol.Encoding, protocol.Status)
_LIMITS = (
    "PROTOCOL",
    "TEXT_BYTES",
    "RANK_MAX",
    "ANSWER_HEADER_BYTES",
    "REFUSAL_BYTES",
    "LITERALS_MAX",
    "LONG_RUN",
)


def header() -> str:
    """The C header's text; the same definition gives the same bytes."""
    parts = [
        "/* The wire's numbers. Made by `python -m glyphite.host.device.wire.header` from",
        "   host/device/wire/protocol.py; change them there. */",
        "#ifndef GLYPHITE_WIRE_H",
        "#define GLYPHITE_WIRE_H",
        "",
        *(f"#define GLYPHITE_{name} {getattr(protocol, name)}" for name in _LIMITS),
    ]
    for enum in _ENUMS:
        parts += ["", *_enum(enum.__name__, enum)]
    return "\n".join([*parts, "", "#endif", ""])


def _enum(name: str, members: Iterable[protocol._Noted]) -> list[str]:
    stem = f"GLYPHITE_{name.upper()}"
    lines = [f"enum glyphite_{name.lower()} {{"]
    for member in members:
        lines += [f"    /* {member.note} */", f"    {stem}_{member.name} = {member.value},"]
    return [*lines, "};"]


if __name__ == "__main__":
    write_text(PATH, header())
