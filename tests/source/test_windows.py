"""`TimeWindows`: several windows, and which times are in which."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.source import TimeWindow, TimeWindows, sources


def several(n: int = 40, seed: int = 1) -> TimeWindows:
    rng = np.random.default_rng(seed)
    tails = np.where(np.arange(n) % 3, 0.0, rng.uniform(0, 2, n))
    found = TimeWindows.of(
        sources(np.linspace(0, 6, n), 0.1, mjd=rng.uniform(0, 100, n), t_100=10 ** rng.uniform(-2, 1, n), sigma_t=tails)
    )
    assert isinstance(found, TimeWindows)
    return found


def test_pairs_are_those_of_each_window_alone() -> None:
    windows = several()
    mjd = np.random.default_rng(2).uniform(-10, 120, 300)
    time, window, height = windows.pairs(mjd)
    assert np.all(np.diff(time) >= 0)
    table = np.zeros((len(mjd), len(windows)))
    table[time, window] = height
    slow = np.array([windows[j].profile(mjd) for j in range(len(windows))]).T
    assert np.allclose(table, slow, atol=1e-15)
    assert len(set(zip(time.tolist(), window.tolist(), strict=True))) == len(time)
    assert np.array_equal(windows.inside(mjd), (slow > 0).any(axis=1))
    assert 10 < windows.inside(mjd).sum() < 290


def test_ends_are_inside_and_nothing_is_found_without_windows() -> None:
    windows = TimeWindows((10.0, 20.0), (1.0, 1.0), (0.0, 0.0))
    assert windows.inside([10.0, 11.0, 11.0001, 19.9, 21.0]).tolist() == [True, True, False, False, True]
    assert windows.pairs(np.array([5.0, 15.0]))[0].size == 0


def test_sources_that_share_a_window_have_one() -> None:
    assert TimeWindows.of(sources([1, 2], 0.1)) is None
    assert TimeWindows.of(sources([1, 2], 0.1, mjd=100.0, t_100=2.0)) == TimeWindow(100.0, 2.0)
    assert several() == several() != several(seed=2)
    assert several().as_dict() != several(seed=2).as_dict()
    with pytest.raises(ValueError, match="t_100"):
        TimeWindows((1.0, 2.0), (1.0, -1.0), (0.0, 0.0))


def test_times_from_gaussian_tails_have_their_distribution() -> None:
    window = TimeWindow(100.0, 1.0, 0.5)
    start, stop = np.array([98.0, 100.5]), np.array([99.9, 103.0])
    times = window.times(start, stop, (np.arange(20_000) + 0.5) / 20_000)
    grid = np.concatenate([np.linspace(a, b, 4001) for a, b in zip(start, stop, strict=True)])
    height = window.profile(grid)
    for edge in (99.5, 100.7, 101.4):
        expected = height[grid < edge].sum() * (1.9 / 4001) if edge < 100 else None
        below = np.mean(times < edge)
        whole = sum(window.elapsed(b) - window.elapsed(a) for a, b in zip(start, stop, strict=True))
        part = (window.elapsed(np.minimum(stop, edge)) - window.elapsed(np.minimum(start, edge))).sum()
        assert below == pytest.approx(part / whole, abs=1e-3)
        if expected is not None:
            assert below == pytest.approx(expected / whole, abs=5e-3)
