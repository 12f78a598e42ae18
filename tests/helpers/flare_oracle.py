"""Slow searches for flares: every window one by one, and expectation–maximisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq, minimize, minimize_scalar

from nusky.analysis import HermiteAxis
from nusky.likelihood import LikelihoodReading
from nusky.transients import season_uptime

F64 = NDArray[np.float64]


@dataclass
class Direction:
    """The near events of a trial at one direction, in the order of their times, and what a fit needs of the seasons."""

    time: F64
    season: NDArray[np.int64]
    ratio: F64  # S/B
    log_energy: F64 | None  # (N, G)
    nodes: HermiteAxis | None
    log_acceptance: F64  # (K, G)
    n_events: F64
    runs: list[tuple[F64, F64]]

    @classmethod
    def of(cls, reading: LikelihoodReading) -> Direction:
        """From the reading of a trial."""
        seasons = reading.seasons
        nodes, log_acceptance = reading._nodes
        time = np.concatenate([s.events["mjd"] for s in seasons])
        order = np.argsort(time, kind="stable")
        energy = None
        if seasons[0].log_energy_ratio is not None:
            energy = np.concatenate([np.asarray(s.log_energy_ratio, dtype=np.float64) for s in seasons])[order]
        up = [season_uptime(season) for season in reading.model.analysis]
        return cls(
            time[order],
            np.repeat(np.arange(len(seasons)), [len(s.space) for s in seasons])[order],
            np.concatenate([s.space for s in seasons])[order],
            energy,
            nodes,
            log_acceptance,
            np.array([s.n_events for s in seasons]),
            [(u.start, u.stop) for u in up],
        )

    @property
    def days(self) -> F64:
        """Uptime of each season."""
        return np.array([np.sum(stop - start) for start, stop in self.runs])

    def uptime(self, first: float, last: float) -> F64:
        """Uptime of each season between two times."""
        return np.array([np.sum(np.clip(b, first, last) - np.clip(a, first, last)) for a, b in self.runs])

    def together(self, first: float, last: float) -> float:
        """Uptime of any season; the seasons of the tests follow each other."""
        return float(self.uptime(first, last).sum())

    def at(self, gamma: float) -> tuple[F64, F64]:
        """R of each event and acceptance of each season at one γ."""
        if self.nodes is None or self.log_energy is None:
            return np.ones(len(self.time)), np.exp(self.log_acceptance[:, 0])
        index, weight = self.nodes.weights(np.array([gamma]))
        energy = np.exp((self.log_energy[:, index[0]] * weight[0]).sum(axis=-1))
        return energy, np.exp((self.log_acceptance[:, index[0]] * weight[0]).sum(axis=-1))

    def gaussian(self, t0: float, sigma: float) -> F64:
        """∫ exp(−(t − t0)²/2σ²) dt over the uptime of each season, within 6 σ."""
        first, last = t0 - 6 * sigma, t0 + 6 * sigma
        total = []
        for a, b in self.runs:
            low, high = (stats.norm.cdf(np.clip(edge, first, last), t0, sigma) for edge in (a, b))
            total.append(np.sqrt(2 * np.pi) * sigma * float(np.sum(high - low)))
        return np.array(total)

    def profile(self, first: float, last: float, gamma: float, sigma: float | None = None) -> tuple[float, float]:
        """Largest ln Λ over n_s in a window, or of a Gaussian in its middle, at one γ, and n_s."""
        energy, acceptance = self.at(gamma)
        middle = 0.5 * (first + last)
        inside = self.uptime(first, last) if sigma is None else self.gaussian(middle, sigma)
        shape = 1.0 if sigma is None else np.exp(-0.5 * ((self.time - middle) / sigma) ** 2)
        ratio = self.ratio * shape
        share = acceptance / self.days * inside
        share = share / share.sum()
        within = (self.time >= first) & (self.time <= last)
        k = self.season[within]
        with np.errstate(divide="ignore"):
            time_ratio = np.where(inside > 0, self.days / np.where(inside > 0, inside, 1.0), 0.0)
        p = share / self.n_events
        a = p[k] * (ratio[within] * energy[within] * time_ratio[k] - 1.0)
        outside = self.n_events - np.bincount(k, minlength=len(p))

        def slope(n: float) -> float:
            return float(np.sum(a / (1 + n * a)) - np.sum(outside * p / (1 - n * p)))

        if slope(0.0) <= 0:
            return 0.0, 0.0
        most = (1 - 1e-6) / p.max()
        n = most if slope(most) > 0 else brentq(slope, 0.0, most, xtol=1e-12, rtol=1e-13)
        return float(np.sum(np.log1p(n * a)) + np.sum(outside * np.log1p(-n * p))), n

    def fit(self, first: float, last: float, gammas: F64) -> tuple[float, float, float]:
        """Largest ln Λ over n_s and γ in a window: a grid, then around its best."""
        if self.nodes is None:
            value, n = self.profile(first, last, np.nan)
            return value, n, np.nan
        grid = [self.profile(first, last, g)[0] for g in gammas]
        best = int(np.argmax(grid))
        if grid[best] == 0.0 or len(gammas) == 1:
            return (*self.profile(first, last, float(gammas[best])), float(gammas[best]))
        low, high = gammas[max(0, best - 1)], gammas[min(len(gammas) - 1, best + 1)]
        found = minimize_scalar(
            lambda g: -self.profile(first, last, g)[0], bounds=(low, high), method="bounded", options={"xatol": 1e-7}
        )
        if -found.fun < grid[best]:
            return (*self.profile(first, last, float(gammas[best])), float(gammas[best]))
        return (*self.profile(first, last, float(found.x)), float(found.x))


def windows(d: Direction, seeds: F64, dt_min: float, dt_max: float) -> list[tuple[float, float]]:
    """Every window between two seeds, and from each seed on the one with `dt_min` of uptime."""
    found = []
    total = d.together(-np.inf, np.inf)
    for i, first in enumerate(seeds):
        before = d.together(-np.inf, first)
        if before + dt_min <= total:
            low, high = first, max(stop[-1] for _, stop in d.runs)
            last = brentq(lambda t, f=first: d.together(f, t) - dt_min, low, high, xtol=1e-13, rtol=1e-15)
            if last - first <= dt_max:
                found.append((first, last))
        for last in seeds[i + 1 :]:
            if last - first <= dt_max and d.together(first, last) >= dt_min:
                found.append((first, last))
    return found


def windows_around(d: Direction, middle: float, seeds: F64, dt_min: float, dt_max: float) -> list[tuple[float, float]]:
    """Every window around a moment that starts or ends at a seed, and the one with `dt_min` of uptime."""
    far = max(abs(edge - middle) for start, stop in d.runs for edge in (start[0], stop[-1]))
    halves = [brentq(lambda h: d.together(middle - h, middle + h) - dt_min, 0.0, far, xtol=1e-13, rtol=1e-15)]
    halves += [h for h in np.abs(seeds - middle) if h >= halves[0]]
    # the event at the edge is in the window, whatever rounding says
    return [(middle - h * (1 + 1e-12), middle + h * (1 + 1e-12)) for h in halves if 2 * h <= dt_max]


def brute_force(
    d: Direction,
    options: Any,
    gammas: F64,
    seeds_within: tuple[float, float] = (-np.inf, np.inf),
    middle: float | None = None,
) -> dict[str, float]:
    """The best of all windows, or of those around a `middle`; `options` has dt_min, dt_max, threshold, penalty_days."""
    fine = np.linspace(gammas[0], gammas[-1], 200) if len(gammas) > 1 else gammas
    peak = np.max([d.at(g)[0] for g in fine], axis=0)
    seeds = np.unique(d.time[d.ratio * peak >= options["threshold"]])
    seeds = seeds[(seeds > seeds_within[0]) & (seeds < seeds_within[1])]
    best = {"ts": 0.0, "ns": 0.0, "gamma": np.nan, "start": np.nan, "stop": np.nan}
    limits = options["dt_min"], options["dt_max"]
    for first, last in windows(d, seeds, *limits) if middle is None else windows_around(d, middle, seeds, *limits):
        if last >= seeds_within[1]:
            continue
        penalty = 0.0
        if options["penalty_days"] > 0:
            penalty = 2 * np.log(d.together(first, last) / options["penalty_days"])
        rough = max(d.profile(first, last, g)[0] for g in gammas[::2])
        if 2 * rough + 1.5 + penalty <= best["ts"] or rough == 0.0:
            continue
        value, n, gamma = d.fit(first, last, gammas)
        if 2 * value + penalty > best["ts"]:
            best = {"ts": 2 * value + penalty, "ns": n, "gamma": gamma, "start": first, "stop": last}
    return best


def best_gaussian(d: Direction, options: Any, gammas: F64, per_sigma: float = 2.5) -> dict[str, float]:
    """The best Gaussian of a dense grid in t0, ln σ and γ, the best few of which are climbed from.

    Middles are `per_sigma` to a σ, but only where an event above the threshold is within 2 σ.
    """
    peak = np.max([d.at(g)[0] for g in np.linspace(gammas[0], gammas[-1], 200)], axis=0)
    seeds = np.unique(d.time[d.ratio * peak >= options["threshold"]])
    first, last = min(a[0] for a, _ in d.runs), max(b[-1] for _, b in d.runs)
    most = min(options["dt_max"], last - first)

    def ts(t0: float, sigma: float, gamma: float) -> float:
        integral = float(d.gaussian(t0, sigma).sum())
        if integral <= 0:
            return -np.inf
        penalty = 2 * np.log(integral / options["penalty_days"]) if options["penalty_days"] > 0 else 0.0
        return 2 * d.profile(t0 - 6 * sigma, t0 + 6 * sigma, gamma, sigma)[0] + penalty

    found = []
    for sigma in np.geomspace(
        options["dt_min"], most, 1 + int(np.ceil(np.log(most / options["dt_min"]) / np.log(1.6)))
    ):
        step = sigma / per_sigma
        near = np.unique(np.concatenate([np.round(seeds / step) + i for i in range(-5, 6)])) * step
        for t0 in near[(near >= first) & (near <= last)]:
            rough = [ts(t0, sigma, g) for g in gammas[::3]]
            found.append((max(rough), t0, sigma, gammas[::3][int(np.argmax(rough))]))
    found.sort(reverse=True)
    best = {"ts": 0.0, "t0": np.nan, "sigma": np.nan, "gamma": np.nan}
    for _, t0, sigma, gamma in found[:8]:
        climbed = minimize(
            lambda x, s=sigma, t=t0: -ts(t + x[0] * s, s * np.exp(x[1]), float(np.clip(x[2], gammas[0], gammas[-1]))),
            [0.0, 0.0, gamma],
            method="Nelder-Mead",
            bounds=[(None, None), (np.log(options["dt_min"] / sigma), np.log(most / sigma)), (gammas[0], gammas[-1])],
            options={"xatol": 1e-5, "fatol": 1e-8, "maxiter": 600},
        )
        if -climbed.fun > best["ts"]:
            x = climbed.x
            best = {"ts": -climbed.fun, "t0": t0 + x[0] * sigma, "sigma": sigma * np.exp(x[1]), "gamma": x[2]}
    return best


def expectation_maximisation(d: Direction, options: Any, gammas: F64) -> float:
    """The best box that expectation–maximisation of a Gaussian in time leads to, from several starts and at several γ.

    The Gaussian's middle and width are those of the events, weighted with the probability that they are signal; the box
    has the same middle and standard deviation. TS of the box as `brute_force` has it.
    """
    best, live = 0.0, d.together(-np.inf, np.inf)
    first, last = min(a[0] for a, _ in d.runs), max(b[-1] for _, b in d.runs)
    peak = np.max([d.at(g)[0] for g in np.linspace(gammas[0], gammas[-1], 200)], axis=0)
    seeds = np.unique(d.time[d.ratio * peak >= options["threshold"]])
    for gamma in gammas[::4] if len(seeds) else ():
        energy, _ = d.at(gamma)
        weight = d.ratio * energy
        for start in np.linspace(first, last, 6):
            middle, width, n = start, 0.1 * live, 10.0
            for _ in range(100):
                density = np.exp(-0.5 * ((d.time - middle) / width) ** 2) / (np.sqrt(2 * np.pi) * width)
                signal = n * weight * density
                probability = signal / (signal + d.n_events.sum() / live)
                n = max(float(probability.sum()), 1e-3)
                middle = float((probability * d.time).sum() / n)
                width = max(float(np.sqrt((probability * (d.time - middle) ** 2).sum() / n)), options["dt_min"])
            low, high = middle - np.sqrt(3) * width, middle + np.sqrt(3) * width
            # windows start and end at seeds: the nearest ones
            low, high = (float(seeds[np.argmin(np.abs(seeds - edge))]) for edge in (low, high))
            up = d.together(low, high)
            if up < options["dt_min"] or high - low > options["dt_max"]:
                continue
            penalty = 2 * np.log(up / options["penalty_days"]) if options["penalty_days"] > 0 else 0.0
            best = max(best, 2 * d.fit(low, high, gammas)[0] + penalty)
    return best
