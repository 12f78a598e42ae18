"""The 90 % upper limit lies above the truth in at least 90 % of experiments, for every strength of the source."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky import conf
from nusky.sensitivity.limits import sensitivity, upper_limit
from nusky.source.positions import sources

pytestmark = pytest.mark.slow


def test_the_upper_limit_covers(season: Any, size: int) -> None:
    tr = conf.get_trial_runner(src=sources(1.0, 0.1), ana=season)
    background = tr.get_many_fits(1000 * size, seed=1)
    # efficiencies at many strengths, once; every limit below reads them at its own threshold
    trials: dict[float, Any] = {0.0: background}
    for i, n_sig in enumerate(np.arange(1.5, 31, 1.5)):
        trials[float(n_sig)] = tr.get_many_fits(200 * size, n_sig, poisson=True, seed=100 + i)
    stored: dict[str, Any] = {"trials": trials, "max_batch_size": 0}
    ts = np.r_[0.0, np.geomspace(0.1, 60, 25)]
    limits = np.array([upper_limit(tr, x, background, **stored).n_sig for x in ts])
    assert np.all(np.diff(limits) >= -0.05 * limits[1:])
    sens = sensitivity(tr, background, **stored)
    assert limits[0] == sens.n_sig
    for k, truth in enumerate((1.0, 3.0, 6.0, 12.0)):
        observed = tr.get_many_fits(300 * size, truth, poisson=True, seed=500 + k)
        covered = np.mean(np.interp(observed.ts, ts, limits) >= truth)
        assert covered >= 0.9 - 4 * np.sqrt(0.09 / len(observed)) - 0.01, f"{covered:.3f} at n_sig = {truth}"
    # far below the sensitivity nothing is ever excluded
    assert limits.min() > 1.0


def test_a_fraction_beta_of_trials_at_the_sensitivity_exceeds_the_median(season: Any, size: int) -> None:
    tr = conf.get_trial_runner(src=sources(1.0, -0.4), ana=season)
    sens = sensitivity(tr, n_bg_trials=500 * size, batch_size=200 * size, tol=0.05, seed=9)
    again = tr.get_many_fits(500 * size, sens.n_sig, poisson=True, seed=777)
    slope = 0.9 * sens.n_sig_error  # a fraction per relative n_sig of order one: what the error of n_sig is worth
    error = np.hypot(np.sqrt(0.09 / len(again)), slope)
    assert np.mean(again.ts > sens.ts) == pytest.approx(0.9, abs=4 * error)
