"""A small season and a repository that holds it, for tests that need an analysis and no real data."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from nusky.data.dataset import Dataset
from nusky.data.specs import DataSpec
from nusky.events import Events
from nusky.files.hashing import content_hash


def small_season(
    key: str = "SMALL_1", seed: int = 0, n: int = 2000, n_sim: int = 20_000, days: float = 100.0
) -> Dataset:
    """A season of `n` events, soft background and simulation drawn in ln E, with a good-run list."""
    rng = np.random.default_rng(seed)

    def tracks(n: int, log10energy: np.ndarray, sindec: np.ndarray) -> dict[str, np.ndarray]:
        return {
            "ra": rng.uniform(0, 2 * np.pi, n),
            "dec": np.arcsin(sindec),
            "sindec": sindec,
            "sigma": np.radians(rng.uniform(0.3, 2.0, n)),
            "log10energy": log10energy,
        }

    sindec = rng.uniform(-1, 1, n)
    data = tracks(n, 2.5 + rng.exponential(0.35, n), sindec)
    true_sindec = np.clip(rng.uniform(-1, 1, n_sim), -1, 1)
    log_e = rng.uniform(2, 7, n_sim)
    sim = tracks(n_sim, 0.9 * log_e + rng.normal(0.2, 0.3, n_sim), true_sindec)
    sim |= {
        "true_ra": sim["ra"],
        "true_dec": sim["dec"],
        "true_energy": 10**log_e,
        "oneweight": 10 ** (2 + 1.8 * log_e) * 4 * np.pi * 5 * np.log(10) / n_sim,
    }
    starts = 55_000.0 + np.arange(10) * days / 8
    return Dataset(
        key=key,
        version="v1",
        data=Events({**data, "mjd": np.sort(rng.uniform(55_000, 55_000 + days, n))}),
        sim=Events(sim),
        grl=Events({"start": starts, "stop": starts + days / 10}),
        livetime=days,
        sindec_bins=np.linspace(-1, 1, 11),
        log10energy_bins=np.linspace(2, 8, 25),
        notes=("a made-up season",),
        fingerprint=content_hash([key, seed, n, n_sim, days]),
    )


@dataclass
class SmallRepository:
    """What `get_analysis` asks of a source of seasons; counts how often it is really read."""

    seasons: dict[str, Dataset] = field(default_factory=lambda: {"SMALL_1": small_season()})
    reads: int = 0
    salt: str = ""

    @property
    def versions(self) -> tuple[str, ...]:
        return ("v1",)

    def specs(self, version: str) -> tuple[DataSpec, ...]:
        return tuple(DataSpec(key, (), "", ()) for key in self.seasons)

    def fingerprint(self, version, spec, *, on_bad=None, min_sigma=0.0) -> str:
        key = spec if isinstance(spec, str) else spec.key
        return content_hash([self.seasons[key].fingerprint, self.salt, on_bad, min_sigma])

    def read(self, version, spec, *, on_bad=None, min_sigma=0.0, log=print) -> Dataset:
        self.reads += 1
        log("Reading a season ...")
        import dataclasses

        fingerprint = self.fingerprint(version, spec, on_bad=on_bad, min_sigma=min_sigma)
        key = spec if isinstance(spec, str) else spec.key
        return dataclasses.replace(self.seasons[key], fingerprint=fingerprint)
