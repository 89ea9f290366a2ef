"""Samples shared among boards through executors: threads, and the workers of a Dask cluster."""

import gc
import json
import os
import pickle
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from glyphite.convert.data.mnist import load_mnist
from glyphite.convert.errors import InputError, LinkError, PortError
from glyphite.convert.manifest import Manifest
from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from glyphite.host.device.wire.messages import Answer
from glyphite.host.measure.cluster import executors
from glyphite.host.measure.foretold import patience
from glyphite.host.measure.portion import Answered, BoardAt, OpenBoards, Portion, answer_here
from glyphite.host.measure.share import Part, share
from glyphite.host.measure.stream_figures import RunningAccuracy
from glyphite.host.runners.tflm import TflmRunner
from tests.strict import require_module

if TYPE_CHECKING:
    from distributed import LocalCluster

COUNT = 200


def images_of(folder: ModelFolder, count: int = COUNT) -> np.ndarray[Any, Any]:
    return Manifest.load(folder.manifest).quantize(load_mnist().test_images[:count])


def board_at(folder: ModelFolder) -> BoardAt:
    """The native board of a model, wherever the build folder is of whoever opens it."""
    manifest = Manifest.load(folder.manifest)
    url = f"sim://native?firmware={folder.board('native') / 'firmware.elf'}"
    return BoardAt(url, manifest.sha256, manifest=manifest, expected=patience(folder.tflite))


