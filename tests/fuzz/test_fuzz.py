"""Dozens of damaged files, and that the fuzzer notices whatever may go wrong with one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from glyphite.convert.compiler.driver import compile_model
from tests.fuzz import bases, broken
from tests.fuzz.campaign import DEFECTS, Campaign, gist
from tests.fuzz.compiling import Compiler, CompileWorker
from tests.fuzz.mutants import mutant
from tests.fuzz.oracle import Oracle, Verdict


@pytest.fixture(scope="module")
def oracle() -> Iterator[Oracle]:
    made = Oracle()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def sound() -> Iterator[CompileWorker]:
    """The compiler as it is; each start of its process takes most of a second."""
    worker = CompileWorker()
    yield worker
    worker.stop()


def outcome(compiler: Compiler, content: bytes) -> tuple[str, str]:
    """What becomes of a file, and that the next one is compiled all the same."""
    worker = CompileWorker(compiler, seconds=1)
    try:
        first, second = worker.compile(content), worker.compile(content)
        assert first.kind == second.kind
        return first.kind, first.text
    finally:
        worker.stop()


def verdict(oracle: Oracle, compiler: Compiler, name: str, *, sanitized: bool = False) -> Verdict:
    worker = CompileWorker(compiler)
    content = bases.small()[name]
    try:
        return oracle.judge(content, worker.compile(content), 1, sanitized=sanitized)
    finally:
        worker.stop()


def test_damaged_files_compile_to_tflms_bytes_or_end_in_a_sentence(tmp_path: Path) -> None:
    tally = Campaign(seed=20, count=70, folder=tmp_path).run(2, lambda steps: None)
    assert not tally.defects
    assert tally.files == 70
    assert set(tally.outcomes) == {"compiled", "refused"}
    assert tally.verdicts["equal"] > 10
    assert len(tally.sentences) > 20
    assert tally.sanitized > 0
    assert not any(tmp_path.iterdir())


def test_a_mutant_follows_from_seed_and_number() -> None:
    assert mutant(5, 7).content == mutant(5, 7).content
    assert len({mutant(5, number).content for number in range(20)}) == 20
    assert mutant(5, 7).content != mutant(6, 7).content


@pytest.mark.parametrize(
    ("compiler", "kind", "text"),
    [
        (broken.hang, "hang", "more than 1 s of the processor"),
        (broken.hoard, "memory", "MemoryError"),
        (broken.stumble, "traceback", "IndexError: tuple index out of range"),
        (broken.die, "crash", "the process ended with 3"),
        (broken.ramble, "sentence", "One line.\nAnd another."),
        (compile_model, "compiled", ""),
    ],
)
def test_what_may_go_wrong_in_compiling_is_noticed(
    compiler: Compiler, kind: str, text: str
) -> None:
    found = outcome(compiler, bases.small()["relu"])
    assert found[0] == kind
    assert text in found[1]
    assert (kind in DEFECTS) == (kind != "compiled")


@pytest.mark.parametrize(
    ("compiler", "sanitized", "kind", "text"),
    [
        (broken.lie, False, "wrong", "bytes differ from TFLM's"),
        (broken.overrun, True, "C run", "runtime error: store to address"),
        (broken.garble, False, "C compiler", "error:"),
        (compile_model, True, "equal", ""),
        (compile_model, False, "equal", ""),
    ],
)
def test_what_may_go_wrong_in_the_generated_c_is_noticed(
    oracle: Oracle, compiler: Compiler, sanitized: bool, kind: str, text: str
) -> None:
    found = verdict(oracle, compiler, "conv_2d", sanitized=sanitized)
    assert found.kind == kind
    assert text in found.text


@pytest.mark.parametrize("name", bases.small())
def test_every_base_is_sound(oracle: Oracle, sound: CompileWorker, name: str) -> None:
    content = bases.small()[name]
    found = oracle.judge(content, sound.compile(content), 1, sanitized=False)
    assert found == Verdict("equal")


def test_a_file_that_fails_is_kept_with_the_command_that_makes_it_again(tmp_path: Path) -> None:
    campaign = Campaign(seed=1, count=1, first=3, folder=tmp_path, compiler=broken.stumble)
    tally = campaign.run(1, lambda steps: None)
    assert tally.outcomes == {"traceback": 1}
    assert (tmp_path / "seed1_3_traceback.tflite").read_bytes() == mutant(1, 3).content
    text = (tmp_path / "seed1_3_traceback.txt").read_text()
    assert "python -m tests.fuzz --seed 1 --first 3 --count 1" in text
    assert "IndexError: tuple index out of range" in text
    assert tally.defects == [text.splitlines()[0]]


def test_refusals_of_one_kind_are_counted_together() -> None:
    sentences = [
        "Tensor 'a' has shape 1x2; every axis must be at least 1.",
        'Tensor "it\'s" has shape scalar; every axis must be at least 1.',
    ]
    assert {gist(sentence) for sentence in sentences} == {"Tensor _ has shape N"}
