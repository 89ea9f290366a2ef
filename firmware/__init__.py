"""The C side, shipped as data: board files, the Arduino library, ports. No Python in here."""
