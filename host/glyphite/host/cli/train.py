"""``glyphite train``: one training run, its history and its pictures."""

import argparse
from dataclasses import replace

from glyphite.convert.data.mnist import Mnist, load_mnist
from glyphite.convert.errors import InputError
from glyphite.convert.files import require_room
from glyphite.convert.hold import held
from glyphite.convert.text import command
from glyphite.convert.workspace import ModelFolder, model_folder
from glyphite.host.cli.arguments import add_json, add_seed
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
from glyphite.host.cli.heartbeat import silence_is_meant
from glyphite.train.fit import Settings, Trained
from glyphite.train.networks.networks import NETWORKS
from glyphite.train.networks.recipes import defaults, train
from glyphite.train.pictures import Gallery

EXAMPLE = "glyphite train seed --epochs 10"


MOST = 1_000_000
"""Epochs, and images per step."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    known = ", ".join(sorted(NETWORKS))
    parser.add_argument("network", metavar="NETWORK", help=f"the network to train: {known}")
    epochs = ", ".join(f"{name} {defaults(name).epochs}" for name in sorted(NETWORKS))
    sizes = ", ".join(f"{name} {defaults(name).batch_size}" for name in sorted(NETWORKS))
    parser.add_argument(
        "--epochs", metavar="N", type=int, help=f"passes over the images (default: {epochs})"
    )
    parser.add_argument(
        "--batch-size", metavar="N", type=int, help=f"images per step (default: {sizes})"
    )
    add_seed(parser, int)
    parser.add_argument(
        "--name",
        metavar="NAME",
        help="the model's name from now on (default: the network's)",
    )
    parser.add_argument("--show", action="store_true", help="show pictures, too (in windows)")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, then write model.keras, history.json and the pictures.

    Raises InputError where an option has a wrong value.
    """
    settings = _settings(arguments)
    folder = model_folder(settings.network if arguments.name is None else arguments.name)
    gallery = Gallery(folder.pictures, arguments.show)
    with held(folder.root, print_status):
        require_room(folder.keras, folder.history, folder=folder.pictures)
        _train(settings, folder, gallery, arguments.json)
    with silence_is_meant():
        gallery.show()
    return 0


def _train(settings: Settings, folder: ModelFolder, gallery: Gallery, as_json: bool) -> None:
    data = load_mnist(report=print_status)
    if not as_json:
        say(_plan(settings, data))
    say_loading()
    with progress_bar("Training", settings.batches(data)) as progress:
        trained = train(settings, data, progress)
    trained.save(folder.keras, folder.history)
    gallery.draw(data, trained.history, trained.scores(data.test_images[:1])[0])
    _print(trained, folder, gallery, as_json)


def _settings(arguments: argparse.Namespace) -> Settings:
    usual = defaults(arguments.network)
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


def _plan(settings: Settings, data: Mnist) -> str:
    epochs = "1 epoch" if settings.epochs == 1 else f"{settings.epochs} epochs"
    return (
        f"Training {settings.network} for {epochs} on {len(data.train_images):,} images "
        f"({settings.batch_size} per step, seed {settings.seed}); "
        f"it is tested on {len(data.test_images):,} others."
    )


def _print(trained: Trained, folder: ModelFolder, gallery: Gallery, as_json: bool) -> None:
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
        }
        print_json(document)
        return
    rows = [
        ("training, while it learns", f"{last['accuracy']:.2%}", f"{last['loss']:.4f}"),
        ("test", f"{last['val_accuracy']:.2%}", f"{last['val_loss']:.4f}"),
    ]
    title = f"{folder.name}: {trained.parameters:,} parameters"
    print_table(["images", "accuracy", "loss"], rows, title)
    say_written(folder.keras, folder.history, folder.pictures / "*.png")
    say_next(command("glyphite", "convert", folder.named))
