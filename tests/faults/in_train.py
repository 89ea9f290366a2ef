"""Faults in training: the augmentation, one run and its pictures."""

from tests.faults.fault import Fault

TRAIN = "train/glyphite/train/"

FAULTS = (
    Fault(
        "a pixel between two is cut off",
        TRAIN + "networks/augment.py",
        "np.rint(upper +",
        "np.floor(upper +",
        ("train/networks/test_augment.py",),
    ),
    Fault(
        "a spline's weights do not sum to 1",
        TRAIN + "networks/augment.py",
        "inner = 2 / 3 - away**2",
        "inner = 1 / 2 - away**2",
        ("train/networks/test_augment.py",),
    ),
    Fault(
        "a weaker warp shifts as far",
        TRAIN + "networks/augment.py",
        "shift=strength * self.shift,",
        "shift=self.shift,",
        ("train/networks/test_augment.py",),
    ),
    Fault(
        "the last batch of an epoch is not counted",
        TRAIN + "fit.py",
        "-(-samples // self.batch_size)",
        "(samples // self.batch_size)",
        ("train/test_fit.py",),
    ),
    Fault(
        "the true digit of a wrong prediction is grey",
        TRAIN + "pictures.py",
        "        colours[label] = RIGHT\n",
        "",
        ("train/test_pictures.py",),
    ),
    Fault(
        "every epoch has the same augmented images",
        TRAIN + "networks/varied.py",
        "epochs), (settings.seed, epoch))",
        "epochs), (settings.seed, 0))",
        ("train/networks/test_varied.py",),
    ),
    Fault(
        "the learning rate is above 0 at the end",
        TRAIN + "networks/varied.py",
        "batches * (epochs - recipe.warm_up)",
        "batches * epochs",
        ("train/networks/test_varied.py",),
    ),
    Fault(
        "a run that goes on forgets the optimizer's steps",
        TRAIN + "networks/varied.py",
        "        for variable, value in zip(optimizer, state.optimizer, strict=True):\n"
        "            variable.assign(value)\n",
        "",
        ("train/networks/test_varied.py",),
    ),
    Fault(
        "a network that was cut short in a search is not drawn again",
        TRAIN + "search/study.py",
        "                self._study.enqueue_trial(dict(trial.params))\n",
        "                pass\n",
        ("train/search/test_study.py",),
    ),
    Fault(
        "the runners-up of a teacher count less",
        TRAIN + "networks/targets.py",
        "np.float32(power))",
        "np.float32(1 / power))",
        ("train/networks/test_targets.py",),
    ),
    Fault(
        "the average begins anew with each epoch",
        TRAIN + "networks/varied.py",
        "old = self.average or weights",
        "old = weights",
        ("train/networks/test_varied.py",),
    ),
    Fault(
        "weight decay is of biases too",
        TRAIN + "networks/varied.py",
        '    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma"])\n',
        "",
        ("train/networks/test_varied.py",),
    ),
    Fault(
        "the curves of fewer tests than epochs begin with the first",
        TRAIN + "pictures.py",
        "drawn = epochs[-len(scaled) :]",
        "drawn = epochs[: len(scaled)]",
        ("train/test_pictures.py",),
    ),
    Fault(
        "the last label of the training images is left out",
        TRAIN + "pictures.py",
        "axes.set_xlabel(str(labels[place])",
        "axes.set_xlabel(str(labels[place - 1])",
        ("train/test_pictures.py",),
    ),
    Fault(
        "the notebook learns from the test images",
        "train/Handwritten_Digit_Recognition.py",
        "everything.train_images[:IMAGES]",
        "everything.test_images[:IMAGES]",
        ("train/test_notebook.py",),
    ),
)  # fmt: skip
