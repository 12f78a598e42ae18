"""Uptime: intervals merged, clipped, and run through."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.data.uptime import Uptime
from nusky.transients.uptime import season_uptime, time_resolution
from small_analysis import small_analysis
from transient_season import timed_analysis


def intervals(*pairs):
    return Uptime(np.array([a for a, _ in pairs], dtype=float), np.array([b for _, b in pairs], dtype=float))


def test_overlapping_and_touching_runs_are_merged_and_no_moment_counts_twice():
    up = intervals((3, 4), (1, 2), (1.5, 1.7), (1.9, 2.5), (4, 5), (7, 7))
    assert up.start.tolist() == [1.0, 3.0]
    assert up.stop.tolist() == [2.5, 5.0]
    assert up.days == 3.5


def test_clipping_cuts_runs_at_the_edges_and_drops_those_outside():
    up = intervals((1, 2), (3, 4), (5, 6)).clipped(1.25, 3.5)
    assert list(zip(up.start, up.stop, strict=True)) == [(1.25, 2.0), (3.0, 3.5)]
    assert len(intervals((1, 2)).clipped(2.0, 3.0)) == 0
    assert intervals((1, 2)).clipped(2.5, 3.0).days == 0.0


def test_ends_are_inside_gaps_are_not_and_slack_reaches_into_them():
    up = intervals((1, 2), (3, 4))
    times = [0.99, 1.0, 2.0, 2.05, 2.5, 2.95, 3.0, 4.0, 4.01]
    assert up.contains(times).tolist() == [False, True, True, False, False, False, True, True, False]
    assert up.contains(times, 0.06).tolist() == [True, True, True, True, False, True, True, True, True]
    assert intervals().contains([1.0]).tolist() == [False]


def test_elapsed_uptime_leads_through_the_runs_and_never_into_a_gap():
    up = intervals((1, 2), (3, 5))
    assert up.at([0.0, 0.25, 1.0, 2.5, 3.0]).tolist() == [1.0, 1.25, 3.0, 4.5, 5.0]
    rng = np.random.default_rng(1)
    edges = np.cumsum(rng.exponential(1e-3, 400)) + 57_000.0
    many = Uptime(edges[::2], edges[1::2])
    assert many.contains(many.at(rng.random(20_000) * many.days)).all()


def test_the_union_counts_a_moment_once():
    assert Uptime.union([intervals((1, 3)), intervals((2, 4)), intervals()]).days == 3.0


def test_whole_days_are_known_to_a_day():
    assert time_resolution(np.array([55_000.0, 55_010.0])) == 1.0
    assert time_resolution(np.array([55_000.0, 55_010.25])) == 0.0


@pytest.mark.parametrize(
    ("coarse", "resolution"),
    [
        (lambda t: t, 0.0),
        (lambda t: np.floor(t), 1.0),
        (lambda t: np.round(t, 2), 0.01),
        (lambda t: np.round(t, 6), 1e-6),
        (lambda t: np.round(t, 8), 0.0),
        (lambda t: t.astype(np.float32).astype(float), 1 / 256),
        (lambda t: np.round(t * 24) / 24, 1 / 24),
        (lambda t: np.round(t * 86_400) / 86_400, 1 / 86_400),
    ],
)
def test_the_grid_that_times_lie_on_is_found(coarse, resolution):
    times = coarse(np.random.default_rng(1).uniform(55_000, 59_000, 3_000))
    assert time_resolution(times) == pytest.approx(resolution)
    times[1234] += 1e-9 if resolution else 0.0
    assert time_resolution(times) == 0.0


def test_a_season_is_up_in_its_good_runs():
    season = timed_analysis()[0]
    up = season_uptime(season)
    assert up.days == pytest.approx(90.0)
    assert len(up) == 100
    always = season_uptime(season, use_grl=False)
    assert (always.start[0], always.stop[0]) == (season.data.mjd.min(), season.data.mjd.max())


def test_a_season_without_runs_is_asked_for_them():
    season = small_analysis()[0]
    with pytest.raises(ValueError, match=r"season small has no good-run list.*use_grl=False"):
        season_uptime(season)
    assert season_uptime(season, use_grl=False).days == pytest.approx(100.0, abs=1.0)
