"""A training run that goes on where it was stopped: its state after each epoch, in one file.

The file is of one run alone: its name has a digest of all that the weights depend on, so that a run
with other settings neither reads it nor writes over it.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.arrays import read_npz
from glyphite.convert.documents import to_json
from glyphite.convert.errors import InputError
from glyphite.convert.files import remove, write_bytes

DIGITS = 12
"""Of the digest in a file's name."""
_GROUPS = ("variables", "optimizer", "average")


@dataclass(frozen=True)
class State:
    """All that a run has come to after an epoch."""

    history: dict[str, list[float]]
    """A figure for each epoch so far."""
    variables: list[NDArray[Any]]
    """The model's, with the states of its random generators."""
    optimizer: list[NDArray[Any]]
    """The optimizer's, with the count of its steps."""
    average: list[NDArray[Any]]
    """The averaged weights; empty where none are averaged yet."""

    @property
    def epochs(self) -> int:
        """How many are finished."""
        return len(next(iter(self.history.values()), []))


@dataclass(frozen=True)
class Checkpoint:
    """Where the state of one run is kept. ``path`` is None where none is kept."""

    path: Path | None

    def load(self) -> State | None:
        """The state that was kept; None where there is none, or a file that is damaged."""
        if self.path is None or not self.path.is_file():
            return None
        try:
            arrays = read_npz(self.path)
        except InputError:
            return None
        groups: dict[str, list[NDArray[Any]]] = {group: [] for group in _GROUPS}
        history: dict[str, list[float]] = {}
        for name, values in arrays.items():
            group, _, of = name.partition(".")
            if group == "history":
                history[of] = [float(value) for value in values]
            else:
                groups[group].append(values)
        return State(history, *groups.values())

    def save(self, state: State) -> None:
        """Keep ``state`` in place of an earlier one. Raises InputError where it cannot be."""
        if self.path is None:
            return
        named = {f"history.{name}": np.array(row) for name, row in state.history.items()}
        for group in _GROUPS:
            rows: Sequence[NDArray[Any]] = getattr(state, group)
            named |= {f"{group}.{index:04}": np.asarray(row) for index, row in enumerate(rows)}
        content = io.BytesIO()
        np.savez(content, **named)  # type: ignore[arg-type]  # its stub takes any name for a flag
        write_bytes(self.path, content.getvalue())

    def remove(self) -> None:
        """Remove the file, when the model is written. Raises InputError where it stays."""
        if self.path is not None:
            remove(self.path)


def checkpoint(folder: Path, **depends_on: object) -> Checkpoint:
    """That of the run whose weights depend on all of ``depends_on``, which JSON can tell."""
    digest = hashlib.sha256(to_json(depends_on).encode()).hexdigest()[:DIGITS]
    return Checkpoint(folder / f"training-{digest}.npz")
