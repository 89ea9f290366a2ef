"""Boards: building and flashing firmware, the serial line, and the messages on it."""
