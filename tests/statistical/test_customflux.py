"""Bias and p-values with the energy term of one spectrum, and with randomised declinations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import nusky as cy
from seasons import one_season

pytestmark = pytest.mark.slow
FLUX = cy.hyp.PowerLawFlux(2.3, energy_cutoff=1e5)
MOVED = {"randomize": ["ra", "dec"], "dec_rand_kwargs": {"randomization_width": np.radians(2)}}
CUSTOM = {"energy": "customflux", "flux": FLUX}


@pytest.mark.parametrize("settings", [CUSTOM, {**CUSTOM, **MOVED}], ids=["customflux", "declinations"])
@pytest.mark.parametrize("dec", [-0.5, 0.3])
def test_the_number_of_events_is_found(settings: dict[str, Any], dec: float) -> None:
    tr = cy.get_trial_runner(settings, ana=one_season(), src=cy.sources(0.0, dec))
    ns = tr.get_many_fits(200, 20, seed=5, mp_cpus=1).ns
    # Signal beyond the cut and wide events that look like background: some percent
    assert np.mean(ns) == pytest.approx(20, abs=1.5 + 3 * np.std(ns) / np.sqrt(len(ns)))


@pytest.mark.parametrize("settings", [CUSTOM, {**CUSTOM, **MOVED}], ids=["customflux", "declinations"])
def test_p_values_of_background_are_uniform(settings: dict[str, Any]) -> None:
    tr = cy.get_trial_runner(settings, ana=one_season(), src=cy.sources(0.0, 0.3))
    bg = cy.dists.TSD(tr.get_many_fits(1500, seed=1, mp_cpus=1))
    new = tr.get_many_fits(500, seed=2, mp_cpus=1).ts
    p = bg.p_values(new[new > 0])
    found = stats.ks_2samp(bg.values[bg.values > 0], new[new > 0]).pvalue
    assert found > 1e-3
    assert 0.3 < np.mean(p / bg.eta) < 0.7
    assert np.mean(new > 0) == pytest.approx(bg.eta, abs=4 * np.sqrt(0.25 / 500))