class Broken(Executor):
    """An executor that does so many calls, and then fails."""

    def __init__(self, calls: int) -> None:
        self.calls = calls

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401
        self.calls -= 1
        future: Future[Any] = Future()
        if self.calls < 0:
            future.set_exception(OSError("the worker is gone"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


def test_no_boards_are_refused() -> None:
    with pytest.raises(InputError, match="among no boards"):
        share([], np.zeros((2, 3), np.int8))


def test_any_executor_carries_portions(native: ModelFolder) -> None:
    images, notes = images_of(native), list[str]()
    with ThreadPoolExecutor(1) as pool:
        shared = share(
            [board_at(native)] * 2, images, executors=[pool, Broken(2)], notify=notes.append
        )
    np.testing.assert_array_equal(shared.scores, TflmRunner(native.tflite).run(images)[0])
    (part,) = shared.parts
    assert (part.answered, part.boards) == (COUNT, 2)
    assert part.lost == [f"The executor of {part.port} failed (OSError: the worker is gone)."]
    assert notes[0].startswith(f"The board on {part.port} was lost after ")


def test_only_those_asked_for_are_sent_and_nobody_left_is_an_error(native: ModelFolder) -> None:
    images, told = images_of(native), list[int]()

    def note(part: Part, index: int, answer: Answer) -> None:
        told.append(index)

    board = board_at(native)
    shared = share([board], images, note, indices=[5, 3, 9])
    assert sorted(told) == sorted(shared.answers) == [3, 5, 9]
    with pytest.raises(LinkError, match=r"No board is left\. The executor of .* is gone"):
        share([board] * 2, images, note, executors=Broken(3))
    assert len(told) > 3
    with pytest.raises(PortError, match="There is no port /dev/ttyNOTHERE"):
        share([BoardAt("/dev/ttyNOTHERE"), board], images)


def test_of_no_samples_the_scores_are_none_of_as_many_values(native: ModelFolder) -> None:
    """They were of the shape (0,), and float64."""
    none = images_of(native)[:0]
    for board in (board_at(native), replace(board_at(native), manifest=None, expected=None)):
        scores = share([board], none).scores
        assert scores.shape == (0, 10)
        assert scores.dtype == np.int8


def test_what_crosses_is_small_and_a_board_stays_open(native: ModelFolder) -> None:
    images = images_of(native, 10)
    portion: Portion = pickle.loads(pickle.dumps(Portion(1, board_at(native), images)))
    assert len(pickle.dumps(portion)) < images.nbytes + 4000
    first: Answered = pickle.loads(pickle.dumps(answer_here(portion)))
    second = answer_here(portion)
    assert first.hello == second.hello  # it was asked for that once
    assert len(first.answers) == len(second.answers) == 10
    opened = OpenBoards()
    opened.answer(portion)
    (one,) = opened._idle
    opened.answer(portion)
    assert opened._idle == [one]
    opened.close()
    assert opened._idle == []
    assert str(opened.answer(portion).failure) == "The run has ended."


@pytest.fixture(scope="module")
def cluster() -> Iterator["LocalCluster"]:
    """A Dask cluster of two processes on this machine."""
    require_module("distributed")
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, worker_dashboard_address=None,
        host="127.0.0.1",
    ) as made:  # fmt: skip
        yield made


def test_the_command_shares_with_the_workers_of_a_cluster(
    native: ModelFolder, cluster: "LocalCluster", capsys: pytest.CaptureFixture[str]
) -> None:
    port, address = board_at(native).url, cluster.scheduler_address
    words = ["stream", "seed", "--port", port, "--count", str(COUNT), "--json"]
    assert main([*words, "--cluster", address]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["images"], printed["mismatched_bytes"]) == (COUNT, 0)
    assert [board["jobs"] for board in printed["boards"]] == [2]


def test_of_a_worker_that_ends_the_command_tells(
    native: ModelFolder,
    cluster: "LocalCluster",
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing was lost, and nothing told that a part was done again."""
    from distributed import Client

    with Client(cluster.scheduler_address, set_as_default=False) as client:
        address, victim = next(iter(client.run(os.getpid).items()))
    seen, add = Counter[int](), RunningAccuracy.add

    def kill(watch: RunningAccuracy, index: int, answer: Answer) -> float | None:
        seen[index] += 1
        if seen.total() == 20:
            os.kill(victim, signal.SIGSTOP)  # so that it has a portion when it ends
            threading.Timer(1.0, os.kill, [victim, signal.SIGKILL]).start()
        return add(watch, index, answer)

    monkeypatch.setattr(RunningAccuracy, "add", kill)
    words = ["stream", "seed", "--port", board_at(native).url, "--count", "1500", "--json"]
    assert main([*words, "--cluster", cluster.scheduler_address]) == 0
    captured = capsys.readouterr()
    printed = json.loads(captured.out)
    assert (printed["images"], printed["mismatched_bytes"]) == (1500, 0)
    assert printed["portions_done_again"] == 1
    assert f"The worker {address} ended. What it had, 1 portion of the" in " ".join(
        captured.err.split()
    )


def test_an_address_that_is_none_is_said_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    """Dask's client waited for 30 s, and printed a traceback as it went."""
    require_module("distributed")
    for address in ("nonsense", "lab:port", "foo://lab:1"):
        with pytest.raises(InputError, match=f"answers at {address}\\. Start"), executors(address):
            pass
    gc.collect()
    assert "Traceback" not in capfd.readouterr().err


def test_a_search_trains_on_the_workers_of_a_cluster(
    cluster: "LocalCluster", tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_module("optuna", "tensorflow")
    x = np.random.default_rng(1).normal(0, 1, (60, 4)).astype(np.float32)
    np.savez(tmp_path / "v.npz", x=x, y=(x[:, 0] > 0).astype(np.int64))
    words = ["search", "--board", "cortex-m0", "--data", str(tmp_path / "v.npz"), "--trials", "1"]
    assert main([*words, "--cluster", cluster.scheduler_address, "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert (found["front"], found["trials"][0]["weight"]["timed_by"]) == ([0], "modelled cycles")
    assert "large graph" not in captured.err


def test_a_worker_that_is_killed_loses_nothing(
    native: ModelFolder, cluster: "LocalCluster"
) -> None:
    from distributed import Client

    images, told = images_of(native, 1500), Counter[int]()
    with Client(cluster.scheduler_address, set_as_default=False) as client:
        victim = next(iter(client.run(os.getpid).values()))

        def note(part: Part, index: int, answer: Answer) -> None:
            told[index] += 1
            if told.total() == 300:
                os.kill(victim, signal.SIGKILL)

        executor = client.get_executor(pure=False)
        shared = share([board_at(native)] * 2, images, note, executors=executor)
    assert set(told.values()) == {1}
    assert len(told) == len(images)
    (part,) = shared.parts
    assert part.answered == len(images)
    np.testing.assert_array_equal(shared.scores, share([board_at(native)], images).scores)
