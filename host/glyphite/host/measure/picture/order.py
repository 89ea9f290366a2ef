"""Which marks are of one digit, and in which order digits are read."""

from collections.abc import Sequence

from glyphite.host.measure.picture.components import Mark

PART = 0.25
"""Of the tallest mark's height: a part of a digit lies so near to it."""
LARGE = 0.5
"""Of the tallest digit's height: digits of one hand are at least as tall."""
GROWN = 1.8
"""A part makes its digit at most so many times as tall."""

Digit = list[Mark]


def group(marks: Sequence[Mark]) -> tuple[list[Digit], list[Mark]]:
    """The digits that the marks are of, the tallest mark of each first, and the marks of none.

    ``marks`` are in order of height. A 5 is often drawn as two, and a pencil leaves gaps.
    """
    digits: list[Digit] = []
    strays: list[Mark] = []
    for mark in marks:
        home = _home(mark, digits)
        if home is not None:
            home.append(mark)
        elif not digits or mark.height >= LARGE * digits[0][0].height:
            digits.append([mark])
        else:
            strays.append(mark)
    return digits, strays


def in_order(digits: Sequence[Digit]) -> list[Digit] | None:
    """The digits from left to right; None where they are not in one row."""
    spans = [(min(mark.top for mark in digit), max(mark.bottom for mark in digit))
             for digit in digits]  # fmt: skip
    middles = [(top + bottom) / 2 for top, bottom in spans]
    for top, bottom in spans:
        if not all(top <= middle <= bottom for middle in middles):
            return None
    return sorted(digits, key=lambda digit: min(mark.left for mark in digit))


def _home(mark: Mark, digits: Sequence[Digit]) -> Digit | None:
    """The digit that a mark is a part of."""
    if not digits:
        return None
    reach = PART * digits[0][0].height
    near = [digit for digit in digits if _gap(mark, digit[0]) <= reach and _joins(mark, digit[0])]
    return min(near, key=lambda digit: _gap(mark, digit[0]), default=None)


def _gap(one: Mark, other: Mark) -> int:
    """Pixels between two boxes, along the axis on which they are further apart."""
    rows = max(one.top - other.bottom, other.top - one.bottom, 0)
    columns = max(one.left - other.right, other.left - one.right, 0)
    return max(rows, columns)


def _joins(part: Mark, whole: Mark) -> bool:
    """Whether a mark is low, or lies above, below or within the other, as parts of a digit do."""
    if part.height < LARGE * whole.height:
        return True
    shared = min(part.right, whole.right) - max(part.left, whole.left)
    narrow = min(part.right - part.left, whole.right - whole.left)
    height = max(part.bottom, whole.bottom) - min(part.top, whole.top)
    return shared >= 0.5 * narrow and height <= GROWN * whole.height
