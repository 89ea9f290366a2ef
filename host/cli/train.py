"""``glyphite train``: one training run, its history and its pictures."""

import argparse

from convert.errors import InputError
from convert.workspace import ModelFolder, model_folder
from host.cli.console import STDERR, print_json, print_table, progress, say
from train.data import load_mnist
from train.fit import Settings, Trained, fit
from train.networks import NETWORKS, network

SUMMARY = "train a network on MNIST"
EXAMPLE = "glyphite train seed --epochs 10"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's own arguments."""
    parser.add_argument("network", metavar="NETWORK", help=f"one of: {', '.join(sorted(NETWORKS))}")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the data (default 10)")
    parser.add_argument("--batch-size", type=int, default=32, help="images a step (default 32)")
    parser.add_argument("--seed", type=int, default=1, help="of all random numbers (default 1)")
    parser.add_argument("--show", action="store_true", help="show the pictures on screen, too")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")


def run(arguments: argparse.Namespace) -> int:
    """Train, then write model.keras, history.json and the pictures."""
    settings = _settings(arguments)
    folder = model_folder(settings.network)
    data = load_mnist(tell=STDERR.print)
    if not arguments.json:
        say(
            f"Training {settings.network}: {settings.epochs} epochs of "
            f"{len(data.train_images):,} images in batches of {settings.batch_size}."
        )
    with progress("Training", settings.batches(data)) as advance:
        trained = fit(settings, data, advance)
    trained.save(folder.keras, folder.history)
    _print(trained, folder, arguments.json)
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    network(arguments.network)
    for option, value in (("--epochs", arguments.epochs), ("--batch-size", arguments.batch_size)):
        if value < 1:
            raise InputError(f"{option} {value} cannot be: it is a whole number from 1 up.")
    return Settings(arguments.network, arguments.epochs, arguments.batch_size, arguments.seed)


def _print(trained: Trained, folder: ModelFolder, as_json: bool) -> None:
    last = {name: row[-1] for name, row in trained.history.items()}
    if as_json:
        print_json({"network": trained.settings.network, "model": str(folder.keras), **last})
        return
    rows = [
        ("training", f"{last['accuracy']:.2%}", f"{last['loss']:.4f}"),
        ("test", f"{last['val_accuracy']:.2%}", f"{last['val_loss']:.4f}"),
    ]
    print_table(["images", "accuracy", "loss"], rows)
    say(f"Written: {folder.keras}, {folder.history}")
    say(f"Next: glyphite convert {folder.name}")
