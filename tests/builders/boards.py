"""The boards of a kind, found by their files, so that a new one is tested without being listed."""

from glyphite.convert.boards import all_boards

CORTEX_M = [board.name for board in all_boards() if board.toolchain.port == "mps2"]
