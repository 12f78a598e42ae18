"""The central range of true energies against a plain sum over the simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.priors import gaussian
from nusky.sensitivity import central_energy_range
from seasons import one_season, two_seasons


def held(ana: Any, low: float, high: float, near: Any, flux: Any) -> float:
    inside = total = 0.0
    for season in ana:
        sim = season.sim
        weight = sim["oneweight"] * flux(sim["true_energy"]) * season.livetime * near(np.sin(sim["true_dec"]))
        total += weight.sum()
        inside += weight[(sim["true_energy"] >= low) & (sim["true_energy"] <= high)].sum()
    return float(inside / total)


@pytest.mark.parametrize("flux", [cy.hyp.PowerLawFlux(2.0), cy.hyp.PowerLawFlux(2.5, energy_cutoff=1e5)])
def test_the_range_holds_its_part(flux: Any) -> None:
    ana = two_seasons()
    for level in (0.5, 0.9):
        low, high = central_energy_range(ana, 0.1, flux=flux, level=level)
        near = lambda sindec: np.abs(sindec - np.sin(0.1)) <= 0.05  # noqa: E731
        assert held(ana, low, high, near, flux) == pytest.approx(level, abs=0.02)
    assert central_energy_range(ana, 0.1, gamma=3.0)[1] < central_energy_range(ana, 0.1, gamma=2.0)[1]


def test_a_narrow_prior_is_its_declination() -> None:
    ana = one_season()
    at_dec = central_energy_range(ana, 0.3, width=0.02)
    of_prior = central_energy_range(ana, gaussian(1.0, 0.3, fwhm=np.radians(1.5)))
    assert np.log10(of_prior) == pytest.approx(np.log10(at_dec), abs=0.15)


def test_wrong_levels_and_places_are_refused() -> None:
    with pytest.raises(ValueError, match="level"):
        central_energy_range(one_season(), 0.1, level=1.0)
    with pytest.raises(ValueError, match="no simulated event"):
        central_energy_range(one_season(), 0.1, width=0.0)
