"""``glyphite train``: one training run, its history and its pictures."""

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING

from glyphite.convert.boards import load_board
from glyphite.convert.data.load import require_there
from glyphite.convert.data.mnist import Mnist, load_mnist
from glyphite.convert.data.options import Kind, Options
from glyphite.convert.errors import InputError
from glyphite.convert.files import require_room
from glyphite.convert.history import HELD_BACK
from glyphite.convert.hold import held
from glyphite.convert.names import safe_name
from glyphite.convert.preprocessing import STANDARD, named_preprocessing
from glyphite.convert.quantize import search
from glyphite.convert.quantize.calibration import learnt_from
from glyphite.convert.text import command, counted
from glyphite.convert.user_code import named
from glyphite.convert.workspace import ModelFolder, model_folder
from glyphite.host.cli.arguments import add_board, add_json, add_seed
from glyphite.host.cli.console import (
    print_json,
    print_status,
    print_table,
    progress_bar,
    say,
    say_loading,
    say_next,
    say_written,
)
from glyphite.host.cli.cost import Cost, as_document, cost_before, say_cost
from glyphite.host.cli.data import (
    MNIST,
    Source,
    add_data,
    add_preprocess,
    load_data,
    record_of,
    source_of,
)
from glyphite.host.cli.heartbeat import silence_is_meant
from glyphite.train.fit import Settings, Trained
from glyphite.train.networks.networks import NETWORKS
from glyphite.train.networks.recipes import COURSES, defaults, kept_state, train, usual_name
from glyphite.train.own import Lessons, fit_own, last_activation, untrained
from glyphite.train.pictures import Gallery

if TYPE_CHECKING:
    from glyphite.train.own import Network

EXAMPLE = "glyphite train seed --epochs 10"


MOST = 1_000_000
"""Epochs, and images per step."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    known = ", ".join(sorted(NETWORKS))
    parser.add_argument(
        "network",
        metavar="NETWORK",
        help=f"the network to train: {known}, or FILE.py:FUNCTION that makes a keras.Model",
    )
    recipes = "; ".join(f"{name}: {', '.join(COURSES[name])}" for name in sorted(COURSES))
    parser.add_argument(
        "--recipe",
        metavar="NAME",
        help=f"how one of ours is trained ({recipes}; default: the first of each)",
    )
    epochs = ", ".join(f"{name} {defaults(name).epochs}" for name in sorted(NETWORKS))
    sizes = ", ".join(f"{name} {defaults(name).batch_size}" for name in sorted(NETWORKS))
    parser.add_argument(
        "--epochs", metavar="N", type=int, help=f"passes over the images (default: {epochs})"
    )
    parser.add_argument(
        "--batch-size", metavar="N", type=int, help=f"images per step (default: {sizes})"
    )
    add_seed(parser, int)
    add_board(parser, "all of them are told, and none is refused")
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="the model's name from now on (default: the network's, or NETWORK-RECIPE)",
    )
    parser.add_argument(
        "--held-back",
        action="store_true",
        help="choose between trainings: learn without MNIST's last 10,000 training images, and be "
        "judged by those in place of the test images",
    )
    add_preprocess(parser, "unit for pictures of 0..255, else standard")
    add_data(parser, "mnist")
    parser.add_argument("--show", action="store_true", help="show pictures, too (in windows)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, then write model.keras, history.json and the pictures.

    Raises InputError where an option has a wrong value, DataError where the data cannot be loaded
    or do not fit the network, DoesNotFitError where ``--board`` names one that cannot hold it.
    """
    settings = _settings(arguments)
    if arguments.board is not None:
        load_board(arguments.board)
    if arguments.data is not None:
        require_there(arguments.data)
    own = named(settings.network)
    usual = usual_name(settings) if own is None else safe_name(own.path.stem)
    folder = model_folder(usual if arguments.name is None else arguments.name)
    gallery = Gallery(folder.pictures, arguments.show)
    with held(folder.root, print_status):
        require_room(folder.keras, folder.history, folder=folder.pictures)
        is_ours = settings.network in NETWORKS and arguments.data in (None, MNIST)
        if is_ours and arguments.preprocess is None:
            _train(arguments, settings, folder, gallery)
        elif option := next((o for o in ("recipe", "held_back") if getattr(arguments, o)), None):
            raise InputError(
                f"--{option.replace('_', '-')} is for {', '.join(sorted(NETWORKS))} on MNIST as it "
                "is. Leave it out, or leave out --data and --preprocess."
            )
        else:
            _train_own(arguments, settings, folder, gallery)
    with silence_is_meant():
        gallery.show()
    return 0


