"""``glyphite search``: networks for a budget, drawn by Optuna, trained shortly and compared."""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path

from glyphite.convert.boards import Board, load_board
from glyphite.convert.data.check import fitted
from glyphite.convert.data.dataset import DataSet, Labels, Numbers
from glyphite.convert.data.load import load, require_there
from glyphite.convert.data.options import Kind, Options
from glyphite.convert.errors import DataError, InputError
from glyphite.convert.files import require_room
from glyphite.convert.hold import held
from glyphite.convert.manifest import words_of
from glyphite.convert.names import safe_name
from glyphite.convert.preprocessing import STANDARD, named_preprocessing
from glyphite.convert.quantize import search as usual_search
from glyphite.convert.quantize.calibration import learnt_from
from glyphite.convert.text import counted
from glyphite.convert.workspace import model_folder
from glyphite.host.cli.arguments import add_board, add_json, add_seed
from glyphite.host.cli.budgets import BUDGETS
from glyphite.host.cli.console import print_status, progress_bar, say
from glyphite.host.cli.data import (
    MNIST,
    Source,
    add_data,
    add_preprocess,
    kept_source,
    options_of,
    record_of,
    source_of,
)
from glyphite.host.cli.digits import count_of
from glyphite.host.cli.search_run import AIMS, Search, directions
from glyphite.host.cli.search_shown import Shown, line_of
from glyphite.host.cli.search_trial import Figures, Work, held_back_of
from glyphite.host.measure import cluster
from glyphite.host.measure.bench.measure import require_countable
from glyphite.host.measure.processes import own_processes
from glyphite.host.measure.weigh import Limits
from glyphite.train.own import Lessons
from glyphite.train.search.space import SOFTMAX, Fixed, draw
from glyphite.train.search.study import Study, load_optuna

EXAMPLE = "glyphite search --board uno --data mnist --trials 40 --max-ms 25"

