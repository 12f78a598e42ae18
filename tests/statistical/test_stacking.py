"""Stacks: the events that are injected are found, with their spectrum, and p-values of background are uniform."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import nusky as cy
from seasons import one_season, two_seasons
from transient_season import timed_analysis

pytestmark = pytest.mark.slow


def stack(n: int, analysis: Any) -> Any:
    rng = np.random.default_rng(n)
    dec = np.arcsin(rng.uniform(-0.3, 1.0, n))
    wide = np.where(rng.random(n) < 0.3, np.radians(1.0), 0.0)
    src = cy.sources(rng.uniform(0, 2 * np.pi, n), dec, weight=10 ** rng.normal(0, 0.5, n), extension=wide)
    return cy.get_trial_runner(ana=analysis, src=src)


@pytest.mark.parametrize("n", [3, 30])
def test_number_and_spectrum_of_injected_events_are_found(n: int) -> None:
    trials = stack(n, two_seasons()).get_many_fits(150, 50, seed=5)
    ns, gamma = trials.ns, trials.gamma[trials.ns > 0]
    # Signal beyond the cut and wide events that look like background: some percent
    assert np.mean(ns) == pytest.approx(50, abs=3.5 + 3 * np.std(ns) / np.sqrt(len(ns)))
    assert np.mean(gamma) == pytest.approx(2.0, abs=0.1 + 3 * np.std(gamma) / np.sqrt(len(gamma)))


@pytest.mark.parametrize("n", [3, 100])
def test_p_values_of_background_are_uniform(n: int) -> None:
    tr = stack(n, one_season())
    bg = cy.dists.TSD(tr.get_many_fits(1500, seed=1))
    new = tr.get_many_fits(500, seed=2).ts
    hot = bg.values[bg.values > 0]
    assert stats.ks_2samp(hot, new[new > 0]).pvalue > 1e-3
    assert 0.3 < np.mean(bg.p_values(new[new > 0]) / bg.eta) < 0.7
    assert np.mean(new > 0) == pytest.approx(bg.eta, abs=4 * np.sqrt(0.25 / 500))


def of_spectra(analysis: Any) -> Any:
    """Ten sources, every other one soft."""
    rng = np.random.default_rng(3)
    src = cy.sources(rng.uniform(0, 2 * np.pi, 10), np.arcsin(rng.uniform(-0.3, 1.0, 10)))
    flux = [cy.hyp.PowerLawFlux(2.0), cy.hyp.PowerLawFlux(3.0, norm=1e3)] * 5
    return cy.get_trial_runner(ana=analysis, src=src, flux=flux, energy="customflux")


def test_signal_of_several_spectra_is_found_and_p_values_are_uniform() -> None:
    trials = of_spectra(two_seasons()).get_many_fits(150, 50, seed=5)
    assert np.mean(trials.ns) == pytest.approx(50, abs=3.5 + 3 * np.std(trials.ns) / np.sqrt(150))
    tr = of_spectra(one_season())
    bg = cy.dists.TSD(tr.get_many_fits(600, seed=1))
    new = tr.get_many_fits(300, seed=2).ts
    assert stats.ks_2samp(bg.values[bg.values > 0], new[new > 0]).pvalue > 1e-3
    assert np.mean(new > 0) == pytest.approx(bg.eta, abs=4 * np.sqrt(0.25 / 300 + 0.25 / 600))


def bursts() -> Any:
    """200 sources with windows of 0.05 to 1 day."""
    rng = np.random.default_rng(5)
    dec = np.arcsin(rng.uniform(-0.3, 1.0, 200))
    start, length = np.floor(rng.uniform(56_001, 56_098, 200)) + 0.2, 10 ** rng.uniform(-1.3, 0, 200)
    src = cy.sources(rng.uniform(0, 2 * np.pi, 200), dec, weight=1 / length, mjd=start, t_100=length)
    return cy.get_trial_runner(ana=timed_analysis(), src=src)


def test_events_of_bursts_are_found_and_p_values_are_uniform() -> None:
    tr = bursts()
    trials = tr.get_many_fits(150, 20, seed=5)
    assert np.mean(trials.ns) == pytest.approx(20, abs=1.4 + 3 * np.std(trials.ns) / np.sqrt(150))
    bg = cy.dists.TSD(tr.get_many_fits(600, seed=1))
    new = tr.get_many_fits(400, seed=2).ts
    assert bg.eta > 0.1
    assert np.mean(new > 0) == pytest.approx(bg.eta, abs=4 * np.sqrt(0.25 / 400))
    hot = bg.values[bg.values > 0]
    assert stats.ks_2samp(hot, new[new > 0]).pvalue > 1e-3
