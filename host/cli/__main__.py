"""``python -m host.cli``, for a clone that is not installed."""

import sys

from host.cli import main

sys.exit(main())
