"""Limits of a follow-up are those of the library, for sources of equal flux."""

from __future__ import annotations

from typing import Any

import numpy as np


def test_the_sensitivity_is_that_of_equal_fluence_and_in_gev(windowed: Any) -> None:
    found = windowed.limits.sensitivity
    assert found.sources == "equal fluence"
    assert found.kind == "sensitivity"
    assert found.ts == np.median(windowed.background)
    runner = windowed.runner
    assert found.fluence == runner.to_fluence(found.n_sig, gamma=2.0)
    trials = runner.get_many_fits(300, n_sig=found.n_sig, poisson=True, seed=77)
    passed = np.mean(trials["ts"] > found.ts)
    assert abs(passed - 0.9) < 0.05


def test_the_upper_limit_has_its_threshold_at_the_observation(windowed: Any) -> None:
    limits = windowed.limits
    assert windowed.fit.ts > limits.sensitivity.ts
    assert limits.upper_limit.ts == windowed.fit.ts
    assert limits.upper_limit.fluence > limits.sensitivity.fluence


def test_a_small_region_has_no_range(windowed: Any) -> None:
    from nusky.followup.limits import _extremes

    assert (windowed.limits.declinations is None) == (_extremes(windowed.search) is None)
