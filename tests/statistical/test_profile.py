"""Profile-likelihood intervals cover what was injected as often as they say."""

from __future__ import annotations

import numpy as np
import pytest

import nusky as cy
from seasons import one_season


@pytest.mark.slow
def test_intervals_of_ns_and_gamma_cover_the_truth() -> None:
    tr = cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2))
    n, mean = 60, 15.0
    hits = {"ns": 0, "gamma": 0}
    for seed in range(n):
        profile = tr.get_one_llh(mean, poisson=True, seed=seed).profile()
        for name, truth in (("ns", mean), ("gamma", 2.0)):
            low, high = profile.interval(name)
            hits[name] += low <= truth <= high
    error = np.sqrt(0.6827 * 0.3173 / n)
    for name, k in hits.items():
        assert abs(k / n - 0.6827) < 3 * error, name
