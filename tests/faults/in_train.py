"""Faults in training: the data, the augmentation, one run and its pictures."""

from tests.faults.fault import Fault

TRAIN = "train/glyphite/train/"

FAULTS = (
    Fault(
        "the validation images are also trained on",
        TRAIN + "data/mnist.py",
        "self.train_images[:cut],",
        "self.train_images[: cut + VALIDATION_IMAGES],",
        ("train/data/test_data.py",),
    ),
    Fault(
        "a file of the cache is not checked",
        TRAIN + "data/mnist.py",
        "        if found != MD5[name]:",
        "        if not found:",
        ("train/data/test_data.py",),
    ),
    Fault(
        "a download that breaks off is taken for whole",
        TRAIN + "data/sources.py",
        "int(announced) != received:",
        "int(announced) < received:",
        ("train/data/test_sources.py",),
    ),
    Fault(
        "a flood of any size is read",
        TRAIN + "data/sources.py",
        "if len(pieces) > MOST_BYTES:",
        "if len(pieces) > 16 * MOST_BYTES:",
        ("train/data/test_sources.py",),
    ),
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
        "-(-len(data.train_images) // self.batch_size)",
        "(len(data.train_images) // self.batch_size)",
        ("train/test_fit.py",),
    ),
    Fault(
        "the true digit of a wrong prediction is grey",
        TRAIN + "pictures.py",
        "        colours[label] = RIGHT\n",
        "",
        ("train/test_pictures.py",),
    ),
)  # fmt: skip
