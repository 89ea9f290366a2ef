"""The PC end of the wire: runners, transports, protocol, build, stream, compare, report.

What it offers to programs is named here and shown in docs/api.md; the project's own files import
from the modules themselves.
"""

from typing import TYPE_CHECKING

from glyphite.convert.lazy import lazy_names

if TYPE_CHECKING:
    from glyphite.host.device.build import Built, build
    from glyphite.host.device.session import Session, connect
    from glyphite.host.device.wire.messages import Answer, Hello
    from glyphite.host.measure.digit_picture import read_digit
    from glyphite.host.measure.portion import BoardAt
    from glyphite.host.measure.share import Shared, share
    from glyphite.host.runners.base import Runner
    from glyphite.host.runners.compiled import CompiledRunner
    from glyphite.host.runners.keras import KerasRunner
    from glyphite.host.runners.litert import LitertRunner
    from glyphite.host.runners.oracle import oracle
    from glyphite.host.runners.tflm import TflmRunner
else:
    __getattr__ = lazy_names(
        __name__,
        {
            **dict.fromkeys(("Built", "build"), "device.build"),
            **dict.fromkeys(("Session", "connect"), "device.session"),
            **dict.fromkeys(("Answer", "Hello"), "device.wire.messages"),
            "read_digit": "measure.digit_picture",
            "BoardAt": "measure.portion",
            **dict.fromkeys(("Shared", "share"), "measure.share"),
            "Runner": "runners.base",
            "CompiledRunner": "runners.compiled",
            "KerasRunner": "runners.keras",
            "LitertRunner": "runners.litert",
            "TflmRunner": "runners.tflm",
            "oracle": "runners.oracle",
        },
    )

__all__ = [
    "Answer",
    "BoardAt",
    "Built",
    "CompiledRunner",
    "Hello",
    "KerasRunner",
    "LitertRunner",
    "Runner",
    "Session",
    "Shared",
    "TflmRunner",
    "build",
    "connect",
    "oracle",
    "read_digit",
    "share",
]
