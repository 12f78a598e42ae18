"""`_core.hottest` finds what the whole map shows, to the last bit, on skies, seasons and priors drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from nusky import _core
from nusky.pixels import PixelSet, select_pixels

F64 = NDArray[np.float64]


def season(rng: np.random.Generator, nodes: F64, src: tuple[float, float]) -> tuple[_core.EventColumns, F64]:
    """A handful to ten thousand events of all widths, some of them around a source."""
    n = int(10 ** rng.uniform(0.5, 4.0))
    dec, ra = np.arcsin(rng.uniform(-1, 1, n)), rng.uniform(0, 2 * np.pi, n)
    sigma = np.radians(0.2 + np.abs(rng.normal(0, 1, n)))
    wide = rng.random(n) < 0.02
    sigma[wide] = np.radians(rng.uniform(5, 150, wide.sum()))
    near = min(n // 2, int(rng.integers(0, 15)))
    dec[:near] = np.clip(src[1] + sigma[:near] * rng.normal(0, 1, near), -1.57, 1.57)
    ra[:near] = (src[0] + sigma[:near] * rng.normal(0, 1, near)) % (2 * np.pi)
    log_ratio = None
    if nodes.size:
        energy = rng.normal(0, 1, n)[:, None]
        log_ratio = np.clip(energy**2 / 2 - (energy - (4 - nodes) / 2) ** 2 / 2, -8, 6).astype(np.float32)
    return _core.EventColumns(dec, sigma, np.full(n, 0.25 / np.pi), log_ratio, nodes), ra


def prior_term(rng: np.random.Generator, pixels: PixelSet) -> F64:
    """From a single pixel to flat, with floors, holes and nothing at all."""
    v = np.stack([np.cos(pixels.dec) * np.cos(pixels.ra), np.cos(pixels.dec) * np.sin(pixels.ra), np.sin(pixels.dec)])
    apart = 1 - v[:, rng.integers(len(pixels))] @ v
    term = np.maximum(-apart * 10 ** rng.uniform(0, 4), -(10 ** rng.uniform(0, 3)))
    kind = rng.random()
    if kind < 0.3:
        term[rng.random(len(pixels)) < 0.7] = -np.inf
    elif kind < 0.4:
        term[:] = -np.inf
    elif kind < 0.5:
        term[:] = 0.0
    elif kind < 0.6:
        term[np.arange(len(pixels)) != rng.integers(len(pixels))] = -np.inf
    return np.asarray(term, dtype=np.float64)


@pytest.mark.parametrize("seed", range(6))
def test_the_hottest_direction_is_that_of_the_whole_map(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(25):
        n_seasons, n_nodes = int(rng.integers(1, 4)), int(rng.choice([0, 2, 5, 49]))
        nodes = np.linspace(1, 4, n_nodes) if n_nodes else np.empty(0)
        gamma = float(rng.uniform(1, 4)) if n_nodes and rng.random() < 0.3 else None
        extended = bool(rng.integers(2))
        src = (float(rng.uniform(0, 6.28)), float(np.arcsin(rng.uniform(-1, 1))))
        seasons = [season(rng, nodes, src) for _ in range(n_seasons)]
        n_events = np.array([len(columns) * (rng.uniform(0.5, 2) if extended else 1.0) for columns, _ in seasons])
        acceptance = rng.normal(0, 1, (n_seasons, 3, 1)) + rng.normal(0, 1, (n_seasons, 3, 1)) * (
            nodes if n_nodes else np.zeros(1)
        )
        likelihood = _core.Likelihood(nodes, np.array([-1.0, 0.0, 1.0]), acceptance, extended=extended)
        index = _core.EventIndex([(c, ra, k, None, None) for k, (c, ra) in enumerate(seasons)], n_events)
        pixels = select_pixels(int(rng.choice([4, 8, 16])))
        terms = np.stack([prior_term(rng, pixels) for _ in range(int(rng.integers(1, 4)))])

        ts, ns, fitted, status = _core.scan(likelihood, index, pixels.directions, gamma=gamma)
        search = _core.SearchPlan(pixels.directions, terms)
        for prune in (True, False):
            found: Any = _core.hottest(likelihood, index, search, gamma=gamma, prune=prune)
            for row, term in zip(found, terms, strict=True):
                best = int(np.argmax(ts + term))
                if (ts + term)[best] == -np.inf:
                    assert row["direction"] == -1
                    continue
                assert row["direction"] == best
                assert row["ts_prior"] == (ts + term)[best]
                assert (row["ts"], row["ns"], row["status"]) == (ts[best], ns[best], status[best])
                np.testing.assert_equal(row["gamma"], fitted[best])
