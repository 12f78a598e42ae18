"""A trial runner whose TS distribution is known exactly: the oracle for everything made of trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import optimize, stats


class ToyRunner:
    """TS = max(0, z)², z normal with mean 0.6 a signal event; half a χ²₁ without signal."""

    strength = 0.6

    def __init__(self, ceiling: float = np.inf) -> None:
        self.ceiling = ceiling  # TS never exceeds it: a threshold above is out of reach
        self.calls: list[tuple[float, list[int]]] = []

    def config(self) -> dict[str, Any]:
        return {"runner": "toy", "strength": self.strength}

    def fit_trials(
        self, indices: Sequence[int], n_sig: float = 0, poisson: bool = False, seed: int = 0, n_threads: int = 1
    ) -> np.ndarray:
        numbers = [int(j) for j in indices]
        self.calls.append((n_sig, numbers))
        if not poisson and n_sig != int(n_sig):
            raise ValueError(f"n_sig={n_sig} is not a whole number")
        rows = np.zeros(len(numbers), dtype=[("ts", "f8"), ("ns", "f8")])
        for i, j in enumerate(numbers):
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(j,)))
            n = rng.poisson(n_sig) if poisson else n_sig
            z = max(0.0, rng.normal() + self.strength * n)
            rows[i] = (min(z * z, self.ceiling), z)
        return rows

    def to_E2dNdE(
        self, ns: float, flux: Any = None, *, E0: float = 1.0, unit: float = 1.0, gamma: float = 2.0
    ) -> float:
        return 1e-12 * ns / unit


def exact_n_sig(ts: float, beta: float, poisson: bool = True) -> float:
    """What `find_n_sig` must find for the toy."""
    z = np.sqrt(ts)

    def excess(mean: float) -> float:
        if not poisson:
            return float(stats.norm.sf(z - ToyRunner.strength * mean)) - beta
        n = np.arange(200)
        return float(stats.poisson.pmf(n, mean) @ stats.norm.sf(z - ToyRunner.strength * n)) - beta

    return float(optimize.brentq(excess, 1e-6, 100))
