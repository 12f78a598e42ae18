"""Seeds: a trial depends on seed and index only."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.injection.seeding import resolve_seed, trial_streams


def draws(seed: int, index: int, n_seasons: int) -> list[float]:
    streams = trial_streams(seed, index, n_seasons)
    return [float(rng.random()) for rng in (*streams.backgrounds, streams.signal)]


def test_the_streams_are_those_the_contract_names() -> None:
    children = np.random.SeedSequence(5, spawn_key=(7,)).spawn(3)
    expected = [np.random.Generator(np.random.PCG64(child)).random() for child in children]
    assert draws(5, 7, 2) == expected


def test_equal_seed_and_index_give_equal_streams_and_others_do_not() -> None:
    assert draws(1, 2, 2) == draws(1, 2, 2)
    different = [draws(seed, index, 2) for seed in range(3) for index in range(3)]
    flat = [value for values in different for value in values]
    assert len(set(flat)) == len(flat)


def test_a_season_keeps_its_stream_when_another_season_is_added() -> None:
    assert draws(1, 0, 1)[0] == draws(1, 0, 3)[0]


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
        trial_streams(1, -1, 1)
    with pytest.raises(TypeError, match="index must be"):
        trial_streams(1, 0.5, 1)  # type: ignore[arg-type]
