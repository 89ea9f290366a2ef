"""Transports: real serial ports, and as pyserial URLs emulated boards (``sim://native``) and bad
lines to either (``fault://sim://native?flip=0.01``).

Importing this package registers the URLs with pyserial, so that ``serial.serial_for_url`` knows
them too.
"""

import serial

from glyphite.host.device.transport.ports import (
    EMULATED,
    has_no_baud,
    is_emulated,
    is_network,
    line_baud,
    open_port,
)

__all__ = ["EMULATED", "has_no_baud", "is_emulated", "is_network", "line_baud", "open_port"]

if __name__ not in serial.protocol_handler_packages:
    serial.protocol_handler_packages.append(__name__)
