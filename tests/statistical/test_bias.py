"""What is injected is found again: n_s and γ on the model's own simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import template_oracle
from nusky import conf, hyp
from nusky.source.positions import sources
from seasons import one_season

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("gamma", [2.0, 2.5])
@pytest.mark.parametrize("dec", [-0.5, 0.1, 0.6])
def test_fitted_events_and_spectrum_are_those_injected(season: Any, size: int, dec: float, gamma: float) -> None:
    n_sig, n = 30, 300 * size
    tr = conf.get_trial_runner(src=sources(1.0, dec), ana=season, flux=hyp.PowerLawFlux(gamma))
    fits = tr.get_many_fits(n, n_sig, seed=5)
    error = fits.ns.std() / np.sqrt(n)
    # The likelihood knows the declination of a source only through the events': where the acceptance is steep, and for
    # weak sources cut at n_s >= 0, a bias of a few percent of the signal is real and stays whatever the statistics
    assert fits.ns.mean() == pytest.approx(n_sig, abs=4 * error + 0.03 * n_sig)
    found = fits.gamma[fits.ns > 0]
    assert np.mean(found) == pytest.approx(gamma, abs=4 * found.std() / np.sqrt(n) + 0.03)


def test_poisson_injection_has_the_mean_asked_for(season: Any, size: int) -> None:
    tr = conf.get_trial_runner(src=sources(1.0, 0.1), ana=season)
    fits = tr.get_many_fits(300 * size, 25.5, poisson=True, seed=6)
    error = fits.ns.std() / np.sqrt(len(fits))
    assert fits.ns.mean() == pytest.approx(25.5, abs=4 * error + 0.03 * 25.5)
    assert fits.ns.std() > np.sqrt(25.5) * 0.9


def test_background_alone_gives_no_signal_on_average_beyond_the_cut_at_zero(season: Any, size: int) -> None:
    tr = conf.get_trial_runner(src=sources(1.0, 0.1), ana=season)
    fits = tr.get_many_fits(500 * size, seed=7)
    assert np.median(fits.ns) == 0
    assert np.mean(fits.ts > 0) < 0.5


@pytest.mark.parametrize("settings", [{"energy": False}, {"gamma": 2.0, "sigsub": True}])
def test_fitted_events_of_a_template_are_those_injected(settings: dict[str, Any], size: int) -> None:
    n_sig, n = 60, 100 * size
    template = template_oracle.blob(16, 2.0, 0.2, 0.15)
    fits = conf.get_trial_runner(ana=one_season(), template=template, **settings).get_many_fits(n, n_sig, seed=5)
    assert fits.ns.mean() == pytest.approx(n_sig, abs=4 * fits.ns.std() / np.sqrt(n) + 0.03 * n_sig)


def test_fitted_events_of_a_template_with_spectra_are_those_injected(size: int) -> None:
    n_sig, n, given = 160, 60 * size, template_oracle.mild_spectra()
    settings = {"template": given.flux, "bins_energy": given.energy_bins, "sigsub": True}
    fits = conf.get_trial_runner(ana=one_season(), **settings).get_many_fits(n, n_sig, seed=5)
    assert fits.ns.mean() == pytest.approx(n_sig, abs=4 * fits.ns.std() / np.sqrt(n) + 0.02 * n_sig)
