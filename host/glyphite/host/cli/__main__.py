"""``python -m glyphite.host.cli``, for a clone that is not installed."""

import sys

from glyphite.host.cli import main

sys.exit(main())
