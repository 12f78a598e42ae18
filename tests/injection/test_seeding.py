"""Seeds: a trial depends on seed and index only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nusky import _core
from nusky.injection.seeding import BatchDraws, resolve_seed, seed_key, trial_draws
from philox import blocks, philox, uniforms


def test_the_oracle_has_the_published_known_answers() -> None:
    ones = np.full((1, 4), 0xFFFFFFFF, dtype=np.uint32)
    expected = [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    assert philox(ones, 2**64 - 1)[0].tolist() == expected
    assert philox(np.zeros((1, 4), dtype=np.uint32), 0)[0, 0] == 0x6627E8D5


@pytest.mark.parametrize("index", [0, 1, 6, 7, 2**40 + 3])
def test_right_ascensions_are_those_of_the_oracle(index: int) -> None:
    for season, n in ((0, 5000), (3, 1)):
        drawn = trial_draws(12, index).right_ascensions(season, n)
        words = blocks(seed_key(12), index // 4, "right_ascension", season, n)[:, index % 4]
        np.testing.assert_array_equal(drawn, words * (2 * np.pi / 2**32))


@pytest.mark.parametrize("purpose", sorted(set(_core.purposes) - {"right_ascension"}))
def test_uniform_numbers_are_those_of_the_oracle(purpose: str) -> None:
    index = 2**33 + 1
    drawn = trial_draws(9, index).uniforms(purpose, 3000, season=2)
    np.testing.assert_array_equal(drawn, uniforms(seed_key(9), index, purpose, 2, 3000))
    assert stats.kstest(drawn.ravel(), "uniform").pvalue > 1e-3


def test_counts_are_the_inverse_of_the_poisson_distribution() -> None:
    uniform = trial_draws(3, 0).uniforms("signal_count", 400)[:, 0]
    for mean in (0.0, 0.2, 3.7, 250.0):
        counts = trial_draws(3, 0).batch.poisson("signal_count", np.full((1, 400), mean))[0]
        np.testing.assert_array_equal(counts, np.maximum(stats.poisson.ppf(uniform, mean), 0))
    with pytest.raises(ValueError, match="mean"):
        trial_draws(3, 0).batch.poisson("signal_count", np.full((1, 1), -1.0))


def test_equal_seed_and_index_give_equal_numbers_and_others_do_not() -> None:
    def first(seed: int, index: int, season: int) -> float:
        return float(trial_draws(seed, index).right_ascensions(season, 1)[0])

    assert first(1, 2, 0) == first(1, 2, 0)
    places = [(seed, index, season) for seed in (0, 1, 2, 2**70) for index in range(9) for season in range(3)]
    assert len({first(*place) for place in places}) == len(places)


def test_an_event_does_not_depend_on_how_many_others_there_are() -> None:
    many = trial_draws(1, 0).right_ascensions(0, 5000)
    for n in (1, 31, 1024, 1025):
        np.testing.assert_array_equal(trial_draws(1, 0).right_ascensions(0, n), many[:n])


def test_no_seed_means_a_new_one_each_time() -> None:
    seeds = {resolve_seed(None) for _ in range(8)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_generator_gives_a_reproducible_seed() -> None:
    assert resolve_seed(np.random.default_rng(3)) == resolve_seed(np.random.default_rng(3))
    assert isinstance(resolve_seed(np.int64(4)), int)


@pytest.mark.parametrize("seed", [-1, np.int64(-3)])
def test_negative_seeds_are_refused(seed: int) -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        resolve_seed(seed)


@pytest.mark.parametrize("seed", [1.0, "1", True, np.bool_(False), [1]])
def test_seeds_that_are_no_integers_are_refused(seed: object) -> None:
    with pytest.raises(TypeError, match="non-negative integer"):
        resolve_seed(seed)  # type: ignore[arg-type]


def test_the_trial_index_is_checked_too() -> None:
    with pytest.raises(ValueError, match="index must not be negative"):
        trial_draws(1, -1)
    with pytest.raises(TypeError, match="index must be"):
        trial_draws(1, 0.5)  # type: ignore[arg-type]


def test_a_batch_holds_the_numbers_of_its_trials_one_by_one() -> None:
    numbers, counts = np.array([3, 0, 7, 2**40]), np.array([2, 0, 5, 1])
    batch = BatchDraws(seed_key(12), numbers)
    each = [trial_draws(12, j) for j in numbers.tolist()]
    ra = [draws.right_ascensions(1, n) for draws, n in zip(each, counts, strict=True)]
    np.testing.assert_array_equal(batch.right_ascensions(1, counts), np.concatenate(ra))
    uniform = [draws.uniforms("signal", n, 1) for draws, n in zip(each, counts, strict=True)]
    np.testing.assert_array_equal(batch.uniforms("signal", counts, 1), np.concatenate(uniform))
    shares = np.array([1.0, 3.0, 0.5])
    shared = np.concatenate([draws.batch.shared(counts[i : i + 1], shares) for i, draws in enumerate(each)])
    np.testing.assert_array_equal(batch.shared(counts, shares), shared)
    assert (shared.sum(axis=1) == counts).all()
    for bad in (np.array([1, -1, 0, 0]), np.array([1])):
        with pytest.raises(ValueError, match="counts"):
            batch.uniforms("signal", bad)
