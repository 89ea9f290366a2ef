"""All faults, room by room."""

from tests.faults import (
    in_back_end,
    in_compiler,
    in_convert,
    in_data,
    in_firmware,
    in_host,
    in_layers,
    in_measure,
    in_targets,
    in_train,
)
from tests.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *in_convert.FAULTS,
    *in_data.FAULTS,
    *in_compiler.FAULTS,
    *in_targets.FAULTS,
    *in_back_end.FAULTS,
    *in_host.FAULTS,
    *in_layers.FAULTS,
    *in_measure.FAULTS,
    *in_train.FAULTS,
    *in_firmware.FAULTS,
)
