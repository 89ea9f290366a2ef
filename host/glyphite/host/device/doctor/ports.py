"""Looks at serial ports from outside: who may open them, and who has."""

import getpass
import os
import re
import stat
import sys
from pathlib import Path

from glyphite.convert.text import command
from glyphite.host.device.doctor.check import Check, State
from glyphite.host.device.doctor.installs import as_root
from glyphite.host.device.found_ports import FoundPort
from glyphite.host.device.transport.ports import GLYPHITE, find_holder

RULES = "/etc/udev/rules.d/60-glyphite.rules"
"""Behind systemd's 50 and before its 73, which gives devices to who sits at the PC."""
TO_GROUP = stat.S_IRGRP | stat.S_IWGRP
MODEM_MANAGER = "ModemManager"
"""It asks each new serial port whether it is a modem."""


def listed(ports: list[FoundPort]) -> list[Check]:
    """A line on each port of this PC."""
    if not ports:
        return [Check("ports", "ports", State.SKIPPED, "none found")]
    return [_line(port) for port in ports]


def _line(port: FoundPort) -> Check:
    refused = permission(port.device, port.usb_id)
    usb_id = f", USB id {port.usb_id}" if port.usb_id else ""
    if not refused.is_bad:
        return Check("ports", port.device, State.OK, f"{port}{usb_id}")
    found = f"{port}{usb_id}. {refused.found}"
    return Check("ports", port.device, State.ABSENT, found, refused.mend)


def permission(device: str, usb_id: str | None = None) -> Check:
    """Whether this user may read and write ``device``, and else what lets it: a group or a rule."""
    name = "permission"
    if sys.platform == "win32":
        return Check("board", name, State.OK, "Windows lets every user open it")
    try:
        found = os.stat(device)  # noqa: PTH116 - a name that no file can have is no error of Path's
    except (OSError, ValueError):
        return Check("board", name, State.SKIPPED, f"no file is called {device}")
    if os.access(device, os.R_OK | os.W_OK):
        return Check("board", name, State.OK, "you may read and write it")
    group = _group_of(device)
    if sys.platform != "linux" or found.st_mode & TO_GROUP != TO_GROUP or group in ("", "root"):
        mend = _rule(device, usb_id)
        told = "You may not open it, and there is no group that you could join."
        return Check("board", name, State.WRONG, told, mend)
    if _is_member(group):
        told = f"You are of the group {group}, and were not when you logged in: do so again."
        return Check("board", name, State.WRONG, told, f"newgrp {group}")
    told = f"You are not of the group {group}, which may open it. Then log in again."
    mend = as_root(f"usermod -aG {group} $USER")
    return Check("board", name, State.WRONG, told, mend)


def _rule(device: str, usb_id: str | None) -> str:
    """The command that lets who sits at the PC open that kind of board."""
    if usb_id is None or sys.platform != "linux":
        return as_root(command("chmod", "a+rw", device))
    vendor, _, product = usb_id.partition(":")
    rule = (
        f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}", '
        'MODE="0660", TAG+="uaccess"'
    )
    return (
        f"echo '{rule}' | {as_root(f'tee {RULES}')} && {as_root('udevadm control --reload')} && "
        f"{as_root('udevadm trigger')}"
    )


def _group_of(device: str) -> str:
    try:
        return Path(device).group()
    except (KeyError, OSError, NotImplementedError):
        return ""


def _is_member(group: str) -> bool:
    """Whether the list of groups has this user, as the running session may not yet."""
    if sys.platform == "win32":
        return False
    import grp

    try:
        return getpass.getuser() in grp.getgrnam(group).gr_mem
    except (KeyError, OSError):
        return False


def use(device: str) -> Check:
    """Who else has ``device`` open, where the system tells."""
    name = "in use"
    holder = find_holder(device)
    if holder is not None and holder.startswith(f"{GLYPHITE} "):
        said = f"by {holder}: wait until it ends, or stop it with Ctrl-C where it runs"
        return Check("board", name, State.WRONG, said)
    if holder is not None:
        return Check("board", name, State.WRONG, f"by {holder}", _end(holder))
    if not Path("/proc/self/fd").is_dir():
        return Check("board", name, State.SKIPPED, "this system does not tell")
    return Check("board", name, State.OK, "by no program that you may see")


def _end(holder: str) -> str:
    if holder.startswith(MODEM_MANAGER):
        return as_root(f"systemctl stop {MODEM_MANAGER}")
    number = re.search(r"\(process (\d+)\)$", holder)
    return f"kill {number[1]}" if number else ""