EPOCHS, BATCH_SIZE = 2, 64
OF_EACH = "a network is refused then; default: what the board has"
NO_AIMS = "none"
MOST = 1_000_000
STORAGE = "search.db"
"""Where nothing else is said, in ``search`` of the model's folder."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    add_board(parser)
    _add_effort(parser)
    _add_budget(parser)
    _add_places(parser)
    add_seed(parser, int)
    add_preprocess(parser, "unit for pictures of 0..255, else standard")
    add_data(parser, MNIST)
    add_json(parser)


def _add_effort(parser: argparse.ArgumentParser) -> None:
    """How much is tried."""
    parser.add_argument(
        "--trials", type=count_of, required=True, metavar="N", help="networks to draw, in all"
    )
    parser.add_argument(
        "--epochs",
        type=count_of,
        default=EPOCHS,
        metavar="N",
        help=f"passes over the images (of each network, of whatever samples; default: {EPOCHS})",
    )
    parser.add_argument(
        "--samples",
        type=count_of,
        metavar="N",
        help="training samples to learn from (default: all)",
    )


def _add_budget(parser: argparse.ArgumentParser) -> None:
    """What a network may take, and what is to be little."""
    parser.add_argument(
        "--max-ms", type=_milliseconds, metavar="MS", help="refuse what takes longer an inference"
    )
    flash, ram = BUDGETS["max_flash"], BUDGETS["max_ram"]
    parser.add_argument(
        "--max-ram",
        type=ram.read,
        metavar=ram.metavar,
        help=f"{ram.help} ({OF_EACH})",
    )
    parser.add_argument(
        "--max-flash",
        type=flash.read,
        metavar=flash.metavar,
        help=f"{flash.help.partition(' (')[0]} ({OF_EACH})",
    )
    parser.add_argument(
        "--aims",
        type=_aims,
        default=AIMS,
        metavar="AIM,...",
        help=f"what is to be little, beside errors: of {', '.join(AIMS)}, or {NO_AIMS}, where the "
        "limits are all that matters (default: all)",
    )


def _add_places(parser: argparse.ArgumentParser) -> None:
    """Where networks are trained, and where the search is kept."""
    parser.add_argument(
        "--jobs",
        type=count_of,
        default=1,
        metavar="N",
        help="how many at a time (networks that are trained; default: 1)",
    )
    parser.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="the scheduler of a Dask cluster (its workers each train --jobs networks)",
    )
    parser.add_argument(
        "--storage",
        type=Path,
        metavar="FILE",
        help=f"what keeps the trials, to go on with (default: build/<name>/search/{STORAGE})",
    )
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="the model's name from now on (in its folder the search is kept; default: the data's)",
    )


def _milliseconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= MOST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of milliseconds: one above 0, such as 25, is."
        )
    return number


def _aims(text: str) -> tuple[str, ...]:
    if text == NO_AIMS:
        return ()
    aims = tuple(text.split(","))
    if len(set(aims)) < len(aims) or not set(aims) <= set(AIMS):
        raise argparse.ArgumentTypeError(
            f"{text!r} names no aims: {', '.join(AIMS)} are, each once, as in cycles,ram, or "
            f"{NO_AIMS} alone."
        )
    return aims


def run(arguments: argparse.Namespace) -> int:
    """Search, then print and write the front, its picture, and each network on it.

    Raises InputError where an option has a wrong value, nothing can be counted on the board, or the
    storage is of another search; DataError where the data cannot be loaded or none can be held
    back; ToolError where Optuna, TensorFlow, a compiler or an emulator is missing.
    """
    board = load_board(arguments.board)
    require_countable(board)
    load_optuna()
    if not 0 <= arguments.seed < 2**32:
        raise InputError(f"--seed {arguments.seed} is out of range: 0 to 2^32 - 1 are allowed.")
    if arguments.data is not None:
        require_there(arguments.data)
    source = source_of(arguments) or Source(MNIST, Options(report=print_status))
    work = _work(arguments, source, board)
    folder = model_folder(arguments.name or safe_name(work.lessons.data.name))
    place = folder.root / "search"
    storage = (arguments.storage or place / STORAGE).absolute()
    with held(folder.root, print_status), _held_storage(storage, folder.root):
        require_room(place / "search.json", folder=place)
        shown = Shown(place, arguments.aims, work, _words(arguments), arguments.json)
        _run(arguments, work, storage, shown)
    return 0


@contextmanager
def _held_storage(storage: Path, root: Path) -> Iterator[None]:
    """Hold the folder of the storage too, where it is not that of the search."""
    if root.absolute() in storage.parents:
        storage.parent.mkdir(parents=True, exist_ok=True)
        yield
        return
    with held(storage.parent, print_status):
        yield


def _run(arguments: argparse.Namespace, work: Work, storage: Path, shown: Shown) -> None:
    study = _study(arguments, work, storage)
    if not arguments.json:
        say(_plan(arguments, work, len(study.records)))
    try:
        with (
            progress_bar("Searching", arguments.trials) as progress,
            _executors(arguments) as executors,
        ):
            progress(min(len(study.records), arguments.trials), note="loading TensorFlow")

            def told(number: int, title: str, figures: Figures, same_as: int | None) -> None:
                print_status(line_of(number, title, figures, same_as))
                progress(1, note=title)

            Search(study, work, arguments.aims, told, print_status).run(arguments.trials, executors)
    except KeyboardInterrupt:
        kept = counted(len(study.records), "trial that has ended is", "trials that have ended are")
        print_status(f"{kept} kept in {storage}. The same command goes on.")
        raise
    shown.show(study.records)


@contextmanager
def _executors(arguments: argparse.Namespace) -> Iterator[Sequence[Executor]]:
    """One for each network that is to be trained at a time."""
    if arguments.cluster is None:
        with own_processes(arguments.jobs) as executors:
            yield executors
        return
    with cluster.executors(arguments.cluster) as each:
        yield each * arguments.jobs


def _work(arguments: argparse.Namespace, source: Source, board: Board) -> Work:
    data = _laid_out(load(source.text, source.options))
    for note in data.notes:
        print_status(note)
    if arguments.samples is not None:
        if arguments.samples > len(data.train):
            raise InputError(
                f"--samples {arguments.samples}: {data.title} has {len(data.train):,} training "
                "samples beside those held back. Ask for fewer."
            )
        data = replace(data, train=data.train.take(slice(arguments.samples)))
    how = arguments.preprocess or ("unit" if usual_search.usual(data) == "unit" else STANDARD)
    inputs, is_picture = learnt_from(data).inputs, data.kind is Kind.PICTURE
    prepared = named_preprocessing(how, inputs, is_picture=is_picture)
    lessons = Lessons(data, prepared, record_of(source, data, arguments))
    lessons.require_any()
    held_back_of(lessons)
    seconds = None if arguments.max_ms is None else arguments.max_ms / 1000
    limits = Limits(arguments.max_flash, arguments.max_ram, seconds)
    return Work(lessons, board, limits, arguments.epochs, BATCH_SIZE, arguments.seed)


def _laid_out(data: DataSet) -> DataSet:
    """``data`` as a network takes it: pictures of one colour get an axis for it.

    Raises DataError where there is nothing to learn.
    """
    shape = (*data.shape, 1) if data.kind is Kind.PICTURE and len(data.shape) == 2 else data.shape
    if not isinstance(data.train.targets, Labels | Numbers):
        raise DataError(
            f"{data.title} has neither classes nor numbers to be met, so that no network is better "
            "than another. Name other data."
        )
    return fitted(data, shape, _outputs(data))


def _outputs(data: DataSet) -> tuple[int, ...]:
    targets = data.train.targets
    if isinstance(targets, Numbers):
        return (prod(targets.values.shape[1:]),)
    return (max(2, data.class_count),)


def _study(arguments: argparse.Namespace, work: Work, storage: Path) -> Study:
    data = work.lessons.data
    has_classes = isinstance(data.train.targets, Labels)
    (outputs,) = _outputs(data)
    space = data.shape, outputs, SOFTMAX if has_classes else None
    draw(Fixed({}), *space)  # refuses samples of a shape that is searched for nothing
    settings: dict[str, object] = {
        "the board": work.board.key,
        "the data": data.sha256,
        "--preprocess": work.lessons.preprocessing.text,
        "--epochs": work.epochs,
        "--seed": work.seed,
        "--max-ms": arguments.max_ms,
        "--max-ram": work.limits.ram,
        "--max-flash": work.limits.flash,
        "--aims": ",".join(arguments.aims) or NO_AIMS,
    }
    return Study(storage, settings, directions(work, arguments.aims), space, work.seed)


def _plan(arguments: argparse.Namespace, work: Work, done: int) -> str:
    data = work.lessons.data
    before = f", {done:,} of which {'has' if done == 1 else 'have'} ended before" if done else ""
    return (
        f"Searching for {work.board.name}: {counted(arguments.trials, 'network')}{before}, each "
        f"trained for {counted(work.epochs, 'epoch')} on {len(data.train):,} samples of "
        f"{data.title} and judged, as int8, by "
        f"{len(held_back_of(work.lessons)):,} training samples held back; no test sample is used."
    )


def _words(arguments: argparse.Namespace) -> list[str]:
    """The options that name the data, for a command to go on with."""
    named = words_of(kept_source(arguments.data or MNIST), options_of(arguments))
    return named + (["--preprocess", arguments.preprocess] if arguments.preprocess else [])
