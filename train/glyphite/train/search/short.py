"""The short training of a network that was drawn: enough to tell it from others."""

import logging
from typing import TYPE_CHECKING

from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.quantize.quiet import load_tensorflow
from glyphite.train.fit import Settings, Trained
from glyphite.train.networks.varied import one_thread
from glyphite.train.own import Lessons, fit_own, loss_of

if TYPE_CHECKING:
    import keras

RATE = 4e-3
"""The peak of the learning rate, that of the network ``uno``."""
WARM_UP = 0.1
"""Of all steps: in these the rate rises from 0; then it decays to 0 as a cosine."""


def alone_on_a_core() -> None:
    """Let TensorFlow work on one thread: a search has a process for each core, and the same network
    gets the same weights however many there are. To be called before the first network."""
    load_tensorflow()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of many networks in a row
    one_thread()


def fit_short(
    settings: Settings,
    model: "keras.Model",
    lessons: Lessons,
    progress: NotedProgress = ignore_progress,
) -> Trained:
    """Train ``model`` with Adam at a rate that ends at 0, so that few epochs tell what many would.

    Raises what :func:`fit_own` does.
    """
    from keras import optimizers

    steps = settings.batches(len(lessons.data.train))
    rising = max(1, round(WARM_UP * steps))
    rate = optimizers.schedules.CosineDecay(
        0.0, decay_steps=max(1, steps - rising), warmup_target=RATE, warmup_steps=rising
    )
    metrics = ["accuracy"] if lessons.data.train.labels is not None else []
    model.compile(optimizers.Adam(rate), loss_of(model, lessons.data), metrics=metrics)
    return fit_own(settings, model, lessons, progress)
