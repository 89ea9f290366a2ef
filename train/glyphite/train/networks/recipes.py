"""How each network is trained: by a recipe of its own where it has one, else as ``seed`` is."""

from glyphite.convert.data.mnist import Mnist
from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.train.fit import Settings, Trained, fit
from glyphite.train.networks.networks import network
from glyphite.train.networks.uno import UNO_DEFAULTS, fit_uno

_RECIPES = {"uno": (UNO_DEFAULTS, fit_uno)}


def defaults(name: str) -> Settings:
    """The default settings of the network ``name``. Raises InputError where there is none."""
    network(name)  # refuses an unknown one
    return _RECIPES[name][0] if name in _RECIPES else Settings(name)


def train(settings: Settings, data: Mnist, progress: NotedProgress = ignore_progress) -> Trained:
    """Train the network of ``settings`` by its recipe: ``fit``, or ``fit_uno`` for ``uno``.

    Raises InputError where there is no such network, ToolError where TensorFlow is not installed.
    """
    recipe = _RECIPES[settings.network][1] if settings.network in _RECIPES else fit
    return recipe(settings, data, progress)
