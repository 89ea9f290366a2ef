"""Faults in data sets: where they come from, how they are read, checked and split."""

from tests.faults.fault import Fault

DATA = "convert/glyphite/convert/data/"

FAULTS = (
    Fault(
        "the validation images are also trained on",
        DATA + "mnist.py",
        "self.train_images[:cut],",
        "self.train_images[: cut + VALIDATION_IMAGES],",
        ("convert/data/test_mnist.py",),
    ),
    Fault(
        "a file of the cache is not checked",
        DATA + "published.py",
        "        if found != expected[name]:",
        "        if not found:",
        ("convert/data/test_mnist.py",),
    ),
    Fault(
        "a download that breaks off is taken for whole",
        DATA + "sources.py",
        "int(announced) != received:",
        "int(announced) < received:",
        ("convert/data/test_sources.py",),
    ),
    Fault(
        "a flood of any size is read",
        DATA + "sources.py",
        "if len(pieces) > MOST_BYTES:",
        "if len(pieces) > 16 * MOST_BYTES:",
        ("convert/data/test_sources.py",),
    ),
    Fault(
        "npm's last lines are told",
        DATA + "sources.py",
        "found[:3]",
        "found[-3:]",
        ("convert/data/test_sources.py",),
    ),
    Fault(
        "npm's registry is read in lower case alone",
        DATA + "sources.py",
        "{name.lower(): value for",
        "{name: value for",
        ("convert/data/test_sources.py",),
    ),
    Fault(
        "a download has no limit in time",
        DATA + "sources.py",
        "end = time.monotonic() + total",
        "end = time.monotonic() + 60 * total",
        ("convert/data/test_sources.py",),
    ),
)  # fmt: skip
