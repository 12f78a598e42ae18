"""The distance beyond which an event contributes nothing, against the core's own cut."""

from __future__ import annotations

import numpy as np
import pytest

from nusky import _core
from nusky.likelihood.model import LikelihoodOptions
from nusky.likelihood.reach import MARGIN, event_reach, widened


@pytest.mark.parametrize("extension", [0.0, 0.02])
@pytest.mark.parametrize("cut", [1.0, 5.0])
def test_the_core_sees_an_event_inside_its_reach_and_none_outside(cut: float, extension: float) -> None:
    rng = np.random.default_rng(5)
    n = 300
    ra, dec = 2 * np.pi * rng.random(n), np.arcsin(rng.uniform(-0.9, 0.9, n))
    sigma = rng.uniform(0.001, 0.02, n)
    options = LikelihoodOptions(cut_n_sigma=cut, extension=extension)
    reach = event_reach(sigma, options)
    likelihood = _core.Likelihood(np.empty(0), np.array([-1.0, 1.0]), np.zeros((1, 2, 1)))
    for i in range(n):
        columns = _core.EventColumns(
            dec[i : i + 1], sigma[i : i + 1], np.ones(1), None, np.empty(0), cut_n_sigma=cut, extension=extension
        )
        index = _core.EventIndex([(columns, ra[i : i + 1], 0, None, None)], np.array([5.0]), n_threads=1)
        away = dec[i] - np.sign(dec[i]) * reach[i] * np.array([1 - 1e-4, 1 + 1e-4])
        status = _core.scan(likelihood, index, _core.Directions(np.full(2, ra[i]), away), n_threads=1)[3]
        assert status[0] != 2, "within reach, and not seen"
        assert status[1] == 2, "out of reach, and seen"


def test_the_margin_is_relative_and_absolute() -> None:
    angles = np.array([0.0, 1e-3, 3.0])
    np.testing.assert_allclose(widened(angles) - angles, MARGIN * (1 + angles), rtol=1e-9)
