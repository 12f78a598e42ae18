from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.integrate import quad

from nusky.analysis.background import Background


def integral(background: Background) -> float:
    edges = background.sindec_bins
    knots = np.unique(np.concatenate([edges, 0.5 * (edges[1:] + edges[:-1])]))
    return sum(quad(lambda s: 2 * np.pi * background(s), a, b, epsrel=1e-12)[0] for a, b in itertools.pairwise(knots))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_density_integrates_to_one_whatever_the_bins(seed):
    rng = np.random.default_rng(seed)
    bins = np.unique(np.concatenate([[-1, 1], rng.uniform(-1, 1, rng.integers(0, 30))]))
    counts = rng.poisson(5.0, len(bins) - 1).astype(float) + (rng.random(len(bins) - 1) < 0.5) * 100
    assert integral(Background(bins, counts)) == pytest.approx(1.0, abs=1e-6)


def test_it_follows_a_known_distribution():
    rng = np.random.default_rng(4)
    s = rng.uniform(-1, 1, 2_000_000)
    s = s[rng.random(len(s)) < np.exp(-1.5 * (s + 0.3) ** 2)]
    background = Background.from_data(s, np.linspace(-1, 1, 41))
    norm = quad(lambda x: np.exp(-1.5 * (x + 0.3) ** 2), -1, 1)[0]
    x = np.linspace(-1, 1, 201)
    expected = np.exp(-1.5 * (x + 0.3) ** 2) / norm / (2 * np.pi)
    # 40 bins of >= 5000 events: 1.4 % a bin; the ends are half a bin of extrapolation away.
    np.testing.assert_allclose(background(x), expected, rtol=0.05)
    assert np.std(background(x) / expected) < 0.012


def test_the_curve_is_smooth_and_does_not_overshoot_a_step():
    background = Background(np.linspace(-1, 1, 21), np.repeat([10.0, 1000.0], 10))
    x = np.linspace(-1, 1, 4001)
    b = background(x)
    assert np.all(np.diff(b) >= -1e-12)
    assert np.abs(np.diff(np.log(b))).max() < 0.05


def test_a_bin_without_events_keeps_a_small_density_and_is_named():
    counts = np.full(10, 100.0)
    counts[3] = 0
    background = Background(np.linspace(-1, 1, 11), counts)
    assert background.empty_bins == (3,)
    assert 0 < background(-0.3) < 0.01 * background(0.5)
    assert integral(background) == pytest.approx(1.0, abs=1e-6)


def test_it_is_scipys_pchip_and_survives_being_stored():
    from scipy.interpolate import PchipInterpolator

    rng = np.random.default_rng(2)
    background = Background(np.linspace(-1, 1, 16), rng.poisson(200, 15).astype(float))
    x = np.linspace(-1, 1, 777)
    nodes, log_density, _ = background.curve
    np.testing.assert_allclose(background.log_density(x), PchipInterpolator(nodes, log_density)(x), atol=1e-12)
    again = Background(background.sindec_bins, background.counts, background.curve)
    np.testing.assert_array_equal(again(x), background(x))
    with pytest.raises(ValueError, match="curve"):
        Background(background.sindec_bins, background.counts, background.curve[:, 1:])


def test_events_at_the_poles_and_scalars_and_shapes_work():
    background = Background.from_data(np.array([-1.0, 0.0, 1.0]), np.array([-1.0, 0.0, 1.0]))
    assert background.counts.tolist() == [1.0, 2.0]
    assert isinstance(background(0.2), float)
    assert background(np.zeros((2, 3))).shape == (2, 3)
    assert background(1.5) == background(1.0)


@pytest.mark.parametrize(
    ("bins", "counts", "message"),
    [
        ([-1, 1, 0], [1, 1], "increasing"),
        ([-2, 0, 1], [1, 1], "lies in"),
        ([-1, 0, 1], [1, 1, 1], "2 finite"),
        ([-1, 0, 1], [1, -1], "negative"),
        ([-1, 0, 1], [0, 0], "no events"),
    ],
)
def test_nonsense_is_refused(bins, counts, message):
    with pytest.raises(ValueError, match=message):
        Background(np.array(bins, float), np.array(counts, float))


def test_events_outside_the_bins_are_refused_with_the_first_of_them():
    with pytest.raises(ValueError, match=r"1 of 2 events.*row 1.*-0.9"):
        Background.from_data([0.5, -0.9], [0.0, 1.0])
