"""From one integer seed to the random numbers of one trial.

Numbers are made by counter (Philox4x32-10, in the core): what happens to event i of season k in trial j under a seed is
a function of (seed, j, k, i). A trial therefore depends on its seed and number only: not on how many workers run the
batch, not on its size or order, and its background not on whether signal is injected, or on what is fitted.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from numbers import Integral

import numpy as np
from numpy.random import Generator

from nusky import _core
from nusky.typing import F64, I64

__all__ = ["RANDOM", "BatchDraws", "TrialDraws", "resolve_seed", "seed_key", "trial_draws"]


RANDOM = "philox-1"
"""How random numbers are made, as configurations name it: trials of another scheme are other trials."""


@dataclass(frozen=True)
class TrialDraws:
    """The random numbers of one trial: each is a function of seed, trial, purpose, season and item alone.

    Attributes
    ----------
    key : int
        Of the seed, see `seed_key`.
    index : int
        Number of the trial.
    """

    key: int
    index: int

    def right_ascensions(self, season: int, n: int) -> F64:
        """(n,) right ascensions of the background of a season, rad, uniform in [0, 2π)."""
        return _core.random_right_ascensions(self.key, self.index, season, n)

    def uniforms(self, purpose: str, n: int, season: int = 0) -> F64:
        """(n, 2) numbers uniform in [0, 1), two for each item; `purpose` is a key of ``_core.purposes``."""
        return _core.random_uniforms(self.key, self.index, _core.purposes[purpose], season, n)

    def signal_count(self, n_sig: float, poisson: bool) -> int:
        """Number of events to inject."""
        return int(self.batch.signal_counts(n_sig, poisson)[0])

    @property
    def batch(self) -> BatchDraws:
        """The numbers of this trial as those of a batch of one."""
        return BatchDraws(self.key, np.array([self.index], dtype=np.int64))


@dataclass(frozen=True, eq=False)
class BatchDraws:
    """The random numbers of many trials, the same as `TrialDraws` gives for each of them, without Python for each.

    Attributes
    ----------
    key : int
        Of the seed, see `seed_key`.
    numbers : (T,) int64
        Of the trials.

    Examples
    --------
    >>> draws = BatchDraws(seed_key(1), np.array([0, 7]))
    >>> together = draws.uniforms("signal", np.array([2, 3]))
    >>> bool((together[2:] == trial_draws(1, 7).uniforms("signal", 3)).all())
    True
    """

    key: int
    numbers: I64

    def __len__(self) -> int:
        return len(self.numbers)

    def right_ascensions(self, season: int, counts: I64) -> F64:
        """(Σ counts,) right ascensions of the first `counts` (T,) background events of each trial, trial by trial."""
        return _core.random_right_ascensions_of_trials(self.key, self.numbers, counts, season)

    def uniforms(self, purpose: str, counts: I64, season: int = 0) -> F64:
        """(Σ counts, 2) numbers for the first `counts` (T,) items of each trial, trial by trial."""
        return _core.random_uniforms_of_trials(self.key, self.numbers, counts, _core.purposes[purpose], season)

    def poisson(self, purpose: str, means: F64, season: int = 0) -> I64:
        """Poisson-distributed counts of means (T, J): item j of each trial for mean j."""
        each = np.full(len(self), means.shape[1], dtype=np.int64)
        uniform = np.ascontiguousarray(self.uniforms(purpose, each, season)[:, 0])
        return _core.poisson_counts(np.ascontiguousarray(means).ravel(), uniform).reshape(means.shape)

    def signal_counts(self, n_sig: float, poisson: bool) -> I64:
        """(T,) number of events to inject."""
        if poisson:
            return self.poisson("signal_count", np.full((len(self), 1), float(n_sig)))[:, 0]
        return np.full(len(self), int(n_sig), dtype=np.int64)

    def shared(self, counts: I64, shares: F64) -> I64:
        """(T, J) how many of `counts` (T,) events fall to each of J sources, multinomial, probabilities ∝ `shares`."""
        if len(shares) == 1:
            return counts[:, None]
        ends = np.cumsum(shares)
        uniform = self.uniforms("signal_count", counts + 1)[:, 0]
        # The first number of each trial is that of the count itself
        uniform = np.delete(uniform, np.cumsum(counts + 1) - (counts + 1))
        source = np.searchsorted(ends / ends[-1], uniform, side="right")
        of = np.repeat(np.arange(len(self)), counts) * len(shares) + source
        return np.bincount(of, minlength=len(self) * len(shares)).reshape(len(self), len(shares))


def resolve_seed(seed: int | Generator | None) -> int:
    """Give the integer seed of a batch.

    Parameters
    ----------
    seed : int, numpy.random.Generator or None
        A non-negative integer is kept; a generator is asked for 63 bits; ``None`` takes 63 bits from the operating
        system. The integer is written with every result, so any trial can be made again.

    Returns
    -------
    int
        Non-negative.

    Raises
    ------
    ValueError
        For a negative seed.
    TypeError
        For anything that is not an integer, a generator or None.

    Examples
    --------
    >>> resolve_seed(7)
    7
    """
    if seed is None:
        return secrets.randbits(63)
    if isinstance(seed, Generator):
        return int(seed.integers(0, 2**63 - 1))
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, Integral):
        raise TypeError(f"seed must be a non-negative integer, a numpy Generator or None, got {seed!r}")
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    return int(seed)


@lru_cache(maxsize=64)
def seed_key(seed: int) -> int:
    """Key of the generator, 64 bits, for a seed of any size: its BLAKE2b hash.

    Examples
    --------
    >>> seed_key(1) == seed_key(1), seed_key(1) == seed_key(2)
    (True, False)
    """
    return int.from_bytes(blake2b(str(int(seed)).encode(), digest_size=8).digest(), "little")


def trial_draws(seed: int, index: int) -> TrialDraws:
    """Give the random numbers of trial `index` of the batch with this seed.

    Parameters
    ----------
    seed : int
        Seed of the batch, not negative.
    index : int
        Number of the trial in the batch, not negative.

    Returns
    -------
    TrialDraws

    Raises
    ------
    ValueError, TypeError
        For a negative or non-integer seed or index.

    Examples
    --------
    >>> first, again = trial_draws(1, 0), trial_draws(1, 0)
    >>> bool((first.uniforms("signal", 3) == again.uniforms("signal", 3)).all())
    True
    """
    if isinstance(index, (bool, np.bool_)) or not isinstance(index, Integral):
        raise TypeError(f"the trial index must be a non-negative integer, got {index!r}")
    if index < 0:
        raise ValueError(f"the trial index must not be negative, got {index}")
    return TrialDraws(seed_key(resolve_seed(seed)), int(index))
