"""What ``glyphite doctor`` finds of tools, ports and boards, and the command that mends it."""

import os
import shlex
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from glyphite.convert.errors import PortError
from glyphite.convert.progress import ignore_progress
from glyphite.host.device.doctor import installs, line, ports, tools
from glyphite.host.device.doctor.check import Check, State
from glyphite.host.device.found_ports import FoundPort
from glyphite.host.device.transport import avr
from glyphite.host.device.transport.ports import _verb
from glyphite.host.device.wire.frame import encode_frame, encode_old_frame
from glyphite.host.device.wire.messages import Hello
from glyphite.host.device.wire.protocol import Item
from tests.builders.hostile import hello, terminal, text

PYTHON = sys.executable
UNO = FoundPort("/dev/ttyACM0", "an Uno", "2341:0043", "A1", ("uno",))
HELLO: dict[int, bytes] = {
    Item.FIRMWARE: text("Glyphite 9"),
    Item.BOARD: text("uno"),
    Item.MODEL_NAME: text("net"),
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "HELLO_SECONDS", 0.3)
    monkeypatch.setattr(line, "OTHER_SECONDS", 0.05)
    monkeypatch.setattr("glyphite.host.device.bootloader.ASK_SECONDS", 0.05)
    monkeypatch.setattr(sys, "executable", "/venv/python")


def named(checks: list[Check], name: str) -> Check:
    (found,) = [check for check in checks if check.name == name]
    return found


