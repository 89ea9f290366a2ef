"""A bad line as a setting of an emulated board: bytes are lost, changed, doubled, split."""

import random
from dataclasses import dataclass, fields

from glyphite.convert.errors import InputError


@dataclass(frozen=True)
class Faults:
    """The probability of each fault per byte. The same seed gives the same faults."""

    drop: float = 0.0
    corrupt: float = 0.0
    duplicate: float = 0.0
    split: float = 0.0
    """The line pauses after the byte, so that a reader gets the rest as another piece."""
    seed: int = 0

    @property
    def any(self) -> bool:
        """Whether the line has any faults."""
        return bool(self.drop or self.corrupt or self.duplicate or self.split)


def parse_faults(settings: dict[str, str]) -> Faults:
    """Faults from text such as ``{"drop": "0.001", "seed": "7"}``.

    Raises InputError where a name is unknown, or a value is not a number or not 0 to 1.
    """
    known = [field.name for field in fields(Faults)]
    values: dict[str, float] = {}
    for name, text in settings.items():
        if name not in known:
            raise InputError(
                f"Unknown setting {name!r}. Known ones: firmware, {', '.join(known)}. Correct it."
            )
        try:
            values[name] = int(text) if name == "seed" else float(text)
        except ValueError as error:
            raise InputError(f"{name}={text} is not a number. Write, say, {name}=1.") from error
        if name != "seed" and not 0 <= values[name] <= 1:
            raise InputError(f"{name}={text} is not a rate. Rates are 0 to 1.")
    return Faults(**values)  # type: ignore[arg-type]  # the seed alone is an int, and it is one


class FaultyLine:
    """One direction of a bad line."""

    def __init__(self, faults: Faults, direction: int) -> None:
        self._faults = faults
        self._random = random.Random(2 * faults.seed + direction)

    def carry(self, data: bytes) -> list[bytes]:
        """The pieces in which ``data`` arrives, with its faults."""
        pieces = [bytearray()]
        for byte in data:
            pieces[-1] += self._one(byte)
            if self._hit(self._faults.split):
                pieces.append(bytearray())
        return [bytes(piece) for piece in pieces if piece]

    def _one(self, byte: int) -> bytes:
        if self._hit(self._faults.drop):
            return b""
        if self._hit(self._faults.corrupt):
            byte ^= self._random.randint(1, 255)
        return bytes([byte, byte]) if self._hit(self._faults.duplicate) else bytes([byte])

    def _hit(self, rate: float) -> bool:
        return rate > 0 and self._random.random() < rate
