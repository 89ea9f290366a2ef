"""What is kept of a training run beside its model: settings, curves, and what it learnt from."""

from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from glyphite.convert.documents import read_json
from glyphite.convert.errors import InputError
from glyphite.convert.manifest import DataRecord, MaybeSha256, Share
from glyphite.convert.preprocessing import Preprocessing
from glyphite.convert.workspace import ModelFolder

Count = Annotated[int, Meta(ge=0)]
Curve = Annotated[list[Annotated[float, Meta(ge=0, le=1e39)]], Meta(min_length=1)]
HELD_BACK = "held back"
"""``judged_by`` of a training by ``--held-back``."""
Shares = Annotated[list[Share], Meta(min_length=1)]


@dataclass(frozen=True)
class History:
    """The content of history.json; the figures of a run that was judged at its end have one."""

    network: Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f]{1,400}\Z")]
    """A name, or ``FILE.py:FUNCTION``."""
    epochs: Count
    batch_size: Count
    seed: int
    parameters: Count
    loss: Curve
    val_loss: Curve
    accuracy: Shares | None = None
    """None, as the next, where there are no classes."""
    val_accuracy: Shares | None = None
    float_sha256: MaybeSha256 = ""
    """That of the float model; empty where it is not known."""
    preprocessing: Preprocessing | None = None
    """What was done to its samples; None where it is not known."""
    recipe: str = "plain"
    """How it was trained: see ``glyphite.train.networks.recipes``."""
    hyperparameters: dict[str, Any] | None = None
    """Those of the recipe by name; None where it was trained as ``fit`` and ``fit_own`` do."""
    judged_by: str = "test"
    """The part of the data that ``val_loss`` and ``val_accuracy`` are of."""
    data: DataRecord | None = None
    """Where they are from; None where it is not known, as of MNIST for a network of ours."""


def history_of(folder: ModelFolder, float_sha256: str) -> History | None:
    """What is kept of the training of a folder's float model; None where nothing of it is."""
    try:
        found = read_json(folder.history, History, "")
    except InputError:
        return None
    return found if found.float_sha256 == float_sha256 else None