class TestTools:
    def test_each_absent_tool_has_the_command_that_installs_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("ARDUINO_DIRECTORIES_DATA", str(tmp_path))
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setattr(avr, "HEADER", tmp_path / "none")
        monkeypatch.setattr(installs, "installs", lambda packages: f"get {packages.apt}")
        monkeypatch.setattr("glyphite.host.device.c_compiler.find_spec", lambda _: None)
        checks = tools.tool_checks()
        assert {check.state for check in checks} == {State.ABSENT}
        assert named(checks, "avrdude").mend == "get avrdude"
        assert named(checks, "C compiler").mend == "/venv/python -m pip install ziglang"
        assert named(checks, "other cores").mend == "glyphite boards"
        assert all(check.mend and not check.needed for check in checks)

    @pytest.mark.parametrize(
        ("script", "said"),
        [
            ("kill -SEGV $$", "avrdude: it was ended by SIGSEGV"),
            (None, "cannot be started (Exec format error)"),
            ("echo 'avrdude: Version 6.3-20171130'; exit 1", "6.3, "),
        ],
    )
    def test_a_tool_is_started_to_see_whether_it_runs(
        self, script: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        program = tmp_path / "avrdude"
        program.write_text(f"#!/bin/sh\n{script}\n" if script else "\0no program")
        program.chmod(0o755)
        monkeypatch.setattr(tools, "find_tool", lambda _: str(program))
        found = tools._program("avrdude", "-v", installs.AVRDUDE, "boards")
        assert said in found.found
        assert found.state == (State.OK if said == "6.3, " else State.WRONG)

    def test_a_package_that_cannot_be_loaded_is_wrong(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(_: str) -> None:
            raise ImportError("libstdc++.so.6: version `GLIBCXX_3.4.30' not found")

        monkeypatch.setattr(tools, "import_module", refuse)
        found = named(tools.package_checks(), "ai-edge-litert")
        assert (found.state, found.needed) == (State.WRONG, True)
        assert "cannot be loaded: libstdc++.so.6: version" in found.found
        assert found.mend == "/venv/python -m pip install --force-reinstall ai-edge-litert"

    def test_absent_packages_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tools, "_version", lambda _: "")
        checks = tools.package_checks()
        assert [check.needed for check in checks] == [True, False, False]
        assert "glyphite[train]" in shlex.split(checks[2].mend) or ".[train]" in checks[2].mend
        monkeypatch.setattr("platform.machine", lambda: "arm64")
        found = named(tools.package_checks(), "tflite-micro")
        assert (found.state, found.mend) == (State.SKIPPED, "")

    @pytest.mark.parametrize(
        ("manager", "command"),
        [
            ("apt-get", "apt-get install qemu-system-arm"),
            ("brew", "brew install qemu"),
            ("winget", "winget install SoftwareFreedomConservancy.QEMU"),
            ("none", ""),
        ],
    )
    def test_the_command_is_that_of_the_system_s_package_manager(
        self, manager: str, command: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("shutil.which", lambda name, path=None: name == manager or None)
        monkeypatch.setattr(os, "geteuid", lambda: 0)
        assert installs.installs(installs.QEMU) == command
        assert bool(installs.by_hand(installs.QEMU)) == (manager == "none")
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        assert installs.as_root("x") == "sudo x"


class TestPorts:
    @pytest.fixture
    def device(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """One that this user may not open, and the group `dialout` may."""
        path = tmp_path / "ttyACM0"
        path.touch()
        path.chmod(stat.S_IRUSR | ports.TO_GROUP)
        monkeypatch.setattr(os, "access", lambda *_: False)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        monkeypatch.setattr(ports, "_group_of", lambda _: "dialout")
        monkeypatch.setattr(ports, "_is_member", lambda _: False)
        return path

    def test_the_group_to_join_is_named(self, device: Path) -> None:
        found = ports.permission(str(device))
        assert (found.state, found.mend) == (State.WRONG, "sudo usermod -aG dialout $USER")

    def test_who_has_joined_it_logs_in_again(
        self, device: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ports, "_is_member", lambda _: True)
        assert ports.permission(str(device)).mend == "newgrp dialout"

    def test_where_no_group_helps_there_is_a_rule_for_udev(self, device: Path) -> None:
        device.chmod(0o600)
        assert ports.permission(str(device), "2341:0043").mend == (
            """echo 'SUBSYSTEM=="tty", ATTRS{idVendor}=="2341", ATTRS{idProduct}=="0043", """
            """MODE="0660", TAG+="uaccess"' | sudo tee /etc/udev/rules.d/60-glyphite.rules && """
            "sudo udevadm control --reload && sudo udevadm trigger"
        )
        assert ports.permission(str(device)).mend == f"sudo chmod a+rw {device}"

    def test_a_port_that_may_be_opened_is_right(self, tmp_path: Path) -> None:
        assert ports.permission(os.devnull).state == State.OK
        assert ports.permission(str(tmp_path / "none")).state == State.SKIPPED

    def test_all_ports_are_listed_with_their_permission(self, device: Path) -> None:
        other = FoundPort(str(device), "a converter", "10c4:ea60")
        good, bad = ports.listed([UNO, other])
        assert good.found == "uno on /dev/ttyACM0 (serial:A1), USB id 2341:0043"
        assert bad.state == State.ABSENT
        assert bad.mend == "sudo usermod -aG dialout $USER"
        assert ports.listed([])[0].found == "none found"

    @pytest.mark.parametrize(
        ("holder", "mend"),
        [
            ("arduino-ide (process 812)", "kill 812"),
            ("ModemManager (process 7)", "sudo systemctl stop ModemManager"),
            ("another program", ""),
        ],
    )
    def test_who_holds_a_port_is_named(
        self, holder: str, mend: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ports, "find_holder", lambda _: holder)
        monkeypatch.setattr(os, "geteuid", lambda: 1000)
        found = ports.use("/dev/ttyACM0")
        assert (found.state, found.found, found.mend) == (State.WRONG, f"by {holder}", mend)

    def test_a_running_glyphite_that_holds_a_port_is_not_to_be_killed(self) -> None:
        """It may be a run of the user's own; it is known by what it was started as."""
        with (
            terminal() as path,
            subprocess.Popen(
                [PYTHON, "-m", "glyphite.host.cli", "monitor", "--listen", "--port", path],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            ) as run,
        ):
            end = time.monotonic() + 30
            while (found := ports.use(path)).state == State.OK and time.monotonic() < end:
                time.sleep(0.1)
            run.kill()
        assert (found.state, found.mend) == (State.WRONG, "")
        assert found.found == (
            f"by glyphite monitor (process {run.pid}): wait until it ends, or stop it with Ctrl-C "
            "where it runs"
        )

    @pytest.mark.parametrize(
        ("words", "verb"),
        [
            ("/v/bin/python /v/bin/glyphite stream seed", "stream"),
            ("python -m glyphite.host.cli stream", "stream"),
            ("glyphite.exe flash", "flash"),
            ("python -c glyphite stream", ""),
            ("picocom /dev/ttyACM0", ""),
            ("glyphite --version", ""),
        ],
    )
    def test_a_glyphite_is_known_by_its_command_line(self, words: str, verb: str) -> None:
        assert _verb(words.split()) == verb

    def test_a_port_that_nobody_holds_is_free(self) -> None:
        assert ports.use("/dev/ttyNONE7").state == State.OK


def asked(url: str, found: FoundPort | None = UNO) -> list[Check]:
    return line.line_checks(url, 115200, found, ignore_progress)


class TestLine:
    def test_a_board_that_answers_is_described(self) -> None:
        with terminal(lambda _: encode_frame(hello(HELLO))) as path:
            checks = asked(path)
        assert [(check.name, check.state) for check in checks] == [
            (name, State.OK) for name in ("baud rate", "program", "board", "protocol")
        ]
        assert named(checks, "program").found.startswith("Glyphite 9, and this is Glyphite ")
        told = named(checks, "protocol").told
        assert told is not None
        assert told.model_name == "net"

    def test_firmware_of_another_board_is_noticed(self) -> None:
        mega = FoundPort("COM4", "a Mega", "2341:0042", None, ("mega2560",))
        with terminal(lambda _: encode_frame(hello(HELLO))) as path:
            found = named(asked(path, mega), "board")
        assert found.found == "by its USB id it is mega2560, and its firmware was built for 'uno'"
        assert found.mend == "glyphite flash uno --board mega2560 --port COM4"

    def test_a_model_that_does_not_run_says_why(self) -> None:
        told = encode_frame(hello(HELLO | {Item.REMARK: text("arena too small")}))
        with terminal(lambda _: told) as path:
            found = named(asked(path), "model")
        assert (found.state, found.found) == (State.WRONG, "'net' does not run: arena too small")

    def test_firmware_of_another_protocol_is_flashed_anew(self) -> None:
        old = encode_old_frame(bytes([0x81, 1, 1, 32]) + text("Glyphite 0.0.1"))
        with terminal(lambda _: old) as path:
            found = named(asked(path), "protocol")
        assert "runs Glyphite 0.0.1 with protocol 1" in found.found
        assert found.mend == f"glyphite flash uno --board uno --port {path}"

    @pytest.mark.parametrize(
        ("found", "mend"),
        [
            (UNO, "glyphite flash uno --board uno --port {}"),
            (None, "glyphite boards"),
        ],
    )
    def test_another_sketch_is_known_by_what_it_prints(
        self, found: FoundPort | None, mend: str
    ) -> None:
        with terminal(idle=lambda: b"temperature 21\r\n") as path:
            checks = asked(path, found)
        program, baud = named(checks, "program"), named(checks, "baud rate")
        assert baud.found == "115200 bits a second, at which it prints text"
        assert program.state == State.WRONG
        assert program.found.startswith("another sketch, which prints '")
        assert "temperature 21" in program.found
        assert program.mend == mend.format(path)

    def test_a_bootloaders_answer_in_a_flood_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(line, "answering", lambda *_: "arduino")
        with terminal(idle=lambda: os.urandom(512)) as path:
            found = named(asked(path), "program").found
        assert "sends bytes, and they are not Glyphite's frames" in found

    @pytest.mark.parametrize("is_glyphite", [True, False])
    def test_a_wrong_baud_rate_is_found_out(
        self, is_glyphite: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A pseudo-terminal has none, so what is heard at each is told here."""
        told = line.Heard(9600, None, "", b"Draw a digit\r\n")
        if is_glyphite:
            told = line.Heard(9600, Hello(2, board="uno"), "", b"")
        mute = line.Heard(115200, None, "It sends bytes.", b"\xff\xfe\xff")
        monkeypatch.setattr(line, "open_port", lambda *_: Path(os.devnull).open())  # noqa: SIM115
        monkeypatch.setattr(line, "hear", lambda _, baud, __: told if baud == 9600 else mute)
        checks = asked("/dev/ttyACM0")
        baud = named(checks, "baud rate")
        if is_glyphite:
            assert baud.found == "9600 bits a second, and not 115200: name it with --baud"
            assert baud.mend == "glyphite doctor --port /dev/ttyACM0 --baud 9600"
        else:
            assert baud.found == "9600 bits a second, at which it prints text"
            assert "which prints 'Draw a digit'" in named(checks, "program").found

    @pytest.mark.parametrize(
        ("programmer", "said", "mend"),
        [
            ("arduino", "the bootloader of uno answers", "glyphite flash uno --board uno --port "),
            ("wiring", "the bootloader of mega2560", "glyphite flash uno --board mega2560 --port "),
            (None, "is silent: no answer to hello in 0.3 s.", ""),
        ],
    )
    def test_a_bootloader_alone_is_told_from_nothing(
        self, programmer: str | None, said: str, mend: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(line, "answering", lambda *_: programmer)
        with terminal() as path:
            (found,) = asked(path, None)
        assert said in found.found
        assert found.mend == (mend + path if mend else "")

    def test_a_port_that_cannot_be_opened_is_one_check(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PortError("No firmware was built. Build it with `glyphite build a --board b`.")

        monkeypatch.setattr(line, "open_port", refuse)
        (found,) = asked("sim://native")
        assert (found.state, found.mend) == (State.WRONG, "glyphite build a --board b")
