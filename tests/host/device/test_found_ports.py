"""Boards are found by USB ids and serial numbers, as pyserial's ``list_ports`` tells them.

No USB is here: the tests make what it would tell by hand.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from serial.tools.list_ports_common import ListPortInfo

from glyphite.convert.boards import load_board
from glyphite.convert.errors import PortError
from glyphite.host.cli import main
from glyphite.host.device.found_ports import (
    FoundPort,
    choose_port,
    find_ports,
    is_to_be_found,
    known_at,
)
from tests.paths import PROJECT

UNO, MEGA, CONVERTER = (0x2341, 0x0043), (0x2341, 0x0042), (0x10C4, 0xEA60)
Plug = Callable[..., None]


def port(
    device: str, usb: tuple[int, int] | None = None, number: str | None = None
) -> ListPortInfo:
    """What pyserial tells of a port; of one that is no USB device it tells little."""
    told = ListPortInfo(device)
    told.description = f"the port {device[-1]}"
    if usb is not None:
        told.vid, told.pid = usb
        told.serial_number = number or None
    return told


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> Plug:
    """``plug(port, ...)``: these are the ports of this PC."""

    def connect(*ports: ListPortInfo) -> None:
        monkeypatch.setattr("serial.tools.list_ports.comports", lambda: list(ports))

    return connect


def test_a_port_tells_the_boards_of_its_usb_id(plug: Plug) -> None:
    plug(port("/dev/ttyUSB0", CONVERTER, "0001"), port("/dev/ttyACM0", UNO, "A1"), port("COM1"))
    assert (
        find_ports()
        == [
            FoundPort("/dev/ttyACM0", "the port 0", "2341:0043", "A1", ("uno",)),
            FoundPort("/dev/ttyUSB0", "the port 0", "10c4:ea60", "0001", ()),
            FoundPort("COM1", "the port 1"),
        ]
        or find_ports()[0].device == "/dev/ttyACM0"
    )
    assert [str(each) for each in find_ports() if each.usb_id] == [
        "uno on /dev/ttyACM0 (serial:A1)",
        "/dev/ttyUSB0 (the port 0)",
    ]


def test_what_a_device_says_of_itself_moves_no_cursor(plug: Plug) -> None:
    plug(port("/dev/ttyACM0", UNO, "\x1b[2JA"))
    assert find_ports()[0].serial_number == r"\x1b[2JA"


def test_a_port_may_be_left_out_where_one_known_board_is_connected(plug: Plug) -> None:
    plug(port("/dev/ttyS0"), port("/dev/ttyACM0", UNO, "A1"), port("/dev/ttyUSB0", CONVERTER))
    assert choose_port(None).device == choose_port("usb").device == "/dev/ttyACM0"
    assert is_to_be_found(None)
    assert is_to_be_found("usb")
    assert not is_to_be_found("/dev/usb")


def test_a_board_is_chosen_by_its_serial_number_or_its_kind(plug: Plug) -> None:
    plug(port("COM3", UNO, "75830303"), port("COM4", MEGA, "aB12"))
    assert choose_port("serial:75830303").device == "COM3"
    assert choose_port("serial:Ab12").device == "COM4"
    assert choose_port(None, load_board("mega2560")).device == "COM4"


def test_a_link_to_a_port_is_that_port(plug: Plug, tmp_path: Path) -> None:
    """As in /dev/serial/by-id."""
    device, link = tmp_path / "ttyACM0", tmp_path / "usb-Arduino"
    link.symlink_to(device)
    plug(port(str(device), UNO))
    found = known_at(str(link), find_ports())
    assert found is not None
    assert found.boards == ("uno",)
    assert known_at("/dev/ttyNONE7", find_ports()) is None


@pytest.mark.parametrize(
    ("ports", "named", "said"),
    [
        (
            [],
            None,
            "No board that Glyphite knows is found by its USB id. Ports found: none. Connect it, "
            "or name its port: `--port sim://native`, say.",
        ),
        (
            [port("/dev/ttyS0")],
            None,
            "No board that Glyphite knows is found by its USB id. Ports found: /dev/ttyS0 (the "
            "port 0). Connect it, or name its port: `--port sim://native`, say.",
        ),
        (
            [port("/dev/ttyUSB0", CONVERTER, "0001")],
            "usb",
            "No board that Glyphite knows is found by its USB id. Ports found: /dev/ttyUSB0 (the "
            "port 0). Connect it, or name its port: `--port /dev/ttyUSB0`, say.",
        ),
        (
            [port("/dev/ttyACM0", UNO, "A1"), port("/dev/ttyACM1", MEGA)],
            None,
            "2 boards are connected: uno on /dev/ttyACM0 (serial:A1), mega2560 on /dev/ttyACM1. "
            "Name the one that is meant: `--port serial:A1`, say.",
        ),
        (
            [port("/dev/ttyACM1", UNO, "A1")],
            "serial:B2",
            "No port has the serial number 'B2'. Ports found: uno on /dev/ttyACM1 (serial:A1). "
            "Connect the board, or name another port: `--port serial:A1`, say.",
        ),
        (
            [port("/dev/ttyUSB0", CONVERTER, "0001"), port("/dev/ttyUSB1", CONVERTER, "0001")],
            "serial:0001",
            "Several ports have the serial number '0001': /dev/ttyUSB0 (the port 0), /dev/ttyUSB1 "
            "(the port 1). Name one: `--port /dev/ttyUSB0`, say.",
        ),
        (
            [port("COM1")],
            "serial:",
            "No port has the serial number ''. Ports found: COM1 (the port 1). Connect the board, "
            "or name another port: `--port sim://native`, say.",
        ),
    ],
)
def test_none_or_several_are_listed_in_a_sentence(
    plug: Plug, ports: list[ListPortInfo], named: str | None, said: str
) -> None:
    plug(*ports)
    with pytest.raises(PortError) as caught:
        choose_port(named)
    assert str(caught.value) == said


def test_flash_finds_boards_of_its_kind_alone(
    plug: Plug, capsys: pytest.CaptureFixture[str]
) -> None:
    plug(port("/dev/ttyACM0", UNO, "A1"), port("/dev/ttyACM1", UNO, "A2"))
    assert main(["flash", "uno", "--board", "uno"]) == 2
    assert "2 boards are connected: uno on /dev/ttyACM0 (serial:A1)" in capsys.readouterr().err
    assert main(["flash", "uno", "--board", "mega2560"]) == 2
    assert "No board of the kind mega2560 is found by its USB id." in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "stream uno",
        "predict tests/data/seven.png uno --port usb",
        "monitor",
    ],
)
def test_verbs_find_the_port_and_say_which(
    words: str, plug: Plug, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is gone when they open it: how they go on, their own tests tell."""
    monkeypatch.chdir(PROJECT)
    plug(port("/dev/ttyNONE7", UNO, "A1"))
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith("Found: uno on /dev/ttyNONE7 (serial:A1).\n")
    assert "There is no port /dev/ttyNONE7." in said
