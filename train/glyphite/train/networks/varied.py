"""How a network is trained on newly varied images in each epoch, by a ``Recipe``.

Every number of the recipes was chosen on the training set alone, by networks trained on its first
50,000 images and evaluated on its last 10,000. The final runs have all 60,000 images and a fixed
length; the test set is used once, at their end.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.mnist import Images, Labels, Mnist
from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.train.checkpoint import Checkpoint, State
from glyphite.train.fit import Settings, Trained, held_interrupt, unit_images, watching
from glyphite.train.networks.augment import vary
from glyphite.train.networks.networks import network
from glyphite.train.networks.recipe import Recipe
from glyphite.train.networks.targets import Make, Targets, targets_of

if TYPE_CHECKING:
    import keras

_ORDER, _CHOICE = 1, 2
"""They tell an epoch's random numbers from those that vary its images."""


def fit_varied(
    settings: Settings,
    data: Mnist,
    recipe: Recipe,
    progress: NotedProgress = ignore_progress,
    kept: Checkpoint | None = None,
) -> Trained:
    """Train on varied images with AdamW, and evaluate the model on the test set at the end.

    ``loss`` and ``accuracy`` by epoch are those of the varied images during training, against the
    targets; ``val_loss`` and ``val_accuracy`` have one value each, of the test set at the end.
    After each epoch the run's state goes to ``kept``; a run that finds one there goes on from it
    and comes to the same weights. The run is repeatable: random numbers are seeded, TensorFlow's
    operators are deterministic and run on one thread, as its sums depend on the number of threads.
    Raises InputError where there is no such network, ModelError where there is no such teacher,
    ToolError where TensorFlow is not installed.
    """
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
        make = targets_of(recipe)
        model = network(settings.network)()
        _scale_dropout(model, recipe.dropout)
        model.compile(
            _optimizer(recipe, batches, settings.epochs),
            "categorical_crossentropy",
            metrics=["accuracy"],
        )
        model.optimizer.build(model.trainable_variables)
    run = _Run(model, recipe, settings)
    kept = kept or Checkpoint(None)
    if (state := kept.load()) is not None:
        run.restore(state)
        progress(run.epochs * batches, note=f"going on after epoch {run.epochs}")
    with held_interrupt() as check:
        callback = watching(settings.epochs, progress, check)
        for lesson in _lessons(settings, data, recipe, make, run.epochs):
            run.learn(lesson, callback)
            kept.save(run.state())
    run.take_average()
    return Trained(settings, _bare(model), {**run.history, **_judged(model, data)}, recipe=recipe)


@dataclass
class _Run:
    """A model as it learns, and what must be kept of it between two epochs."""

    model: "keras.Model"
    recipe: Recipe
    settings: Settings
    history: dict[str, list[float]] = field(default_factory=lambda: {"loss": [], "accuracy": []})
    average: list[NDArray[Any]] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """How many are finished."""
        return len(self.history["loss"])

    def learn(self, lesson: tuple[Images, Targets], callback: Any) -> None:  # noqa: ANN401
        """One epoch."""
        images, targets = lesson
        epoch = self.epochs
        done = self.model.fit(
            unit_images(images),
            targets,
            batch_size=self.settings.batch_size,
            initial_epoch=epoch,
            epochs=epoch + 1,
            shuffle=False,
            callbacks=[callback],
            verbose=0,
        )
        for name, row in self.history.items():
            row.append(float(done.history[name][0]))
        average = self.recipe.average
        if average is not None and self.recipe.averages(epoch, self.settings.epochs):
            weights = self.model.get_weights()
            old = self.average or weights
            new = np.float32(average.new)
            self.average = [a + new * (b - a) for a, b in zip(old, weights, strict=True)]

    def take_average(self) -> None:
        """Give the model the averaged weights, where the recipe wants them."""
        if self.average:
            self.model.set_weights(self.average)

    def state(self) -> State:
        """All that the rest of the run depends on."""
        variables, optimizer = self._variables()
        values = [variable.numpy() for variable in variables]
        steps = [variable.numpy() for variable in optimizer]
        return State(self.history, values, steps, self.average)

    def restore(self, state: State) -> None:
        """Go on from ``state``."""
        variables, optimizer = self._variables()
        for variable, value in zip(variables, state.variables, strict=True):
            variable.assign(value)
        for variable, value in zip(optimizer, state.optimizer, strict=True):
            variable.assign(value)
        self.history = {name: list(row) for name, row in state.history.items()}
        self.average = list(state.average)

    def _variables(self) -> tuple[list[Any], list[Any]]:
        model = self.model
        draws = (variable for variable in model.variables if variable.path.endswith("_state"))
        return [*model.weights, *draws], list(model.optimizer.variables)


