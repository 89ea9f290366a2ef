"""The hyperparameters of a training on images that are varied anew in each epoch."""

from dataclasses import dataclass, field

from glyphite.train.networks.augment import Warp


@dataclass(frozen=True)
class Average:
    """Weights averaged over the last epochs: they lie nearer the middle of a wide minimum.

    P. Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization" (2018);
    here as an exponential average, an epoch's weights a step.
    """

    start: float = 0.6
    """The fraction of the epochs after which it begins."""
    new: float = 0.4
    """The share of an epoch's weights in the average after it."""


@dataclass(frozen=True)
class Teaching:
    """Targets that a trained model gives: G. Hinton et al., "Distilling the Knowledge in a Neural
    Network" (2015)."""

    model: str
    """The teacher's name: a model of this package, or one that was trained here."""
    share: float = 0.8
    """Of the teacher's scores in the target; the label has the rest."""
    power: float = 1.0
    """To which its scores are raised before they are normalized: below 1 the runners-up count
    more. The inverse of what is called the temperature."""


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters beside ``Settings``."""

    rate: float
    """The peak of the learning rate, which then decays to 0 as a cosine."""
    decay: float
    """AdamW's weight decay, of kernels alone."""
    warm_up: int = 1
    """Epochs in which the learning rate rises to its peak."""
    beta_2: float = 0.99
    """Of AdamW: below Keras's 0.999, as the learning rate decays to 0."""
    dropout: float = 1.0
    """The factor of the network's own dropout rates."""
    warp: Warp = field(default_factory=Warp)
    """The limits of augmentation at full strength."""
    full_strength: float = 1.0
    """The fraction of the epochs that have it; then the strength falls linearly."""
    final_strength: float = 1.0
    """The strength in the last epoch."""
    as_written: float = 0.0
    """The share of the images that are not varied, in the last ``as_written_in`` of the epochs."""
    as_written_in: float = 0.2
    """The fraction of the epochs, at their end, in which ``as_written`` holds."""
    smoothing: float = 0.0
    """Of the labels: this much of a target is spread evenly over all classes."""
    average: Average | None = None
    """None: the weights of the last epoch are the model's."""
    teaching: Teaching | None = None
    """None: the labels alone are the targets."""

    def warp_in(self, epoch: int, epochs: int) -> Warp:
        """The limits of augmentation in ``epoch``, counted from 0, of ``epochs``.

        Weaker augmentation at the end fits the model to digits as they are really written.
        """
        done = (epoch + 1) / epochs
        late = max(0.0, done - self.full_strength) / max(1 - self.full_strength, 1e-9)
        return self.warp.weaker(1 - late * (1 - self.final_strength))

    def as_written_of(self, epoch: int, epochs: int) -> float:
        """The share of the images that ``epoch``, counted from 0, leaves as they are written."""
        return self.as_written if (epoch + 1) / epochs > 1 - self.as_written_in else 0.0

    def averages(self, epoch: int, epochs: int) -> bool:
        """Whether the weights after ``epoch``, counted from 0, have a part in the average."""
        return self.average is not None and (epoch + 1) / epochs > self.average.start
