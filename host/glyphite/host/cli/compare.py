"""``glyphite compare``: float Keras, LiteRT, TFLM and the generated C on the same images.

With a second model, both beside each other: :mod:`.side_by_side`. Layer by layer: :mod:`.layers`.
On samples that are shifted, noisy or badly lit: :mod:`.robustness`.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path

from glyphite.convert.errors import InputError, ModelError, ToolError
from glyphite.convert.extras import remedy
from glyphite.convert.files import require_room
from glyphite.convert.manifest import Manifest, sha256_of
from glyphite.convert.workspace import ModelFolder, find_model, writing_to
from glyphite.host.cli import layers, robustness, side_by_side
from glyphite.host.cli.arguments import add_count, add_json, add_model
from glyphite.host.cli.budgets import Checks, add_budgets, checking, subject
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    progress_bar,
    say,
    say_loading,
)
from glyphite.host.cli.data import (
    add_data,
    calibrated_on,
    require_limits,
    test_samples,
    title_of,
)
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.doubts import note_no_digits
from glyphite.host.cli.judgement import columns_of, hold_error, judgement_row, of_data
from glyphite.host.measure import compare
from glyphite.host.report import write_report
from glyphite.host.runners.base import FLOATS, SHORT, TITLES, Runner, package_version
from glyphite.host.runners.compiled import CompiledRunner
from glyphite.host.runners.float_tflite import FloatTfliteRunner
from glyphite.host.runners.keras import KerasRunner
from glyphite.host.runners.litert import (
    LitertRunner,
    litert_version,
    read_manifest,
    require_unchanged,
)
from glyphite.host.runners.oracle import EXPLAINED, STAND_IN, TFLM
from glyphite.host.runners.tflm import TflmRunner, has_tflm

EXAMPLE = "glyphite compare seed --max-drop 0.5"
_REFERENCES = {
    "int8_tflm": "TFLM is the reference for boards.",
    "c": "The generated C stands in for TFLM, which is left out.",
    "int8_litert": "Nothing here has the bytes of a board: TFLM and the generated C are left out.",
}
"""What is said of the oracle, by its name."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_model(parser)
    side_by_side.add_other(parser)
    layers.add_arguments(parser)
    robustness.add_arguments(parser)
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="FILE",
        help="draw a picture (--layers: each layer's error and histogram, .png, .svg or .pdf; "
        "--robustness: one sample under each corruption, .png)",
    )
    add_budgets(parser, "max_drop", "min_accuracy", "max_error", "max_mismatched_bytes")
    add_count(parser, count_of, None)
    add_data(parser, "that of the model's conversion, or MNIST if it reads digits")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare, write compare.json and scores.npz, and update the report.

    Raises InputError where ``--max-drop`` is given and there is no float model, ModelError where
    the float model is not the one that the .tflite was made from, CheckFailedError where a figure
    is beyond its limit or a byte of the generated C differs from TFLM's.
    """
    _refuse_picture(arguments)
    layers.refuse_options(arguments)
    if arguments.layers:
        layers.run(arguments)
        return 0
    with checking("compare", arguments) as checks:
        robustness.refuse_options(arguments)
        if arguments.robustness:
            robustness.run(arguments, checks, _runners, tools())
        elif arguments.other is None:
            side_by_side.refuse_options(arguments)
            _run(arguments, checks)
        else:
            side_by_side.compare_two(arguments, checks)
    return 0


def _run(arguments: argparse.Namespace, checks: Checks) -> None:
    folder = find_model(arguments.model)
    comparison = compare_anew(arguments, folder)
    _print(comparison, folder, arguments.json)  # first, as another record may be damaged
    with writing_to(folder, print_status):
        write_report(folder)
    hold_runners(checks, comparison)
    if (differing := bytes_of_c(comparison)) is not None:
        of = f"the generated C of {subject(comparison['model'], comparison['sha256'])}"
        checks.hold_bytes(differing, of, lambda: compare.check_generated_c(comparison))


def hold_runners(checks: Checks, comparison: compare.Comparison) -> None:
    """Hold each int8 runner's accuracy and drop, or its error, to their limits."""
    of = subject(comparison["model"], comparison["sha256"])
    for figures in comparison["runners"]:
        if figures["name"] in FLOATS:
            continue
        name = f"{figures['title']} of {of}"
        hold_error(checks, comparison["task"], figures["error"], name)
        if figures["correct"] is not None:
            checks.hold("min_accuracy", 100 * figures["correct"] / comparison["images"], name)
            if figures["drop_points"] is not None:
                checks.hold("max_drop", figures["drop_points"], name)


def bytes_of_c(comparison: compare.Comparison) -> int | None:
    """The bytes in which the generated C differs from TFLM; None where not both ran."""
    for pair in comparison["pairs"]:
        if (pair["first"], pair["second"]) == ("int8_tflm", "c"):
            return pair["bytes_differ"]
    return None


def compare_anew(arguments: argparse.Namespace, folder: ModelFolder) -> compare.Comparison:
    """Run all runners on the samples that are named, and write compare.json and scores.npz.

    Raises InputError where ``--max-drop`` is given and there is no float model, ModelError where
    the float model is not the one that the .tflite was made from.
    """
    with writing_to(folder, print_status):
        require_room(folder.compare, folder.scores)
        return _compare(arguments, folder)


