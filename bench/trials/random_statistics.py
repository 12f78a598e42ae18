"""Is the generator behind the trials uniform, and are neighbours, seasons, trials and seeds independent of each other?

    python bench/trials/random_statistics.py [--numbers 100000000]

Right ascensions are tested for uniformity by χ² in 4096 cells, and the 12 bits below these likewise. Pairs (of
neighbouring events at several lags, of trials, of seasons, of seeds, of purposes) are tested by the correlation of the
two numbers and by χ² in 64 × 64 cells.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from nusky.injection import trial_draws

CELLS = 4096
SIDE = 64
LAGS = (1, 2, 3, 4, 7, 8, 16, 32, 1024)
STEPS = (1, 2, 3, 4, 5, 2**32)

F64 = NDArray[np.float64]
Pairs = Callable[[int, int], Iterator[tuple[F64, F64]]]


def turns(seed: int, index: int, n: int, season: int = 0) -> F64:
    """Right ascensions in turns, 0 … 1."""
    return trial_draws(seed, index).right_ascensions(season, n) / (2 * np.pi)


def p_of_counts(counts: F64) -> float:
    """p-value of χ² for equal probabilities."""
    from scipy import stats

    return float(stats.chisquare(counts).pvalue)


def uniformity(n_trials: int, n_events: int) -> tuple[float, float]:
    """p-values of the highest 12 bits of right ascensions, and of the next 12."""
    high, low = np.zeros(CELLS), np.zeros(CELLS)
    for j in range(n_trials):
        x = turns(1, j, n_events) * CELLS
        high += np.bincount(x.astype(np.int64), minlength=CELLS)
        low += np.bincount((x % 1.0 * CELLS).astype(np.int64), minlength=CELLS)
    assert high.sum() == n_trials * n_events
    return p_of_counts(high), p_of_counts(low)


def dependence(pairs: Iterable[tuple[F64, F64]]) -> tuple[float, float]:
    """Correlation of pairs of uniform numbers in its standard deviation, and the p-value of their cells."""
    table = np.zeros(SIDE**2)
    product = n = 0.0
    for a, b in pairs:
        product += float(((a - 0.5) * (b - 0.5)).sum())
        n += len(a)
        cell = (a * SIDE).astype(np.int64) * SIDE + (b * SIDE).astype(np.int64)
        table += np.bincount(cell, minlength=SIDE**2)
    return 12 * product / np.sqrt(n), p_of_counts(table)


def events_apart(lag: int) -> Pairs:
    """An event and that `lag` rows further on."""

    def pairs(n_trials: int, n_events: int) -> Iterator[tuple[F64, F64]]:
        for j in range(n_trials):
            x = turns(2, j, n_events)
            yield x[:-lag], x[lag:]

    return pairs


def trials_apart(step: int) -> Pairs:
    """The same event in a trial and `step` trials later."""

    def pairs(n_trials: int, n_events: int) -> Iterator[tuple[F64, F64]]:
        for j in range(n_trials):
            yield turns(3, j, n_events), turns(3, j + step, n_events)

    return pairs


def seasons(n_trials: int, n_events: int) -> Iterator[tuple[F64, F64]]:
    """The same row of two seasons."""
    for j in range(n_trials):
        yield turns(4, j, n_events), turns(4, j, n_events, 1)


def seeds(n_trials: int, n_events: int) -> Iterator[tuple[F64, F64]]:
    """The same event of two seeds."""
    for j in range(n_trials):
        yield turns(5, j, n_events), turns(6, j, n_events)


def halves(n_trials: int, n_events: int) -> Iterator[tuple[F64, F64]]:
    """The two numbers of an item."""
    for j in range(n_trials):
        choice, time_ = trial_draws(7, j).uniforms("signal", n_events).T
        yield choice, time_


def purposes(n_trials: int, n_events: int) -> Iterator[tuple[F64, F64]]:
    """The same item of two purposes."""
    for j in range(n_trials):
        draws = trial_draws(7, j)
        yield draws.uniforms("signal", n_events)[:, 0], draws.uniforms("source", n_events)[:, 0]


def signal_and_background(n_trials: int, n_events: int) -> Iterator[tuple[F64, F64]]:
    """The choice of an injected event and the right ascension of the background event of that number."""
    for j in range(n_trials):
        yield trial_draws(7, j).uniforms("signal", n_events)[:, 0], turns(7, j, n_events)


TESTS: dict[str, Pairs] = {
    **{f"events {lag} apart": events_apart(lag) for lag in LAGS},
    **{f"trials {step} apart": trials_apart(step) for step in STEPS},
    "two seasons": seasons,
    "two seeds": seeds,
    "the two numbers of an item": halves,
    "two purposes": purposes,
    "signal and background": signal_and_background,
}


def main() -> None:
    """Print a line for each test."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", type=int, default=10**8)
    given = parser.parse_args()
    n_events = min(given.numbers, 10**6)
    n_trials = -(-given.numbers // n_events)
    began = time.perf_counter()
    high, low = uniformity(n_trials, n_events)
    print(f"{n_trials * n_events:.0e} numbers a test")
    print(f"{'uniform: bits 1 … 12, bits 13 … 24':36} p = {high:.3f}, {low:.3f}", flush=True)
    for name, pairs in TESTS.items():
        correlation, p = dependence(pairs(n_trials, n_events))
        print(f"{name:36} correlation {correlation:+.2f} σ, cells p = {p:.3f}", flush=True)
    print(f"{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
