"""`Narration`: what setting an analysis up says about itself, as csky says it."""

from __future__ import annotations

import sys

from nusky.progress import tell

__all__ = ["Narration"]


class Narration:
    """Lines on standard output, some of which replace the one before.

    Parameters
    ----------
    logging : bool
        False prints nothing.

    Examples
    --------
    >>> from nusky.analysis.narration import Narration
    >>> Narration(True).line("Setting up ...")
    Setting up ...
    """

    def __init__(self, logging: bool) -> None:
        self._logging = logging
        self._pending = ""

    def line(self, text: str) -> None:
        """Print a line."""
        if self._logging:
            self._finish()
            tell(text + "\n")
            sys.stdout.flush()

    def redraw(self, text: str) -> None:
        """Print a line that the next `redraw` replaces; in a file only the last of them appears."""
        if self._logging:
            if sys.stdout.isatty():
                tell("\r" + text)
                sys.stdout.flush()
            self._pending = text

    def _finish(self) -> None:
        if self._pending:
            tell("\n" if sys.stdout.isatty() else self._pending + "\n")
            self._pending = ""
