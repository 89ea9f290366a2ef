"""The libraries that a sketch can be made for, and how their arithmetic differs."""

from dataclasses import dataclass

from glyphite.convert.errors import InputError


@dataclass(frozen=True)
class Library:
    """A packaging of TensorFlow Lite Micro."""

    name: str
    """What ``--library`` calls it."""
    title: str
    header: str
    """What the sketch includes, by which Arduino's builder finds the library."""
    by_channel: bool
    """Whether its FULLY_CONNECTED knows a scale for each channel; else it takes the first for all,
    without an error."""
    install: str
    """How it gets into Arduino's libraries."""
    tested: str
    """What is known of it by a test, in whole sentences."""


CURRENT = Library(
    "current",
    "TensorFlow Lite Micro from October 2024 on",
    "TensorFlowLite.h",
    by_channel=True,
    install="make an Arduino library of a current checkout, whose header is TensorFlowLite.h",
    tested="Built for a Cortex-M4 with TensorFlow Lite Micro of 20 August 2026, 0 bytes differed.",
)
CHIRALE = Library(
    "chirale",
    "Chirale_TensorFlowLite 2.0.0",
    "Chirale_TensorFlowLite.h",
    by_channel=False,
    install="arduino-cli lib install Chirale_TensorFlowLite@2.0.0",
    tested="With 2.0.0, models whose dense layers have a scale for each channel gave wrong bytes, "
    "those of the first scale for all; a model by tensor has not been run on it yet.",
)
ESP32 = Library(
    "esp32",
    "TensorFlowLite_ESP32 1.0.0",
    "TensorFlowLite_ESP32.h",
    by_channel=False,
    install="arduino-cli lib install TensorFlowLite_ESP32@1.0.0",
    tested="It has not been tried: it is of 2023, when TensorFlow Lite Micro knew one scale a "
    "tensor.",
)
LIBRARIES = {library.name: library for library in (CURRENT, CHIRALE, ESP32)}


def library_of(name: str) -> Library:
    """The library called ``name``. Raises InputError where there is none."""
    if name not in LIBRARIES:
        known = ", ".join(f"{one.name} ({one.title})" for one in LIBRARIES.values())
        raise InputError(f"--library {name}: there is no such library. Name one of {known}.")
    return LIBRARIES[name]
