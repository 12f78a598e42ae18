"""Made-up events for tests of the compiled core: plain arrays, the core's objects, and tiled directions.

Imports nothing but numpy and the core, so that a test can run it in a process of its own at little cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky import _core

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Fits = tuple[F64, F64, F64, NDArray[np.int8]]

NODES = np.linspace(1.0, 4.0, 49)


@dataclass(frozen=True)
class Events:
    """One season, all (N,) but `log_energy_ratio` (N, G)."""

    ra: F64
    dec: F64
    sigma: F64
    background: F64
    log_energy_ratio: NDArray[np.float32]
    nodes: F64
    n_events: float

    def __getitem__(self, rows: Any) -> Events:
        columns = ("ra", "dec", "sigma", "background", "log_energy_ratio")
        return replace(self, **{name: np.ascontiguousarray(getattr(self, name)[rows]) for name in columns})


def made_up(n: int, seed: int = 1, *, nodes: F64 = NODES, widest: float = 20.0, clump: int = 0) -> Events:
    """Isotropic events, σ log-uniform from 0.3° to `widest` degrees, and `clump` hard ones around (1.0, 0.3)."""
    rng = np.random.default_rng(seed)
    ra, dec = 2 * np.pi * rng.random(n), np.arcsin(rng.uniform(-1, 1, n))
    sigma = np.radians(0.3 * (widest / 0.3) ** rng.random(n))
    energy = rng.exponential(0.5, n)
    ra[:clump] = 1.0 + 0.01 * rng.standard_normal(clump)
    dec[:clump] = 0.3 + 0.01 * rng.standard_normal(clump)
    sigma[:clump], energy[:clump] = 0.01, 1.8
    shift = nodes - (4.0 - energy[:, None])
    ratio = (0.9 * energy[:, None] - 0.7 * shift**2).astype(np.float32)
    return Events(ra, dec, sigma, (1 + 0.3 * np.sin(dec)) / (4 * np.pi), ratio, nodes, float(n))


def log_acceptance(n_seasons: int, nodes: F64 = NODES) -> tuple[F64, F64]:
    """sin(dec) nodes (D,) and ln A (K, D, G) that differ between seasons in level, spectrum and declination."""
    sindec = np.array([-1.0, -0.2, 0.4, 1.0])
    k = np.arange(n_seasons)[:, None, None]
    return sindec, np.asarray(-1.2 * k + (0.5 * k - 0.3) * (nodes - 2.0) + 0.7 * k * sindec[:, None])


def likelihood(n_seasons: int = 1, nodes: F64 = NODES, *, extended: bool = False) -> _core.Likelihood:
    sindec, table = log_acceptance(n_seasons, nodes)
    return _core.Likelihood(nodes, sindec, table, extended=extended)


def columns(events: Events, **options: float) -> _core.EventColumns:
    return _core.EventColumns(
        events.dec, events.sigma, events.background, events.log_energy_ratio, events.nodes, **options
    )


def index(*seasons: Events, n_threads: int = 0) -> _core.EventIndex:
    parts = [(columns(events), events.ra, k, None, None) for k, events in enumerate(seasons)]
    return _core.EventIndex(parts, np.array([events.n_events for events in seasons]), n_threads=n_threads)


def whole_sky(n: int) -> tuple[F64, F64]:
    """Fibonacci points."""
    i = np.arange(n)
    return np.mod(2.399963229728653 * i, 2 * np.pi), np.arcsin(-1 + (2 * i + 1) / n)


@dataclass(frozen=True)
class Tiles:
    """Directions (P,) with their tiles (T,)."""

    ra: F64
    dec: F64
    tile: I64
    tile_ra: F64
    tile_dec: F64
    radius: float

    def directions(self, rows: Any = slice(None), turn: float = 0.0) -> _core.Directions:
        """Those of `rows`, turned in right ascension."""
        ra, dec, tile = (np.ascontiguousarray(a[rows]) for a in (self.ra, self.dec, self.tile))
        radius = np.full(len(self.tile_ra), self.radius)
        return _core.Directions(ra + turn, dec, tile, self.tile_ra + turn, self.tile_dec, radius)


def patch(side: int, ra: float = 1.0, dec: float = 0.3, step: float = 0.01) -> Tiles:
    """(4·side)² directions around a point, 16 to a tile."""
    offset = step * (np.arange(4 * side) - 2 * side + 0.5)
    grid_ra, grid_dec = (a.ravel() for a in np.meshgrid(ra + offset, dec + offset))
    x, y = (a.ravel() // 4 for a in np.meshgrid(np.arange(4 * side), np.arange(4 * side)))
    centre = step * (4 * np.arange(side) - 2 * side + 2.0)
    tile_ra, tile_dec = (a.ravel() for a in np.meshgrid(ra + centre, dec + centre))
    return Tiles(grid_ra, grid_dec, (side * y + x).astype(np.int64), tile_ra, tile_dec, 2.2 * step)


def same_bits(a: Fits, b: Fits) -> bool:
    return all(x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))
