"""No operator without its oracle test and its fuzz base."""

import numpy as np
import pytest

from glyphite.convert.compiler.ops import definitions
from tests.builders import oracle
from tests.builders.dense import softmax
from tests.fuzz import bases
from tests.paths import TESTS

ORACLE_TESTS = TESTS / "convert" / "compiler"


class Collector:
    """A plugin that notes which operators the collected tests hold against the oracle."""

    def __init__(self) -> None:
        self.named: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Read the marks of every test."""
        for item in items:
            self.named |= oracle.named(item.iter_markers())


@pytest.fixture(scope="module")
def held_against_the_oracle() -> set[str]:
    """The operators that a test below ``tests/convert/compiler`` compares with TFLM's bytes."""
    collector = Collector()
    options = ["--collect-only", "--assert=plain", "-qq"]
    assert pytest.main([*options, str(ORACLE_TESTS)], plugins=[collector]) == 0
    return collector.named


@pytest.fixture(scope="module")
def in_a_fuzz_base() -> set[str]:
    """The operators that the small bases of the fuzzer contain, read out of their files."""
    return set().union(*map(oracle.kinds, bases.small().values()))


@pytest.mark.parametrize("kind", definitions())
def test_every_operator_is_held_against_the_oracle(
    kind: str, held_against_the_oracle: set[str]
) -> None:
    assert kind in held_against_the_oracle, (
        f"write a test of {kind} against TFLM's bytes and mark it: see tests/builders/oracle.py"
    )


@pytest.mark.parametrize("kind", definitions())
def test_every_operator_is_in_a_base_of_the_fuzzer(kind: str, in_a_fuzz_base: set[str]) -> None:
    assert kind in in_a_fuzz_base, f"add a model with {kind} to tests/fuzz/bases.py"


def test_a_mark_without_a_comparison_is_noticed() -> None:
    marks = [pytest.mark.oracle("SOFTMAX").mark, pytest.mark.oracle("PAD").mark]
    oracle.forget()
    assert oracle.not_compared(marks) == {"SOFTMAX", "PAD"}
    oracle.assert_same_bytes(softmax((1, 4), 0.1), np.array([[9, 0, 0, 0]], np.int8))
    assert oracle.not_compared(marks) == {"PAD"}
