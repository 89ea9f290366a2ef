"""How each network is trained: its recipes by name, the first of which is the usual one."""

import hashlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.errors import InputError
from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.train.checkpoint import Checkpoint, checkpoint
from glyphite.train.fit import Settings, Trained, fit
from glyphite.train.networks.networks import network
from glyphite.train.networks.recipe import Average, Recipe, Teaching
from glyphite.train.networks.targets import teacher_sha256
from glyphite.train.networks.varied import fit_varied

PLAIN, BEST = "plain", "best"


@dataclass(frozen=True)
class Course:
    """A recipe with the settings that go with it."""

    settings: Settings
    recipe: Recipe | None = None
    """None: as ``fit`` does it."""


_SMALL = Recipe(rate=4e-3, decay=1e-3, full_strength=0.6, final_strength=0.4)
"""For networks so small that they cannot learn the training images by heart."""
_TAUGHT = replace(_SMALL, teaching=Teaching("seed-best"), as_written=0.5, average=Average(0.6, 0.4))

COURSES: dict[str, dict[str, Course]] = {
    "seed": {
        PLAIN: Course(Settings("seed")),
        BEST: Course(
            Settings("seed", epochs=40, batch_size=128, recipe=BEST),
            Recipe(
                rate=2e-3,
                decay=1e-4,
                dropout=0.3,
                as_written=0.5,
                smoothing=0.05,
                average=Average(0.6, 0.4),
            ),
        ),
    },
    "uno": {
        BEST: Course(Settings("uno", epochs=200, batch_size=128, recipe=BEST), _TAUGHT),
        PLAIN: Course(Settings("uno", epochs=200, batch_size=128), _SMALL),
    },
    "uno-fast": {
        BEST: Course(Settings("uno-fast", epochs=200, batch_size=128, recipe=BEST), _TAUGHT),
    },
}
"""Network -> its recipes, the usual one first. One that is not here is trained as ``seed`` is."""


def course(name: str, recipe: str | None = None) -> Course:
    """The recipe called ``recipe`` of the network ``name``, or its usual one.

    Raises InputError where there is no such network or recipe.
    """
    network(name)  # refuses an unknown one
    courses = COURSES.get(name, {PLAIN: Course(Settings(name))})
    chosen = next(iter(courses)) if recipe is None else recipe
    if chosen not in courses:
        known = " and ".join(courses)
        raise InputError(f"{name} has no recipe {chosen!r}: there is {known}.")
    return courses[chosen]


def defaults(name: str, recipe: str | None = None) -> Settings:
    """The default settings of the network ``name``. Raises InputError as :func:`course` does."""
    return course(name, recipe).settings


def usual_name(settings: Settings) -> str:
    """What a model is called unless it is named: the network, and the recipe that is not usual."""
    is_usual = settings.recipe == defaults(settings.network).recipe
    return settings.network if is_usual else f"{settings.network}-{settings.recipe}"


def train(
    settings: Settings,
    data: Mnist,
    progress: NotedProgress = ignore_progress,
    folder: Path | None = None,
) -> Trained:
    """Train the network of ``settings`` by its recipe.

    With a ``folder``, a long run keeps its state there after each epoch, and goes on from it.
    Raises InputError where there is no such network or recipe, ModelError where there is no such
    teacher, ToolError where TensorFlow is not installed.
    """
    recipe = course(settings.network, settings.recipe).recipe
    if recipe is None:
        return fit(settings, data, progress)
    kept = kept_state(settings, data, folder)
    return fit_varied(settings, data, recipe, progress, kept)


def kept_state(settings: Settings, data: Mnist, folder: Path | None) -> Checkpoint:
    """Where in ``folder`` the state of this very run is kept; nowhere where its recipe keeps none.

    Raises ModelError where there is no such teacher.
    """
    recipe = course(settings.network, settings.recipe).recipe
    if folder is None or recipe is None:
        return Checkpoint(None)
    learnt = hashlib.sha256(data.train_images.tobytes() + data.train_labels.tobytes())
    return checkpoint(
        folder,
        settings=asdict(settings),
        recipe=asdict(recipe),
        teacher=teacher_sha256(recipe),
        data=learnt.hexdigest(),
    )
