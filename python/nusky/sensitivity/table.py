"""What `find_n_sig` prints while it works, in csky's layout."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TextIO

from nusky.progress import Progress

__all__ = ["NSigTable"]


@dataclass
class NSigTable:
    """Lines about one search for n_sig.

    Parameters
    ----------
    logging : bool
        False prints nothing.
    stream : file, optional
        Standard output as it is at that moment by default.

    Examples
    --------
    >>> table = NSigTable(True)
    >>> table.header([0.0, 2.0])
    n_trials  | n_inj     0.00    2.00 |  n_sig(relative error)
    >>> table.row(500, [0.514, 0.9], 4.586, 0.075, "spline")
    500       |          51.4%   90.0% |  4.586 (+/-  7.5%) [spline]
    """

    logging: bool
    stream: TextIO | None = None
    _start: datetime = field(default_factory=datetime.now, init=False)

    def start(self, n_cores: int) -> None:
        """Begin."""
        self._line(f"Start time: {self._start:%Y-%m-%d %H:%M:%S}")
        self._line(f"Using {n_cores} cores.")

    def scan(self, beta: float, n_trials: int, ts: float) -> None:
        """Announce the coarse scan."""
        self._line(f"* Starting initial scan for {100 * beta:g}% of {n_trials} trials with TS > {ts:.3f}...")

    def scanned(self, n_sig: float, fraction: float) -> None:
        """One point of it."""
        self._line(f"  n_sig = {n_sig:.3f} ... frac = {fraction:.5f}")

    def background(self, n_trials: int) -> None:
        """Announce background trials."""
        self._line(f"* Generating {n_trials} background trials...")

    def batches(self, n_trials: int) -> None:
        """Announce the batches."""
        self._line(f"* Generating batches of {n_trials} trials...")

    def header(self, n_sigs: Sequence[float]) -> None:
        """Head of the table; again whenever the injected signals change."""
        self._line("n_trials  | n_inj " + "".join(f"{n:8.2f}" for n in n_sigs) + " |  n_sig(relative error)")

    def row(self, n_trials: int, fractions: Sequence[float], n_sig: float, error: float, method: str) -> None:
        """State after a batch."""
        cells = "".join(f"{fraction:8.1%}" for fraction in fractions)
        self._line(f"{n_trials:<9d} |       {cells} |  {n_sig:.3f} (+/- {error:5.1%}) [{method}]")

    def working(self, n_trials: int) -> Progress:
        """Progress of a batch that takes longer, on a line that the next one of the table replaces."""
        return Progress("", n_trials, "trials", self.logging, self.stream, transient=True)

    def end(self) -> None:
        """Finish."""
        now = datetime.now()
        self._line(f"End time: {now:%Y-%m-%d %H:%M:%S}")
        self._line(f"Elapsed time: {timedelta(seconds=round((now - self._start).total_seconds()))}")

    def _line(self, text: str) -> None:
        if self.logging:
            out = sys.stdout if self.stream is None else self.stream
            out.write(text + "\n")
            out.flush()
