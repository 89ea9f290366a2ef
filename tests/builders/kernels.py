"""A model's one step by a kernel of a processor."""

from collections.abc import Callable
from inspect import signature
from typing import Any

import numpy as np

from glyphite.convert.compiler.driver import lower
from glyphite.convert.compiler.frontend.tflite import read
from glyphite.convert.compiler.ir.decision import Refusal
from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.passes import optimize
from glyphite.convert.compiler.targets.dsp.conv_2d import DspConv2DConstants
from tests.builders.models import RELU

RECTIFIED: dict[str, Any] = {"activation": RELU, "zero_point": -128}
"""The output of a trained network's layer with ReLU: it begins where int8 does."""

Match = Callable[..., Step | Refusal]
"""``match`` of a kernel's file: of a step, or of a step and its constants."""


def only_step(content: bytes) -> Step:
    """The one step of a model, by a portable kernel."""
    (step,) = lower(optimize(read(content))).steps
    return step


def constants_of(content: bytes) -> Any:  # noqa: ANN401 - of whichever kernel it is
    """The constants of a model's one step."""
    return only_step(content).constants


def narrow_weights(content: bytes) -> bytes:
    """A model without weights of -128, which TensorFlow's quantizer never makes."""
    constants = constants_of(content)
    weights = getattr(constants, "conv", constants).weights
    before = weights.tobytes()
    assert content.count(before) == 1
    return content.replace(before, np.maximum(weights, -127).tobytes())


def by(match: Match, step: Step) -> Step | Refusal:
    """``step`` by a kernel."""
    alone = len(signature(match).parameters) == 1
    return match(step) if alone else match(step, step.constants)


def taken(match: Match, step: Step) -> Step:
    """``step`` by a kernel that does not refuse it."""
    found = by(match, step)
    assert isinstance(found, Step), found
    return found


def refuses(match: Match, step: Step) -> bool:
    """Whether a kernel refuses ``step``, and says why."""
    found = by(match, step)
    assert isinstance(found, Step) or found.reason
    return isinstance(found, Refusal)


def conv_of(step: Step) -> DspConv2DConstants:
    """The constants of a step by dsp/conv_2d.h."""
    assert isinstance(step.constants, DspConv2DConstants)
    return step.constants
