"""Time windows: their shape, its integral, and the values they take."""

from __future__ import annotations

import numpy as np
import pytest

import nusky as cy
from nusky.source.window import TAIL_CUT, TimeWindow

BOX = TimeWindow(57_000.0, 2.0)
TAILED = TimeWindow(57_000.0, 2.0, 0.5)


def test_a_box_is_one_inside_and_zero_outside_with_both_ends_in():
    assert BOX.profile([56_999.999, 57_000.0, 57_001.0, 57_002.0, 57_002.001]).tolist() == [0, 1, 1, 1, 0]
    assert (BOX.start, BOX.stop) == (57_000.0, 57_002.0)


def test_tails_are_gaussian_and_end_at_four_sigma():
    assert (TAILED.start, TAILED.stop) == (57_000.0 - TAIL_CUT * 0.5, 57_002.0 + TAIL_CUT * 0.5)
    late = np.array([0.25, 0.5, 1.5, 1.999])
    np.testing.assert_allclose(TAILED.profile(57_002.0 + late), np.exp(-0.5 * (late / 0.5) ** 2), rtol=1e-9)
    np.testing.assert_allclose(TAILED.profile(57_000.0 - late), np.exp(-0.5 * (late / 0.5) ** 2), rtol=1e-9)
    assert TAILED.profile(57_004.0001) == 0.0


@pytest.mark.parametrize("window", [BOX, TAILED, TimeWindow(57_000.0, 1e-3, 0.4)])
def test_elapsed_is_the_integral_of_the_profile(window):
    from scipy.integrate import quad

    for t in np.linspace(window.start - 0.3, window.stop + 0.3, 9):
        kinks = [x for x in (window.mjd, window.mjd + window.t_100) if window.start < x < t]
        value = quad(window.profile, window.start, max(t, window.start), points=kinks or None, limit=200)[0]
        assert window.elapsed(t) == pytest.approx(min(value, window.elapsed(window.stop)), abs=2e-7)


@pytest.mark.parametrize("window", [BOX, TAILED, TimeWindow(57_000.0, 1e-3, 0.4)])
def test_at_is_the_inverse_of_elapsed(window):
    total = float(window.elapsed(window.stop))
    days = np.linspace(0, total, 101)
    times = window.at(days)
    assert np.all(np.diff(times) > 0)
    assert times[0] == pytest.approx(window.start, abs=1e-8)
    assert times[-1] == pytest.approx(window.stop, abs=1e-6)
    np.testing.assert_allclose(window.elapsed(times), days, atol=1e-9)


def test_times_with_units_are_understood():
    from astropy import units as u
    from astropy.time import Time, TimeDelta

    plain = TimeWindow(57_000.5, 1000 / 86_400)
    assert TimeWindow(Time(57_000.5, format="mjd"), 1000 * u.s) == plain
    assert TimeWindow(57_000.5 * u.day, TimeDelta(1000 * u.s)) == plain
    assert TimeWindow(Time("2014-12-09T12:00:00"), 1 * u.hour, 5 * u.min).sigma_t == pytest.approx(5 / 1440)
    assert TimeWindow.of(cy.sources(1.0, 0.0, mjd=Time(57_000.5, format="mjd"), t_100=1000 * u.s)) == plain
    # a Time in another scale is brought to UTC, the scale of the events: TAI was 35 s ahead in 2014
    tai = TimeWindow(Time(57_000.5, format="mjd", scale="tai"), 1.0)
    assert (57_000.5 - tai.mjd) * 86_400 == pytest.approx(35.0, abs=1e-3)


@pytest.mark.parametrize(
    ("kw", "said"),
    [
        ({"mjd": -1.0, "t_100": 1.0}, "mjd"),
        ({"mjd": np.nan, "t_100": 1.0}, "mjd"),
        ({"mjd": 57_000.0, "t_100": 0.0}, "t_100"),
        ({"mjd": 57_000.0, "t_100": -1.0}, "the unit is days"),
        ({"mjd": 57_000.0, "t_100": 1.0, "sigma_t": -1e-3}, "sigma_t"),
        ({"mjd": 2_457_000.5, "t_100": 1.0}, "MJD runs to"),
    ],
)
def test_impossible_windows_are_refused_with_the_mend(kw, said):
    with pytest.raises(ValueError, match=said):
        TimeWindow(**kw)


def test_words_are_no_times():
    with pytest.raises(TypeError, match="t_100"):
        TimeWindow(57_000.0, "long")


def test_the_window_of_sources_is_the_one_they_share():
    assert TimeWindow.of(cy.sources(1.0, 0.0)) is None
    assert TimeWindow.of(cy.sources([1.0, 2.0], 0.0, mjd=57_000, t_100=2)) == BOX
    with pytest.raises(ValueError, match=r"different t_100 .* src\[i\]"):
        TimeWindow.of(cy.sources([1.0, 2.0], 0.0, mjd=57_000, t_100=[1, 2]))
