"""The reference fit is itself held against closed forms and a brute-force search."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brute, minimize

import oracle

NO_NODES = np.zeros(0)


def lone_event(psi: float = 0.0, sigma: float = 0.01, background: float = 1 / (4 * np.pi), n: float = 1000.0):
    return oracle.Season(
        ra=np.array([1.0]), dec=np.array([psi]), sigma=np.array([sigma]), background=np.array([background]), n_events=n
    )


def test_one_event_has_the_closed_form():
    # d/dn [ln(1 + n (W-1)/N) + (N-1) ln(1 - n/N)] = 0  =>  n = (W - N) / (W - 1).
    season = lone_event(psi=0.01)
    w = np.exp(-0.5) / (2 * np.pi * 0.01**2) * 4 * np.pi
    n = (w - 1000) / (w - 1)
    ts = 2 * (np.log1p(n * (w - 1) / 1000) + 999 * np.log1p(-n / 1000))
    found = oracle.fit([season], 1.0, 0.0, gamma_nodes=NO_NODES)
    assert found.ns == pytest.approx(n, rel=1e-10)
    assert found.ts == pytest.approx(ts, rel=1e-12)


def test_one_event_of_the_extended_likelihood_has_the_closed_form():
    # d/dn [-n + ln(1 + n W / N_b)] = 0  =>  n = 1 - N_b / W.
    season = lone_event(n=0.25)
    w = 4 * np.pi / (2 * np.pi * 0.01**2) / 0.25
    found = oracle.fit([season], 1.0, 0.0, gamma_nodes=NO_NODES, extended=True)
    assert found.ns == pytest.approx(1 - 1 / w, rel=1e-10)
    assert found.ts == pytest.approx(2 * (np.log(w) - (1 - 1 / w)), rel=1e-12)


def test_no_excess_and_no_event_both_give_zero_and_an_undefined_gamma():
    for psi in (0.045, 1.0):
        found = oracle.fit([lone_event(psi=psi)], 1.0, 0.0, gamma_nodes=NO_NODES)
        assert found.ts == 0
        assert found.ns == 0
        assert np.isnan(found.gamma)


@pytest.mark.parametrize("sigma_deg", [0.2, 3.0, 6.9, 7.1, 20.0, 90.0])
def test_the_spatial_term_integrates_to_one_over_the_sphere(sigma_deg):
    psi = np.linspace(0, np.pi, 400_001)
    density = oracle.spatial_pdf(psi, np.full_like(psi, np.radians(sigma_deg)))
    total = np.trapezoid(density * 2 * np.pi * np.sin(psi), psi)
    # A plane Gaussian on a sphere falls short by sigma^2 / 3 (sin psi < psi), 0.48 % at 6.9 degrees.
    assert total == pytest.approx(1 - (np.radians(sigma_deg) ** 2 / 3 if sigma_deg <= 7 else 0), abs=2e-4)


def test_separation_is_right_where_the_cosine_is_blind():
    d = oracle.separation(np.array([0.0, 1e-9, np.pi]), np.array([1e-9, 0.0, 0.0]), 0.0, 0.0)
    assert d == pytest.approx([1e-9, 1e-9, np.pi], rel=1e-12)


def test_hermite_is_scipys_with_slopes_of_the_parabola_and_exact_for_parabolas():
    rng = np.random.default_rng(1)
    nodes = np.sort(rng.uniform(1, 4, 9))
    x = np.linspace(nodes[0], nodes[-1], 101)
    parabola = 3 - 2 * nodes + 0.7 * nodes**2
    np.testing.assert_allclose(oracle.hermite(nodes, parabola, x), 3 - 2 * x + 0.7 * x**2, rtol=1e-12)
    y = rng.normal(size=(2, 9))
    slopes = np.empty_like(y)
    for g in range(9):
        three = slice(min(max(g - 1, 0), 6), min(max(g - 1, 0), 6) + 3)
        for row in range(2):
            slopes[row, g] = np.polyval(np.polyder(np.polyfit(nodes[three], y[row, three], 2)), nodes[g])
    expected = CubicHermiteSpline(nodes, y, slopes, axis=1)(x)
    np.testing.assert_allclose(oracle.hermite(nodes, y, x), expected, atol=1e-9)
    np.testing.assert_allclose(oracle.hermite(nodes[:2], y[:, :2], nodes[:1] + 1e-3)[:, 0], y[:, 0], atol=1)


def _two_seasons(seed: int = 3):
    rng = np.random.default_rng(seed)
    nodes = np.linspace(1, 4, 13)
    seasons = []
    for n in (400, 150):
        energy = rng.normal(size=n)
        seasons.append(
            oracle.Season(
                ra=rng.uniform(0, 2 * np.pi, n),
                dec=np.arcsin(rng.uniform(-1, 1, n)),
                sigma=rng.uniform(0.02, 0.3, n),
                background=np.full(n, 1 / (4 * np.pi)),
                log_energy_ratio=energy[:, None] * (2.5 - nodes) - 0.4 * (2.5 - nodes) ** 2,
            )
        )
    sindec_nodes = np.linspace(-1, 1, 5)
    log_acceptance = rng.normal(size=(2, 5, 1)) + np.array([1.0, -2.0])[:, None, None] * nodes
    return seasons, nodes, sindec_nodes, log_acceptance


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize("where", [(0.3, 0.2), (2.0, -0.9), (5.0, 1.2)])
def test_the_fit_of_two_seasons_is_the_brute_force_maximum_of_the_written_out_sum(extended, where):
    seasons, nodes, sindec_nodes, log_acceptance = _two_seasons()
    ra, dec = where

    def lnl(ns: float, gamma: float) -> float:
        at = np.array([[np.interp(np.sin(dec), sindec_nodes, a) for a in k.T] for k in log_acceptance])
        accept = np.exp([oracle.hermite(nodes, row, np.array([gamma]))[0] for row in at])
        total = -ns if extended else 0.0
        for season, f in zip(seasons, accept / accept.sum(), strict=True):
            psi = oracle.separation(season.ra, season.dec, ra, dec)
            s = np.where(psi <= 5 * season.sigma, oracle.spatial_pdf(psi, season.sigma), 0.0)
            ratio = np.exp(oracle.hermite(nodes, season.log_energy_ratio, np.array([gamma]))[:, 0])
            w, n = s / season.background * ratio, len(season.ra)
            total += np.log(1 + ns * f / n * (w if extended else w - 1)).sum()
        return float(total)

    found = oracle.fit(
        seasons,
        ra,
        dec,
        gamma_nodes=nodes,
        sindec_nodes=sindec_nodes,
        log_acceptance=log_acceptance,
        extended=extended,
    )

    def cost(p: np.ndarray) -> float:
        return -lnl(*p) if p[0] >= 0 and 1 <= p[1] <= 4 else np.inf

    start, _, _, _ = brute(cost, (slice(0, 60, 2.0), slice(1, 4.001, 0.25)), finish=None, full_output=True)
    best = minimize(cost, np.add(start, (0.1, 0)), method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-10}).fun
    assert found.ts == pytest.approx(max(0.0, -2 * best), abs=1e-6)
    if found.ts > 0:
        assert 2 * lnl(found.ns, found.gamma) == pytest.approx(found.ts, abs=1e-9)


def test_a_fit_at_fixed_gamma_never_beats_the_free_one_and_touches_it_at_its_gamma():
    seasons, nodes, sindec_nodes, log_acceptance = _two_seasons(5)
    kw = {"gamma_nodes": nodes, "sindec_nodes": sindec_nodes, "log_acceptance": log_acceptance}
    free = oracle.fit(seasons, 0.3, 0.2, **kw)
    assert free.ts > 0
    fixed = [oracle.fit(seasons, 0.3, 0.2, gamma=g, **kw).ts for g in np.linspace(1, 4, 31)]
    assert max(fixed) <= free.ts + 1e-9
    again = oracle.fit(seasons, 0.3, 0.2, gamma=free.gamma, **kw)
    assert again.ts == pytest.approx(free.ts, abs=1e-10)
    assert again.ns == pytest.approx(free.ns, rel=1e-6)
