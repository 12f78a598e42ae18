"""Confidence belts against the exact constructions for a Poisson count, and their coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import poisson

from nusky.sensitivity import ConfidenceBelt, confidence_belt
from toy_runner import ToyRunner

B = 3.0
SIGNALS = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15])


@pytest.fixture(scope="module")
def belt() -> ConfidenceBelt:
    rng = np.random.default_rng(2)
    return ConfidenceBelt({float(n): rng.poisson(B + n, 20_000).astype(float) for n in SIGNALS})


def exact_interval(count: int, level: float = 0.9) -> tuple[float, float]:
    """Feldman and Cousins, Phys. Rev. D 57 (1998) 3873, section IV, in plain loops."""
    means = np.arange(0, 20, 0.01)
    k = np.arange(60)
    best = poisson.pmf(k, np.maximum(k, B))
    inside = []
    for mean in means:
        p = poisson.pmf(k, B + mean)
        total = 0.0
        for j in np.argsort(-p / best, kind="stable"):
            total += p[j]
            if j == count:
                inside.append(mean)
                break
            if total >= level:
                break
    return inside[0], inside[-1]


@pytest.mark.parametrize("count", [0, 1, 3, 5, 8])
def test_the_construction_is_that_of_feldman_and_cousins(count: int) -> None:
    """Of exact probabilities, so that neither trials nor the curve through them enter."""
    fine = ConfidenceBelt({n: np.arange(40.0) for n in (0.0, 10.0, 25.0)})
    k = np.arange(len(fine.edges) + 1)
    vars(fine)["_probability"] = poisson.pmf(k[:, None], B + fine._n)
    step = fine._n[1]
    assert fine.interval(float(count)) == pytest.approx(exact_interval(count), abs=step + 0.01)


# σ of the upper end over sets of trials as large as this one, and where the mean of 8 sets lies: at 8 the order of two
# cells of the exact belt changes, a step of 0.3 that the smooth curve through the trials takes earlier
@pytest.mark.parametrize(
    ("count", "sigma", "early"), [(0, 0.04, 0.0), (1, 0.03, 0.0), (3, 0.04, 0.0), (5, 0.07, 0.0), (8, 0.08, 0.3)]
)
@pytest.mark.slow
def test_intervals_from_trials_are_those_of_the_exact_belt(
    belt: ConfidenceBelt, count: int, sigma: float, early: float
) -> None:
    low, high = belt.interval(float(count))
    exact_low, exact_high = exact_interval(count)
    assert low == pytest.approx(exact_low, abs=4 * 0.02)
    assert high == pytest.approx(exact_high - early, abs=4 * sigma)


@pytest.mark.parametrize("count", [3, 5, 8])
def test_upper_limits_of_a_count_are_neymans(belt: ConfidenceBelt, count: int) -> None:
    means = np.arange(0, 20, 0.001)
    exact = means[np.argmin(np.abs(poisson.sf(count, B + means) - 0.9))]
    assert belt.upper_limit(float(count)) == pytest.approx(exact, rel=0.05)


@pytest.mark.slow
def test_what_is_expected_are_quantiles_of_background_limits(belt: ConfidenceBelt) -> None:
    counts = np.random.default_rng(9).poisson(B, 4000).astype(float)
    limits = np.array([belt.interval(c)[1] for c in np.unique(counts)])[np.unique(counts, return_inverse=True)[1]]
    found = belt.expected(method="feldman-cousins", quantiles=(0.16, 0.5, 0.84))
    assert list(found.values()) == pytest.approx(np.quantile(limits, [0.16, 0.5, 0.84]), abs=0.3)
    assert found[0.16] < found[0.5] < found[0.84]


@pytest.mark.parametrize("mean", [0.0, 2.0, 6.0])
def test_intervals_cover_the_truth(belt: ConfidenceBelt, mean: float) -> None:
    counts, n = np.unique(np.random.default_rng(4).poisson(B + mean, 5000), return_counts=True)
    ends = [belt.interval(float(c)) for c in counts]
    covered = sum(k for (low, high), k in zip(ends, n.tolist(), strict=True) if low <= mean <= high) / 5000
    assert covered > 0.88


class Making(ToyRunner):
    def get_many_fits(self, n: int, n_sig: float, poisson: bool, seed: int, first_trial: int) -> Any:
        return self.fit_trials(range(first_trial, first_trial + n), n_sig, poisson, seed)


def test_trials_are_made_once_and_with_numbers_of_their_own() -> None:
    runner = Making()
    belt = confidence_belt(runner, [3, 6], 50, seed=1)
    assert belt.n_sigs.tolist() == [0, 3, 6]
    numbers = [j for _, made in runner.calls for j in made]
    assert len(numbers) == len(set(numbers)) == 150
    again = confidence_belt(runner, [3, 6, 9], 50, seed=1, trials=belt.trials)
    assert len(runner.calls) == 4
    assert again.trials[3.0] is belt.trials[3.0]


def test_wrong_arguments_are_named(belt: ConfidenceBelt) -> None:
    with pytest.raises(ValueError, match="n_sig"):
        ConfidenceBelt({0.0: [1.0], 1.0: [2.0]})
    with pytest.raises(ValueError, match="level"):
        belt.interval(1.0, 1.0)
    with pytest.raises(ValueError, match="method"):
        belt.expected(method="bayes")  # type: ignore[arg-type]


def test_the_picture_shows_both(belt: ConfidenceBelt) -> None:
    from matplotlib.figure import Figure

    ax = Figure().add_subplot()
    belt.plot(ax, observed=5.0)
    assert {text.get_text() for text in ax.get_legend().get_texts()} == {
        "Feldman–Cousins", "Neyman, upper limit", "expected, 68 %", "observed"
    }  # fmt: skip
