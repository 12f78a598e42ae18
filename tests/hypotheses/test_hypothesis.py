"""What every hypothesis has of its runner: a position as given values is the point-source search."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.injection import InjectionOptions
from nusky.likelihood import LikelihoodOptions
from nusky.source import TimeWindow
from nusky.transients import TransientOptions
from seasons import two_seasons
from toy_hypothesis import PositionRunner
from transient_season import timed_analysis

AT = {"ra": 1.0, "dec": 0.2}


def toy(**options: Any) -> PositionRunner:
    return PositionRunner(**{"analysis": two_seasons(), **AT, **options})


@pytest.mark.parametrize(
    "likelihood", [LikelihoodOptions(), LikelihoodOptions("fixed", gamma=2.3), LikelihoodOptions("off")]
)
def test_trials_are_those_of_the_point_source(likelihood: LikelihoodOptions) -> None:
    ours = toy(likelihood=likelihood)
    point = cy.get_trial_runner(
        ana=two_seasons(),
        src=cy.sources(**AT),
        gamma=likelihood.gamma,
        energy=False if likelihood.mode == "off" else "fit",
    )
    for n_sig in (0, 6):
        a, b = ours.get_many_fits(12, n_sig, seed=4), point.get_many_fits(12, n_sig, seed=4)
        assert a.dtype == b.dtype
        for name in a.dtype.names:
            assert np.allclose(a[name], b[name], rtol=1e-3, atol=1e-3, equal_nan=True)
        assert a.ts.max() > 0


def test_one_fit_is_trial_zero_of_many_and_that_of_the_trial() -> None:
    tr = toy()
    fit = tr.get_one_fit(5, seed=3)
    assert (
        list(tr.get_many_fits(2, 5, seed=3)[0])
        == list(fit)
        == list(tr.get_one_fit_from_trial(tr.get_one_trial(5, seed=3)))
    )
    assert fit.columns == ("ts", "ns", "gamma")
    assert "status=OK" in repr(fit)


def test_in_a_time_window_it_is_the_transient_search() -> None:
    analysis = timed_analysis()
    window = TimeWindow(56020.0, 5.0, 0.5)
    ours = toy(analysis=analysis, transient=TransientOptions(window))
    point = cy.get_trial_runner(ana=analysis, src=cy.sources(**AT, mjd=window.mjd, t_100=window.t_100, sigma_t=0.5))
    for n_sig in (0, 4):
        a, b = ours.get_many_fits(10, n_sig, seed=4), point.get_many_fits(10, n_sig, seed=4)
        assert np.allclose(a.ts, b.ts, rtol=1e-4, atol=1e-4)
        assert np.allclose(a.ns, b.ns, rtol=2e-2, atol=1e-2)


def test_sensitivities_and_fluxes_come_with_it() -> None:
    tr = toy(analysis=two_seasons(), injection=InjectionOptions(cy.hyp.PowerLawFlux(2.5)))
    point = cy.get_trial_runner(ana=two_seasons(), src=cy.sources(**AT), flux=cy.hyp.PowerLawFlux(2.5))
    assert tr.to_E2dNdE(5) == pytest.approx(point.to_E2dNdE(5))
    result = tr.find_n_sig(ts=4.0, beta=0.5, seed=1, batch_size=50, max_batch_size=50, tol=0.3, mp_cpus=1)
    assert 1 < result.n_sig < 40


def test_a_hypothesis_without_declination_takes_no_ts_to_p() -> None:
    with pytest.raises(ValueError, match="ts_to_p takes a declination"):
        toy(ts_to_p=lambda dec, ts: ts)
