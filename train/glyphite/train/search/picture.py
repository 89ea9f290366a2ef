"""The picture of a search: what networks take, against how well they answer."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glyphite.convert.extras import absent
from glyphite.convert.files import write_bytes
from glyphite.train.pictures import DPI, INK, OTHER, RIGHT, WRONG, frame_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FAR = 2.0
"""So many times what any network takes, a limit is not drawn: all else would be at the edge."""


@dataclass(frozen=True)
class Point:
    """A network that was trained."""

    number: int
    score: float
    """As it is drawn: percent, or an error."""
    takes: Mapping[str, float]
    """By the title of an axis."""
    is_on_front: bool


def require_drawing() -> None:
    """Raises ToolError where matplotlib is missing: before a long search, and not behind it."""
    try:
        import matplotlib.figure  # noqa: F401
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        raise absent(package, "the picture of a search") from error


def draw_front(
    folder: Path,
    title: str,
    score: str,
    points: Sequence[Point],
    limits: Mapping[str, float | None],
) -> list[Path]:
    """Write ``front.svg`` and ``front.png``: a diagram for each axis of ``limits``, with the limit
    as a line where there is one that is near; returns the paths.

    There is one of the ``points`` at least. ``score`` is the title of the other axis. Raises
    InputError where the folder cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.6 * len(limits), 4.6), layout="constrained")
    figure.suptitle(title, color=INK, fontsize=12)
    every: Any = figure.subplots(1, len(limits), sharey=True, squeeze=False)
    for axes, (name, limit) in zip(every[0], limits.items(), strict=True):
        _draw(axes, name, points, limit)
    every[0][0].set_ylabel(score)
    signs: dict[str, Any] = {}
    for axes in every[0]:
        handles, labels = axes.get_legend_handles_labels()
        signs |= dict(zip(labels, handles, strict=True))
    figure.legend(
        list(signs.values()), list(signs), frameon=False, loc="outside lower center", ncols=3
    )
    written = []
    with rc_context({"svg.hashsalt": "glyphite"}):
        for form, metadata in (("svg", {"Date": None}), ("png", {})):
            content, path = io.BytesIO(), folder / f"front.{form}"
            figure.savefig(content, format=form, dpi=DPI, facecolor="white", metadata=metadata)
            write_bytes(path, content.getvalue())
            written.append(path)
    return written


def _draw(axes: "Axes", name: str, points: Sequence[Point], limit: float | None) -> None:
    for is_on_front, colour, label in ((False, OTHER, "beaten"), (True, RIGHT, "on the front")):
        some = [point for point in points if point.is_on_front is is_on_front]
        places = [point.takes[name] for point in some]
        axes.plot(places, [point.score for point in some], "o", color=colour, label=label)
        for point in some if is_on_front else ():
            axes.annotate(
                str(point.number),
                (point.takes[name], point.score),
                textcoords="offset points",
                xytext=(4, -9),
                fontsize=8,
                color=INK,
            )
    if limit is not None and limit < FAR * max(point.takes[name] for point in points):
        axes.axvline(limit, color=WRONG, linestyle="--", linewidth=1, label="limit")
    frame_axes(axes)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.tick_params(axis="x", labelrotation=30)
    axes.set_xlabel(name)
