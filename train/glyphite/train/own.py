"""One training run on a data set of any kind: a network and its samples in, a trained model out."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from glyphite.convert.data.dataset import DataSet, Inputs, Labels, Numbers, Part
from glyphite.convert.errors import DataError, ModelError
from glyphite.convert.manifest import DataRecord
from glyphite.convert.preprocessing import Preprocessing
from glyphite.convert.progress import NotedProgress, ignore_progress
from glyphite.convert.quantize.quiet import load_tensorflow, quiet
from glyphite.convert.text import printable
from glyphite.train.fit import Settings, Trained, held_interrupt, watching
from glyphite.train.networks.networks import network
from glyphite.train.networks.recipes import PLAIN, course
from glyphite.train.networks.varied import one_thread

if TYPE_CHECKING:
    import keras

    Network = keras.Model
    """For the types of what does not know Keras."""


@dataclass(frozen=True)
class Lessons:
    """What a network learns from, and what it is judged by after each epoch."""

    data: DataSet
    """Laid out as the network takes and answers it."""
    preprocessing: Preprocessing
    record: DataRecord | None = None
    """What the history and the manifest say of the data."""

    @property
    def judged(self) -> tuple[str, Part]:
        """The part to judge by, and its name: that for validation, or else that to test by."""
        held_out = self.data.validation
        return ("test", self.data.test) if held_out is None else ("validation", held_out)

    def require_any(self) -> None:
        """Raises DataError where there is nothing to learn from."""
        data = self.data
        if data.train.targets is None or not len(data.train):
            what = "no targets" if len(data.train) else "no training samples"
            raise DataError(f"{data.title} has {what}, so nothing can be learnt. Name other data.")

    def arrays(self, part: Part) -> tuple[NDArray[np.float32], NDArray[Any]]:
        """Inputs (n, *shape) and targets of a part, as the network takes them."""
        seen = self.preprocessing.apply(part.inputs).astype(np.float32)
        targets = part.targets
        if isinstance(targets, Labels):
            return seen, targets.values
        return seen, targets.values if isinstance(targets, Numbers) else seen


def untrained(settings: Settings) -> "keras.Model":
    """The network of ``settings`` with its first weights.

    The run is repeatable: random numbers are seeded, TensorFlow's operators deterministic. Raises
    InputError where there is no such network, CodeError where a function of the user's own raises,
    ModelError where it gives no model with shapes, ToolError where TensorFlow is not installed.
    """
    make = network(settings.network)
    load_tensorflow()
    import keras
    import tensorflow as tf

    if course(settings.network, settings.recipe).recipe:  # which does so too late after this
        one_thread()
    keras.backend.clear_session()  # or the layers of a second model get other names
    keras.utils.set_random_seed(settings.seed)
    tf.config.experimental.enable_op_determinism()
    with quiet():
        model = make()
    if not isinstance(model, keras.Model) or not model.built:
        raise ModelError(
            f"{settings.network} gave {type(model).__name__}, and a keras.Model that knows its "
            "shapes is needed. Begin it with a keras.Input."
        )
    if (len(model.inputs), len(model.outputs)) != (1, 1):
        raise ModelError(
            f"{settings.network} takes {len(model.inputs)} inputs and gives {len(model.outputs)} "
            "outputs, and models with one input and one output are supported. Join them, by "
            "Concatenate for example."
        )
    return model


def fit_own(
    settings: Settings,
    model: "keras.Model",
    lessons: Lessons,
    progress: NotedProgress = ignore_progress,
) -> Trained:
    """Train ``model`` with Adam, by the loss that the targets and its last layer call for.

    A model that its function has compiled keeps its own optimizer and loss. Raises DataError where
    there is nothing to learn from, ModelError where Keras refuses what was compiled.
    """
    import keras

    lessons.require_any()
    data = lessons.data
    if not getattr(model, "compiled", False):
        is_labelled = isinstance(data.train.targets, Labels)
        model.compile("adam", loss_of(model, data), metrics=["accuracy"] if is_labelled else [])
    inputs, targets = lessons.arrays(data.train)
    keras.utils.set_random_seed(settings.seed)  # whatever was done with the model before
    with held_interrupt() as check, _refused(settings):
        history = model.fit(
            inputs,
            targets,
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            validation_data=lessons.arrays(lessons.judged[1]),
            callbacks=[watching(settings.epochs, progress, check)],
            verbose=0,
        )
    known = ("loss", "accuracy", "val_loss", "val_accuracy")
    by_epoch = {
        name: [float(value) for value in history.history[name]]
        for name in known
        if name in history.history
    }
    return Trained(
        replace(settings, recipe=PLAIN),  # whichever is usual for the network on MNIST
        model,
        by_epoch,
        lessons.preprocessing,
        lessons.record,
        judged_by=lessons.judged[0],
    )


@contextmanager
def _refused(settings: Settings) -> Iterator[None]:
    """Let what Keras says of a loss, a metric or a layer of the user's own be a sentence."""
    try:
        yield
    except (TypeError, ValueError) as error:
        said = printable(str(error).split("\n")[0].rstrip("."))
        raise ModelError(
            f"Keras cannot train {settings.network}: {said}. Look at its layers, and at the loss "
            "and metrics of its compile."
        ) from error


def loss_of(model: "keras.Model", data: DataSet) -> Any:  # noqa: ANN401 - Keras has no types
    """Cross-entropy for classes, of shares or of logits; else the mean squared error."""
    from keras import losses

    if isinstance(data.train.targets, Numbers | Inputs):
        return losses.MeanSquaredError()
    name = last_activation(model)
    if int(np.prod(model.output_shape[1:])) == 1:
        return losses.BinaryCrossentropy(from_logits=name != "sigmoid")
    return losses.SparseCategoricalCrossentropy(from_logits=name != "softmax")


def last_activation(model: "keras.Model") -> str:
    """The activation of the last layer, or its kind, in Keras's words: ``softmax``, ``dense``."""
    last = model.layers[-1]
    kind = type(last).__name__.lower()
    return str(getattr(getattr(last, "activation", None), "__name__", kind))
