"""Wilks where Wilks holds: half a χ²₁ at a fixed position, for one free parameter and many events."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from nusky import conf
from nusky.dists import Chi2TSD
from nusky.source.positions import sources
from small_analysis import small_analysis

pytestmark = pytest.mark.slow


def test_with_many_events_inside_the_point_spread_half_a_chi2_of_one_degree_of_freedom(size: int) -> None:
    # 200 000 events of σ = 1 … 1.4°: about 100 inside the point spread. What is left of finite numbers: the skewness of
    # ln Λ' is 0.14, which takes 0.14 / (6 √2π) = 0.009 off the half; scrambling moves only right ascensions, which
    # takes σ/√π = 1.2 % off the variance (6 % at σ = 6°). The declinations must not fluctuate around the smooth
    # background model, because scrambling leaves them as they are
    ana = small_analysis("wide", n_data=200_000, sigma_deg=(1.0, 1.4), even=True)
    tr = conf.get_trial_runner(src=sources(1.0, 0.2), ana=ana, energy=False)
    n = 1500 * size
    ts = tr.get_many_fits(n, seed=3).ts
    assert np.mean(ts > 0) == pytest.approx(0.5 - 0.009, abs=4 * 0.5 / np.sqrt(n) + 0.01)
    # at 100 effective events TS is still 5 % narrower than its limit (mean of the positive part 0.95)
    distance = stats.kstest(ts[ts > 0], stats.chi2(1).cdf).statistic
    assert distance < 1.95 / np.sqrt(np.sum(ts > 0)) + 0.015  # 1.95: p = 0.001
    fitted = Chi2TSD(ts, threshold=0.0, fscale=None)
    assert fitted.tail is not None
    assert fitted.ndof == pytest.approx(1.0, abs=4 * fitted.tail.ndof_error + 0.05)
    assert fitted.scale == pytest.approx(1.0, abs=4 * fitted.tail.scale_error + 0.08)


@pytest.mark.parametrize(("dec", "gamma"), [(-0.5, 3.0), (0.1, 3.0), (0.6, 2.5)])
def test_with_gamma_fixed_the_positive_part_is_a_chi2_of_one_degree_of_freedom(
    season: Any, size: int, dec: float, gamma: float
) -> None:
    # a spectrum makes few events count: fewer than half of the trials then have an excess, but the shape stays
    tr = conf.get_trial_runner(src=sources(1.0, dec), ana=season, gamma=gamma)
    fitted = Chi2TSD(tr.get_many_fits(1500 * size, seed=3).ts)
    assert fitted.tail is not None
    assert 0.1 < fitted.eta < 0.5
    assert fitted.ndof == pytest.approx(1.0, abs=4 * fitted.tail.ndof_error + 0.1)


def test_with_gamma_free_the_degrees_of_freedom_lie_between_one_and_two(season: Any, size: int) -> None:
    tr = conf.get_trial_runner(src=sources(1.0, 0.1), ana=season)
    fitted = Chi2TSD(tr.get_many_fits(1500 * size, seed=3).ts)
    assert fitted.tail is not None
    assert 1.0 - 4 * fitted.tail.ndof_error < fitted.ndof < 2.0 + 4 * fitted.tail.ndof_error
