from __future__ import annotations

import numpy as np

from nusky.analysis.smoothing import smooth_counts


def season(scale: float = 1.0) -> np.ndarray:
    """Peaks two bins wide with falling tails that drift with sin dec, like a season's log10 E."""
    x = np.arange(30.0)
    rows = []
    for r in range(12):
        rise, fall = np.exp(0.9 * (x - 8 - 0.4 * r)), np.exp(-1.3 * (x - 8 - 0.4 * r))
        rows.append(3000 * scale / (1 / rise + 1 / fall))
    return np.array(rows)


def test_tails_lose_most_of_their_noise_and_the_bias_of_lone_events():
    rng = np.random.default_rng(1)
    truth = season()
    raw, smooth = [], []
    for _ in range(20):
        n = rng.poisson(truth).astype(float)
        few = (n > 0) & (truth > 2) & (truth < 20)
        raw.append(np.log(n[few] / truth[few]))
        smooth.append(np.log(smooth_counts(n)[few] / truth[few]))
    raw, smooth = np.concatenate(raw), np.concatenate(smooth)
    assert smooth.std() < 0.6 * raw.std()
    assert abs(smooth.mean()) < 0.05


def test_a_peak_of_many_events_is_left_alone():
    truth = season(10)
    n = np.random.default_rng(2).poisson(truth).astype(float)
    many = truth > 5000
    np.testing.assert_allclose(smooth_counts(n)[many], n[many], rtol=0.01)


def test_expected_counts_are_kept_where_there_is_no_noise():
    truth = season()
    inner = np.zeros(truth.shape, bool)
    inner[1:-1, 2:-2] = True
    # Below some events the prior on the slope is felt: a lone event says little about how steep the tail is.
    tail = inner & (truth > 5) & (np.abs(np.gradient(np.gradient(np.log(truth), axis=1), axis=1)) < 0.02)
    assert tail.sum() > 20
    np.testing.assert_allclose(smooth_counts(truth)[tail], truth[tail], rtol=0.08)


def test_empty_cells_beside_events_are_expected_to_hold_some_and_far_ones_none():
    n = np.zeros((5, 13))
    n[2, 6] = 1.0
    n[0, 0] = n[4, 12] = 3.0
    out = smooth_counts(n)
    near = np.zeros(n.shape, bool)
    near[1:4, 4:9] = near[:2, :3] = near[3:, 10:] = True
    near[[1, 3]] = False  # rows without any event: nothing is known of their background
    assert np.array_equal(out > 0, near)
    assert np.all(np.isfinite(out))
    assert np.all(out <= 3.5)
    assert not smooth_counts(np.zeros((2, 3))).any()
    assert smooth_counts(np.ones((1, 1))).shape == (1, 1)


def test_sparse_cells_hold_together_what_they_expect():
    # cells that expect 0.3 to 1 events. The tails fall by 1.3 e-folds a bin, which the prior on the slope makes
    # flatter: a quarter too much. Without the empty ones a third of it is missing
    rng = np.random.default_rng(3)
    truth = season()
    sparse = (truth > 0.3) & (truth < 1.0)
    given, in_filled = [], []
    for _ in range(40):
        n = rng.poisson(truth).astype(float)
        smooth = smooth_counts(n)
        given.append(smooth[sparse].sum())
        in_filled.append(smooth[sparse & (n > 0)].sum())
    assert 0.95 < np.mean(given) / truth[sparse].sum() < 1.3
    assert np.mean(in_filled) / truth[sparse].sum() < 0.8
