"""From one integer seed to the random streams of one trial.

Trial ``j`` of a batch with seed ``s`` owns ``SeedSequence(s, spawn_key=(j,))``, spawned into one PCG64 stream for each
season's background and one for the signal. A trial therefore depends on ``s`` and ``j`` only: not on how many workers
run the batch, not on its size or order, and its background not on whether signal is injected.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from numbers import Integral

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

__all__ = ["TrialStreams", "resolve_seed", "trial_streams"]


@dataclass(frozen=True)
class TrialStreams:
    """The random streams of one trial.

    Attributes
    ----------
    backgrounds : tuple of numpy.random.Generator
        One stream per season, for its background.
    signal : numpy.random.Generator
        The stream for everything about the signal.
    """

    backgrounds: tuple[Generator, ...]
    signal: Generator


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


def trial_streams(seed: int, index: int, n_seasons: int) -> TrialStreams:
    """Make the random streams of trial `index` of the batch with this seed.

    Parameters
    ----------
    seed : int
        Seed of the batch, not negative.
    index : int
        Number of the trial in the batch, not negative.
    n_seasons : int
        Number of seasons of the analysis.

    Returns
    -------
    TrialStreams

    Raises
    ------
    ValueError, TypeError
        For a negative or non-integer seed or index.

    Examples
    --------
    >>> first = trial_streams(1, 0, 2)
    >>> again = trial_streams(1, 0, 2)
    >>> bool(first.signal.random() == again.signal.random())
    True
    """
    if isinstance(index, (bool, np.bool_)) or not isinstance(index, Integral):
        raise TypeError(f"the trial index must be a non-negative integer, got {index!r}")
    if index < 0:
        raise ValueError(f"the trial index must not be negative, got {index}")
    children = SeedSequence(resolve_seed(seed), spawn_key=(int(index),)).spawn(n_seasons + 1)
    streams = tuple(Generator(PCG64(child)) for child in children)
    return TrialStreams(backgrounds=streams[:-1], signal=streams[-1])
