"""How each network is trained: by its own recipe where it has one, else as the seed is."""

from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.train.data.mnist import Mnist
from glyphite.train.fit import Settings, Trained, fit
from glyphite.train.networks.networks import network
from glyphite.train.networks.uno import UNO_DEFAULTS, fit_uno

_RECIPES = {"uno": (UNO_DEFAULTS, fit_uno)}


def defaults(name: str) -> Settings:
    """What the network called ``name`` is trained with unless told otherwise."""
    network(name)  # an unknown one is refused before any work
    return _RECIPES[name][0] if name in _RECIPES else Settings(name)


def train(settings: Settings, data: Mnist, progress: NotedProgress = ignore_progress) -> Trained:
    """Train the network of ``settings``; see ``train/fit.py`` and ``uno`` beside this file."""
    recipe = _RECIPES[settings.network][1] if settings.network in _RECIPES else fit
    return recipe(settings, data, progress)
