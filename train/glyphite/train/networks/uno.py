"""How the network ``uno`` is trained: for many epochs, each on newly augmented images.

Every number here was chosen on the training set alone, by networks trained on its first 50,000
images and evaluated on its last 10,000. The final run has all 60,000 images and a fixed length;
the test set is used once, at its end.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glyphite.convert.data.mnist import Images, Mnist
from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.train.fit import Settings, Trained, unit_images
from glyphite.train.networks.augment import Warp, vary
from glyphite.train.networks.networks import network

if TYPE_CHECKING:
    import keras

UNO_DEFAULTS = Settings("uno", epochs=200, batch_size=128)


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters beside ``Settings``."""

    rate: float = 4e-3
    """The peak of the learning rate, which rises for one epoch and then decays to 0 as a cosine."""
    decay: float = 1e-3
    """AdamW's weight decay, of kernels alone."""
    warp: Warp = field(default_factory=Warp)
    """The limits of augmentation at full strength."""
    full_strength: float = 0.6
    """The fraction of the epochs that have it; then the strength falls linearly."""
    final_strength: float = 0.4
    """The strength in the last epoch."""

    def warp_in(self, epoch: int, epochs: int) -> Warp:
        """The limits of augmentation in ``epoch``, counted from 0, of ``epochs``.

        Weaker augmentation at the end fits the model to digits as they are really written.
        """
        done = (epoch + 1) / epochs
        late = max(0.0, done - self.full_strength) / (1 - self.full_strength)
        return self.warp.weaker(1 - late * (1 - self.final_strength))


def fit_uno(
    settings: Settings,
    data: Mnist,
    progress: NotedProgress = ignore_progress,
    recipe: Recipe | None = None,
) -> Trained:
    """Train on augmented images with AdamW, and evaluate the model on the test set at the end.

    ``loss`` and ``accuracy`` by epoch are those of the augmented images during training;
    ``val_loss`` and ``val_accuracy`` have one value each, of the test set at the end.
    The run is repeatable: random numbers are seeded, TensorFlow's operators are deterministic and
    run on one thread, as its sums depend on the number of threads. Raises InputError where there is
    no such network, ToolError where TensorFlow is not installed.
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
    """Let each of TensorFlow's operators run on one thread, unless TensorFlow has started already.

    More threads gain little for so small a network.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # it has started: sums may differ from run to run
        return


def _lessons(settings: Settings, images: Images, recipe: Recipe) -> Iterator[Images]:
    """The images of each epoch; those of the next are made during the training on these."""

    def make(epoch: int) -> Images:
        return vary(images, recipe.warp_in(epoch, settings.epochs), (settings.seed, epoch))

    with ThreadPoolExecutor(1) as maker:
        ahead = maker.submit(make, 0)
        for epoch in range(1, settings.epochs):
            ready, ahead = ahead.result(), maker.submit(make, epoch)
            yield ready
        yield ahead.result()


def _optimizer(recipe: Recipe, batches: int, epochs: int) -> "keras.optimizers.Optimizer":
    """AdamW with beta_2 of 0.99, as the learning rate decays to 0."""
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
