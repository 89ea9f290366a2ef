"""Whether the times that a board tells are believed."""

from glyphite.convert.boards import known_board
from glyphite.host.device.transport import is_emulated
from glyphite.host.device.wire.messages import Answer, Hello

SLACK, SLACK_SECONDS = 1.02, 0.001
"""How much longer than on this PC's clock a run may take by the board's, whose rate is its own."""


def doubt(url: str, hello: Hello, answers: list[Answer]) -> str:
    """Why the times of a board's answers cannot be, as a sentence; empty where they may be right.

    An emulated board's time is not this PC's, so they are not compared.
    """
    if not hello.timer_hz:
        return ""
    board = known_board(hello.board)
    if board is not None and hello.timer_hz != board.mcu.timer_hz:
        return (
            f"The board's times are left out: it says that its timer has {hello.timer_hz:,} ticks "
            f"a second, and that of {board.name!r} has {board.mcu.timer_hz:,}."
        )
    if not any(answer.ticks for answer in answers):
        return "The board's times are left out: its timer counted no tick in any run."
    if is_emulated(url):
        return ""
    for answer in answers:
        if answer.seconds > SLACK * answer.wall + SLACK_SECONDS:
            return (
                f"The board's times are left out: by its timer a run took {answer.seconds:.3g} s, "
                f"and its answer was here after {answer.wall:.3g} s."
            )
    return ""
