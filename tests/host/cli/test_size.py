"""``glyphite size``: which boards can hold a model, and what of that was measured."""

import dataclasses
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glyphite.convert.boards import load_board
from glyphite.convert.compiler import driver
from glyphite.convert.compiler.ir.goal import Goal
from glyphite.convert.errors import DoesNotFitError, GlyphiteError, LinkError, ModelError, ToolError
from glyphite.convert.shipped import FIRMWARE as FILES
from glyphite.convert.workspace import find_model
from glyphite.host.cli import main
from glyphite.host.cli.budgets import Checks
from glyphite.host.cli.size import _check, _print
from glyphite.host.device.size import Size
from glyphite.host.measure import board_sizes
from glyphite.host.measure.bench import footprint
from glyphite.host.measure.board_sizes import ALONE, ESTIMATE, FIRMWARE, LEAST, BoardSize
from tests.builders.dense import fully_connected

Tools = Callable[..., None]


def sized(
    board: str, basis: str, fits: bool | None, *, flash: int = 900, ram: int = 90
) -> BoardSize:
    return BoardSize(load_board(board), basis, Size(flash, ram, 10, {}, ()), fits, "So it is.")


def measured(*boards: str, goal: Goal = Goal.SPEED) -> list[BoardSize]:
    folder = find_model("uno")
    content = folder.tflite.read_bytes()
    files = [load_board(board) for board in boards]
    return board_sizes.measure_boards(folder, content, goal, files, lambda steps: None)


