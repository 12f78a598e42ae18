"""`OnTimes`: uptime, background and acceptance of sources that have windows of their own."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.source import TimeWindow, TimeWindows
from nusky.transients import OnTime, OnTimes, TransientOptions, has_uptime
from transient_season import UP, timed_analysis

STARTS, LENGTHS, TAILS = (56010.0, 56011.5, 56150.2, 56099.0), (3.0, 4.0, 0.5, 3.0), (0.0, 0.3, 0.0, 0.0)


def on_times(**options: Any) -> OnTimes:
    given = TransientOptions(TimeWindows(STARTS, LENGTHS, TAILS), **options)
    return OnTimes(timed_analysis(56000.0, 56100.0), given, np.array([1.0, 2.0, 1.0, 1.0]))


def test_signal_of_each_source_is_that_of_its_window_alone() -> None:
    made = on_times()
    for j, window in enumerate(zip(STARTS, LENGTHS, TAILS, strict=True)):
        alone = OnTime(made.analysis, TransientOptions(TimeWindow(*window)))
        assert made.shares[:, j] == pytest.approx(alone.shares, rel=1e-12)
        assert made.n_background_of_sources[j] == pytest.approx(alone.n_background, rel=0.05)
    # The last window reaches from one season into the other
    assert np.all(made.shares[:, 3] > 0)


def test_moments_in_several_windows_count_once() -> None:
    made = on_times()
    up = made.seasons[0].uptime
    grid = np.arange(56000, 56100, 1e-3) + 5e-4
    windows = [TimeWindow(*one) for one in zip(STARTS, LENGTHS, TAILS, strict=True)]
    slow = (grid % 1 < UP) & np.any([one.inside(grid) for one in windows], axis=0)
    assert up.days == pytest.approx(slow.sum() * 1e-3, abs=2e-2)
    on = made.seasons[0]
    assert on.n_background == pytest.approx(on.rate * up.days)
    assert len(on.on) + len(on.off) == len(on.season.data)
    times = on.season.data["mjd"]
    assert np.array_equal(np.isin(np.arange(len(times)), on.on), made.window.inside(times))
    assert made.n_background < made.n_background_of_sources.sum()


def test_the_time_term_is_that_of_pair_and_uptime() -> None:
    made = on_times()
    mjd = np.array([56012.0, 56030.0, 56010.4, 56016.0])
    event, source, factor = made.pairs(0, mjd)
    assert list(zip(event.tolist(), source.tolist(), strict=True)) == [(0, 0), (0, 1), (2, 0), (2, 1), (3, 1)]
    tail = TimeWindow(STARTS[1], LENGTHS[1], TAILS[1]).profile(mjd[[2, 3]])
    days = made.signal_days[0]
    whole = made.seasons[0].uptime.days
    assert factor[[0, 1]] == pytest.approx(whole / days[[0, 1]])
    assert factor[[3, 4]] == pytest.approx(tail * whole / days[1])


def test_times_of_signal_lie_in_the_window_and_the_uptime_of_the_season() -> None:
    made = on_times()
    source = np.repeat(np.arange(4), 500)
    uniform = np.tile((np.arange(500) + 0.5) / 500, 4)
    for k in (0, 1):
        some = made.signal_days[k, source] > 0
        times = made.signal_times_of(k, source[some], uniform[some])
        assert made.contains(k, times).all()
        for j in np.unique(source[some]):
            assert TimeWindow(STARTS[j], LENGTHS[j], TAILS[j]).inside(times[source[some] == j]).all()


def test_a_fluence_is_that_of_the_sources_with_their_weights() -> None:
    made = on_times()
    each = made.signal_days.sum(axis=0)  # the seasons do not overlap
    assert made.days == pytest.approx((each * made.weight).sum() / made.weight.sum())


def test_sources_without_uptime_are_named() -> None:
    windows = TimeWindows((56010.0, 56010.95, 57000.0), (3.0, 0.04, 1.0), (0.0, 0.0, 0.0))
    with pytest.raises(ValueError, match=r"2 of 3 sources have no uptime in their windows \(sources 1, 2;"):
        OnTimes(timed_analysis(), TransientOptions(windows), np.ones(3))
    src = cy.sources([1, 2, 3], 0.1, mjd=windows.mjd, t_100=windows.t_100)
    assert has_uptime(timed_analysis(), src).tolist() == [True, False, False]
    with pytest.raises(ValueError, match="leave off_days out"):
        TransientOptions(windows, off_days=10.0)
    assert "4 windows" in on_times().describe()


def test_what_is_no_stack_still_has_one_window() -> None:
    src = cy.sources([1, 2], 0.1, mjd=[56010.0, 56020.0], t_100=1.0)
    with pytest.raises(ValueError, match="different mjd"):
        cy.get_source_list_trial_runner(src=src, ana=timed_analysis())
