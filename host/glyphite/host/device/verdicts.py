"""What is said of a board that is there and does not answer as it should."""

from glyphite.host.device.pipeline import Trouble
from glyphite.host.device.wire.messages import Hello
from glyphite.host.device.wire.protocol import Status

_REFUSALS = {
    Status.WRONG_SIZE: "says that the tensor's size is not its model's. Flash the right model",
    Status.UNKNOWN_ENCODING: "cannot decode this encoding of the tensor. Flash current firmware",
    Status.NOT_READY: "could not set its model up, so its arena is too small. "
    "Build the firmware again with a larger arena",
    Status.FAILED: "ran its model and got no output. Build the firmware again",
}


def refusal(url: str, board: Hello, status: int) -> str:
    """It refuses a request with a status that no repeat changes."""
    reason = "refused with an unknown status"
    if status in _REFUSALS:
        reason = _REFUSALS[Status(status)]
    if status == Status.NOT_READY and board.remark:
        reason = (
            f"could not set its model up ({board.remark}). What it prints when it starts, "
            "as in Arduino's serial monitor, says what mends it"
        )
    return f"The board on {url} {reason} (status {status})."


def restarts(url: str, times: int, text: str, *, again: bool) -> str:
    """It restarts whenever it computes, and prints ``text``; ``again``: its count of inferences
    went back, which is certain."""
    printed = f" It prints {text!r}." if text else ""
    if again:
        return (
            f"The board on {url} restarts while it computes: it said hello {times} times, its "
            f"count of inferences began again, and no inference was answered.{printed} Look at its "
            "watchdog, stack and power."
        )
    return (
        f"The board on {url} prints text instead of an answer, {times} times in a row, and says "
        f"hello afterwards.{printed} It may restart while it computes: look at its watchdog, stack "
        "and power."
    )


def another_length(url: str, found: str) -> str:
    """It answers with another number of bytes than its model's; ``found``: how many, and the right
    one."""
    return f"The board on {url} answered with {found}. Build its firmware again, and flash it."


def another_input(url: str, saw: int, sent: int) -> str:
    """It computes another tensor than it was sent, by their CRCs."""
    return (
        f"The board on {url} saw another input than was sent (CRC {saw:08x}, not {sent:08x}). Its "
        "firmware writes the tensor to the wrong place: build and flash it again."
    )


def unanswered(url: str, seconds: float, ran: int, trouble: Trouble) -> str:
    """It says hello, and no request was answered for so many seconds; ``ran``: how many inferences
    are known of, ``trouble``: the last."""
    if trouble is Trouble.CORRUPT:
        return (
            f"What is sent to the board on {url} arrives damaged: no inference was answered in "
            f"{seconds:.3g} s. Check cable and baud rate, and try again."
        )
    said = (
        f"The board on {url} said hello, and no inference was answered in {seconds:.3g} s. Check "
        "cable and baud rate, reset the board, and try again."
    )
    if ran:
        return said
    return (
        f"{said} Its count of inferences is 0: if it restarts whenever it computes, look at its "
        "watchdog, stack and power."
    )
