"""Two seconds of noise on the line of a board, by this machine's clock. The Uno's are in
tests/host/device/test_uno.py, where it is flashed."""

from collections.abc import Callable

import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.workspace import ModelFolder
from glyphite.host.device.build import build
from tests.noise.noise import Noise, noise_on

SECONDS = 2.0


def prepared(board: str, tiny: ModelFolder, seconds: float = SECONDS) -> Noise:
    build(tiny, load_board(board))
    return noise_on(f"sim://{board}", seconds, 1)


@pytest.mark.parametrize(
    ("board", "tools"),
    [("native", ("cc",)), ("cortex-m3", ("arm-none-eabi-gcc", "qemu-system-arm"))],
)
def test_a_board_answers_behind_noise_as_before(
    board: str, tools: tuple[str, ...], tiny: ModelFolder, require_tool: Callable[..., None]
) -> None:
    require_tool(*tools)
    found = prepared(board, tiny)
    assert not found.wrong
    assert found.asked > 10
    assert found.answers["INFER_ANSWER"] > 10
    assert found.answers["HELLO_ANSWER"] > 0


def test_a_board_that_babbles_is_noticed(
    tiny: ModelFolder, require_tool: Callable[..., None]
) -> None:
    """Its model prints."""
    require_tool("cc")
    source = tiny.generated / "model.c"
    text = source.read_text()
    source.write_text(
        f"#include <unistd.h>\n{text}".replace(
            "void model_invoke(void) {", 'void model_invoke(void) {\n    (void)!write(1, "hm", 3);'
        )
    )
    wrong = prepared("native", tiny, 0.2).wrong
    assert any("pieces from the board are no frames" in each for each in wrong)