def test_the_figures_are_those_of_build_and_nothing_is_written(
    require_tool: Tools, build_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_tool("arm-none-eabi-gcc")
    words = ["size", "uno", "--board", "cortex-m0", "--board", "cortex-m0", "--json"]
    assert main([*words, "--optimize", "size"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert not build_folder.exists()
    words = [
        "build",
        "uno",
        "--board",
        "cortex-m0",
        "--json",
        "--max-flash",
        "1",
        "--max-ram",
        "2K",
    ]
    assert main([*words, "--optimize", "size"]) == 1
    captured = capsys.readouterr()
    built, (board,) = json.loads(captured.out), told["boards"]
    alike = ("board", "flash", "flash_available", "ram", "ram_available", "stack", "stack_measured")
    assert {key: board[key] for key in alike} == {key: built[key] for key in alike}
    assert (told["model"], board["fits"], board["basis"]) == ("uno", True, FIRMWARE)
    of = f"uno on cortex-m0 (--optimize size, model {told['sha256'][:12]})"
    assert captured.err == (
        f"glyphite build: {of} takes {board['flash']:,} bytes of flash, and --max-flash allows 1. "
        "Try --optimize size or a smaller model, or allow more.\n"
    )


def test_one_processor_is_compiled_for_once_without_the_core(
    require_tool: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have a Cortex-M0+, and cores that arduino-cli alone builds with."""
    require_tool("arm-none-eabi-gcc")
    called: list[str] = []

    def counted(name: str, function: Callable[..., Any]) -> None:
        def count(*words: Any, **more: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
            called.append(name)
            return function(*words, **more)

        monkeypatch.setattr(f"glyphite.host.measure.board_sizes.{name}", count)

    counted("linked_alone", footprint.linked_alone)
    counted("compile_model", driver.compile_model)
    zero, nano = measured("zero", "nano-rp2040-connect")
    assert called == ["compile_model", "linked_alone"]
    assert (zero.basis, nano.basis, zero.fits) == (ALONE, ALONE, True)
    assert (zero.size.flash, zero.size.ram) == (nano.size.flash, nano.size.ram)
    assert 19_000 < zero.size.flash < 30_000
    assert 1132 <= zero.size.ram < 1400
    assert zero.size.stack == 1024


def test_an_array_too_long_for_an_avrs_compiler_fits_no_avr(
    require_tool: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_tool("avr-gcc")
    wide = tmp_path / "wide.tflite"
    wide.write_bytes(fully_connected(np.random.default_rng(0), (1, 1000), 1000, 40))
    assert main(["size", str(wide), "--board", "mega2560"]) == 1
    captured = capsys.readouterr()
    assert re.search(r"mega2560 .* no$", captured.out, re.MULTILINE)
    assert "for 'mega2560': fully_connected_0_weights has 40,000 bytes, and avr" in captured.err


def test_what_no_compiler_here_takes_is_estimated(
    require_tool: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit is for figures that were measured: an estimate has not passed it."""
    require_tool("cc")
    words = ["size", "uno", "--board", "esp32-devkit", "--junit", str(tmp_path / "it.xml")]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert re.search(r"flash +~\d\d,\d\d\d of  1,310,720 .* yes\n +RAM +~1,144 \+ 8,192", printed)
    assert "~ Estimated: weights and arena are the board's" in printed
    assert "esp32-devkit: xtensa-esp32-elf-gcc, its compiler, is not on the PATH." in printed
    assert "<skipped" in (tmp_path / "it.xml").read_text()


def test_why_a_firmware_is_not_linked_is_told(
    require_tool: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_tool("avr-gcc")

    def linked_size(*_: object) -> Size:
        raise ToolError("No sketch today.")

    monkeypatch.setattr(board_sizes, "linked_size", linked_size)
    (uno,) = measured("uno")
    assert (uno.basis, uno.fits, uno.reason) == (ALONE, True, "No sketch today.")


def test_without_any_compiler_no_code_is_counted_and_no_limit_passes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    boards = ["--board", "uno", "--board", "zero", "--board", "cortex-m0"]
    assert main(["size", "uno", *boards, "--max-ram", "999K"]) == 1
    captured = capsys.readouterr()
    assert captured.out.count("?") == 3
    assert (
        "> Weights and arena alone, as nothing here compiles the code: uno, zero," in captured.out
    )
    assert captured.err.count("is not measured, so --max-ram has not passed.") == 3
    assert "sudo apt-get install gcc-arm-none-eabi" in captured.err


def test_a_board_that_was_named_and_is_too_small_fails_with_the_parts(
    require_tool: Tools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    require_tool("arm-none-eabi-gcc")
    text = (FILES / "boards" / "cortex-m0.toml").read_text()
    text = text.replace('name = "cortex-m0"', 'name = "tiny"')
    (tmp_path / "tiny.toml").write_text(re.sub("(?m)^flash = .*", "flash = 20_000", text))
    words = ["size", "uno", "--board", str(tmp_path / "tiny.toml"), "--max-ram", "1K"]
    assert main(words) == 1
    captured = capsys.readouterr()
    assert re.search(
        r"tiny  flash +\d\d,\d\d\d of     20,000  ████████  1\d\d %  no\n", captured.out
    )
    fits, limit = captured.err.split(" Use a larger board or a smaller model. ")
    assert re.search(r"'uno' does not fit on 'tiny': it needs [\d,]+ bytes of flash, and", fits)
    assert re.search(r"the board has 20,000\. Largest parts: conv_2d_4_weights 12,960, ", fits)
    assert re.match(r"uno on tiny \(--optimize speed, model [0-9a-f]{12}\) takes [\d,]+ by", limit)
    assert "bytes of static RAM, and --max-ram allows 1,024. Try" in limit


@pytest.mark.parametrize(
    ("error", "fits"), [(DoesNotFitError("No room."), False), (LinkError("Silence."), True)]
)
def test_what_cannot_be_linked_is_estimated_with_the_reason(
    error: GlyphiteError, fits: bool, require_tool: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_tool("cc")

    def fail(*words: object) -> None:
        raise error

    monkeypatch.setattr(board_sizes, "linked_size", fail)
    (one,) = measured("native")
    assert (one.basis, one.fits, one.reason) == (ESTIMATE, fits, str(error))


def test_what_one_processor_alone_cannot_have_does_not_fit_there(
    require_tool: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_tool("cc")

    def refuse(*words: Any, architecture: str, **more: Any) -> Any:  # noqa: ANN401 - any model
        if architecture == "avr5":
            raise ModelError("An array is too large for it.")
        return driver.compile_model(*words, architecture=architecture, **more)

    monkeypatch.setattr(board_sizes, "compile_model", refuse)
    (one,) = measured("uno")
    assert (one.basis, one.fits, one.reason) == (ESTIMATE, False, "An array is too large for it.")
    assert 20_000 < one.size.flash < 40_000


def test_an_estimate_beyond_the_board_says_how_much_is_needed(
    require_tool: Tools, tmp_path: Path
) -> None:
    require_tool("cc")
    text = (FILES / "boards" / "esp32-devkit.toml").read_text()
    text = text.replace('name = "esp32-devkit"', 'name = "tiny"')
    (tmp_path / "tiny.toml").write_text(re.sub("(?m)^flash = .*", "flash = 20_000", text))
    (one,) = measured(str(tmp_path / "tiny.toml"))
    assert (one.basis, one.fits) == (ESTIMATE, False)
    assert re.fullmatch(
        r"The model 'uno' does not fit on 'tiny': it needs [\d,]+ bytes of flash, and the "
        r"board has 20,000\. Use a larger board or a smaller model\.",
        one.reason,
    )


def outcomes(one: BoardSize, is_named: bool, **limits: float) -> list[str]:
    checks = Checks(dict(limits))
    _check(checks, one, "it", is_named)
    return [f"{case.outcome or 'passed'} {case.name}" for case in checks.cases]


def test_only_a_board_that_was_named_has_to_hold_the_model() -> None:
    assert outcomes(sized("uno", FIRMWARE, False), is_named=False) == []
    assert outcomes(sized("uno", FIRMWARE, True), True) == ["passed the firmware fits: it"]
    for basis in (FIRMWARE, ALONE, ESTIMATE, LEAST):
        one = sized("uno", basis, False)
        assert outcomes(one, is_named=True) == ["failure the firmware fits: it"]
    for basis in (ALONE, ESTIMATE):  # the whole was not seen to fit
        one = sized("uno", basis, True)
        assert outcomes(one, is_named=True) == ["skipped the firmware fits: it"]


def test_limits_hold_for_every_board_that_is_measured() -> None:
    both = {"max_flash": 899, "max_ram": 90}
    told = ["failure --max-flash 899: it", "passed --max-ram 90: it"]
    assert outcomes(sized("uno", FIRMWARE, True), False, **both) == told
    assert outcomes(sized("zero", ALONE, True), False, **both) == told
    assert outcomes(sized("zero", ESTIMATE, True), False, **both) == []


def test_the_table_has_80_columns_and_loses_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Names and limits are the longest of the boards that come with Glyphite."""
    largest = sized("nano-rp2040-connect", LEAST, None, flash=64 << 20, ram=99_999)
    none = dataclasses.replace(sized("native", ESTIMATE, True), reason="")
    _print("it", [largest, none, sized("uno", FIRMWARE, True)])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[2::2]] == ["nano-rp2040-connect", "native", "uno"]
    assert [line.split()[-1] for line in lines[2::2]] == ["?", "yes", "yes"]


def test_a_board_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["size", "uno", "--board", "unno"]) == 2
    assert "No board called 'unno'." in capsys.readouterr().err
