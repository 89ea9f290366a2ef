"""Streaming to an emulated board: real firmware, real serial line, every byte compared."""

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.errors import CheckFailedError, InputError, LinkError
from glyphite.convert.manifest import Manifest, TensorInfo
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main, stream_table
from glyphite.host.cli import stream as stream_cli
from glyphite.host.cli.stream_table import _rounded
from glyphite.host.device.session import connect
from glyphite.host.device.wire.messages import Answer, Hello
from glyphite.host.measure.by_board import BoardPart, Judge, board_name
from glyphite.host.measure.stream import Link, Streamed, stream
from glyphite.host.measure.stream_figures import RunningAccuracy, check, summarize
from glyphite.host.measure.times import BOARD, PC
from glyphite.host.measure.wire_use import BOUNDS, Wire, bound_of
from glyphite.host.runners.tflm import TflmRunner
from tests.builders.hostile import terminal
from tests.builders.truth import labelled

Flash = Callable[..., ModelFolder]
MANIFEST = Manifest(
    name="example",
    sha256="ab" * 32,
    input=TensorInfo((1, 2), "int8", 0.5, 0),
    output=TensorInfo((1, 3), "int8", 1 / 256, -128),
    labels=("a", "b", "c"),
)


def digits(folder: ModelFolder, count: int) -> NDArray[np.int8]:
    return Manifest.load(folder.manifest).quantize(load_mnist().test_images[:count])


def link_to(folder: ModelFolder, url: str = "sim://native", jobs: int = 1) -> Link:
    return Link(url, Manifest.load(folder.manifest).sha256, jobs=jobs)


def ignore(index: int, answer: Answer) -> None:
    """Told, and not listening."""


def test_the_board_answers_with_tflms_bytes(native: ModelFolder) -> None:
    tensors = digits(native, 200)
    streamed = stream(link_to(native), tensors, ignore)
    expected = TflmRunner(native.tflite).run(tensors)[0]
    np.testing.assert_array_equal(streamed.scores, expected)
    assert streamed.hello.board == "native"
    back = int(streamed.scores[0].nbytes) + 19  # of an answer, with its frame
    assert streamed.wire["received"] == 200 * back  # hello is none of the samples
    assert (streamed.seconds > 0).all()
    assert len(streamed.seconds) == len(streamed.ticks) == 200


def test_several_boards_share_the_images_and_keep_their_order(native: ModelFolder) -> None:
    tensors = digits(native, 31)
    seen: list[int] = []
    lock = threading.Lock()

    def told(index: int, answer: Answer) -> None:
        with lock:
            seen.append(index)

    alone = stream(link_to(native), tensors, ignore)
    together = stream(link_to(native, jobs=3), tensors, told)
    np.testing.assert_array_equal(together.scores, alone.scores)
    assert sorted(seen) == list(range(31))


def test_more_boards_than_images_are_not_started(native: ModelFolder) -> None:
    assert len(stream(link_to(native, jobs=5), digits(native, 2), ignore).scores) == 2


def test_an_error_with_one_board_stops_them_all(native: ModelFolder) -> None:
    told: list[int] = []

    def fail_once(index: int, answer: Answer) -> None:
        told.append(index)
        if len(told) == 5:
            raise LinkError("unplugged")

    with pytest.raises(LinkError, match="unplugged"):
        stream(link_to(native, jobs=2), digits(native, 4000), fail_once)
    assert len(told) < 100


def test_jobs_need_emulated_boards() -> None:
    with pytest.raises(InputError, match=r"--jobs 2 starts as many emulated boards, and COM3 is"):
        stream(Link("COM3", "", jobs=2), np.zeros((4, 2), np.int8), ignore)


def test_a_board_with_another_model_is_refused(native: ModelFolder) -> None:
    with pytest.raises(LinkError, match=r"holds another model: .*" + "0" * 64):
        stream(Link("sim://native", "0" * 64), digits(native, 1), ignore)


def test_a_board_is_a_runner_like_any_other(native: ModelFolder) -> None:
    tensors, steps = digits(native, 20), list[int]()
    with connect("sim://native") as session:
        scores = session.run(tensors, progress=steps.append)[0]
    np.testing.assert_array_equal(scores, TflmRunner(native.tflite).run(tensors)[0])
    assert sum(steps) == 20


