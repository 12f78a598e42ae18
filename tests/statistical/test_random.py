"""The generator behind every trial: uniform, and neighbours, seasons, trials and seeds independent of each other."""

from __future__ import annotations

import os

import numpy as np
import pytest
from scipy import stats

from nusky.injection.seeding import trial_draws

# 10⁸ numbers in the full set
N_TRIALS, N_EVENTS = (100, 1_000_000) if os.environ.get("NUSKY_STATISTICS") == "full" else (20, 100_000)
CELLS = 4096


def turns(seed: int, index: int, season: int = 0, n: int = N_EVENTS) -> np.ndarray:
    """Right ascensions in turns, 0 … 1."""
    return trial_draws(seed, index).right_ascensions(season, n) / (2 * np.pi)


@pytest.mark.slow
def test_right_ascensions_are_uniform() -> None:
    counts = np.zeros(CELLS)
    fine = np.zeros(CELLS)  # the low bits too
    for j in range(N_TRIALS):
        x = turns(1, j) * CELLS
        counts += np.bincount(x.astype(np.int64), minlength=CELLS)
        fine += np.bincount((x % 1.0 * CELLS).astype(np.int64), minlength=CELLS)
    assert counts.sum() == N_TRIALS * N_EVENTS
    for found in (counts, fine):
        assert 1e-4 < stats.chisquare(found).pvalue < 1 - 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("lag", [1, 2, 3, 4, 7, 8, 16, 32, 1024])
def test_neighbouring_events_are_independent(lag: int) -> None:
    check([(x[:-lag], x[lag:]) for x in (turns(2, j) for j in range(N_TRIALS))])


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 2**32])
def test_trials_are_independent(step: int) -> None:
    check([(turns(3, j), turns(3, j + step)) for j in range(N_TRIALS)])


@pytest.mark.slow
def test_seasons_and_seeds_are_independent() -> None:
    check([(turns(4, j, 0), turns(4, j, 1)) for j in range(N_TRIALS)])
    check([(turns(5, j), turns(6, j)) for j in range(N_TRIALS)])


@pytest.mark.slow
def test_numbers_for_different_purposes_are_independent() -> None:
    pairs = []
    for j in range(N_TRIALS):
        draws = trial_draws(7, j)
        choice, time = draws.uniforms("signal", N_EVENTS).T
        pairs += [(choice, time), (choice, draws.uniforms("source", N_EVENTS)[:, 0]), (choice, turns(7, j))]
    for kind in range(3):
        check(pairs[kind::3])


def check(pairs: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Neither a correlation, nor a dependence in the counts of 64 × 64 cells."""
    table = np.zeros((64, 64))
    product = n = 0.0
    for a, b in pairs:
        product += float(((a - 0.5) * (b - 0.5)).sum())
        n += len(a)
        cell = (a * 64).astype(np.int64) * 64 + (b * 64).astype(np.int64)
        table += np.bincount(cell, minlength=4096).reshape(64, 64)
    assert abs(12 * product / np.sqrt(n)) < 4.5  # standard deviations
    assert 1e-4 < stats.chisquare(table.ravel()).pvalue < 1 - 1e-4
