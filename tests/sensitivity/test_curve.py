"""A curve over declination is the sensitivity at each."""

from __future__ import annotations

import numpy as np
import pytest

import nusky as cy
from nusky.sensitivity import discovery_potential, sensitivity
from seasons import one_season


def test_each_point_is_a_sensitivity_of_its_own() -> None:
    ana, dec = one_season(), np.array([-0.4, 0.3])
    curve = cy.sensitivity_curve(ana=ana, dec=dec, n_sigma=3, n_bg_trials=300, seed=4, tol=0.1)
    tr = cy.get_trial_runner(ana=ana, src=cy.sources(0.0, 0.3))
    bg = tr.get_many_fits(300, seed=6)
    alone = sensitivity(tr, bg, seed=7, tol=0.1)
    assert curve.sensitivities[1].n_sig == alone.n_sig
    assert curve.E2dNdE[1] == alone.E2dNdE
    signal = {n: rows for n, rows in alone.trials.items() if n > 0}
    strong = discovery_potential(tr, bg, n_sigma=3, seed=7, tol=0.1, trials=signal)
    assert curve.discovery_E2dNdE[1] == strong.E2dNdE


def test_the_picture_has_both_curves() -> None:
    from matplotlib.figure import Figure

    curve = cy.sensitivity_curve(ana=one_season(), dec=[0.3], n_bg_trials=200, seed=4, tol=0.2, unit=1.0)
    ax = Figure().add_subplot()
    curve.plot(ax)
    assert ax.get_xlabel() == "sin δ"
    assert "GeV" in ax.get_ylabel()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["sensitivity, 90 %"]


@pytest.mark.parametrize("dec", [[0.3, 0.1], [0.0, 2.0]])
def test_wrong_declinations_are_refused(dec: list[float]) -> None:
    with pytest.raises(ValueError, match="dec"):
        cy.sensitivity_curve(ana=one_season(), dec=dec)
