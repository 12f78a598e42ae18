"""What a window means for an analysis: uptime at gaps, expected background, acceptance, times of signal."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.analysis.analysis import Analysis
from nusky.analysis.set_up import set_up
from nusky.injection.off_time import OffTimeInjector
from nusky.injection.seeding import trial_draws
from nusky.source.window import TimeWindow
from nusky.sphere.sidereal import local_azimuth, turned_with_earth
from nusky.transients.on_time import OnTime, TransientOptions
from small_analysis import small_analysis, small_dataset
from transient_season import FIRST, OPTIONS, timed_analysis

ONE = timed_analysis()
TWO = timed_analysis(FIRST, FIRST + 100)


def on_time(mjd: float, t_100: float, sigma_t: float = 0.0, ana: Analysis = ONE, **options) -> OnTime:
    return OnTime(ana, TransientOptions(TimeWindow(mjd, t_100, sigma_t), **options))


def test_background_is_the_rate_outside_times_the_uptime_inside():
    on = on_time(FIRST + 10.2, 0.5).seasons[0]
    mjd = ONE[0].data.mjd
    inside = (mjd >= FIRST + 10.2) & (mjd <= FIRST + 10.7)
    assert on.uptime.days == pytest.approx(0.5)
    assert on.rate == pytest.approx((~inside).sum() / 89.5)
    assert on.n_background == pytest.approx(0.5 * on.rate)
    assert on.share == pytest.approx(0.5 / 90)
    np.testing.assert_array_equal(on.on, np.flatnonzero(inside))
    np.testing.assert_array_equal(on.off, np.flatnonzero(~inside))


@pytest.mark.parametrize(
    ("mjd", "t_100", "days"),
    [
        (10.5, 0.4, 0.4),  # ends with the run
        (10.5, 0.45, 0.4),  # ends in the gap behind it
        (10.5, 0.5, 0.4),  # ends where the next run starts
        (10.5, 0.75, 0.65),  # over the gap
        (10.95, 0.1, 0.05),  # starts in the gap
        (10.0, 2.0, 1.8),  # two whole runs
        (-0.5, 0.6, 0.1),  # starts before the season
        (99.8, 5.0, 0.1),  # ends after it
    ],
)
def test_uptime_is_exact_at_gaps_and_at_the_ends_of_the_season(mjd, t_100, days):
    on = on_time(FIRST + mjd, t_100)
    assert on.days == pytest.approx(days, abs=1e-9)
    assert on.seasons[0].n_background == pytest.approx(days * on.seasons[0].rate)
    assert on.shares.tolist() == pytest.approx([days / 90])


@pytest.mark.parametrize("mjd", [FIRST + 10.92, FIRST - 3.0, FIRST + 99.9, FIRST + 500.0])
def test_a_window_without_livetime_names_the_runs_around_it(mjd):
    with pytest.raises(ValueError, match=r"no season took data in the window MJD .* timed0 \(MJD 56000.0000 … 56099.9"):
        on_time(mjd, 0.05)
    with pytest.raises(ValueError, match=r"the run before ends at 56010.900000, the next starts at 56011.000000"):
        on_time(FIRST + 10.92, 0.05)


def test_a_window_over_everything_leaves_no_background_and_says_so():
    with pytest.raises(ValueError, match=r"season timed0 has no data outside the window .*t_100 is in days"):
        on_time(FIRST - 1, 1000.0)


def test_background_can_be_taken_from_the_days_around_the_window():
    on = on_time(FIRST + 10.2, 0.5, off_days=5).seasons[0]
    mjd = ONE[0].data.mjd
    near = (mjd >= FIRST + 5.2) & (mjd <= FIRST + 15.7) & ~((mjd >= FIRST + 10.2) & (mjd <= FIRST + 10.7))
    np.testing.assert_array_equal(on.off, np.flatnonzero(near))
    assert on.rate == pytest.approx(near.sum() / (0.7 + 9 * 0.9 + 0.7 - 0.5))
    assert on.share == pytest.approx(0.5 / 90)
    with pytest.raises(ValueError, match=r"within off_days=0.001.*widen off_days"):
        on_time(FIRST + 10.0, 0.9, off_days=1e-3)


def test_days_around_the_window_may_bring_their_unit():
    from astropy import units as u

    window = TimeWindow(FIRST + 50.3, 0.1)
    for ten in (10 * u.day, 240 * u.hour, np.timedelta64(10, "D"), 10):
        assert TransientOptions(window, off_days=ten) == TransientOptions(window, off_days=10.0)
    with pytest.raises(TypeError, match=r"off_days=.* cannot be turned into day"):
        TransientOptions(window, off_days=10 * u.m)


def test_a_season_without_good_runs_needs_a_word():
    ana = small_analysis()
    with pytest.raises(ValueError, match="no good-run list"):
        on_time(56_050.0, 1.0, ana=ana)
    assert on_time(56_050.0, 1.0, ana=ana, use_grl=False).seasons[0].n_background == pytest.approx(20, rel=0.05)


def test_whole_days_do_for_long_windows_only():
    import dataclasses

    season = small_dataset()
    rounded = dataclasses.replace(season, data=season.data.with_columns(mjd=np.floor(season.data.mjd)))
    ana = Analysis([set_up(rounded, OPTIONS)])
    with pytest.raises(ValueError, match=r"to 1 day only .* at least 10 days"):
        on_time(56_050.0, 1.0, ana=ana, use_grl=False)
    with pytest.raises(ValueError, match="scramble='time' needs full times"):
        on_time(56_050.0, 20.0, ana=ana, use_grl=False, scramble="time")
    assert on_time(56_050.0, 20.0, ana=ana, use_grl=False).seasons[0].n_background == pytest.approx(400, rel=0.1)


def test_seasons_share_a_window_by_their_uptime_in_it():
    on = on_time(FIRST + 99.5, 1.0, ana=TWO)
    assert on.active == (0, 1)
    assert [season.uptime.days for season in on] == pytest.approx([0.4, 0.5])
    assert on.days == pytest.approx(0.9)
    assert on.n_background == pytest.approx(sum(season.n_background for season in on))
    early = on_time(FIRST + 3.0, 0.5, ana=TWO)
    assert early.active == (0,)
    assert early.shares.tolist() == pytest.approx([0.5 / 90, 0.0])
    assert "timed1: no data" in early.describe()
    assert "up 100.0% of it" in early.describe()


def test_two_samples_of_the_same_time_count_it_once():
    both = timed_analysis(FIRST, FIRST)
    on = on_time(FIRST + 10.2, 0.5, ana=both)
    assert on.days == pytest.approx(0.5)
    assert on.shares.tolist() == pytest.approx([0.5 / 90] * 2)


def test_tails_weigh_signal_against_background():
    on = on_time(FIRST + 10.3, 0.2, 0.1)
    season = on.seasons[0]
    window = on.window
    assert season.uptime.days == pytest.approx(0.9)  # box 0.2, tails 0.4 each, 0.1 of them in the gap before
    grid = np.linspace(FIRST + 10.0, FIRST + 10.9, 200_001)
    assert season.signal_days == pytest.approx(np.trapezoid(window.profile(grid), grid), rel=1e-5)
    # T_S / T_B has mean 1 under background
    factor = on.factor(0, grid)
    assert np.trapezoid(factor, grid) / 0.9 == pytest.approx(1.0, rel=1e-5)
    assert on_time(FIRST + 10.3, 0.2).factor(0, grid) is None


@pytest.mark.parametrize("sigma_t", [0.0, 0.2])
def test_times_of_signal_follow_the_profile_within_the_uptime(sigma_t):
    from scipy.stats import kstest

    on = on_time(FIRST + 10.6, 0.7, sigma_t)
    times = on.signal_times(0, np.random.default_rng(1).random(20_000))
    up = on.seasons[0].uptime
    assert up.contains(times).all()
    grid = np.linspace(on.window.start, on.window.stop, 200_001)
    weight = np.cumsum(on.window.profile(grid) * up.contains(grid))
    assert kstest(times, lambda t: np.interp(t, grid, weight / weight[-1])).pvalue > 1e-3


@pytest.mark.parametrize("scramble", ["ra", "time"])
def test_background_trials_are_poisson_draws_of_off_time_events(scramble):
    from scipy.stats import kstest

    on = on_time(FIRST + 10.6, 0.7, scramble=scramble)
    injector = OffTimeInjector(on)
    trials = [injector.scramble(trial_draws(1, j))[0] for j in range(1_000)]
    counts = np.array([len(trial) for trial in trials])
    expected = on.seasons[0].n_background
    assert counts.mean() == pytest.approx(expected, abs=4 * np.sqrt(expected / 1_000))
    assert counts.var() == pytest.approx(expected, rel=0.2)
    rows = np.concatenate([trial.rows for trial in trials])
    mjd = np.concatenate([trial.mjd for trial in trials])
    ra = np.concatenate([trial.ra for trial in trials])
    assert not np.isin(rows, on.seasons[0].on).any()
    assert np.isin(on.seasons[0].off, rows).mean() > 0.95
    assert on.seasons[0].uptime.contains(mjd).all()
    elapsed = np.where(mjd > FIRST + 10.95, mjd - FIRST - 10.7, mjd - FIRST - 10.6)
    assert kstest(elapsed, "uniform", (0, on.days)).pvalue > 1e-3
    assert (ra >= 0).all()
    assert (ra < 2 * np.pi).all()
    data = ONE[0].data
    events = trials[0].events()
    np.testing.assert_array_equal(events.dec, data.dec[trials[0].rows])
    np.testing.assert_array_equal(events.mjd, trials[0].mjd)
    before, after = local_azimuth(data.ra[rows], data.mjd[rows]), local_azimuth(ra, mjd)
    turned = np.abs(np.angle(np.exp(1j * (after - before))))
    if scramble == "time":
        assert turned.max() < 1e-9
    else:
        assert kstest(ra, "uniform", (0, 2 * np.pi)).pvalue > 1e-3
        assert kstest(turned, "uniform", (0, np.pi)).pvalue > 1e-3


def test_a_detector_that_looks_one_way_is_seen_by_new_times_only():
    """All events from one azimuth: within a window of 15 minutes they stay within 4 degrees of right ascension."""
    import dataclasses

    from transient_season import timed_dataset

    season = timed_dataset()
    one_way = season.data.with_columns(ra=local_azimuth(np.full(len(season.data), 1.0), season.data.mjd))
    ana = Analysis([set_up(dataclasses.replace(season, data=one_way), OPTIONS)])
    spread = {}
    for scramble in ("ra", "time"):
        injector = OffTimeInjector(on_time(FIRST + 10.2, 0.01, ana=ana, scramble=scramble))
        ra = np.concatenate([injector.scramble(trial_draws(2, j))[0].ra for j in range(300)])
        spread[scramble] = np.degrees(np.ptp(np.angle(np.exp(1j * (ra - local_azimuth(1.0, FIRST + 10.205))))))
    assert spread["ra"] > 300
    assert 3 < spread["time"] < 4


def test_the_sky_turns_once_in_a_sidereal_day():
    sidereal = 86_164.0905 / 86_400
    assert turned_with_earth(1.0, 55_700.0, 55_700.0 + sidereal) == pytest.approx(1.0, abs=1e-6)
    assert turned_with_earth(1.0, 55_700.0, 55_700.25 * np.ones(2)) == pytest.approx(1.0 + np.pi / 2, abs=0.01)


def test_the_real_events_of_the_window_are_left_where_and_when_they_are():
    on = on_time(FIRST + 10.6, 0.7)
    truth = OffTimeInjector(on).truth()[0]
    data = ONE[0].data
    np.testing.assert_array_equal(truth.rows, np.flatnonzero(on.window.inside(data.mjd)))
    np.testing.assert_array_equal(truth.ra, data.ra[truth.rows])
    np.testing.assert_array_equal(truth.mjd, data.mjd[truth.rows])


def test_events_on_the_edges_are_in():
    import dataclasses

    from transient_season import timed_dataset

    season = timed_dataset()
    mjd = season.data.mjd.copy()
    mjd[:4] = FIRST + np.array([10.25, 10.5, 10.25 - 1e-9, 10.5 + 1e-9])
    ana = Analysis([set_up(dataclasses.replace(season, data=season.data.with_columns(mjd=mjd)), OPTIONS)])
    on = on_time(FIRST + 10.25, 0.25, ana=ana).seasons[0]
    assert np.isin(np.arange(4), on.on).tolist() == [True, True, False, False]
    assert np.isin(np.arange(4), on.off).tolist() == [False, False, True, True]


def test_a_trials_background_does_not_depend_on_other_seasons_or_trials():
    window = {"mjd": FIRST + 99.5, "t_100": 1.0}
    both = OffTimeInjector(on_time(**window, ana=TWO)).scramble(trial_draws(5, 17))
    again = OffTimeInjector(on_time(**window, ana=TWO)).scramble(trial_draws(5, 17))
    for a, b in zip(both, again, strict=True):
        np.testing.assert_array_equal(a.rows, b.rows)
        np.testing.assert_array_equal(a.ra, b.ra)
    early = OffTimeInjector(on_time(FIRST + 3.0, 0.5, ana=TWO)).scramble(trial_draws(5, 17))
    assert len(early[1]) == 0
    assert len(early[1].events()) == 0


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"window": (57_000, 1)}, TypeError, "must be a TimeWindow"),
        ({"window": TimeWindow(57_000, 1), "scramble": "mjd"}, ValueError, "use 'ra'"),
        ({"window": TimeWindow(57_000, 1), "use_grl": "yes"}, TypeError, "use_grl"),
        ({"window": TimeWindow(57_000, 1), "off_days": 0}, ValueError, "off_days=0 must"),
        ({"window": TimeWindow(57_000, 1), "off_days": "all"}, TypeError, "off_days must"),
    ],
)
def test_options_are_checked(options, error, said):
    with pytest.raises(error, match=said):
        TransientOptions(**options)
