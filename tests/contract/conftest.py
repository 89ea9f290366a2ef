"""A copy of the project for tests that change it."""

from pathlib import Path

import pytest

from tests.builders.clone import Clone
from tests.paths import copy_project


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    copy_project(tmp_path / "clone")
    return Clone(tmp_path / "clone")
