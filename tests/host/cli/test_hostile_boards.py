"""The verbs that talk to a board, and a board on a real line that says what no board should.

Each ends with a sentence, or with the right figures; never with a traceback or another figure.
"""

import json
import os
import signal
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

from glyphite.convert.boards import load_board
from glyphite.convert.data.mnist import Mnist, load_mnist
from glyphite.convert.manifest import Manifest
from glyphite.convert.text import counted
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device import greeting, session
from glyphite.host.device.wire.frame import encode_frame
from glyphite.host.device.wire.protocol import PROTOCOL, REFUSAL_BYTES, Item, Message, Status
from glyphite.host.measure.received import KEPT, Kept, read_kept
from tests.builders.hostile import (
    SCORES,
    TICKS,
    Board,
    answer,
    board_of,
    fixed_model,
    hello,
    items_of,
    terminal,
    text,
)


@pytest.fixture
def fixed(tmp_path: Path, build_folder: Path) -> ModelFolder:
    """A digit model that gives SCORES to every input, with its manifest."""
    return fixed_model(tmp_path, build_folder)


@pytest.fixture(scope="module")
def images() -> Mnist:
    """MNIST, read once."""
    return load_mnist()


@pytest.fixture(autouse=True)
def short_waits(images: Mnist, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glyphite.convert.data.mnist.load_mnist", lambda **_: images)
    monkeypatch.setattr(greeting, "BOOT_SECONDS", 0.1)
    monkeypatch.setattr(greeting, "HELLO_AGAIN", 0.1)
    monkeypatch.setattr(greeting, "QUIET_SECONDS", 0.1)
    monkeypatch.setattr(session, "GIVE_UP", 1.0)
    monkeypatch.setattr(session, "first_id", lambda: 0)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For boards that give no answer: others have the usual time, as this PC may pause."""
    monkeypatch.setattr(session, "TIMEOUT", 0.4)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A picture of a digit."""
    path = tmp_path / "digit.png"
    content = np.full((28, 28), 255, np.uint8)
    content[5:23, 12:16] = 0
    Image.fromarray(content).save(path)
    return path


Ask = Callable[[str], int]


@pytest.fixture(params=["predict", "stream", "verify"])
def ask(request: pytest.FixtureRequest, fixed: ModelFolder, picture: Path) -> Ask:
    """``ask(port)``: run a verb on the board at ``port``; its exit code."""
    model = str(fixed.tflite)
    words: dict[str, list[str]] = {
        "predict": ["predict", str(picture), model],
        "stream": ["stream", model, "--count", "3"],
        "verify": ["verify", model, "--board", "native", "--count", "2"],
    }
    return lambda port: main([*words[request.param], "--port", port, "--json"])


def assert_no_figure(printed: str) -> None:
    assert set(json.loads(printed)) == {"error", "kind", "verb", "exit_code"}


def assert_refused(code: int, capsys: pytest.CaptureFixture[str], said: str) -> None:
    captured = capsys.readouterr()
    assert_no_figure(captured.out)
    assert code == 1
    assert said in captured.err
    assert captured.err.startswith("glyphite ")
    assert captured.err.count("\n") == 1
    assert "\x1b" not in captured.err


def assert_right(code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The figures of the honest board: the digit is 7, and no byte differs."""
    captured = capsys.readouterr()
    assert code == 0, captured.err
    printed = json.loads(captured.out)
    if "digit" in printed:
        assert (printed["digit"], printed["scores_int8"]) == ("7", SCORES.tolist())
    else:
        groups = printed.get("groups", [printed])
        assert {g.get("bytes_differ", g.get("mismatched_bytes")) for g in groups} == {0}


def test_an_honest_board_is_believed(
    ask: Ask, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with terminal(board_of(fixed)) as port:
        assert_right(ask(port), capsys)


def u32(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}I", *values)


HELLOS = {
    "text of 255 bytes": ({"BOARD": b"x" * 255}, "BOARD of its hello is a text of 255 bytes"),
    "short sha": ({"MODEL_SHA256": b"x" * 31}, "MODEL_SHA256 of its hello has 31 bytes, and 32"),
    "no sha": ({"MODEL_SHA256": bytes(32)}, "holds another model: 'fixed' with SHA-256 0000"),
    "rank 5": ({"INPUT_SHAPE": u32(1, 1, 28, 28, 1)}, "INPUT_SHAPE of its hello is a shape of 20"),
    "half a length": ({"OUTPUT_SHAPE": b"\1\0\0"}, "OUTPUT_SHAPE of its hello is a shape of 3"),
    "zero inside": ({"INPUT_SHAPE": u32(1, 0, 784)}, "INPUT_SHAPE of its hello is (1, 0, 784)"),
    "huge shape": ({"OUTPUT_SHAPE": u32(*4 * [2**32 - 1])}, "OUTPUT_SHAPE of its hello is (42949"),
    "another shape": ({"OUTPUT_SHAPE": u32(1, 9)}, "model's output has shape (1, 9)"),
    "one score": ({"OUTPUT_SHAPE": u32(1)}, "model's output has shape (1,)"),
    "no shape": ({"INPUT_SHAPE": b""}, "model's input has shape ()"),
    "scale nan": ({"INPUT_SCALE": struct.pack("<f", np.nan)}, "INPUT_SCALE of its hello is nan"),
    "scale inf": ({"OUTPUT_SCALE": struct.pack("<f", np.inf)}, "OUTPUT_SCALE of its hello is inf"),
    "scale below 0": ({"OUTPUT_SCALE": struct.pack("<f", -1)}, "OUTPUT_SCALE of its hello is -1."),
    "no scale": ({"OUTPUT_SCALE": b""}, "OUTPUT_SCALE of its hello has 0 bytes, and 4 are right"),
    "another scale": ({"OUTPUT_SCALE": struct.pack("<f", 1)}, "scale 1 and zero point -128"),
    "floats": ({"OUTPUT_SCALE": bytes(4)}, "scale 0 and zero point -128, and the model"),
    "zero point": ({"INPUT_ZERO_POINT": struct.pack("<i", 128)}, "ZERO_POINT of its hello is 128"),
    "other zero point": ({"INPUT_ZERO_POINT": bytes(4)}, "and zero point 0, and the model"),
    "long clock": ({"CLOCK_HZ": bytes(8)}, "CLOCK_HZ of its hello has 8 bytes, and 4 are right"),
    "short count": ({"ENCODINGS": b""}, "ENCODINGS of its hello is an empty list"),
    "other encodings": ({"ENCODINGS": b"\7"}, "decodes the encodings [7], and this host sends 0"),
}


@pytest.mark.parametrize("ask", ["predict"], indirect=True)  # all read hello by the same function
@pytest.mark.parametrize("kind", HELLOS)
def test_a_hello_that_cannot_be_is_a_sentence(
    kind: str, ask: Ask, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    items, said = HELLOS[kind]
    with terminal(board_of(fixed, items)) as port:
        assert_refused(ask(port), capsys, said)


def test_a_count_of_inferences_is_no_other_item(
    ask: Ask, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    """A hello that tells an item twice, is cut short, or is of another protocol."""
    whole = hello(items_of(Manifest.load(fixed.manifest)))
    for message, said in (
        (whole + bytes([Item.BOARD, 1, 65]), "its hello tells BOARD twice"),
        (whole[:-1], "item 15 of its hello is cut short"),
        (whole + b"\x10", "item 16 of its hello is cut short"),
        (whole[:1] + b"\3" + whole[2:], "with protocol 3, and this is Glyphite "),
        (whole[:2], "holds another model: '' with SHA-256 not told"),
    ):
        device = board_of(fixed, greet=lambda _, m=message: encode_frame(m))  # type: ignore[misc]
        with terminal(device) as port:
            assert_refused(ask(port), capsys, said)


def later(request: bytes, ids: int) -> bytes:
    """The first bytes of a request so many ids behind another."""
    number = int.from_bytes(request[1:3], "little") + ids
    return request[:1] + number.to_bytes(2, "little") + request[3:]


def corrupt(request: bytes) -> bytes:
    """The frame that says that a request arrived damaged."""
    return encode_frame(answer(request, b"", status=Status.CORRUPT)[:REFUSAL_BYTES])


WRONG = "Build its firmware again, and flash it."
ANSWERS: dict[str, tuple[Callable[[bytes, bytes], bytes], str]] = {
    **{
        f"{count} scores": (
            lambda _, request, n=count: encode_frame(answer(request, bytes(n))),  # type: ignore[misc]
            f"answered with {counted(count, 'byte')} of scores, and its model gives 10. {WRONG}",
        )
        for count in (0, 1, 9, 11, 60_000)
    },
    "unknown status": (
        lambda _, request: encode_frame(answer(request, b"", status=77)),
        "refused with an unknown status (status 77)",
    ),
    "failed": (
        lambda _, request: encode_frame(answer(request, b"", status=Status.FAILED)),
        "ran its model and got no output",
    ),
    "another id": (
        lambda _, request: encode_frame(answer(b"\0\x77\x77" + request[3:], SCORES.tobytes())),
        "no inference was answered in 1 s",
    ),
    "another input": (
        lambda _, request: encode_frame(answer(request + b"\0", SCORES.tobytes())),
        "saw another input than was sent",
    ),
    "cut short": (
        lambda frame, request: encode_frame(answer(request, b"")[:9]),
        f"answered with 9 bytes, and a whole answer has 22. {WRONG}",
    ),
    "echo": (lambda _, request: encode_frame(request), "no inference was answered in 1 s"),
    "damaged": (lambda frame, _: frame[:-3] + b"\x55\0", "no inference was answered in 1 s"),
    "no end": (lambda _, __: b"\x01" * 30_000, "no inference was answered in 1 s"),
    "zeros": (lambda _, __: bytes(100_000), "no inference was answered in 1 s"),
    "hello": (
        lambda _, __: encode_frame(bytes([Message.HELLO_ANSWER, PROTOCOL])),
        "no inference was answered in 1 s",
    ),
    "silence": (lambda _, __: b"", "no inference was answered in 1 s"),
    "silence in the middle": (lambda frame, _: frame[:9], "no inference was answered in 1 s"),
    "damaged for ever": (lambda _, request: corrupt(request), "no inference was answered in 1 s"),
}  # fmt: skip


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_answer_that_cannot_be_is_a_sentence(
    kind: str, ask: Ask, fixed: ModelFolder, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    reply, said = ANSWERS[kind]
    if "was answered in" in said:
        monkeypatch.setattr(session, "TIMEOUT", 0.2)
    with terminal(board_of(fixed, reply=reply)) as port:
        assert_refused(ask(port), capsys, said)


HARMLESS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "twice": lambda frame, _: frame + frame,
    "an older one first": lambda frame, request: (
        encode_frame(answer(b"\0" + bytes([request[1] - 1]) + request[2:], bytes(3))) + frame
    ),
    "unknown messages first": lambda frame, _: encode_frame(b"\x99" + bytes(50)) + frame,
    "garbage first": lambda frame, _: b"\xff\x12\x00Guru Meditation\r\n" + frame,
    "an echo first": lambda frame, request: encode_frame(request) + frame,
    "answers to what was not sent whole": lambda frame, request: (
        b"".join(encode_frame(answer(later(request, n), bytes(10))) for n in (1, 2, 500)) + frame
    ),
    "a refusal of what was not sent whole": lambda frame, request: (
        encode_frame(answer(later(request, 1), b"", status=Status.FAILED)) + frame
    ),
    "a hello of nobody first": lambda frame, _: (
        20 * encode_frame(bytes([Message.HELLO_ANSWER, PROTOCOL])) + frame
    ),
    "a storm of damage": lambda frame, request: (
        b"".join(corrupt(later(request, n)) for n in range(50)) + frame
    ),
    "absurd ticks": lambda _, request: encode_frame(
        answer(request, SCORES.tobytes(), ticks=2**32 - 1)
    ),
}


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_no_answer_is_passed_over(
    kind: str, ask: Ask, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with terminal(board_of(fixed, reply=HARMLESS[kind])) as port:
        assert_right(ask(port), capsys)


def a_byte() -> bytes:
    """Each comes within the time for an answer, and all of them together never end."""
    time.sleep(0.1)
    return b"\x01"


LINES: dict[str, tuple[Callable[[bytes], bytes] | None, Callable[[], bytes], str]] = {
    "silent": (None, bytes, "is silent: no answer to hello in 0.4 s. Check that this is the right"),
    "echo": (encode_frame, bytes, "sends back what it is sent. Connect its transmit and receive"),
    "bytes for ever": (None, lambda: os.urandom(4096), "are not Glyphite's frames. Check the baud"),
    "no end for ever": (None, lambda: b"\x01" * 4096, "are not Glyphite's frames. Check the baud"),
    "a byte now and then": (None, a_byte, "are not Glyphite's frames. Check the baud"),
    "a text": (
        lambda _: b"Hello from another sketch\r\n",
        bytes,
        "are not Glyphite's frames. It prints 'Hello from another sketch",
    ),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("kind", LINES)
def test_a_line_without_glyphite_is_a_sentence(
    kind: str, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    rule, idle, said = LINES[kind]
    with terminal(rule, idle) as port:
        assert_refused(ask(port), capsys, said)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("ask", ["stream"], indirect=True)
def test_a_board_that_floods_the_line_without_an_end_is_not_said_to_have_stopped(
    ask: Ask,
    fixed: ModelFolder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(session, "GIVE_UP", 0.5)
    honest = board_of(fixed)

    def drowned(message: bytes) -> bytes:
        answer = honest(message)
        return bytes([1]) * 99 if Message.INFER in honest.heard else answer

    with terminal(drowned) as port:
        said = "answered before, and what comes from there now is damaged"
        assert_refused(ask(port), capsys, said)


def test_names_from_a_board_move_no_cursor_and_stand_in_no_command(
    ask: Ask, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = {
        "BOARD": text("x; rm -rf ~ #"),
        "MODEL_NAME": text("\x1b[2J\u202e"),
        "MODEL_SHA256": bytes(32),
    }
    with terminal(board_of(fixed, wild)) as port:
        code = ask(port)
    captured = capsys.readouterr()
    assert_no_figure(captured.out)
    assert code == 1
    assert "holds another model: '\\\\x1b[2J\\\\u202e' with" in captured.err
    assert captured.err.endswith(f"`glyphite build {fixed.tflite} --board BOARD`.\n")


@pytest.mark.parametrize("ask", ["stream", "verify"], indirect=True)
def test_a_model_that_is_changed_meanwhile_gives_no_figure(
    ask: Ask, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    """The board answers by the model of before, and the oracle would by the one of now."""

    def change(frame: bytes, _: bytes) -> bytes:
        fixed.tflite.write_bytes(fixed.tflite.read_bytes() + bytes(4))
        return frame

    with terminal(board_of(fixed, reply=change)) as port:
        code = ask(port)
    captured = capsys.readouterr()
    assert_no_figure(captured.out)
    assert code == 2
    assert "fixed.tflite was changed while this ran, so there are no figures of one" in captured.err


def test_a_board_called_like_a_file_has_no_file_opened(
    ask: Ask, fixed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A FIFO there would hold the host for ever, behind all answers."""
    monkeypatch.chdir(tmp_path)
    os.mkfifo("trap.toml")
    with terminal(board_of(fixed, {"BOARD": text("trap.toml")})) as port:
        assert_right(ask(port), capsys)


def kept_at(folder: ModelFolder, board: str = "native") -> Kept:
    """The answers of a run that was cut short."""
    kept = read_kept(folder.root / board / KEPT, Manifest.load(folder.manifest))
    assert kept is not None
    return kept


class TestStream:
    """What ``glyphite stream`` keeps and says of a board that ends early, restarts, or lies."""

    @staticmethod
    def run(folder: ModelFolder, port: str, count: int = 5) -> int:
        return main(["stream", str(folder.tflite), "--count", str(count), "--port", port, "--json"])

    @pytest.mark.usefixtures("impatient")
    @pytest.mark.parametrize("name", ["native", "c", "../../wild"])
    def test_answers_that_had_come_are_kept(
        self, fixed: ModelFolder, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Under a name that is no other folder's, and as a part of so many."""
        device = board_of(
            fixed,
            {"BOARD": text(name)},
            reply=lambda frame, request: frame if request[1] <= 3 else b"",
        )
        with terminal(device) as port:
            code = self.run(fixed, port)
        folder = {"native": "native", "c": "board-c"}.get(name, "wild")
        path = fixed.root / folder / KEPT
        assert_refused(
            code, capsys, f"try again. The 3 of 5 answers that had come are in {path}: the same"
        )
        kept = kept_at(fixed, folder)
        assert list(kept.answers) == [0, 1, 2]
        assert [each.scores.tolist() for each in kept.answers.values()] == 3 * [SCORES.tolist()]
        assert [each.ticks for each in kept.answers.values()] == 3 * [TICKS]
        assert kept.of["images"] == 5
        assert not path.with_name("stream.json").exists()

    @pytest.mark.usefixtures("impatient")
    def test_a_run_that_was_cut_short_is_gone_on_with(
        self, fixed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """By the same model, data, board and firmware; the board is asked for the rest alone."""
        dying = board_of(fixed, reply=lambda frame, asked: frame if asked[1] <= 3 else b"")
        honest, link = board_of(fixed), tmp_path / "port"

        def run(device: Board, *more: str, count: int = 5) -> int:
            link.unlink(missing_ok=True)
            with terminal(device) as port:
                link.symlink_to(port)
                words = ["stream", str(fixed.tflite), "--count", str(count), "--port", str(link)]
                return main([*words, "--json", *more])

        assert run(honest, "--resume") == 2
        assert "No run of" in capsys.readouterr().err
        assert run(dying) == 1
        path = fixed.root / "native" / KEPT
        whole = path.read_bytes()
        path.write_bytes(whole[:-3])  # a kill cut the last record short
        assert len(kept_at(fixed).answers) == 2
        capsys.readouterr()
        assert run(honest, "--resume", count=6) == 2
        assert "are of another run: the data or their number differs" in capsys.readouterr().err
        other = board_of(fixed, {"FIRMWARE": text("Glyphite 8")})
        assert run(other, "--resume") == 2
        assert "are of another run: the board differs" in capsys.readouterr().err
        slow = board_of(fixed, reply=lambda frame, asked: frame if asked[1] == 1 else b"")
        assert run(slow, "--resume") == 1
        assert len(kept_at(fixed).answers) == 3
        capsys.readouterr()
        honest.heard.clear()
        assert run(honest, "--resume") == 0
        assert honest.heard.count(Message.INFER) == 2
        captured = capsys.readouterr()
        streaming = json.loads(captured.out)
        assert (streaming["images"], streaming["wire"]["images"]) == (5, 2)
        assert streaming["seconds_per_image"] is None  # of two builds, perhaps
        assert "are left out: the run was resumed" in " ".join(captured.err.split())
        assert "3 of 5 answers are there." in captured.err
        assert not path.exists()

    def test_repeats_of_a_run_that_goes_on_are_summed(
        self, fixed: ModelFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Up to the last answer of each part; of an earlier version's file they are not known."""
        link = tmp_path / "port"

        def run(silent_at: int, *more: str) -> int:
            asked = list[bytes]()

            def reply(frame: bytes, request: bytes) -> bytes:
                asked.append(request)
                return b"" if len(asked) == 2 or len(asked) >= silent_at else frame

            link.unlink(missing_ok=True)
            with terminal(board_of(fixed, reply=reply)) as port:
                link.symlink_to(port)
                words = ["stream", str(fixed.tflite), "--count", "6", "--port", str(link)]
                return main([*words, *more])

        assert run(5) == 1
        kept = kept_at(fixed)
        assert kept.repeats is not None
        before = kept.repeats[0].total()
        path = fixed.root / "native" / KEPT
        assert before > 0
        whole = path.read_bytes()
        capsys.readouterr()
        assert run(99, "--resume", "--json") == 0
        streaming = json.loads(capsys.readouterr().out)
        wire = streaming["wire"]
        assert sum(wire["earlier_repeats"].values()) == before
        assert streaming["retries"] == before + sum(wire["repeats"].values()) > before
        line, _, records = whole.partition(b"\n")
        size = len(records) // len(kept.answers)
        of = {key: value for key, value in json.loads(line).items() if key != "repeats"}
        head = 34  # of a record, before the counts
        old = [
            records[at : at + head] + records[at + head + 24 : at + size - 4]
            for at in range(0, len(records), size)
        ]
        path.write_bytes(
            json.dumps(of).encode() + b"\n"
            + b"".join(record + crc32(record).to_bytes(4, "little") for record in old)
        )  # fmt: skip
        assert len(kept_at(fixed).answers) == len(kept.answers)
        assert run(99, "--resume") == 0
        assert "repeated since then: " in " ".join(capsys.readouterr().out.split())

    def test_answers_are_kept_when_somebody_presses_ctrl_c(
        self, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """At once, while the board is silent."""

        def reply(frame: bytes, request: bytes) -> bytes:
            if request[1] <= 2:
                return frame
            threading.Timer(0.05, signal.raise_signal, [signal.SIGINT]).start()
            return b""

        with terminal(board_of(fixed, reply=reply)) as port:
            code = self.run(fixed, port)
        said = capsys.readouterr().err
        assert code == 130
        assert "The 2 of 5 answers that had come are in" in said
        assert len(kept_at(fixed).answers) == 2

    def test_answers_are_kept_when_the_pc_cannot_judge_them(
        self,
        fixed: ModelFolder,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """As where tflite-micro is not installed."""
        from glyphite.convert.errors import ToolError

        def absent(*_: object) -> None:
            raise ToolError("no tflite-micro")

        monkeypatch.setattr("glyphite.host.cli.stream.kept_oracle", absent)
        with terminal(board_of(fixed)) as port:
            assert_refused(self.run(fixed, port), capsys, "The 5 of 5 answers that had come are in")

    @pytest.mark.parametrize(
        ("ticks", "timer_hz", "said"),
        [
            (2**32 - 1, 1_000_000, "by its timer a run took 4.29e+03 s, and its answer was here"),
            (0, 1_000_000, "its timer counted no tick in any run"),
            (
                TICKS,
                7,
                "says that its timer has 7 ticks a second, and that of 'native' has",
            ),
            (TICKS, 0, ""),
        ],
    )
    def test_times_that_cannot_be_are_left_out(
        self, fixed: ModelFolder, ticks: int, timer_hz: int, said: str,
        capsys: pytest.CaptureFixture[str],
    ) -> None:  # fmt: skip
        def reply(_: bytes, request: bytes) -> bytes:
            return encode_frame(answer(request, SCORES.tobytes(), ticks=ticks))

        with terminal(board_of(fixed, {"TIMER_HZ": u32(timer_hz)}, reply=reply)) as port:
            assert self.run(fixed, port) == 0
        captured = capsys.readouterr()
        assert json.loads(captured.out)["seconds_per_image"] is None
        assert said in captured.err
        assert bool(captured.err) == bool(said)

    def test_an_image_that_took_less_than_a_tick_leaves_a_record_that_is_read(
        self, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Not one that is refused for ever, by the same command already."""

        def reply(_: bytes, request: bytes) -> bytes:
            ticks = TICKS * (request[1] > 1)
            return encode_frame(answer(request, SCORES.tobytes(), ticks=ticks))

        with terminal(board_of(fixed, reply=reply)) as port:
            assert self.run(fixed, port) == 0, capsys.readouterr().err
        assert json.loads(capsys.readouterr().out)["seconds_per_image"]["min"] == 0
        assert main(["report", str(fixed.tflite)]) == 0

    def test_without_a_timer_no_instructions_are_counted(
        self, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """As its ticks cannot be held against the time that passed here."""
        items = {"BOARD": text("cortex-m4"), "TIMER_HZ": u32(0)}
        with terminal(board_of(fixed, items)) as port:
            assert self.run(fixed, port) == 0
        assert json.loads(capsys.readouterr().out)["instructions_per_image"] is None

    def test_the_figures_are_told_where_another_board_s_record_is_damaged(
        self, fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
    ) -> None:
        record = fixed.board("mega2560") / "stream.json"
        record.parent.mkdir()
        record.write_text("{")
        with terminal(board_of(fixed)) as port:
            assert self.run(fixed, port) == 2
        captured = capsys.readouterr()
        assert json.loads(captured.out)["mismatched_bytes"] == 0
        assert f"{record}: it is not JSON" in captured.err
        assert "answers that had come" not in captured.err
        assert (fixed.board("native") / "stream.json").is_file()

    def test_answers_are_kept_whatever_fails(
        self,
        fixed: ModelFolder,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        def full(*_: object) -> None:
            raise MemoryError

        monkeypatch.setattr("glyphite.host.cli.stream.kept_oracle", full)
        with terminal(board_of(fixed)) as port:
            assert self.run(fixed, port) == 1
        said = capsys.readouterr().err
        assert "The 5 of 5 answers that had come are in" in said
        assert "There is not enough memory" in said

    @pytest.mark.parametrize("changed", [False, True])
    def test_hello_is_asked_again_of_a_board_that_restarted(
        self, fixed: ModelFolder, changed: bool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Its boot banner is heard: its answers count only where it still holds the model."""

        def reply(frame: bytes, request: bytes) -> bytes:
            if request[1] == 3:
                device.restart()
                if changed:
                    device.items[Item.MODEL_SHA256] = bytes(32)
                return b"\xff\x12 boot\r\n" + frame
            return frame

        device = board_of(fixed, reply=reply)
        with terminal(device) as port:
            code = self.run(fixed, port)
        assert device.heard.count(Message.HELLO) == 2
        if changed:
            said = "holds another model: 'fixed' with SHA-256 0000"
            assert_refused(code, capsys, said)
            assert len(kept_at(fixed).answers) == 2
        else:
            assert code == 0
            assert "The board restarted once in this run; it holds" in capsys.readouterr().err


def test_verify_takes_no_board_for_another(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    with terminal(board_of(fixed, {"BOARD": b"uno"})) as port:
        words = ["verify", str(fixed.tflite), "--board", "native", "--port", port]
        assert main([*words, "--count", "2"]) == 2
    said = (
        f"The board on {port} says that it is 'uno', and --board says 'native'. Give --board uno."
    )
    assert said in capsys.readouterr().err
    assert not list(fixed.root.rglob("verify.json"))


@pytest.mark.parametrize("verb", ["predict", "stream"])
@pytest.mark.parametrize("baud", ["0", "-1", "fast", "9" * 10])
def test_a_baud_rate_that_cannot_be_is_refused_before_anything_is_built(
    fixed: ModelFolder, picture: Path, verb: str, baud: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(picture)] if verb == "predict" else ["stream"]
    with pytest.raises(SystemExit, match="2"):
        main([*words, str(fixed.tflite), "--port", "sim://native", "--baud", baud])
    said = capsys.readouterr().err
    assert f"a baud rate of {baud} cannot be. Give that of the board's firmware, which is" in said
    assert "There is no firmware for native yet" not in said


def test_inputs_that_are_not_there_are_told_of_before_anything_is_built(
    fixed: ModelFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--optimize", "size", "--inputs", "absent.npy")
    board = fixed.root.parent / "mine.toml"
    text = load_board("cortex-m0").path.read_text().replace('"cortex-m0"', '"mine"', 1)
    board.write_text(text.replace("arm-none-eabi-gcc", "no-such-gcc"))
    assert main(["verify", str(fixed.tflite), "--board", str(board), *words]) == 2
    said = capsys.readouterr().err
    assert "absent.npy" in said
    assert "no-such-gcc" not in said
