"""The client of MLPerf Tiny's protocol, whatever a board answers."""

import pytest
import serial

from glyphite.convert.errors import LinkError
from glyphite.host.cli import main
from glyphite.host.measure import mlperf
from glyphite.host.measure.mlperf import Device, Performance

Out = pytest.CaptureFixture[str]


class Scripted:
    """A port whose board answers each command with the next of some texts."""

    port = "loop"
    timeout = 0.0

    def __init__(self, *answers: bytes, rest: bytes = b"") -> None:
        self.answers, self.rest = iter(answers), rest
        self.waiting = b""
        self.sent: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.sent.append(data)
        self.waiting += next(self.answers, self.rest)

    def read(self, size: int) -> bytes:
        if self.waiting == b"gone":
            raise serial.SerialException("device disconnected")
        taken, self.waiting = self.waiting[:size], self.waiting[size:]
        return taken


def device(*answers: bytes, rest: bytes = b"") -> Device:
    return Device(Scripted(*answers, rest=rest))  # type: ignore[arg-type]


NAME = b"m-name-dut-[x]\r\nm-ready\r\n"
PROFILE = b"m-profile-[p]\r\nm-model-[y]\r\nm-ready\r\n"
LAPS = b"m-lap-us-5\r\nm-lap-us-9\r\n"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LINE_SECONDS", "RUN_SECONDS", "GREETING_SECONDS"):
        monkeypatch.setattr(mlperf, name, 0.05)
    monkeypatch.setattr(Device.command, "__defaults__", (0.05,))


@pytest.mark.parametrize(
    "answers",
    [
        (NAME, PROFILE),
        (b"", b"m-init-done\r\nm-ready\r\n" + NAME, PROFILE),
        (b"\xff\x00noise\r\n\0m-ready\r\n", NAME, PROFILE),
    ],
)
def test_a_board_is_greeted_whatever_it_said_before(
    answers: tuple[bytes, ...], impatient: None
) -> None:
    board = device(*answers)
    board.greet()
    assert (board.name, board.model) == ("x", "y")


def test_a_board_that_does_not_speak_the_protocol_is_given_up(impatient: None) -> None:
    with pytest.raises(LinkError) as caught:
        device(rest=b"\0\x01\x02\0").greet()
    assert str(caught.value) == (
        "The board at loop does not answer as MLPerf Tiny's protocol asks. Build its firmware with "
        "`glyphite build MODEL --board BOARD --protocol mlperf`."
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "said nothing for 0.05 s behind 'infer 1 0'. Check cable and baud rate, and reset"),
        (b"m-warmup-start-0\r\n", "said nothing for 0.05 s behind 'infer 1 0'."),
        (b"e-[No \x1b[31mway]\r\nm-ready\r\n", "refuses 'infer': No "),
        (b"m-ready\r\n", "gave no times and results behind 'infer'."),
        (LAPS + b"m-results-[1.0,x]\r\nm-ready\r\n", "gave no times and results behind 'infer'."),
        (LAPS[:12] + b"m-results-[1.0]\r\nm-ready\r\n", "gave no times and results"),
        (LAPS + b"m-results-[]\r\nm-ready\r\n", "gave no times and results behind 'infer'."),
        (b"x" * 5000, "sends a line without end. Reset it."),
        (b"x\n" * 50, "sends lines without end. Reset it."),
        (b"gone", "The port loop is gone. Connect the board, then try again."),
    ],
)  # fmt: skip
def test_a_board_that_answers_wrongly_is_told_of(
    answer: bytes, said: str, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mlperf, "MOST_LINE_BYTES", 1000)
    monkeypatch.setattr(mlperf, "MOST_LINES", 20)
    with pytest.raises(LinkError) as caught:
        device(answer).infer()
    assert said in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_an_input_that_did_not_come_is_told_of(impatient: None) -> None:
    with pytest.raises(LinkError, match="did not say that the input had come"):
        device(rest=b"m-ready\r\n").load(bytes(40))


def test_results_of_another_length_are_told_of(impatient: None) -> None:
    load = (b"m-[]\r\nm-ready\r\n", b"m-load-done\r\nm-ready\r\n")
    answers = [LAPS + f"m-results-[{text}]\r\nm-ready\r\n".encode() for text in ("1,2", "1")]
    board = device(*load, answers[0], *load, answers[1])
    with pytest.raises(LinkError, match="gave now 2 results for an input, now 1"):
        mlperf.results_of(board, [b"a", b"b"])


def test_a_window_is_as_long_as_is_asked_by_the_mean_of_the_two_clocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of a board whose clock tells half of the time that passes."""

    class Slow(Device):
        def load(self, data: bytes) -> None:
            pass

    times = {1: (0.004, 0.008), 4: (0.016, 0.032), 16: (0.064, 0.128), 64: (0.256, 0.512),
             256: (1.024, 2.048)}  # fmt: skip
    monkeypatch.setattr(mlperf, "_timed", lambda _, runs: times[runs])
    assert mlperf.runs_of(Slow(Scripted()), b"", 12.0) == 2122  # type: ignore[arg-type]
    monkeypatch.setattr(mlperf, "_timed", lambda _, runs: (14.0 * runs, 14.0 * runs))
    assert mlperf.runs_of(Slow(Scripted()), b"", 12.0) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seconds", "waited", "valid"),
    [(12.0, 14.0, True), (9.9, 14.0, False), (12.0, 30.1, False)],
)
def test_windows_are_valid_by_either_clock(seconds: float, waited: float, valid: bool) -> None:
    performance = Performance(24, 5 * (seconds,), 5 * (waited,))
    assert performance.is_valid is valid
    assert performance.per_second == pytest.approx(24 / seconds)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "1e9", "x"])
def test_a_time_that_cannot_be_is_refused(text: str, capsys: Out) -> None:
    with pytest.raises(SystemExit):
        main(["mlperf", "uno", "--window-seconds", text])
    assert "is no time: 0.01 to 3600 s is." in capsys.readouterr().err
