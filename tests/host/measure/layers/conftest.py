"""What the looks at layers share."""

from typing import TYPE_CHECKING

import pytest

from tests.strict import require_module

if TYPE_CHECKING:
    from tests.builders.looked_at import Uno


@pytest.fixture(scope="session")
def uno() -> "Uno":
    """The shipped network, calibrated anew: once, as nobody changes it."""
    require_module("ai_edge_litert", "ai_edge_quantizer")
    from tests.builders.looked_at import made_uno

    return made_uno()
