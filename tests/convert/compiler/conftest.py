"""Holds each test to the operators that its ``oracle`` mark names."""

from collections.abc import Generator

import pytest

from tests.builders import oracle


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that says it compares an operator with the oracle, and does not."""
    oracle.forget()
    result = yield
    missing = oracle.not_compared(item.iter_markers())
    if missing:
        pytest.fail(f"its mark names {', '.join(missing)}, which no compared model contains")
    return result
