"""The command line: `nusky …`."""

from __future__ import annotations

from nusky.cli.command import main

__all__ = ["main"]
