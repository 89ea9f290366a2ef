"""A time is shown with the clock that it is by, and an emulator's own is not shown at all."""

import os
import sys
from pathlib import Path

import pytest

from glyphite.host.measure.times import BOARD, PC, clock_at, duration
from tests.strict import absent


@pytest.mark.parametrize(
    ("port", "board", "clock"),
    [
        ("/dev/ttyACM0", "uno", BOARD),
        ("COM3", "mine", BOARD),
        ("socket://lab:5000", "uno", BOARD),
        ("sim://uno", "uno", None),
        ("sim://mine.toml", "mine", None),
        ("sim://cortex-m4", "cortex-m4", None),
        ("/dev/ttyACM0", "cortex-m4", None),  # its firmware's ticks are instructions
        ("sim://native", "native", PC),
        ("/dev/pts/7", "native", PC),
        ("/dev/pts/7", "uno", None),
        ("/dev/ttys003", "uno", None),
    ],
)
def test_only_a_board_and_this_pc_have_a_clock(port: str, board: str, clock: str | None) -> None:
    assert clock_at(port, board) == clock


def test_a_link_to_an_emulated_board_is_no_board(tmp_path: Path) -> None:
    if sys.platform == "win32":
        absent("Windows has no pseudo-terminals.")
    master, slave = os.openpty()
    (tmp_path / "board").symlink_to(os.ttyname(slave))
    assert clock_at(str(tmp_path / "board"), "uno") is None
    os.close(master)
    os.close(slave)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0842944, "84.3 ms"),
        (1.49, "1.49 s"),
        (12.34, "12.3 s"),
        (1234.5, "1,234 s"),
        (0.999_99, "1.00 s"),
        (0.000_999_9, "1.00 ms"),
        (0.009_996, "10.0 ms"),
        (0.000_021_3, "21.3 µs"),
        (0.000_000_04, "0.04 µs"),
        (0, "0.00 µs"),
    ],
)
def test_a_time_has_three_digits_and_its_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_times_of_one_column_have_one_unit() -> None:
    column = (0.000_999, 0.0213, 0.000_05)
    assert [duration(one, column) for one in column] == ["1.00 ms", "21.3 ms", "0.05 ms"]
    assert duration(0.000_4, [0.000_1]) == "400 µs"
