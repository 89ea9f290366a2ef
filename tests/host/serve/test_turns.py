"""Whose turn it is at the board: one place a browser, and its newest request."""

import numpy as np

from glyphite.host.serve.turns import Job, Turns


def _job(client: int, value: int = 0) -> Job:
    return Job(client, np.full((1, 1), value, np.int8))


def test_a_flood_of_one_browser_has_one_place_in_the_row() -> None:
    turns, flood, calm = Turns(), [_job(1, value) for value in range(100)], _job(2)
    for job in flood[:50]:
        turns.offer(job)
    turns.offer(calm)
    for job in flood[50:]:
        turns.offer(job)
    assert turns.next(0) is flood[-1]
    assert turns.next(0) is calm
    assert turns.next(0) is None
    assert all(job.answer.done() and job.answer.result() is None for job in flood[:-1])


def test_browsers_take_turns_as_long_as_all_ask() -> None:
    turns, served = Turns(), []
    for client in (1, 2, 3):
        turns.offer(_job(client))
    for _ in range(9):
        job = turns.next(0)
        assert job is not None
        served.append(job.client)
        turns.offer(_job(job.client))
        turns.offer(_job(1))  # who asks all the time
    assert served == [1, 2, 3] * 3


def test_nobody_waits_for_a_board_that_is_away() -> None:
    turns, jobs = Turns(), [_job(client) for client in (1, 2)]
    for job in jobs:
        turns.offer(job)
    turns.dismiss()
    assert turns.next(0) is None
    assert [job.answer.result(0) for job in jobs] == [None, None]


def test_who_leaves_has_no_place() -> None:
    turns, gone = Turns(), _job(1)
    turns.offer(gone)
    turns.leave(1)
    turns.leave(2)
    assert turns.next(0) is None
    assert gone.answer.result(0) is None


def test_an_answer_that_comes_too_late_disturbs_nobody() -> None:
    job = _job(1)
    job.settle(None)
    job.settle(None)
    assert job.answer.result(0) is None
