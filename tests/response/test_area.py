from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

from nusky.response.area import energy_points


@pytest.mark.parametrize("spectrum", [lambda e: e**-1.0, lambda e: e**-4.0, lambda e: e**-2.0 * np.exp(-e / 3e4)])
def test_sums_over_the_points_are_integrals_over_the_bins(spectrum) -> None:
    edges = np.array([1e2, 1.3e2, 1e4, 1.0003e4, 1e6])
    of, energy, weight = energy_points(edges)
    found = np.bincount(of, weight * spectrum(energy), len(edges) - 1)
    for m, total in enumerate(found):
        exact, _ = integrate.quad(
            lambda u: spectrum(np.exp(u)) * np.exp(u), *np.log(edges[m : m + 2]), epsabs=0, epsrel=1e-11, limit=500
        )
        assert total == pytest.approx(exact, rel=1e-7)


def test_points_lie_in_their_bins() -> None:
    edges = np.array([1.0, 1.5, 40.0])
    of, energy, weight = energy_points(edges)
    assert np.all((energy > edges[of]) & (energy < edges[of + 1]))
    assert np.all(weight > 0)
