"""Background from simulation: p-values are uniform, signal is found without bias, and it is like scrambled data."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import nusky as cy
from simulated_season import NAMES, simulated_analysis

pytestmark = pytest.mark.slow


def test_trials_are_like_those_of_scrambled_data_drawn_from_the_same_rates() -> None:
    ana = simulated_analysis(3_000, 60_000)
    src = cy.sources(1.0, 0.3)
    simulated = cy.get_trial_runner(src=src, ana=ana, inj_conf={"bg_weight_names": NAMES})
    bg = cy.dists.TSD(simulated.get_many_fits(1500, seed=1))
    new = simulated.get_many_fits(800, seed=2).ts
    p = bg.p_values(new)
    for alpha in (0.02, 0.1, 0.3):
        error = np.sqrt(alpha * (1 - alpha) * (1 / 800 + 1 / 1500))
        assert np.mean(p <= alpha) == pytest.approx(alpha, abs=4 * error)
    scrambled = cy.get_trial_runner(src=src, ana=ana).get_many_fits(800, seed=3).ts
    assert np.mean(scrambled > 0) == pytest.approx(np.mean(new > 0), abs=0.12)
    assert stats.ks_2samp(scrambled[scrambled > 0], new[new > 0]).pvalue > 1e-3
    fits = simulated.get_many_fits(300, 12, seed=4)
    assert np.mean(fits.ns) == pytest.approx(12, abs=0.6 + 3 * np.std(fits.ns) / np.sqrt(300))
    assert np.median(fits.gamma) == pytest.approx(2.0, abs=0.15)
