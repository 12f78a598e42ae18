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


def test_a_fit_comes_in_csky_s_two_shapes() -> None:
    tr = cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2))
    flat = tr.get_one_fit(10, seed=1)
    ts, ns, gamma = flat
    assert (flat.ts, flat.ns, flat.gamma) == (ts, ns, gamma)
    for pair in (tr.get_one_fit(10, seed=1, flat=False), tr.get_one_llh(10, seed=1).fit(**tr.fitter_args)):
        ts_of_pair, params = pair
        assert ts_of_pair == ts
        assert params == pair.params == {"ns": ns, "gamma": gamma}
        assert (len(pair), pair[0], pair[1], pair[-1]["ns"]) == (2, ts, params, ns)
        assert (pair.ns, pair["gamma"], pair.status) == (ns, gamma, flat.status)
        assert np.asarray(pair).tolist() == np.asarray(flat).tolist()
        assert tr.format_result(pair) == tr.format_result(flat)
        assert repr(pair).startswith(f"({ts:.6g}, {{'ns': {ns:.6g}, ")
        assert "ts, params | status=OK" in repr(pair)
        assert tr.to_E2dNdE(pair) == tr.to_E2dNdE(flat)
    fixed = cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2), gamma=2.0)
    ts, params = fixed.get_one_llh(10, seed=1).fit(**fixed.fitter_args)
    assert params == {"ns": fixed.get_one_fit(10, seed=1).ns}
    with pytest.raises(TypeError, match="flat must be True or False"):
        tr.get_one_fit(seed=1, flat=1)
    with pytest.raises(ValueError, match="many fits are a table"):
        tr.get_many_fits(2, seed=1, flat=False)
    assert tr.get_one_fit_from_trial(tr.get_one_trial(10, seed=1), TRUTH=True).ts == flat.ts
