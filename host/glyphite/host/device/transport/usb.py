"""Finds a USB device again whose port has another name now, by its serial number.

Whoever unplugs a board and plugs it in again may find it at ttyACM1 where it was ttyACM0.
"""

import os
from dataclasses import dataclass

from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo


@dataclass(frozen=True)
class UsbDevice:
    """What tells a USB device from every other one that is connected."""

    vendor: int
    product: int
    number: str
    """Its serial number."""

    @property
    def names(self) -> list[str]:
        """Those of its ports that are there now."""
        return [port.device for port in list_ports.comports() if _device_of(port) == self]


def device_at(name: str) -> UsbDevice | None:
    """The device whose only port is called ``name``, or is linked to by that; None where it is none
    of USB, tells no serial number, or shares it with another."""
    if "://" in name:
        return None
    real = (name, os.path.realpath(name))
    found = next((port for port in list_ports.comports() if port.device in real), None)
    device = _device_of(found) if found is not None else None
    return device if device is not None and len(device.names) == 1 else None


def _device_of(port: ListPortInfo) -> UsbDevice | None:
    if port.vid is None or port.pid is None or not port.serial_number:
        return None
    return UsbDevice(port.vid, port.pid, port.serial_number)