def _train(
    arguments: argparse.Namespace, settings: Settings, folder: ModelFolder, gallery: Gallery
) -> None:
    whole = load_mnist(report=print_status)
    data = whole.split() if arguments.held_back else whole
    kept = kept_state(settings, data, folder.root)
    if not arguments.json:
        say(_plan(settings, data, arguments.held_back))
    if kept.path is not None:
        begun = "goes on from" if kept.path.is_file() else "is kept after each epoch in"
        print_status(f"The training {begun} {kept.path}: stopped, the same command goes on.")
    say_loading()
    cost = _cost(arguments, untrained(settings), folder)
    judged_by = HELD_BACK if arguments.held_back else "test"
    with progress_bar("Training", settings.batches(len(data.train_images))) as progress:
        trained = replace(train(settings, data, progress, folder.root), judged_by=judged_by)
    trained.save(folder.keras, folder.history)
    kept.remove()
    scores = trained.scores(data.test_images[:1])[0]
    gallery.draw(data, trained.history, scores, HELD_BACK if arguments.held_back else "test set")
    _print(trained, folder, gallery, arguments.json, cost=cost)
    if not arguments.json:
        say_next(command("glyphite", "convert", folder.named))


def _cost(arguments: argparse.Namespace, model: "Network", folder: ModelFolder) -> Cost | None:
    """What the network takes of boards, told before it is trained."""
    found = cost_before(model, folder, arguments.board)
    if found is not None and not arguments.json:
        say_cost(found, folder.name)
    return found


def _train_own(
    arguments: argparse.Namespace, settings: Settings, folder: ModelFolder, gallery: Gallery
) -> None:
    say_loading()
    model = untrained(settings)
    shape, outputs = model.input_shape[1:], model.output_shape[1:]
    source = source_of(arguments) or Source(MNIST, Options(report=print_status))
    is_softmax = last_activation(model) == "softmax"
    data = load_data(source, shape, outputs, tells_classes=is_softmax)
    usual = "unit" if search.usual(data) == "unit" else STANDARD
    how = arguments.preprocess or usual
    prepared = named_preprocessing(
        how, learnt_from(data).inputs, is_picture=data.kind is Kind.PICTURE
    )
    lessons = Lessons(data, prepared, record_of(source, data, arguments))
    lessons.require_any()  # before a plan is told that will not be
    part = lessons.judged[1]
    if not arguments.json:
        say(
            f"Training {settings.network} for {_epochs(settings)} on "
            f"{counted(len(data.train), 'sample')} "
            f"of {data.title} ({settings.batch_size} per step, seed {settings.seed}; "
            f"{lessons.preprocessing.text}); it is judged by {len(part):,} others."
        )
        say(data.split)
    cost = _cost(arguments, model, folder)
    with progress_bar("Training", settings.batches(len(data.train))) as progress:
        trained = fit_own(settings, model, lessons, progress)
    trained.save(folder.keras, folder.history)
    gallery.curves(trained.history, trained.judged_by)
    _print(trained, folder, gallery, arguments.json, cost=cost)
    if not arguments.json:
        say_next(command("glyphite", "convert", folder.named))


def _settings(arguments: argparse.Namespace) -> Settings:
    usual = defaults(arguments.network, arguments.recipe)
    for option, value in (("--epochs", arguments.epochs), ("--batch-size", arguments.batch_size)):
        if value is not None and value < 1:
            raise InputError(f"{option} {value} is too small: at least 1 is needed.")
        if value is not None and value > MOST:
            raise InputError(f"{option} {value} is too large: at most {MOST:,} are allowed.")
    if not 0 <= arguments.seed < 2**32:
        raise InputError(f"--seed {arguments.seed} is out of range: 0 to 2^32 - 1 are allowed.")
    return replace(
        usual,
        epochs=arguments.epochs or usual.epochs,
        batch_size=arguments.batch_size or usual.batch_size,
        seed=arguments.seed,
    )


def _epochs(settings: Settings) -> str:
    return counted(settings.epochs, "epoch")


def _plan(settings: Settings, data: Mnist, held_back: bool) -> str:
    judged = f"judged by {len(data.test_images):,} that are held back of them"
    tested = f"tested on {len(data.test_images):,} others"
    return (
        f"Training {settings.network} for {_epochs(settings)} on "
        f"{counted(len(data.train_images), 'image')} "
        f"({settings.batch_size} per step, seed {settings.seed}); "
        f"it is {judged if held_back else tested}."
    )


def _print(
    trained: Trained,
    folder: ModelFolder,
    gallery: Gallery,
    as_json: bool,
    *,
    cost: Cost | None,
) -> None:
    last = {name: row[-1] for name, row in trained.history.items()}
    if as_json:
        document = {
            "network": trained.settings.network,
            "epochs": trained.settings.epochs,
            "parameters": trained.parameters,
            **last,
            "model": str(folder.keras),
            "history": str(folder.history),
            "pictures": [str(path) for path in gallery.written],
            "cost": cost and as_document(cost),
        }
        print_json(document)
        return
    has_classes = "accuracy" in last
    rows = [
        (
            title,
            *([f"{last[f'{of}accuracy']:.2%}"] if has_classes else []),
            f"{last[f'{of}loss']:.4f}",
        )
        for title, of in (("training, while it learns", ""), (trained.judged_by, "val_"))
    ]
    columns = ["samples", *(["accuracy"] if has_classes else []), "loss"]
    print_table(columns, rows, f"{folder.name}: {trained.parameters:,} parameters")
    say_written(folder.keras, folder.history, folder.pictures / "*.png")


def _shown(name: str, value: float) -> str:
    return f"{value:.2%}" if name == "accuracy" else f"{value:.4f}"
