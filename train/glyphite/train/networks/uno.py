"""How the network ``uno`` is trained: long, and on images that are varied anew for each epoch.

Every number here was chosen on the training set alone, by networks trained on its first 50,000
images and judged on its last 10,000. The final run has all 60,000 and a fixed length; the test
set judges it once, at the end.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.train.data.mnist import Images, Mnist
from glyphite.train.fit import Settings, Trained, unit_images
from glyphite.train.networks.augment import Warp, vary
from glyphite.train.networks.networks import network

if TYPE_CHECKING:
    import keras

UNO_DEFAULTS = Settings("uno", epochs=200, batch_size=128)


@dataclass(frozen=True)
class Recipe:
    """What the training depends on beside ``Settings``."""

    rate: float = 4e-3
    """The highest learning rate: it rises to it for one epoch, then falls to 0 as a cosine."""
    decay: float = 1e-3
    """AdamW's weight decay, of kernels only."""
    warp: Warp = field(default_factory=Warp)
    """How far images are varied, until ``calming`` of the epochs are done."""
    calming: float = 0.6
    calmest: float = 0.4
    """The strength of the variation in the last epoch; it falls evenly from ``calming`` on."""

    def warp_in(self, epoch: int, epochs: int) -> Warp:
        """How far images are varied in ``epoch``, from 0, of ``epochs``.

        Calmer images at the end bring the model back to digits as they are written.
        """
        done = (epoch + 1) / epochs
        late = max(0.0, done - self.calming) / (1 - self.calming)
        return self.warp.weaker(1 - late * (1 - self.calmest))


def fit_uno(
    settings: Settings,
    data: Mnist,
    progress: NotedProgress = ignore_progress,
    recipe: Recipe | None = None,
) -> Trained:
    """Train on varied images with AdamW; the test set judges the model once, when it is done.

    ``loss`` and ``accuracy`` by epoch are those of the varied images while the model learns;
    ``val_loss`` and ``val_accuracy`` have one value each, of the test set at the end.
    Repeatable: the random numbers are seeded, TensorFlow's operators deterministic and on one
    thread, since its sums depend on the number of threads.
    """
    recipe = recipe or Recipe()
    progress(0, note="loading TensorFlow")
    load_tensorflow()
    import keras
    import tensorflow as tf

    keras.backend.clear_session()
    one_thread()
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    batches = -(-len(data.train_images) // settings.batch_size)
    with quiet():
        model = network(settings.network)()
        model.compile(
            _optimizer(recipe, batches, settings.epochs),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
    history: dict[str, list[float]] = {"loss": [], "accuracy": []}
    for images in _lessons(settings, data.train_images, recipe):
        done = model.fit(
            unit_images(images), data.train_labels, batch_size=settings.batch_size, verbose=0
        )
        for name, row in history.items():
            row.append(float(done.history[name][0]))
        epoch = len(history["loss"])
        note = f"epoch {epoch}/{settings.epochs}  loss {history['loss'][-1]:.4f}"
        progress(batches, note=note)
    return Trained(settings, model, {**history, **_judged(model, data)})


def one_thread() -> None:
    """Let each of TensorFlow's operators run on one thread, if it has not started yet.

    The network is so small that more threads gain little.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # it has started: the run is as repeatable as its threads allow
        return


def _lessons(settings: Settings, images: Images, recipe: Recipe) -> Iterator[Images]:
    """Each epoch's images; the next epoch's are made while this one's are learnt."""

    def make(epoch: int) -> Images:
        return vary(images, recipe.warp_in(epoch, settings.epochs), (settings.seed, epoch))

    with ThreadPoolExecutor(1) as maker:
        ahead = maker.submit(make, 0)
        for epoch in range(1, settings.epochs):
            ready, ahead = ahead.result(), maker.submit(make, epoch)
            yield ready
        yield ahead.result()


def _optimizer(recipe: Recipe, batches: int, epochs: int) -> "keras.optimizers.Optimizer":
    """AdamW whose second moment forgets faster than usual, as the rate falls to nothing."""
    from keras import optimizers

    rate = optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=max(1, batches * (epochs - 1)),
        warmup_target=recipe.rate,
        warmup_steps=batches,
    )
    optimizer = optimizers.AdamW(rate, weight_decay=recipe.decay, beta_2=0.99)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


def _judged(model: "keras.Model", data: Mnist) -> dict[str, list[float]]:
    loss, accuracy = model.evaluate(unit_images(data.test_images), data.test_labels, verbose=0)
    return {"val_loss": [float(loss)], "val_accuracy": [float(accuracy)]}
