"""Seasons with a good-run list, for tests of time windows: 0.9 days of data in each of 100 days."""

from __future__ import annotations

import dataclasses

import numpy as np

from nusky.analysis.analysis import Analysis
from nusky.analysis.set_up import ModelOptions, set_up
from nusky.data.dataset import Dataset
from nusky.events import Events
from small_analysis import small_dataset

FIRST = 56_000.0
RUNS = 100
UP = 0.9
OPTIONS = ModelOptions(gammas=tuple(np.linspace(1, 4, 13).tolist()))


def timed_dataset(key: str = "timed", first: float = FIRST, n_data: int = 4_500, seed: int = 1, **size: int) -> Dataset:
    """Events uniform over the uptime: 50 a day of it, 45 a day of the clock."""
    season = small_dataset(key, n_data=n_data, seed=seed, **size)
    rng = np.random.default_rng([seed, 7])
    start = first + np.arange(RUNS)
    elapsed = np.sort(rng.uniform(0, RUNS * UP, n_data))
    mjd = start[(elapsed / UP).astype(int)] + elapsed % UP
    return dataclasses.replace(
        season,
        data=season.data.with_columns(mjd=mjd),
        grl=Events({"start": start, "stop": start + UP}),
        livetime=RUNS * UP,
        fingerprint=f"{season.fingerprint}-{first}",
    )


def timed_analysis(*starts: float, **size: int) -> Analysis:
    """One season for each start."""
    seasons = [timed_dataset(f"timed{i}", start, seed=i + 1, **size) for i, start in enumerate(starts or (FIRST,))]
    return Analysis([set_up(season, OPTIONS) for season in seasons])