def _compare(arguments: argparse.Namespace, folder: ModelFolder) -> compare.Comparison:
    manifest = read_manifest(folder)
    tested = test_samples(arguments, manifest, arguments.count)
    tensors, truth = tested.tensors, tested.truth
    require_limits(arguments, truth)
    runners, left_out = _runners(folder, manifest, arguments.max_drop)
    if runners[0].name == KerasRunner.name:
        say_loading()
    with progress_bar("Comparing", len(runners) * len(tensors)) as progress:
        scores = compare.run_all(
            runners,
            tensors,
            lambda runner: lambda steps: progress(steps, TITLES[runner.name]),
            tested.floats(manifest) if runners[0].name in FLOATS else None,
        )
    for runner in runners:
        if isinstance(runner, LitertRunner) and runner.remark:
            print_status(runner.remark)
    require_unchanged(folder, manifest)
    comparison = compare.summarize(manifest, scores, truth, tools(), left_out=left_out)
    note_no_digits(arguments, manifest, truth, comparison["runners"][-1]["correct"])
    misread = compare.misread_arrays(manifest, scores, truth, tensors)
    compare.save(folder, comparison, scores, truth, misread)
    is_whole = arguments.count is None and arguments.data is None
    if is_whole and folder.manifest.is_file() and not folder.shipped:
        _note_accuracies(manifest, comparison, folder.manifest)
    return comparison


def _refuse_picture(arguments: argparse.Namespace) -> None:
    """Raises InputError where ``--picture`` has nothing to show, or two things."""
    if arguments.layers and arguments.robustness:
        raise InputError("--layers and --robustness are two looks at a model. Take one at a time.")
    if arguments.picture is not None and not (arguments.layers or arguments.robustness):
        raise InputError("--picture is for --layers and --robustness. Add one, or leave it out.")


def _runners(
    folder: ModelFolder, manifest: Manifest, max_drop: float | None
) -> tuple[list[Runner], list[compare.LeftOut]]:
    """The runners that can run here, and those that cannot; why, goes to stderr, too."""
    runners: list[Runner] = [LitertRunner(folder.tflite)]
    left_out: list[compare.LeftOut] = []
    is_keras = folder.float_model == folder.keras
    kind = KerasRunner if is_keras else FloatTfliteRunner
    if (missing := _no_float(folder, manifest)) is None:
        runners.insert(0, kind(folder.float_model, manifest))
    elif max_drop is not None:
        raise InputError(
            f"--max-drop compares with the float model, and {missing}. Leave out --max-drop, or "
            "make both models anew: `glyphite train NETWORK`, then `glyphite convert NETWORK`; for "
            "a model of your own, `glyphite convert MODEL.keras`."
        )
    else:
        print_status(f"The float model is left out: {missing}.")
        left_out.append(compare.LeftOut(name=kind.name, reason=f"{missing}."))
    for runner, called in (
        (TflmRunner(folder.tflite), "TensorFlow Lite Micro"),
        (CompiledRunner(folder.tflite), "The generated C"),
    ):
        try:
            runner.prepare()
            runners.append(runner)
        except (ToolError, ModelError) as error:
            if has_tflm() or runner.name != TFLM:
                print_status(f"{called} is left out: {error}")
            left_out.append(compare.LeftOut(name=runner.name, reason=str(error)))
    return runners, left_out


def _no_float(folder: ModelFolder, manifest: Manifest) -> str | None:
    """The reason why the float model cannot be run, or None.

    ModelError where it is another one than the .tflite was made from.
    """
    path = folder.float_model
    if not path.is_file():
        return f"there is no {path}"
    if not manifest.float_sha256:
        return f"nothing says that {folder.tflite} was made from {path}"
    if manifest.float_sha256 != (found := sha256_of(path)):
        raise ModelError(
            f"{folder.tflite} was not made from {path}: its SHA-256 starts with "
            f"{found[:12]}, and {manifest.float_sha256[:12]} is expected. {folder.mend}"
        )
    if path == folder.keras and find_spec("tensorflow") is None:
        return f"TensorFlow is not installed. {remedy()}".rstrip(".")
    return None


def tools() -> dict[str, str]:
    """The versions of the packages that ran."""
    packages = ("tflite_micro", "numpy", "tensorflow", "keras")
    tools = {package: package_version(package) for package in packages}
    runtime, _, version = litert_version().partition(" ")
    return {runtime: version} | {name: version for name, version in tools.items() if version}


def _note_accuracies(manifest: Manifest, comparison: compare.Comparison, path: Path) -> None:
    manifest.accuracy.clear()
    for figures in comparison["runners"]:
        if figures["accuracy"] is not None:
            manifest.accuracy[figures["name"]] = figures["accuracy"]
    manifest.save(path)


def _print(comparison: compare.Comparison, folder: ModelFolder, as_json: bool) -> None:
    if as_json:
        print_json({**comparison, **calibrated_on(folder)})
        return
    title = f"{title_of(folder)} on {of_data(comparison['data'], comparison['images'])}"
    rows = [
        (one["title"], *judgement_row(comparison["task"], one, one["drop_points"]))
        for one in comparison["runners"]
    ]
    print_table(("runner", *columns_of(comparison["task"])), rows, title=title)
    print_table(
        ("pair", "answers differ", "samples whose bytes differ", "largest difference"),
        [_pair_row(figures) for figures in comparison["pairs"]],
    )
    oracle = comparison["oracle"]
    said = EXPLAINED if oracle == STAND_IN and not has_tflm() else _REFERENCES[oracle]
    say(f"{said} LiteRT rounds differently: a few of its bytes differ.")


def _pair_row(figures: compare.PairFigures) -> tuple[object, ...]:
    pair = f"{SHORT[figures['first']]}, {SHORT[figures['second']]}"
    values = (figures["answers_differ"], figures["images_differ"], figures["largest_difference"])
    return pair, *("" if value is None else value for value in values)
