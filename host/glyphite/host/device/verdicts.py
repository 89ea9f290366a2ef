"""What is said of a board that is there and does not answer as it should."""

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


def restarts(url: str, times: int, text: str) -> str:
    """It restarts whenever it computes, and prints ``text``."""
    printed = f" It prints {text!r}." if text else ""
    return (
        f"The board on {url} restarts while it computes: it said hello {times} times, its count of "
        f"inferences began again, and no inference was answered.{printed} Look at its watchdog, "
        "stack and power."
    )


def unanswered(url: str, seconds: float, board: Hello) -> str:
    """It says hello, and no request was answered for so many seconds."""
    said = (
        f"The board on {url} said hello, and no inference was answered in {seconds:g} s. Check "
        "cable and baud rate, reset the board, and try again."
    )
    if board.inferences:
        return said
    return (
        f"{said} Its count of inferences is 0: if it restarts whenever it computes, look at its "
        "watchdog, stack and power."
    )
