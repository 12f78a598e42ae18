"""csky's arguments of a fit: they act, cannot matter, or say what to do."""

from __future__ import annotations

import numpy as np
import pytest

import nusky as cy
from seasons import one_season


def test_a_floor_of_ts_that_changes_nothing_is_accepted() -> None:
    tr = cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2), fitter_args={"_ts_min": -1e4})
    assert tr.get_one_fit(seed=1, _ts_min=-10).ts == tr.get_one_fit(seed=1).ts
    with pytest.raises(ValueError, match="_ts_min=2"):
        tr.get_one_fit(seed=1, _ts_min=2)
    with pytest.raises(TypeError, match="_full_output is not there"):
        tr.get_one_fit(seed=1, _full_output=True)
    sptr = cy.get_spatial_prior_trial_runner(ana=one_season(), llh_priors=np.ones(192))
    with pytest.raises(ValueError, match="ts_raw"):
        sptr.get_one_fit(seed=1, _ts_min=-10)
