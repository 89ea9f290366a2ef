"""Plots as inline SVG: they take the page's colours, light and dark, and its fonts.

A plot is drawn in units of a phone's pixels, so that its text can be read on one. A series is a
number, by which the page's style gives it a colour, and this file a shape of its own: no plot needs
its colours to be understood.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDTH, HEIGHT = 400, 240
"""Of a plot, in CSS pixels of a phone."""
ABOVE, BELOW, BESIDE = 24, 38, 12
"""Room above the plot's area for the name of the axis upwards, below for ticks and the other's
name, and on the right."""
LETTER = 6.3
"""The width of a letter, of the size of the ticks' text."""
TICKS = 5
"""About as many stand on an axis."""
SERIES = 6
"""Colours and shapes: the next series has the first ones again."""
ROW, BAR = 34, 9
"""Heights of a row of :func:`bars` and of the bar in it."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """An axis with its name and unit, and its ticks as (value, text)."""

    name: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    is_log: bool = False

    def share(self, value: float) -> float:
        """Where a value is on the axis: 0 at its begin, 1 at its end."""
        if self.is_log:
            low, high = math.log10(self.low), math.log10(self.high)
            return (math.log10(max(value, self.low)) - low) / (high - low)
        return (value - self.low) / (self.high - self.low)


def linear(
    name: str, low: float, high: float, shown: Callable[[float], str] = "{:,.6g}".format
) -> Axis:
    """An axis from ``low`` to ``high``, or around them where they are one, with even ticks."""
    if not high > low:
        spread = abs(low) / 10 or 1.0
        low, high = low - spread, high + spread
    step = _step((high - low) / TICKS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = [(place * step, shown(place * step + 0.0)) for place in range(first, last + 1)]
    return Axis(name, low, high, tuple(ticks))


def whole(name: str, low: int, high: int) -> Axis:
    """An axis of whole numbers, with room for half a one at both ends."""
    step = max(1, round(_step((high - low) / TICKS))) if high > low else 1
    first = -(-low // step) * step
    ticks = [(float(place), f"{place:,}") for place in range(first, high + 1, step)]
    return Axis(name, low - 0.5, high + 0.5, tuple(ticks))


def logarithmic(name: str, values: Sequence[float]) -> Axis:
    """An axis for positive ``values``, each of which has a tick of its own."""
    low, high = min(values), max(values)
    ticks = tuple((value, f"{value:,.6g}") for value in sorted(set(values)))
    return Axis(name, low / 1.15, high * 1.15, ticks, is_log=True)


def _step(least: float) -> float:
    """The next of 1, 2, 5, 10, ... that is not below."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * digit for digit in (1, 2, 5, 10) if power * digit >= least * (1 - 1e-9))


