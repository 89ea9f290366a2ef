"""``glyphite doctor``: what it prints, how it ends, and the file that a board's owner sends in."""

import getpass
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import serial

from glyphite.convert.boards import load_board
from glyphite.convert.documents import read_json
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.device.doctor import line
from glyphite.host.device.session import Session
from glyphite.host.device.transport import protocol_sim
from glyphite.host.device.transport.emulator import EmulatedBoard
from glyphite.host.measure import seen
from glyphite.host.measure.seen import Seen, impersonal
from tests.builders.hostile import Board, items_of, terminal

UNO = Manifest.load(find_model("uno").manifest)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "HELLO_SECONDS", 0.3)
    monkeypatch.setattr(line, "BAUDS", ())
    monkeypatch.setattr("glyphite.host.device.bootloader.ASK_SECONDS", 0.05)


def examined(capsys: pytest.CaptureFixture[str], code: int, *words: str) -> dict[str, Any]:
    """The document of ``doctor --json``, and its checks by name."""
    assert main(["doctor", *words, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document | {check["name"]: check for check in document["checks"]}


def test_without_a_port_tools_packages_and_ports_are_looked_at(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("serial.tools.list_ports.comports", list)
    found = examined(capsys, 0)
    assert (found["ok"], found["port"]) == (True, None)
    assert {check["group"] for check in found["checks"]} == {"tools", "packages", "ports"}
    assert found["ai-edge-litert"]["state"] == "ok"
    assert {check["state"] for check in found["checks"]} <= {"ok", "absent", "left out"}


def test_a_board_that_answers_is_right_and_its_model_is_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with terminal(Board(items_of(UNO), bytes(10))) as path:
        found = examined(capsys, 0, "--port", path)
        assert found["permission"]["state"] == found["in use"]["state"] == "ok"
        assert found["model"]["found"].endswith(", as uno here")


def test_another_model_than_the_named_one_is_wrong(
    capsys: pytest.CaptureFixture[str], small_tflite: Path
) -> None:
    with terminal(Board(items_of(UNO), bytes(10))) as path:
        found = examined(capsys, 1, str(small_tflite), "--port", path)
    assert found["model"]["state"] == "wrong"
    assert found["model"]["mend"] == f"glyphite emulate {small_tflite} --board native"


def test_a_named_port_that_is_wrong_ends_with_1_and_what_mends_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["doctor", "--port", "sim://native"]) == 1
    out, err = capsys.readouterr()
    assert "open: glyphite build uno --board native" in out
    assert err.startswith("glyphite doctor: No firmware was built for the board 'native' yet.")


def test_one_known_board_is_looked_at_though_it_is_not_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from serial.tools.list_ports_common import ListPortInfo

    with terminal() as path:
        told = ListPortInfo(path)
        told.vid, told.pid = 0x2341, 0x0043
        monkeypatch.setattr("serial.tools.list_ports.comports", lambda: [told])
        found = examined(capsys, 0)
    assert found["port"] == path
    assert found["program"]["state"] == "wrong"
    assert found["program"]["mend"] == f"glyphite flash uno --board uno --port {path}"


def test_a_package_that_all_needs_ends_with_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glyphite.host.device.doctor.tools._version", lambda _: "")
    assert main(["doctor"]) == 1
    assert "ai-edge-litert: not installed. For all. Mend it with `" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--flash uno", "--flash is for --save, which tries all on a board."),
        ("--port sim://native --save FOLDER", "folder cannot be written: Is a directory."),
        ("--port sim://native --save x.json --flash giga", "No board called 'giga'."),
        ("--port sim://native --save x.json --flash native", "is not flashed. Build for it with"),
    ],
)
def test_wrong_calls_are_told_before_anything_is_done(
    words: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    assert main(["doctor", *words.replace("FOLDER", str(folder)).split()]) == 2
    assert said in capsys.readouterr().err


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model uno's firmware for this PC."""
    folder = tmp_path_factory.mktemp("native")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLYPHITE_BUILD", str(folder))
        assert main(["build", "uno", "--board", "native"]) == 0
    return next(folder.glob("**/firmware.elf"))


class TestSave:
    @pytest.fixture
    def url(self, image: Path) -> str:
        return f"sim://native?firmware={image}"

    @pytest.fixture
    def device(self, image: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """The same on a terminal, which is to the command a real board's port."""
        monkeypatch.setattr(seen, "UNPLUG_SECONDS", 0.2)
        with EmulatedBoard(load_board("native"), image, terminal=True) as emulated:
            yield emulated.terminal

    def saved(self, path: Path, code: int, *words: str) -> tuple[Seen, dict[str, str]]:
        """What was written, read as strictly as it is typed, and the states of its steps."""
        assert main(["doctor", *words, "--count", "8", "--save", str(path)]) == code
        found = read_json(path, Seen, "Try again.")
        return found, {step["name"]: step["state"] for step in found["steps"]}

    def test_an_emulated_board_goes_the_whole_way(
        self, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        path = tmp_path / "board.json"
        found, steps = self.saved(path, 0, "--port", url)
        assert steps == {"hello": "ok", "images": "ok", "reset": "ok", "unplug": "left out"}
        assert found["device"] is not None
        assert found["device"]["board"] == "native"
        assert found["device"]["sha256"] == UNO.sha256
        assert found["device"]["emulated"]
        assert found["images"] is not None
        assert (found["images"]["images"], found["images"]["mismatched_bytes"]) == (8, 0)
        out = capsys.readouterr().out
        assert "An emulated board has no cable." in out
        assert "attach it to an issue of the repository" in " ".join(out.split())
        assert "docs/" not in out  # which an installed wheel does not have

    def test_nothing_of_the_owner_is_in_the_file(self, url: str, tmp_path: Path) -> None:
        path = tmp_path / "board.json"
        self.saved(path, 0, "--port", url)
        text = path.read_text()
        for own in (str(tmp_path), str(Path.home()), getpass.getuser(), "firmware=", "sim://"):
            assert own not in text

    @pytest.mark.parametrize("goes", [True, False])
    def test_a_real_board_is_unplugged_and_answers_on(
        self, goes: bool, device: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A pseudo-terminal has no DTR."""
        if goes:
            self.break_once(monkeypatch)
        found, steps = self.saved(tmp_path / "board.json", 0, "--port", device)
        assert steps == {
            "hello": "ok", "images": "ok", "reset": "left out",
            "unplug": "ok" if goes else "left out",
        }  # fmt: skip
        assert found["device"] is not None
        assert not found["device"]["emulated"]
        said = found["steps"][3]["said"]
        assert ("came back, and answered on" if goes else "Nobody unplugged it") in said

    def break_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The line breaks once while the last step asks, and can be opened again."""
        read, ask, breaks = serial.Serial.read, seen.Subject.ask, iter([True])

        def broken(port: serial.Serial, size: int = 1) -> bytes:
            if asked == ["reset", "unplug"] and next(breaks, False):
                raise serial.SerialException("device disconnected")
            return read(port, size)

        asked: list[str] = []

        def asking(subject: seen.Subject, session: Session) -> None:
            if len(asked) < 2:
                asked.append("unplug" if asked else "reset")
            ask(subject, session)

        monkeypatch.setattr(seen.Subject, "ask", asking)
        monkeypatch.setattr(serial.Serial, "read", broken)

    @pytest.mark.parametrize("resets", [True, False])
    def test_a_board_that_dtr_resets_is_told_from_one_that_goes_on(
        self, resets: bool, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def update(port: protocol_sim.Serial) -> None:
            if resets and port.is_open and not port._dtr_state:  # type: ignore[attr-defined]
                port.close()
                port.open()

        monkeypatch.setattr(protocol_sim.Serial, "_update_dtr_state", update)
        monkeypatch.setattr(seen.Subject, "is_emulated", False)
        monkeypatch.setattr(seen, "UNPLUG_SECONDS", 0.0)
        found, steps = self.saved(tmp_path / "board.json", 0, "--port", url)
        assert steps["reset"] == "ok"
        began = "It began anew, and answers." if resets else "It went on as before, and answers."
        assert found["steps"][2]["said"] == began

    def test_wrong_bytes_end_the_way_and_are_kept(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with terminal(Board(items_of(UNO), bytes(10))) as port:
            found, steps = self.saved(tmp_path / "board.json", 1, "--port", port)
        assert steps == {"hello": "ok", "images": "wrong"}
        assert found["images"] is not None
        assert found["images"]["mismatched_bytes"] == 80
        assert "The step 'images' went wrong: 80 of 80 bytes" in capsys.readouterr().err

    def test_a_board_that_is_silent_leaves_a_file_that_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("glyphite.host.device.session.TIMEOUT", 0.2)
        with terminal() as port:
            found, steps = self.saved(tmp_path / "board.json", 1, "--port", port)
        assert steps == {"hello": "wrong"}
        assert found["steps"][0]["said"].startswith("The board on PORT is silent")
        assert found["device"] is None
        assert found["images"] is None

    def test_a_model_that_is_not_here_cannot_be_judged(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        items = items_of(UNO) | {4: bytes(32)}
        with terminal(Board(items, bytes(10))) as port:
            words = ["doctor", "--port", port, "--save", str(tmp_path / "board.json")]
            assert main(words) == 2
        assert "none of that SHA-256 can be named here." in capsys.readouterr().err


def test_a_sentence_is_made_impersonal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    home = Path.home()
    text = f"The line to /dev/ttyACM0 broke: {home}/x/y, /srv/ada/secret/log.txt of ada, adapter."
    assert impersonal(text, "/dev/ttyACM0") == (
        "The line to PORT broke: FOLDER/y, FOLDER/log.txt of USER, adapter."
    )
