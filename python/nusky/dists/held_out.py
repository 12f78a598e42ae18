"""Trials that a fitted tail has not seen: does it predict them?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nusky.dists.chi2 import Chi2Tail
from nusky.typing import F64, I64

__all__ = ["HeldOut", "held_out"]

# Trials of a half above the TS at which is compared
_COUNTS = (300, 100, 30, 10)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Trials counted above some TS against what a tail fitted to other trials expects, each half once held out.

    Attributes
    ----------
    ts : (C,) float64
    counted : (C,) int64
        Trials of both halves.
    expected : (C,) float64
        What the tails that were fitted to the other halves expect.
    error : (C,) float64
        Standard deviation of ``expected − counted``: of the count and, statistically, of the two fits.
    """

    ts: F64
    counted: I64
    expected: F64
    error: F64

    @property
    def pulls(self) -> F64:
        """(C,) (expected − counted) / error: a few units away from 0 say that the tail is another one."""
        return np.asarray((self.expected - self.counted) / self.error)

    def __str__(self) -> str:
        return "\n".join(
            f"  TS > {ts:6.2f}   {k:6d} counted, {n:8.1f} +/- {error:.1f} expected"
            for ts, k, n, error in zip(self.ts, self.counted, self.expected, self.error, strict=True)
        )


def held_out(values: F64, n_zero: int, fit: Callable[[F64, int], Chi2Tail | None]) -> HeldOut:
    """Fit one half of the trials, count the other, and the other way round.

    Parameters
    ----------
    values : (n,) float64
        TS of the trials that are not 0.
    n_zero : int
        Trials at 0.
    fit : callable
        Tail of ascending values and a number of trials; None where there is none, and then nothing is compared.

    Returns
    -------
    HeldOut
    """
    n = len(values) + n_zero
    # which trial is in which half must not depend on its TS; a fixed seed gives the same halves every time
    first = np.random.default_rng(0).permutation(n)[: len(values)] < n // 2
    halves = (np.sort(values[first]), np.sort(values[~first]))
    totals = (n // 2, n - n // 2)
    tails = [fit(half, total) for half, total in zip(halves, totals, strict=True)]
    begins = max((np.inf if tail is None else tail.threshold) for tail in tails)
    some = [k for k in _COUNTS if k <= min(map(len, halves))]
    ts = np.array([np.mean([half[-k] for half in halves]) for k in some])
    ts = ts[ts > begins]
    counted, expected, variance = np.zeros(len(ts), dtype=np.int64), np.zeros(len(ts)), np.zeros(len(ts))
    for half, total, tail in zip(halves, totals, reversed(tails), strict=True):
        if tail is not None and len(ts):
            counted += len(half) - np.searchsorted(half, ts, side="right")
            expected += total * tail.sf(ts)
            variance += total * tail.sf(ts) + (total * tail.sf_error(ts)) ** 2
    return HeldOut(ts, counted, expected, np.sqrt(variance))
