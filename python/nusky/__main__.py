"""``python -m nusky`` is ``nusky``."""

from __future__ import annotations

import sys

from nusky.cli.command import main

sys.exit(main())