class Plot:
    """An area with two axes, onto which series are drawn one after the other."""

    def __init__(self, across: Axis, up: Axis, height: int = HEIGHT) -> None:
        self.across, self.up = across, up
        self.height = height
        longest = max((len(text) for _, text in up.ticks), default=1)
        self.left = 10 + LETTER * longest
        self.parts: list[Markup] = []

    def x(self, value: float) -> float:
        """A value's place, from the left."""
        return self.left + self.across.share(value) * (WIDTH - BESIDE - self.left)

    def y(self, value: float) -> float:
        """A value's place, from above."""
        return self.height - BELOW - self.up.share(value) * (self.height - BELOW - ABOVE)

    def line(self, points: Sequence[Point], series: int, marks: bool = True) -> None:
        """A line through the points, with a mark on each."""
        path = "L".join(f"{self.x(x):.1f} {self.y(y):.1f}" for x, y in points)
        self.add(f'<path class="line s{series % SERIES}" d="M{path}"/>')
        if marks:
            self.marks(points, series)

    def marks(self, points: Sequence[Point], series: int, names: Sequence[str] = ()) -> None:
        """A mark on each point, which tells its name."""
        for place, (x, y) in enumerate(points):
            name = names[place] if names else f"{self.across.name} {x:,.6g}: {y:,.6g}"
            at = f'transform="translate({self.x(x):.1f} {self.y(y):.1f})"'
            shape = SHAPES[series % SERIES]
            self.parts.append(
                Markup('<path class="mark s{}" {} d="{}"><title>{}</title></path>').format(
                    series % SERIES, Markup(at), shape, name
                )
            )

    def dots(self, points: Sequence[Point], series: int) -> None:
        """Many points, as one path of small dots."""
        path = "".join(f"M{self.x(x):.1f} {self.y(y):.1f}h0" for x, y in points)
        self.add(f'<path class="dots s{series % SERIES}" d="{path}"/>')

    def box(self, left: Point, right: Point, series: int, name: str = "") -> None:
        """A rectangle between two corners; its name is told where it is pointed at."""
        (x0, x1), (y0, y1) = sorted((self.x(left[0]), self.x(right[0]))), sorted(
            (self.y(left[1]), self.y(right[1]))
        )  # fmt: skip
        self.parts.append(
            Markup('<rect class="box s{}" x="{}" y="{}" width="{}" height="{}">').format(
                series % SERIES, *(f"{value:.1f}" for value in (x0, y0, x1 - x0, y1 - y0))
            )
            + (Markup("<title>{}</title>").format(name) if name else Markup(""))
            + Markup("</rect>")
        )

    def whisker(self, x: float, low: float, high: float, series: int) -> None:
        """An interval upwards."""
        at = f"M{self.x(x):.1f} {self.y(low):.1f}V{self.y(high):.1f}"
        self.add(f'<path class="whisker s{series % SERIES}" d="{at}"/>')

    def guide(self, first: Point, last: Point) -> None:
        """A broken line that is no data: where things would be if all were well."""
        (x0, y0), (x1, y1) = first, last
        at = f"M{self.x(x0):.1f} {self.y(y0):.1f}L{self.x(x1):.1f} {self.y(y1):.1f}"
        self.add(f'<path class="guide" d="{at}"/>')

    def add(self, part: str) -> None:
        """Something that is drawn on top of all before; no text of others is in it."""
        self.parts.append(_markup(part))

    def svg(self, says: str) -> Markup:
        """The plot; ``says`` tells who cannot see it what is to be seen."""
        parts = [*self._axes(), *self.parts]
        return _svg(self.height, says, parts)

    def _axes(self) -> list[Markup]:
        bottom, right = self.height - BELOW, WIDTH - BESIDE
        parts = []
        for value, text in self.up.ticks:
            y = f"{self.y(value):.1f}"
            parts.append(_markup(f'<path class="grid" d="M{self.left:.1f} {y}H{right}"/>'))
            parts.append(_text(self.left - 5, self.y(value) + 4, text, "end"))
        free = -math.inf
        for value, text in self.across.ticks:
            x, half = self.x(value), LETTER * len(text) / 2
            parts.append(_markup(f'<path class="axis" d="M{x:.1f} {bottom}v4"/>'))
            if x - half > free:
                parts.append(_text(x, bottom + 16, text, "middle"))
                free = x + half + 4
        parts.append(_markup(f'<path class="axis" d="M{self.left:.1f} {bottom}H{right}"/>'))
        parts.append(_text(2, 13, self.up.name, "start", "name"))
        parts.append(
            _text((self.left + right) / 2, self.height - 5, self.across.name, "middle", "name")
        )
        return parts


@dataclass(frozen=True)
class Bar:
    """A row of :func:`bars`: its name, and its values as (series, value, text)."""

    name: str
    values: tuple[tuple[int, float, str], ...]


def bars(rows: Sequence[Bar], axis: Axis, says: str) -> Markup:
    """Bars to the right, each with its name above it and its value behind: for many long names."""
    longest = max(len(text) for row in rows for _, _, text in row.values)
    most = WIDTH - LETTER * longest - 12
    parts, y = [], 0.0
    for row in rows:
        parts.append(_text(0, y + 13, row.name, "start"))
        y += 18
        for series, value, text in row.values:
            width = max(1.0, axis.share(value) * most)
            parts.append(_markup(
                f'<rect class="box s{series % SERIES}" x="0" y="{y:.1f}" width="{width:.1f}" '
                f'height="{BAR}" rx="2"/>'
            ))  # fmt: skip
            parts.append(_text(width + 6, y + BAR, text, "start", "name"))
            y += BAR + 4
        y += 6
    parts.append(_text(0, y + 12, axis.name, "start", "name"))
    return _svg(y + 18, says, parts)


def key(names: Sequence[str]) -> Markup:
    """What the series are called, in their order, each with its colour and shape."""
    items = [
        Markup('<li><svg viewBox="-6 -6 12 12" aria-hidden="true">'
               '<path class="mark s{}" d="{}"/></svg>{}</li>').format(
            series % SERIES, SHAPES[series % SERIES], name
        )
        for series, name in enumerate(names)
    ]  # fmt: skip
    return Markup('<ul class="key">{}</ul>').format(Markup("").join(items))


SHAPES = (
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
    "M-4-4h8v8h-8z",
    "M0-5l5 9h-10z",
    "M0-5l5 5l-5 5l-5-5z",
    "M0 5l5-9h-10z",
    "M-5-1.5h3.5v-3.5h3v3.5h3.5v3h-3.5v3.5h-3v-3.5h-3.5z",
)
"""Of the marks of a series, around their middle."""


def _svg(height: float, says: str, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        WIDTH, f"{height:.0f}", says, Markup("").join(parts)
    )


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, f"{x:.1f}", f"{y:.1f}", anchor, text
    )


def _markup(text: str) -> Markup:
    """What is made of numbers alone."""
    return Markup(text)
