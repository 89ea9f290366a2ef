"""Counts how often a function of the product is called."""

from pydoc import locate
from typing import Any

import pytest


def calls_of(monkeypatch: pytest.MonkeyPatch, name: str) -> list[tuple[Any, ...]]:
    """The positional arguments of each call, from now on, of the function with that full name."""
    function: Any = locate(name)
    calls: list[tuple[Any, ...]] = []

    def counted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - any function's
        calls.append(arguments)
        return function(*arguments, **named)

    monkeypatch.setattr(name, counted)
    return calls
