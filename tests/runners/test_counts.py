"""Counts and fluxes in csky's words."""

from __future__ import annotations

import pytest

import nusky as cy
from seasons import one_season


def test_cskys_ways_to_say_what_a_flux_is() -> None:
    tr = cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2))
    assert tr.to_ns(1e-12, unit=1e3, use_E2dNdE=True) == tr.to_ns(1e-12, unit=1e3)
    assert tr.to_ns(1e-12, unit=1e3, use_E2dNdE=False) == tr.to_ns(1e-12, unit=1e3, E2dNdE=False)
    with pytest.raises(TypeError, match="say the same"):
        tr.to_ns(E2dNdE=1e-12, use_E2dNdE=True)
