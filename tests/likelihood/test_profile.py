"""Profile-likelihood intervals, regions and flux bands against dense grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import chdtri

import nusky as cy
from seasons import one_season, two_seasons

SRC = cy.sources(1.0, 0.2)


@pytest.fixture(scope="module")
def L() -> Any:
    tr = cy.get_trial_runner(ana=two_seasons(), src=SRC)
    return tr.get_one_llh(12, seed=3)


def grid(L: Any) -> tuple[Any, Any, Any]:
    ns, gamma = np.linspace(0, 40, 1001), np.linspace(1, 4, 151)
    return ns, gamma, L.scan_ts(ns, gamma)[0]


def test_the_maximum_is_that_of_the_core(L: Any) -> None:
    fit = L.fit()
    ns, gamma, ts = L.profile(fit).best
    assert (ns, gamma, ts) == pytest.approx((fit.ns, fit.gamma, fit.ts), rel=1e-3)


@pytest.mark.parametrize("level", [0.6827, 0.9])
def test_intervals_end_where_a_dense_grid_does(L: Any, level: float) -> None:
    profile = L.profile()
    ns, gamma, ts = grid(L)
    for name, axis, along in (("ns", ns, 1), ("gamma", gamma, 0)):
        inside = axis[ts.max(axis=along) >= ts.max() - chdtri(1, 1 - level)]
        step = axis[1] - axis[0]
        assert profile.interval(name, level) == pytest.approx((inside[0], inside[-1]), abs=1.5 * step)


def test_the_region_and_its_fluxes_are_those_of_a_dense_grid(L: Any) -> None:
    profile = L.profile()
    ns, gamma, ts = grid(L)
    inside = ts >= ts.max() - chdtri(2, 0.1)
    line = np.concatenate(profile.contour(0.9))
    rows, columns = ns[inside.any(axis=1)], gamma[inside.any(axis=0)]
    assert line[:, 0].min() == pytest.approx(rows[0], abs=0.3)
    assert line[:, 0].max() == pytest.approx(rows[-1], abs=0.3)
    assert line[:, 1].max() == pytest.approx(columns[-1], abs=0.05)
    energy = np.array([1e3, 1e5])
    low, best, high = profile.flux_band(energy, 0.9)
    tr = cy.get_trial_runner(ana=two_seasons(), src=SRC)
    fluxes = np.array([[tr.to_E2dNdE(1.0, gamma=g, E0=e) for e in energy] for g in gamma])
    flux = (ns[:, None, None] * fluxes)[inside]
    np.testing.assert_allclose(low, flux.min(axis=0), rtol=0.08)
    np.testing.assert_allclose(high, flux.max(axis=0), rtol=0.08)
    assert (low <= best).all()
    assert (best <= high).all()
    assert best[0] == pytest.approx(tr.to_E2dNdE(profile.best[0], gamma=profile.best[1], E0=1e3), rel=1e-6)


def test_without_excess_the_interval_of_ns_starts_at_0_and_gamma_has_none() -> None:
    tr = cy.get_trial_runner(ana=one_season(), src=SRC)
    seed = next(s for s in range(50) if tr.get_one_fit(seed=s).ns == 0)
    profile = tr.get_one_llh(seed=seed).profile()
    low, high = profile.interval("ns", 0.9)
    assert low == 0
    assert high > 0
    assert profile.over_gamma(high) == pytest.approx(profile.best[2] - chdtri(1, 0.1), abs=1e-3)
    assert np.isnan(profile.interval("gamma")).all()


def test_a_window_with_fixed_gamma_has_an_interval_of_ns_only() -> None:
    ana = one_season()
    src = cy.sources(1.0, 0.2, mjd=float(np.median(ana[0].data["mjd"])), t_100=2.0)
    L = cy.get_trial_runner(ana=ana, src=src, gamma=2.0, use_grl=False).get_one_llh(4, seed=2)
    profile = L.profile()
    ns = np.linspace(0, 30, 3001)
    inside = ns[2 * L.log_likelihood_ratio(ns) >= profile.best[2] - chdtri(1, 0.3173)]
    assert profile.interval("ns") == pytest.approx((inside[0], inside[-1]), abs=0.02)
    with pytest.raises(ValueError, match="gamma is not fitted"):
        profile.interval("gamma")
    with pytest.raises(ValueError, match="gamma is not fitted"):
        profile.region()


@pytest.mark.parametrize("level", [0.0, 1.0, 90])
def test_levels_out_of_range_are_refused(L: Any, level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        L.profile().interval("ns", level)


def test_a_map_runner_reads_the_hottest_spot() -> None:
    runner = cy.get_sky_scan_trial_runner(ana=one_season(), nside=16, min_dec=-0.5, max_dec=0.5)
    trial = runner.get_one_trial(seed=1)
    fit = runner.get_one_fit_from_trial(trial)
    L = runner.get_one_llh_from_trial(trial)
    assert (L.ra, L.dec) == (fit.ra, fit.dec)
    assert L.profile().best[2] == pytest.approx(fit.ts, rel=1e-4)
    with pytest.raises(TypeError, match="together"):
        runner.get_one_llh_from_trial(trial, ra=1.0)