def wire_of(
    sent: int, waited: float, *, images: int = 4, seconds: float = 2.0, late: int = 0
) -> Wire:
    repeats = {"no answer in time": late} if late else {}
    return Wire(
        images=images,
        seconds=seconds,
        sent=sent,
        received=1200,
        waited_seconds=waited,
        delayed_seconds=0.0,
        repeats=repeats,
        earlier_repeats={},
    )


WIRE = wire_of(8000, 1.5, late=3)


def test_a_long_wait_is_foretold_of_boards_whose_cycles_are_known(
    native: ModelFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run of 0.2 ms on this PC was said to take 5 s: its cycles are modelled of no processor."""
    monkeypatch.setattr(stream_cli, "patience", lambda _: lambda _: 5.0)
    for board, said in (("native", ""), ("uno", "An inference will take about 5 s by the model")):
        assert stream_cli._foretold(native)(Hello(1, "firmware 1", board)) == 5.0
        told = capsys.readouterr().err
        assert (said in told) if said else not told


class TestFigures:
    """What stream.json says."""

    SCORES = np.array([[9, 0, 0], [0, 9, 0], [0, 0, 9], [9, 8, 7]], np.int8)
    LABELS = np.array([0, 1, 2, 2], np.uint8)

    def streamed(self, board: str = "cortex-m4", seconds: float = 0.002) -> Streamed:
        times = np.array([seconds, seconds, seconds, 2 * seconds])
        ticks = np.array([10, 20, 30, 40])
        return Streamed(
            Hello(1, "firmware 1", board, timer_hz=1_000_000), self.SCORES, times, ticks, 2.0, WIRE,
            timed_by=BOARD,
        )  # fmt: skip

    def summary(self, streamed: Streamed, reference: NDArray[np.int8]) -> dict[str, object]:
        link = Link("sim://cortex-m4", MANIFEST.sha256)
        judge = Judge("int8_tflm", reference, labelled(self.LABELS))
        return dict(summarize(MANIFEST, link, streamed, judge))

    def test_count_accuracy_differences_and_time(self) -> None:
        reference = self.SCORES.copy()
        reference[1] = [1, 9, -5]
        figures = self.summary(self.streamed(), reference)
        assert (figures["correct"], figures["accuracy"], figures["images"]) == (3, 0.75, 4)
        assert figures["mismatched_bytes"] == 2
        assert figures["mismatched_images"] == 1
        assert figures["largest_difference"] == 5
        assert figures["scores"] == 12
        assert figures["images_per_second"] == 2.0
        assert figures["retries"] == 3
        assert (figures["wire"], figures["bound_by"]) == (WIRE, "emulator")
        assert figures["seconds_per_image"] == {"mean": 0.0025, "min": 0.002, "max": 0.004}
        assert figures["timed_by"] == BOARD
        emulated = self.summary(replace(self.streamed(), timed_by=None), self.SCORES)
        assert emulated["seconds_per_image"] is emulated["timed_by"] is None

    def test_are_bounded_by_no_wire_where_a_board_is_on_pipes(self) -> None:
        parts = tuple(
            BoardPart(port, 1, "uno", Hello(1, "firmware 1", "uno"), WIRE)
            for port in ("COM3", "sim://uno")
        )
        busy = wire_of(20_000, 4.0)
        for chosen, bound in ((parts, "board"), (parts[:1], "wire"), (parts[1:], "emulator")):
            by = np.array([0, 0, 0, len(chosen) - 1], np.uint16)
            streamed = replace(self.streamed("uno"), wire=busy, parts=chosen, by=by)
            figures = self.summary(streamed, self.SCORES)
            assert figures["bound_by"] == bound
            assert (figures["seconds_per_image"] is None) or len(chosen) == 1

    def test_are_bounded_by_delays_where_a_bad_line_kept_an_emulated_board_idle(self) -> None:
        """It was bounded by the emulated board."""
        for idle, bound in ((0.5, "emulator"), (1.5, "delays")):
            slow = wire_of(800, 1.9)
            slow["delayed_seconds"] = idle
            part = BoardPart("fault://sim://uno", 1, "uno", Hello(1, "f", "uno"), slow)
            streamed = replace(self.streamed("uno"), wire=slow, parts=(part,), timed_by=None)
            assert self.summary(streamed, self.SCORES)["bound_by"] == bound

    def test_are_bounded_by_no_wire_where_the_port_is_a_pseudo_terminal(self) -> None:
        """It has no baud rate: bytes come as fast as the other program sends them."""
        busy = wire_of(10**6, 4.0)
        with terminal() as path:
            part = BoardPart(path, 1, "uno", Hello(1, "firmware 1", "uno"), busy, timed_by="uno")
            for own, bound in ((0.4, "board"), (0.001, "delays")):  # of 2 s, as the board says
                streamed = replace(self.streamed("uno", own), wire=busy, parts=(part,))
                assert self.summary(streamed, self.SCORES)["bound_by"] == bound

    def test_more_than_a_baud_rate_carries_is_of_no_line_with_one(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """It was 222 % of 115,200 baud, over TCP, and bounded by the wire."""
        busy = wire_of(10**5, 1.5)
        for port, line in (
            ("socket://lab:7", "no baud rate: network"),
            ("COM3", "no baud rate: faster than 115,200"),
            ("fault://sim://uno?baud=600000", "83 % of 600,000 baud"),
        ):
            part = BoardPart(port, 1, "uno", Hello(1, "firmware 1", "uno"), busy)
            streamed = replace(self.streamed("uno"), wire=busy, parts=(part,))
            figures = summarize(
                MANIFEST,
                Link(port, MANIFEST.sha256),
                streamed,
                Judge("int8_tflm", self.SCORES, labelled(self.LABELS)),
            )
            assert figures["bound_by"] == ("wire" if "%" in line else "board")
            stream_table.show(figures, ModelFolder(Path("digits"), Path("digits.tflite")), 0.0)
            rows = [" ".join(row.replace("│", " ").split())
                    for row in capsys.readouterr().out.splitlines()]  # fmt: skip
            assert f"the line {line}" in rows

    def test_are_bounded_by_delays_where_this_pc_is_the_board_and_had_little_to_compute(
        self,
    ) -> None:
        slow = wire_of(3000, 1.5, images=2)
        part = BoardPart("sim://native", 1, "native", Hello(1, "f", "native"), slow, timed_by=PC)
        for own, doubt, bound in (
            (0.001, "", "delays"),
            (0.4, "", "board"),  # of 2 s, for 2 of 4 images since it was resumed
            (0.3, "", "delays"),
            (0.001, "odd", "emulator"),
        ):
            streamed = replace(
                self.streamed("native", own), wire=slow, parts=(replace(part, doubt=doubt),)
            )
            assert self.summary(streamed, self.SCORES)["bound_by"] == bound

    def test_of_the_line_are_of_what_passed_since_the_run_was_resumed(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        since = wire_of(2880, 0.2, images=1, seconds=0.25)
        part = BoardPart("COM3", 1, "uno", Hello(1, "firmware 1", "uno"), since, doubt="resumed")
        streamed = replace(self.streamed("uno"), wire=since, parts=(part,))
        figures = summarize(
            MANIFEST,
            Link("COM3", MANIFEST.sha256),
            streamed,
            Judge("int8_tflm", self.SCORES, labelled(self.LABELS)),
        )
        assert (figures["bound_by"], figures["images_per_second"]) == ("wire", 2.0)
        stream_table.show(figures, ModelFolder(Path("digits"), Path("digits.tflite")), 0.0)
        rows = [" ".join(row.replace("│", " ").split())
                for row in capsys.readouterr().out.splitlines()]  # fmt: skip
        assert "images since it was resumed 1, of which:" in rows
        assert "an image on the wire 2,880 B to the board, 1,200 back" in rows
        assert "the line 100 % of 115,200 baud" in rows
        figures["wire"] = wire_of(0, 0.0, images=0, seconds=0.0)
        assert bound_of(figures["wire"], jobs=1, baud=115200, computing=0.0) in BOUNDS
        stream_table.show(figures, ModelFolder(Path("digits"), Path("digits.tflite")), 0.0)
        assert "all answers were there" in capsys.readouterr().out

    def test_give_instructions_only_where_the_boards_timer_counts_them(self) -> None:
        figures = self.summary(self.streamed("cortex-m4"), self.SCORES)
        assert figures["instructions_per_image"] == 25 * 40
        for board in ("native", "home-made"):
            figures = self.summary(self.streamed(board), self.SCORES)
            assert figures["instructions_per_image"] is None

    def test_give_no_time_where_the_board_cannot_tell(self) -> None:
        figures = self.summary(self.streamed(seconds=float("nan")), self.SCORES)
        assert figures["seconds_per_image"] is None
        json.dumps(figures, allow_nan=False)

    def test_a_board_with_a_wild_name_cannot_write_elsewhere(self) -> None:
        assert board_name(Hello(1, board="../../etc")) == "------etc"
        assert board_name(Hello(1)) == "board"

    def test_the_running_accuracy_counts_right_answers(self) -> None:
        running = RunningAccuracy(MANIFEST, labelled(self.LABELS))
        shares = [
            running.add(index, Answer((scores,), 0, 0.0, 0))
            for index, scores in enumerate(self.SCORES)
        ]
        assert shares == [1.0, 1.0, 1.0, 0.75]


class TestCommand:
    """``glyphite stream``."""

    def test_streams_and_writes_what_it_found(
        self, native: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["stream", "--port", "sim://native", "--count", "50", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        folder = native.board("native")
        assert printed.pop("calibrated_on") == "MNIST"
        assert printed == json.loads((folder / "stream.json").read_text())
        assert (printed["board"], printed["images"]) == ("native", 50)
        assert printed["mismatched_bytes"] == 0
        with np.load(folder / "stream.npz") as packed:
            assert packed["scores"].shape == (50, 10)
        report = json.loads((native.root / "report.json").read_text())
        assert report["accuracy"]["board"] == printed["accuracy"]
        assert report["board"]["name"] == "native"

    @pytest.mark.usefixtures("native")
    def test_prints_a_table_for_people(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["stream", "seed", "--port", "sim://native", "--count", "20"]) == 0
        printed = " ".join(capsys.readouterr().out.split())
        for text in (
            "seed on native (sim://native)",
            "bytes that differ from TFLM │ 0 of 200",
            "images a second",
            "time on this PC, mean",
        ):
            assert text in printed

    def test_streams_to_an_emulated_cortex_m4(
        self, flash: Flash, capsys: pytest.CaptureFixture[str]
    ) -> None:
        flash("cortex-m4")
        port = "sim://cortex-m4"
        assert main(["stream", "--port", port, "--count", "20", "--jobs", "2", "--json"]) == 0
        printed = json.loads(capsys.readouterr().out)
        assert printed["board"] == "cortex-m4"
        assert printed["mismatched_bytes"] == 0
        assert printed["instructions_per_image"] > 1_000_000
        assert printed["seconds_per_image"] is printed["timed_by"] is None

    def test_exits_with_1_where_a_byte_differs(
        self, flash: Flash, capsys: pytest.CaptureFixture[str]
    ) -> None:
        seed = flash("native", tampered=True)
        assert main(["stream", "--port", "sim://native", "--count", "20"]) == 1
        captured = capsys.readouterr()
        assert "native differs from TensorFlow Lite Micro in" in captured.err
        figures = json.loads((seed.board("native") / "stream.json").read_text())
        assert figures["mismatched_bytes"] == figures["mismatched_images"] == 20
        assert figures["largest_difference"] == 1

    @pytest.mark.usefixtures("seed")
    def test_a_port_that_does_not_exist_is_one_sentence(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["stream", "--port", "/dev/ttyNOTHERE", "--count", "5"]) == 2
        error = capsys.readouterr().err
        assert error.startswith("glyphite stream: There is no port /dev/ttyNOTHERE.")
        assert error.count("\n") == 1


def test_check_names_what_differs() -> None:
    figures = TestFigures()
    reference = figures.SCORES.copy()
    reference[0, 0] = 2
    summary = figures.summary(figures.streamed(), reference)
    with pytest.raises(CheckFailedError, match=r"cortex-m4 differs .* in 1 byte of 1 image "):
        check(summary)  # type: ignore[arg-type]


def test_instructions_are_told_in_full_and_to_three_digits() -> None:
    assert [_rounded(count) for count in (157_123, 999, 4_567_890)] == [
        "157,000",
        "999",
        "4,570,000",
    ]
