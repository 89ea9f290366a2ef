"""Files with names that no one would choose: verbs take them, and print what can be typed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from glyphite.convert.boards import BOARDS
from glyphite.convert.shipped import MODELS
from glyphite.host.cli import main
from tests.paths import PROJECT

ODD = os.fsdecode(b"caf\xe9 [red] $(x)'\n;.tflite")
"""Not UTF-8; markup, and what a shell or a terminal would act on."""
SEVEN = str(PROJECT / "tests" / "data" / "seven.png")


@pytest.fixture
def odd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bundled network under an odd name, in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(MODELS / "uno" / "model_int8.tflite", ODD)
    return Path(ODD)


def typed(said: str, intro: str) -> list[str]:
    """The words that the shell makes of the command printed after ``intro``, on lines if long."""
    (command,) = re.findall(rf"{intro}\s*glyphite ((?:.*\\\n)*.*)", said)
    shell = ["bash", "-c", f"printf '%s\\0' {command}"]
    words = subprocess.run(shell, capture_output=True, check=True).stdout.split(b"\0")[:-1]
    return [os.fsdecode(word) for word in words]


@pytest.mark.parametrize(
    "words",
    [
        ("compile",),
        ("inspect", "--json"),
        ("inspect", "--board", "uno"),
        ("export", "--tflm"),
        ("predict",),
        ("compare", "--count", "2"),
    ],
)
def test_a_verb_takes_a_model_of_any_name(
    words: tuple[str, ...], odd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    verb, *options = words
    image = [SEVEN] if verb == "predict" else []
    assert main([verb, *image, str(odd), *options]) == 0
    said = capfd.readouterr()
    assert "\x1b" not in said.out + said.err
    assert "\udce9" not in said.out + said.err


def test_the_command_that_build_prints_works_when_it_is_typed(
    odd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["build", str(odd), "--board", "native"]) == 0
    words = typed(capfd.readouterr().out, "Next:")
    assert words == ["stream", str(odd), "--port", "sim://native"]
    assert main([*words, "--count", "2"]) == 0


def test_a_model_named_like_an_option_is_not_printed_as_one(
    odd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    odd.rename("-x.tflite")
    assert main(["export", "--arduino", "--", "-x.tflite"]) == 0
    words = typed(capfd.readouterr().out, "Next:")
    assert words[:2] == ["stream", "./-x.tflite"]


def test_the_remedy_of_an_error_works_when_it_is_typed(
    odd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(odd)]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    first, second = said.split(" or ")
    assert typed(first.replace("`", "\n"), "\n") == ["compare", str(odd)]
    assert typed(second.replace("`", "\n"), "\n") == ["build", str(odd), "--board", "native"]


def test_export_s_command_names_the_model_as_given(
    odd: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(odd), "--arduino"]) == 0
    words = typed(capfd.readouterr().out, "Next:")
    assert words == ["stream", str(odd), "--port", "PORT", "--count", "100"]


def test_a_board_file_is_named_as_given_and_its_port_is_known(
    small_tflite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A model that reads no digits is verified, and streaming from the board's port is possible."""
    monkeypatch.chdir(tmp_path)
    Path("my boards").mkdir()
    board = Path("my boards", "mine (1).toml")
    board.write_text(
        (BOARDS / "native.toml").read_text().replace('name = "native"', 'name = "mine"')
    )
    assert main(["build", small_tflite.name, "--board", str(board)]) == 0
    words = typed(capfd.readouterr().out, "Next:")
    assert words == ["verify", small_tflite.name, "--board", str(board)]
    assert main([*words, "--count", "3"]) == 0
    url = "sim://my%20boards/mine%20%281%29.toml"
    assert main([*words, "--count", "3", "--port", url]) == 0
