"""What the compiler says to a file that it refuses."""

import pytest

from glyphite.convert.compiler.driver import compile_model
from glyphite.convert.errors import ModelError


def refusal(content: bytes) -> str:
    """The one sentence or two with which a file is refused, on one line of a terminal."""
    with pytest.raises(ModelError) as caught:
        compile_model(content, "small")
    assert str(caught.value).isprintable()
    return str(caught.value)
