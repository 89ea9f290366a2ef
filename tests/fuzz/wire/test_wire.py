"""Some seconds of the wire's fuzzer, and that it notices what may go wrong in the board's C."""

from pathlib import Path

import pytest

from tests.fuzz.wire import campaign
from tests.fuzz.wire.campaign import LIBRARY, SIZES, NoFuzzerError, fuzz
from tests.strict import absent

RUNS = 10_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the target can be built; else the tests are skipped."""
    made = tmp_path_factory.mktemp("wire")
    try:
        campaign.clang()
    except NoFuzzerError as error:
        absent(str(error))
    return made


@pytest.mark.parametrize("bits", SIZES)
def test_a_board_answers_any_bytes_as_the_wire_has_it(folder: Path, bits: str) -> None:
    try:
        found = fuzz(bits, RUNS, 1, folder)
    except NoFuzzerError as error:
        absent(str(error))
        return
    assert not found.defect
    assert found.runs >= RUNS
    assert found.branches > 200
    assert found.inputs > 200


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("if (application->received > whole) {", "if (false) {", "heap-buffer-overflow"),
        ("return application->answered &&", "return", ": not so:"),
        ("count < left ? count : left", "left < 1 ? left : count", "heap-buffer-overflow"),
    ],
    ids=["more is counted", "any id is a known one", "the tensor is overrun"],
)
@pytest.mark.usefixtures("folder")
def test_what_may_go_wrong_on_a_board_is_noticed_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, said: str
) -> None:
    source = LIBRARY / "glyphite_application.c"
    broken = tmp_path / "broken.c"
    text = source.read_text()
    assert text.count(old) == 1
    broken.write_text(text.replace(old, new))
    watched = [broken if each == source else each for each in campaign.WATCHED]
    monkeypatch.setattr(campaign, "WATCHED", tuple(watched))
    found = fuzz("16", RUNS, 1, tmp_path)
    assert said in found.defect
    assert len(list(tmp_path.glob("size16_crash-*"))) == 1
