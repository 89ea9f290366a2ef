"""``glyphite doctor``: what of this PC and of a board works, and what mends the rest."""

import argparse
from pathlib import Path
from typing import Any

from glyphite.convert.errors import CheckFailedError, InputError
from glyphite.convert.workspace import find_model, model_names
from glyphite.host.cli.arguments import add_baud, add_count, add_json, add_model, add_port, port_of
from glyphite.host.cli.console import print_json, print_table, progress_bar, say, say_command
from glyphite.host.cli.digits import count_of
from glyphite.host.device.board_check import remedy
from glyphite.host.device.doctor import line, ports, tools
from glyphite.host.device.doctor.check import Check, State
from glyphite.host.device.found_ports import FoundPort, find_ports, known_at
from glyphite.host.device.transport import is_emulated, is_network
from glyphite.host.measure.portion import BAUD
from glyphite.host.runners.litert import read_manifest

EXAMPLE = "glyphite doctor --port /dev/ttyACM0 --save board.json"
HEADINGS = {
    "tools": "Compilers, Arduino's tools, emulators",
    "packages": "Python packages",
    "ports": "Serial ports",
    "board": "The board",
}
IMAGES = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser, optional=True)
    add_port(parser, "the one known board that is connected, or none")
    add_baud(parser, BAUD)
    parser.add_argument(
        "--save",
        type=Path,
        metavar="FILE",
        help="try all on the board (hello, images, times, reset, unplugging), and write what was "
        "seen to a file that you can send in",
    )
    parser.add_argument(
        "--flash",
        dest="board",
        metavar="BOARD",
        help="with --save: flash the model onto it first; BOARD as `glyphite boards` lists it",
    )
    add_count(parser, count_of, IMAGES)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Look at all, and print what was found and the command that mends it.

    Raises CheckFailedError where something is wrong that all needs, or at the port that was named;
    InputError where options do not go together.
    """
    if arguments.save is not None:
        from glyphite.host.cli import doctor_save

        doctor_save.run(arguments)
        return 0
    if arguments.board is not None:
        raise InputError(
            "--flash is for --save, which tries all on a board. Add --save FILE, or flash the "
            f"model alone: `glyphite flash MODEL --board {arguments.board}`."
        )
    found = find_ports()
    port = _port(arguments, found)
    checks = [*tools.tool_checks(), *tools.package_checks(), *ports.listed(found)]
    if port is not None:
        checks += _board(arguments, port, found)
    failed = _failed(checks, is_named=arguments.port is not None)
    if arguments.json:
        print_json(_document(checks, port, ok=not failed))
    else:
        _print(checks)
    if failed:
        raise CheckFailedError(_sentence(failed[0]))
    return 0


def _port(arguments: argparse.Namespace, found: list[FoundPort]) -> str | None:
    """The port to look at; None where none is named and there is not one known board."""
    known = [port for port in found if port.boards]
    if arguments.port is None:
        return known[0].device if len(known) == 1 else None
    return port_of(arguments)


def _board(arguments: argparse.Namespace, port: str, found: list[FoundPort]) -> list[Check]:
    """What is at the port: from outside first, as who may not open it learns no more."""
    usb = known_at(port, found)
    checks = []
    if "://" not in port:
        usb_id = usb.usb_id if usb else None
        checks = [ports.permission(port, usb_id), ports.use(port)]
    if any(check.is_bad for check in checks):
        return checks
    with progress_bar("Asking the board", line.STEPS) as progress:
        heard = line.line_checks(port, arguments.baud, usb, progress)
    if is_emulated(port) or is_network(port):
        heard = [check for check in heard if check.name != "baud rate"]
    return [*checks, *heard, *_models(arguments, port, heard)]


def _models(arguments: argparse.Namespace, port: str, heard: list[Check]) -> list[Check]:
    """Which model is on the board, of those that can be named here."""
    told = next((check.told for check in heard if check.told is not None), None)
    if told is None or any(check.name == "model" for check in heard):
        return []
    found = f"{told.model_name!r}, SHA-256 {told.model_sha256[:12]}"
    if arguments.model is None:
        here = [name for name in model_names() if _sha256(name) == told.model_sha256]
        known = f", as {here[0]} here" if here else ", which is no model that can be named here"
        return [Check("board", "model", State.OK, found + known)]
    wanted = find_model(arguments.model)
    if read_manifest(wanted).sha256 == told.model_sha256:
        return [Check("board", "model", State.OK, f"{found}, as {wanted.named} here")]
    mend = remedy(port, told.board, wanted.named)
    said = f"{found}, and {wanted.named} is another one"
    return [Check("board", "model", State.WRONG, said, mend)]


def _sha256(name: str) -> str:
    """That of a model which can be named; "" where it cannot be read."""
    try:
        return read_manifest(find_model(name)).sha256
    except InputError:
        return ""


def _failed(checks: list[Check], *, is_named: bool) -> list[Check]:
    """What ends the command with 1."""
    return [
        check
        for check in checks
        if check.is_bad and (check.needed or (is_named and check.group == "board"))
    ]


def _sentence(check: Check) -> str:
    mend = f" Mend it with `{check.mend}`." if check.mend else ""
    found = check.found if check.found.endswith(".") else f"{check.found}."
    return found if check.mend and check.mend in found else f"{check.name}: {found}{mend}"


def _document(checks: list[Check], port: str | None, *, ok: bool) -> dict[str, Any]:
    rows = [
        {
            "group": check.group,
            "name": check.name,
            "state": check.state,
            "found": check.found,
            "mend": check.mend or None,
            "needed": check.needed,
        }
        for check in checks
    ]
    return {"ok": ok, "port": port, "checks": rows}


def _print(checks: list[Check]) -> None:
    for group, heading in HEADINGS.items():
        rows = [(check.name, check.state, check.found) for check in checks if check.group == group]
        if rows:
            print_table(("", "", "found"), rows, title=heading, text=True)
    bad = [check for check in checks if check.is_bad and check.mend]
    if not bad:
        return
    say("What mends it:")
    for check in bad:
        say_command(check.name, check.mend)
