from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import oracle
from nusky.analysis.interpolation import HermiteAxis


@given(st.integers(1, 12), st.integers(0, 2**31))
def test_it_is_the_reference_interpolant(g, seed):
    rng = np.random.default_rng(seed)
    nodes = np.cumsum(rng.uniform(0.1, 1, g))
    values = rng.normal(size=(3, g))
    x = rng.uniform(nodes[0], nodes[-1], 20) if g > 1 else np.full(20, nodes[0])
    np.testing.assert_allclose(HermiteAxis(nodes).interpolate(values, x), oracle.hermite(nodes, values, x), atol=1e-9)


def test_it_goes_through_the_nodes_is_smooth_there_and_exact_for_parabolas():
    nodes = np.array([-1.0, -0.4, 0.1, 0.2, 1.5])
    axis = HermiteAxis(nodes)
    values = np.random.default_rng(0).normal(size=5)
    np.testing.assert_allclose(axis.interpolate(values, nodes), values, atol=1e-12)
    eps = 1e-6
    inner = nodes[1:-1]
    left = (axis.interpolate(values, inner) - axis.interpolate(values, inner - eps)) / eps
    right = (axis.interpolate(values, inner + eps) - axis.interpolate(values, inner)) / eps
    np.testing.assert_allclose(left, right, atol=1e-3)
    x = np.linspace(-1, 1.5, 51)
    np.testing.assert_allclose(axis.interpolate(2 - nodes + 3 * nodes**2, x), 2 - x + 3 * x**2, atol=1e-12)


def test_outside_the_nodes_it_stays_at_the_end():
    axis = HermiteAxis(np.array([0.0, 1.0, 2.0, 4.0]))
    np.testing.assert_allclose(axis.interpolate([1.0, 5.0, -2.0, 3.0], np.array([-9.0, 9.0])), [1.0, 3.0])


@pytest.mark.parametrize("nodes", [[], [0.0, 0.0], [1.0, 0.5], [0.0, np.nan], [[0.0, 1.0]]])
def test_nodes_that_do_not_increase_are_refused(nodes):
    with pytest.raises(ValueError, match="increasing"):
        HermiteAxis(np.array(nodes, dtype=float))


def test_values_of_another_length_are_refused():
    with pytest.raises(ValueError, match="3 entries"):
        HermiteAxis(np.array([0.0, 1.0])).interpolate(np.zeros(3), np.zeros(1))