def one_thread() -> None:
    """Let each of TensorFlow's operators run on one thread, unless TensorFlow has started already.

    More threads gain little for such small networks.
    """
    import tensorflow as tf

    try:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:  # it has started: sums may differ from run to run
        return


def lesson(data: Mnist, settings: Settings, recipe: Recipe, epoch: int) -> tuple[Images, Labels]:
    """The images of ``epoch``, counted from 0, in the order in which they are learnt."""
    order = np.random.default_rng((settings.seed, epoch, _ORDER)).permutation(
        len(data.train_images)
    )
    images, labels = data.train_images[order], data.train_labels[order]
    varied = vary(images, recipe.warp_in(epoch, settings.epochs), (settings.seed, epoch))
    share = recipe.as_written_of(epoch, settings.epochs)
    if share:
        draw = np.random.default_rng((settings.seed, epoch, _CHOICE)).random(len(images))
        varied[draw < share] = images[draw < share]
    return varied, labels


def _lessons(
    settings: Settings, data: Mnist, recipe: Recipe, make: Make, first: int
) -> Iterator[tuple[Images, Targets]]:
    """Images and targets of each epoch from ``first``; the next are made while these are learnt."""

    def prepare(epoch: int) -> tuple[Images, Targets]:
        images, labels = lesson(data, settings, recipe, epoch)
        return images, make(images, labels)

    if first >= settings.epochs:
        return
    with ThreadPoolExecutor(1) as maker:
        ahead = maker.submit(prepare, first)
        for epoch in range(first + 1, settings.epochs):
            ready, ahead = ahead.result(), maker.submit(prepare, epoch)
            yield ready
        yield ahead.result()


def _bare(model: "keras.Model") -> "keras.Model":
    """The same model without its optimizer, which has twice as many numbers as the weights."""
    bare = type(model).from_config(model.get_config())
    bare.set_weights(model.get_weights())
    return bare


def _scale_dropout(model: "keras.Model", factor: float) -> None:
    from keras import layers

    for layer in model.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate *= factor


def _optimizer(recipe: Recipe, batches: int, epochs: int) -> "keras.optimizers.Optimizer":
    """AdamW, whose learning rate rises to its peak and decays to 0 as a cosine."""
    from keras import optimizers

    rate = optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=max(1, batches * (epochs - recipe.warm_up)),
        warmup_target=recipe.rate,
        warmup_steps=batches * recipe.warm_up,
    )
    optimizer = optimizers.AdamW(rate, weight_decay=recipe.decay, beta_2=recipe.beta_2)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])
    return optimizer


def _scores(model: "keras.Model", images: Images) -> NDArray[np.float32]:
    """(n, 10) of images (n, 28, 28)."""
    return np.asarray(model.predict(unit_images(images), batch_size=500, verbose=0), np.float32)


def _judged(model: "keras.Model", data: Mnist) -> dict[str, list[float]]:
    """Loss against the labels as they are, and accuracy, of the test set."""
    scores = _scores(model, data.test_images)
    right = scores[np.arange(len(scores)), data.test_labels]
    loss = float(-np.log(np.maximum(right, 1e-7)).mean())
    accuracy = float((scores.argmax(axis=1) == data.test_labels).mean())
    return {"val_loss": [loss], "val_accuracy": [accuracy]}
