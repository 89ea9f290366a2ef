"""The commands that make a report's results again, and those that make what it lacks."""

import re
from typing import Any

from glyphite.convert.boards import all_boards
from glyphite.convert.history import HELD_BACK
from glyphite.convert.manifest import words_of
from glyphite.convert.quantize.schemes import USUAL as USUAL_SCHEME
from glyphite.convert.text import command
from glyphite.host.measure.compare import TEST_IMAGES
from glyphite.host.measure.portion import BAUD
from glyphite.host.measure.share import url_of

USUAL = [("--jobs", 1), ("--baud", BAUD)]
"""Options that need not be given."""


def commands(document: dict[str, Any], model: str) -> list[str]:
    """The commands that make these results again, with every option that they depend on."""
    training, compared = document["training"], document["compare"]
    found = []
    if training:
        found += [_train(training, model), _convert(document, model)]
    if compared:
        fewer = compared["images"] < TEST_IMAGES
        count = ("--count", compared["images"]) * fewer
        found += [glyphite("compare", model, *compared["data"]["words"], *count)]
    for build in document["builds"]:
        again = _build_again(build)
        found += [one for one in again if one not in found]  # boards that shared one run
    others = {build["named"]: None for build in document["builds"] if build["named"] != model}
    words = [word for other in others for word in ("--with", other)]
    return [*found, glyphite("report", model, *words)]


def _train(training: dict[str, Any], model: str) -> str:
    """The command of the training; a network of the user's own has no recipe."""
    is_ours = training["data"] is None and ":" not in training["network"]
    words: list[object] = ["--recipe", training["recipe"]] if is_ours else []
    settings = (("--epochs", "epochs"), ("--batch-size", "batch_size"), ("--seed", "seed"))
    words += [word for option, key in settings for word in (option, training[key])]
    words += ["--held-back"] if is_ours and training["judged_by"] == HELD_BACK else []
    if (data := training["data"]) is not None:
        words += words_of(data["source"], data["options"])
        words += ["--preprocess", training["preprocess"]] if "preprocess" in training else []
    # the name that train gives depends on the recipe
    words += ["--name", model] if training["network"] != model or is_ours else []
    return glyphite("train", training["network"], *words)


def _convert(document: dict[str, Any], model: str) -> str:
    """The command of the conversion, as the manifest tells of its settings."""
    words: list[object] = []
    if (data := document["data"]) is not None:
        words += words_of(data["source"], data["options"])
    if found := re.match(
        r"([\d,]+) (?:of [\d,]+ )?(?:training|test )?\w* ?samples", document["calibration"]
    ):
        words += ["--calibration-samples", int(found[1].replace(",", ""))]
    if document["scheme"] not in ("", USUAL_SCHEME.name):
        words += ["--scheme", document["scheme"]]
    return glyphite("convert", model, *words)


def _build_again(build: dict[str, Any]) -> list[str]:
    """The commands that make a firmware again, and what was measured with it."""
    model, stream, bench = build["named"], build["stream"], build["bench"]
    verify = build["verify"]
    goal = ("--optimize", build["goal"]) if build["goal"] else ()
    known = {board.name: board for board in all_boards()}.get(build["board"])
    commands = []
    if stream and known and known.arduino:
        commands += [
            glyphite("flash", model, "--board", known.name, "--port", url_of(one["port"]))
            for one in stream["boards"]
        ]
    elif build["size"] or not (bench or verify):  # which build it, too
        commands += [glyphite("build", model, "--board", build["board"], *goal)]
    if stream:
        jobs = max(one["jobs"] for one in stream["boards"])
        ports = [*(one["port"] for one in stream["boards"]), *stream["shared_with"]]
        kept = [
            ("--count", stream["run_images"]),
            ("--jobs", jobs),
            ("--baud", stream["baud"]),
        ]
        words = [word for pair in kept if pair not in USUAL for word in pair]
        words += stream["data"]["words"]
        named = [word for port in sorted(map(url_of, ports)) for word in ("--port", port)]
        commands += [glyphite("stream", model, *named, *words)]
    if bench:
        words = ["--board", build["board"], *goal, "--count", bench["inferences"]]
        commands += [glyphite("bench", model, *words)]
    if verify:
        words = ["--board", build["board"], *goal]
        words += ["--port", verify["port"]] if verify["port"] else []
        commands += [glyphite("verify", model, *words, *verify["words"])]
    return commands


def glyphite(*words: object) -> str:
    """A command of this program."""
    return command("glyphite", *words)


def missing(document: dict[str, Any], model: str) -> list[tuple[str, str]]:
    """What is not measured yet of a model, and the command that does."""
    own = [build for build in document["builds"] if build["sha256"] == document["sha256"]]
    found = []
    if document["compare"] is None:
        found.append(("Accuracy of every runner", glyphite("compare", model)))
    if not any(build["stream"] for build in own):
        found.append(("Answers of a board", glyphite("stream", model, "--port", "sim://native")))
    if not any(build["bench"] for build in own):
        words = ("bench", model, "--board", "cortex-m4")
        found.append(("Instructions and time of an inference", glyphite(*words)))
    return found
