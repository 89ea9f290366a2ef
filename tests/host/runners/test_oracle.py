"""Where tflite-micro is not installed, the generated C stands in, and every result says so."""

import json
import sys
from collections.abc import Callable

import numpy as np
import pytest

from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.runners.oracle import EXPLAINED, oracle
from glyphite.host.runners.tflm import has_tflm


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tflite-micro, as on Windows, macOS and ARM."""
    monkeypatch.setitem(sys.modules, "tflite_micro", None)
    assert not has_tflm()


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main([*words, "--json"]) == 0
    captured = capsys.readouterr()
    if words[0] != "compare":
        assert captured.err.strip().endswith(EXPLAINED)
    found: dict[str, object] = json.loads(captured.out)
    return found


def test_tflm_is_the_oracle_where_it_is_there() -> None:
    assert oracle(find_model("uno").tflite).name == "int8_tflm"


@pytest.mark.usefixtures("absent")
def test_every_result_names_the_c_of_this_pc(
    require_tool: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    require_tool("cc")
    compared = printed(capsys, "compare", "uno", "--count", "20")
    names = [runner["name"] for runner in compared["runners"]]  # type: ignore[attr-defined]
    assert (compared["oracle"], names) == ("c", ["float", "int8_litert", "c"])
    verified = printed(
        capsys, "verify", "uno", "--board", "native", "--count", "2", "--optimize", "speed"
    )
    assert verified["reference"] == "c"
    streamed = printed(capsys, "stream", "uno", "--port", "sim://native", "--count", "20")
    assert (streamed["reference"], streamed["mismatched_bytes"]) == ("c", 0)
    assert main(["stream", "uno", "--port", "sim://native", "--count", "20"]) == 0
    assert "bytes that differ from this PC's C" in capsys.readouterr().out
    page = (find_model("uno").root / "report.html").read_text()
    assert "every byte of the scores is the generated C&#39;s on this PC" in page
    assert EXPLAINED.replace("'", "&#39;") in page


@pytest.mark.usefixtures("absent")
def test_a_board_that_differs_from_the_stand_in_fails(
    require_tool: Callable[..., None],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The C here is made wrong: what a board says is compared indeed."""
    require_tool("cc")
    assert main(["build", "uno", "--board", "native"]) == 0
    from glyphite.host.runners.compiled import SharedModel

    infer = SharedModel.infer
    monkeypatch.setattr(SharedModel, "infer", lambda self, inputs: infer(self, inputs) ^ np.int8(1))
    capsys.readouterr()
    assert main(["verify", "uno", "--board", "native", "--count", "2"]) == 1
    said = capsys.readouterr().err
    assert "native differs from the generated C on this PC on 2 random" in said
    assert "Where tflite-micro is not installed, no layer is named." in said
