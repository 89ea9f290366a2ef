"""What holds of a step by a portable kernel."""

from collections.abc import Iterator

import numpy as np

from glyphite.convert.compiler.ir.program import Step
from glyphite.convert.compiler.ir.proof import Proof
from glyphite.convert.compiler.targets.dsp.requantize import sums_fit
from glyphite.convert.compiler.targets.dsp.words import output_of


def proofs(step: Step) -> Iterator[Proof]:
    """Layers with weights sum in 32 bits; what could leave them, the compiler refuses."""
    fields = step.fields.get("conv", step.fields)
    if "weights" not in fields or "output" not in fields:
        return
    weights, channels = fields["weights"].astype(np.int64), len(fields["output"]["bias"])
    last = step.kernel == "depthwise_conv_2d"
    flat = weights.reshape(-1, channels).T if last else weights.reshape(channels, -1)
    yield sums_fit(output_of(fields, flat), 0)
