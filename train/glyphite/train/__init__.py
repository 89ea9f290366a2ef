"""The networks and one training run; knows nothing of ``host``.

What it offers to programs is named here and shown in docs/api.md; the project's own files import
from the modules themselves.
"""

from typing import TYPE_CHECKING

from glyphite.convert.lazy import lazy_names

if TYPE_CHECKING:
    from glyphite.train.fit import Settings, Trained
    from glyphite.train.networks.recipes import train
    from glyphite.train.own import untrained
    from glyphite.train.pictures import Gallery
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "Gallery": "pictures",
            **dict.fromkeys(("Settings", "Trained"), "fit"),
            "train": "networks.recipes",
            "untrained": "own",
        },
    )

__all__ = ["Gallery", "Settings", "Trained", "train", "untrained"]
