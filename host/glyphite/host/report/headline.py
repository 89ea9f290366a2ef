"""The result in a sentence, as the page and the Markdown begin with it."""

import os
from pathlib import PurePath
from typing import Any

from glyphite.convert.manifest import INT16, RANDOM
from glyphite.host.runners.base import FLOATS
from glyphite.host.runners.oracle import TFLM, WHOSE

NO_BREAK = "\N{NO-BREAK SPACE}"

ELSE_KNOWN = {
    "layers": "the error of each layer",
    "schemes": "how it does quantized in other ways",
    "robustness": "how it does with harder samples",
}
"""By the key in report.json."""

Document = dict[str, Any]


def sentence(document: Document) -> str:
    """What came out, in a sentence, and behind it what makes it worthless, if something does."""
    return _sentence(document) + _caveat(document)


def _sentence(document: Document) -> str:
    board, compared = document["board"], document["compare"]
    verified = [build["verify"] for build in document["builds"] if build["verify"]]
    if board is None and compared is None:
        return _verified(verified[0]) if verified else _neither(document)
    if board is None:
        return f"Quantized to {_kind(document)}, the network {_does(document, oracle(document))}."
    images = f"{of_all(board)} test samples on {board['name']}"
    right = WHOSE[board["reference"]]
    said = f"{images}: every byte of the scores is {right}"
    if board["mismatched_bytes"]:
        said = f"{images}: {board['mismatched_bytes']:,} bytes of the scores differ from {right}"
    if compared and oracle(document) in document["accuracy"]:
        said += f"; in {_kind(document)} the network {_does(document, oracle(document))}"
    return f"{said}."


def _kind(document: Document) -> str:
    """The type of the network's numbers."""
    return INT16 if document["scheme"] == INT16 else "int8"


def _neither(document: Document) -> str:
    """Of a model that has no answers of its own on record."""
    if document["builds"]:
        return "It was built, and neither compared nor streamed to yet."
    known = " and ".join(what for key, what in ELSE_KNOWN.items() if document[key])
    return f"It was neither compared, built nor streamed to yet. What is known is {known}."


def quoted(text: str) -> list[tuple[str, bool]]:
    """The parts of a sentence, each with whether it stood between backticks, as commands do; a
    backtick that has no other stays."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        parts[-2:] = ["`".join(parts[-2:])]
    return [(part, place % 2 == 1) for place, part in enumerate(parts) if part]


def of_all(run: Document) -> str:
    """How many samples a board answered, and of how many where others had the rest."""
    if run["images"] == run["run_images"]:
        return f"{run['images']:,}"
    return f"{run['images']:,} of {run['run_images']:,}"


def data_name(title: str) -> str:
    """What data are called for people: of a file or folder its name alone."""
    name = title or "unknown data"
    return PurePath(name).name if "/" in name or os.sep in name else name


def percent(share: float, digits: int = 2) -> str:
    """A share of 1 for people."""
    return f"{100 * share:.{digits}f}{NO_BREAK}%"


def oracle(document: Document) -> str:
    """The name of the runner that the figures on this PC are held against."""
    compared = document["compare"]
    return str(compared["oracle"]) if compared else TFLM


def _verified(one: Document) -> str:
    """What a verification found, in one sentence."""
    inputs, wrong = (
        sum(group[key] for group in one["groups"]) for key in ("images", "bytes_differ")
    )
    right = WHOSE[one["reference"]]
    if wrong == 0:
        return f"{inputs:,} inputs on {one['board']}: every byte of the scores is {right}."
    return (
        f"{inputs:,} inputs on {one['board']}: {wrong:,} bytes of the scores differ from {right}."
    )


def _caveat(document: Document) -> str:
    """What is said of a model whose scales fit random numbers."""
    data = document["data"]
    if data is None or data["source"] != RANDOM:
        return ""
    return " It was calibrated on random numbers, so its accuracy means nothing."


def _does(document: Document, runner: str) -> str:
    """How well the answers of a runner do, as the end of a sentence."""
    compared = document["compare"]
    of = f"{compared['images']:,} test samples of {data_name(compared['data']['title'])}"
    if runner in document["accuracy"]:
        return f"answers {percent(document['accuracy'][runner])} of {of} rightly{_lost(document)}"
    if runner in document["errors"]:
        squared = document["errors"][runner]["mean_squared"]
        return f"has a mean squared error of {squared:.4g} on {of}"
    return f"was run on {of}, which do not say what is right"


def _lost(document: Document) -> str:
    """What the oracle loses against float."""
    drops = {one["name"]: one["drop_points"] for one in document["compare"]["runners"]}
    drop = drops[oracle(document)]
    if drop is None or not any(name in FLOATS for name in drops):
        return ""
    if drop == 0:
        return ", as many as in float"
    return f", {abs(drop):.2f} points {'fewer' if drop > 0 else 'more'} than in float"
