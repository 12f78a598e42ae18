"""From analysis and options to the core's objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.analysis.analysis import Analysis
from nusky.likelihood.model import LikelihoodModel, LikelihoodOptions
from seasons import one_season, season, two_seasons


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"mode": "fixed", "gamma": "soft"}, TypeError, "gamma must be a number"),
        ({"mode": "fixed", "gamma": True}, TypeError, "gamma must be a number"),
        ({"mode": False}, ValueError, "mode=False is not known; use 'fit'"),
        ({"gamma": 2.0}, ValueError, "mode='fit' takes no gamma, got gamma=2"),
        ({"mode": "fixed"}, ValueError, "mode='fixed' takes a gamma"),
        ({"cut_n_sigma": 0}, ValueError, "cut_n_sigma=0.0 must be a finite number"),
        ({"cut_n_sigma": np.nan}, ValueError, "cut_n_sigma"),
        ({"extension": -0.1}, ValueError, "extension=-0.1 must be rad"),
        ({"extension": 1.0}, ValueError, "at most 20 degrees"),
        ({"extension": None}, TypeError, "extension must be a number"),
    ],
)
def test_options_are_checked(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LikelihoodOptions(**options)


def test_a_gamma_outside_the_nodes_is_refused_when_the_analysis_is_known() -> None:
    for gamma in (0.99, 4.01, np.nan):
        with pytest.raises(ValueError, match="outside the nodes 1 … 4"):
            LikelihoodModel(one_season(), LikelihoodOptions("fixed", gamma=gamma))
    assert LikelihoodModel(one_season(), LikelihoodOptions("fixed", gamma=4.0)).fixed_gamma == 4.0


def test_static_columns_are_shared_by_all_runners_of_an_analysis() -> None:
    a = LikelihoodModel(one_season(), LikelihoodOptions())
    b = LikelihoodModel(one_season(), LikelihoodOptions("fixed", gamma=2.0))
    assert a.columns[0] is b.columns[0]
    assert LikelihoodModel(one_season(), LikelihoodOptions(cut_n_sigma=3.0)).columns[0] is not a.columns[0]


def test_without_an_energy_term_seasons_share_by_the_acceptance_of_the_given_spectrum() -> None:
    # twice the same events, one season with three times the livetime: shares are 1/4 and 3/4 whatever the spectrum
    long = Analysis([season("a"), season("b", livetime=300.0)])
    src = cy.sources(1.0, 0.2)
    tr = cy.get_trial_runner(ana=long, src=src, energy=False)
    trial = tr.get_one_trial(12, seed=1)
    fits = [
        cy.get_trial_runner(ana=long, src=src, energy=False, gamma=g).get_one_fit_from_trial(trial) for g in (2, 3.5)
    ]
    assert fits[0].ts == pytest.approx(fits[1].ts, rel=1e-6)
    assert tr.get_one_fit_from_trial(trial).ts == fits[0].ts, "E^-2 unless another spectrum is given"
    assert cy.get_trial_runner(ana=two_seasons(), src=src, energy=False).get_one_fit(5, seed=1).energy == "off"
