"""All faults, room by room."""

from tests.faults import in_compiler, in_convert, in_firmware, in_host, in_measure, in_train
from tests.faults.fault import Fault

FAULTS: tuple[Fault, ...] = (
    *in_convert.FAULTS,
    *in_compiler.FAULTS,
    *in_host.FAULTS,
    *in_measure.FAULTS,
    *in_train.FAULTS,
    *in_firmware.FAULTS,
)
