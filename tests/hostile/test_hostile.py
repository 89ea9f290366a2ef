"""A few damaged inputs of each kind, and that the campaign notices whatever a reader does wrong."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glyphite.convert.errors import GlyphiteError
from tests.fuzz.compiling import is_sentence
from tests.hostile import broken
from tests.hostile.campaign import WAYS, Campaign
from tests.hostile.documents import ManifestWay
from tests.hostile.way import Way
from tests.hostile.worker import Worker, made

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all kinds: its start takes most of the time."""
    made_one = Worker(patience=60)
    yield made_one
    made_one.stop()


@pytest.mark.parametrize("name", WAYS)
def test_damaged_inputs_are_what_they_say_or_end_in_a_sentence(
    worker: Worker, tmp_path: Path, name: str
) -> None:
    found = Campaign(name, seed=20, count=60, folder=tmp_path).run([worker], lambda steps: None)
    assert not found.defects
    assert found.outcomes.total() == 60
    assert found.outcomes["refused"] > 10
    assert found.outcomes["accepted"] > 0 or name in {"idx", "download"}
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("way", "kind", "text"),
    [
        (broken.Stumbling, "traceback", "IndexError: tuple index out of range"),
        (broken.Believing, "wrong", "other scores"),
        (broken.Rambling, "sentence", "One line"),
        (broken.Hoarding, "memory", "MemoryError"),
    ],
)
def test_what_a_reader_may_do_wrong_is_noticed_and_kept(
    worker: Worker, tmp_path: Path, way: type[Way], kind: str, text: str
) -> None:
    campaign = Campaign("answer", seed=1, count=1, first=3, folder=tmp_path, way=way)
    (defect,) = campaign.run([worker], lambda steps: None).defects
    assert (defect.number, defect.kind) == (3, kind)
    assert text in defect.text
    told = (tmp_path / f"answer_seed1_3_{kind}.txt").read_text()
    assert "python -m tests.hostile --input answer --seed 1 --first 3 --count 1" in told
    assert (tmp_path / f"answer_seed1_3_{kind}.bin").read_bytes() == made(way(tmp_path), 1, 3)


@pytest.mark.parametrize(("way", "kind"), [(broken.Dying, "crash"), (broken.Sleeping, "hang")])
def test_a_process_that_ends_or_waits_is_started_anew(way: type[Way], kind: str) -> None:
    worker = Worker(patience=8)  # of which a busy machine needs some to start it
    try:
        campaign = Campaign("answer", seed=1, count=1, way=way)
        (defect,) = campaign.run([worker], lambda steps: None).defects
        assert (defect.number, defect.kind) == (0, kind)
    finally:
        worker.stop()


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> ManifestWay:
    return ManifestWay(tmp_path_factory.mktemp("manifests"))


@given(st.data())
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_manifest_with_any_other_value_is_refused(
    manifests: ManifestWay, data: st.DataObject
) -> None:
    """Hypothesis makes a document that fails small."""
    document = json.loads(manifests.text)
    key = data.draw(st.sampled_from(sorted(document)))
    value = data.draw(VALUES)
    if value == document[key]:
        return
    with pytest.raises(GlyphiteError) as caught:
        manifests.read(json.dumps(document | {key: value}).encode())
    assert is_sentence(str(caught.value))
