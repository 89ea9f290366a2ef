"""Transports: real serial ports, and emulated boards as pyserial URLs (``sim://native``).

Importing this package registers the URLs with pyserial, so that ``serial.serial_for_url`` knows
them too.
"""

import serial

from glyphite.host.device.transport.ports import EMULATED, open_port

__all__ = ["EMULATED", "open_port"]

if __name__ not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(__name__)
