"""What was decided about a layer's kernel, and why, recorded when it is decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    """What a decision rests on."""

    PROOF = "proof"
    """A condition on these very weights, scales and shapes, without which bytes could change."""
    HEURISTIC = "heuristic"
    """A choice between kernels that all give the same bytes: by cost, or by memory."""


@dataclass(frozen=True)
class Decision:
    """Whether something is so for one layer; true where it is.

    What chooses a kernel asks for it, the step that was chosen keeps it, and ``glyphite inspect``
    prints it.
    """

    name: str
    """What would be so, in a few words."""
    holds: bool
    detail: str
    """The numbers that decided, or why it does not hold."""
    basis: Basis = Basis.PROOF

    def __bool__(self) -> bool:
        return self.holds


@dataclass(frozen=True)
class Refusal:
    """Why a kernel cannot take a layer: what was asked, the last of which does not hold.

    Nothing was asked where a processor has no kernel for such a layer.
    """

    decisions: tuple[Decision, ...]

    @property
    def reason(self) -> str:
        """In words."""
        if not self.decisions:
            return "there is no kernel of its own for it"
        last = self.decisions[-1]
        return f"{last.name}: {last.detail}"


def unmet(decisions: Iterable[Decision]) -> Refusal | None:
    """A refusal by the first decision that does not hold; None where all hold."""
    asked: list[Decision] = []
    for decision in decisions:
        asked.append(decision)
        if not decision:
            return Refusal(tuple(asked))
    return None


def latest(decisions: Iterable[Decision]) -> tuple[Decision, ...]:
    """Each name once: where a later kernel asked again, what it found, at its place."""
    found: dict[str, Decision] = {}
    for decision in decisions:
        found.pop(decision.name, None)
        found[decision.name] = decision
    return tuple(found.values())
