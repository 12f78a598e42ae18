"""Differential sensitivities are sensitivities to single bins."""

from __future__ import annotations

import numpy as np
import pytest

import nusky as cy
from nusky.sensitivity import differential_sensitivity, sensitivity
from seasons import one_season


def test_a_bin_is_the_sensitivity_to_its_flux() -> None:
    flux = cy.hyp.PowerLawFlux(2.0, energy_range=(1e3, 1e5))
    ana, src = one_season(), cy.sources(1.0, 0.2)
    bg = cy.get_trial_runner(ana=ana, src=src).get_many_fits(500, seed=1)
    how = {"seed": 2, "tol": 0.1}
    found = differential_sensitivity(cy.get_trial_runner(ana=ana, src=src), [1.0, 10.0, 1e3, 1e5], bg, **how)
    alone = sensitivity(cy.get_trial_runner(ana=ana, src=src, flux=flux), bg, E0=1e4, unit=1.0, **how)
    assert found.results[0] is None  # no simulated event has so low an energy
    assert found.results[2] is not None
    assert found.results[2].n_sig == alone.n_sig
    assert found.E2dNdE[2] == pytest.approx(alone.E2dNdE, rel=1e-12)
    assert found.energy.tolist() == pytest.approx([np.sqrt(10), 100, 1e4])
    assert np.isnan(found.E2dNdE[0])


@pytest.mark.parametrize("edges", [[1e3], [1e5, 1e3], [0.0, 1e3], [1e3, np.inf]])
def test_edges_that_are_none_are_refused(edges: list[float]) -> None:
    runner = cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2))
    with pytest.raises(ValueError, match="edges"):
        differential_sensitivity(runner, edges, seed=1)
