"""Profile likelihood of a fit: intervals of n_s and γ, their common region, and the fluxes inside it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from nusky.checks import check_fraction
from nusky.likelihood.reading import LikelihoodReading
from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nusky.trial import Fit

__all__ = ["LikelihoodProfile"]

_N_GAMMA, _N_NS = 49, 160
# Share of n_s an event, S/B with energy and time of the events near, and N of a season
_Term = tuple[float, F64, float]


@dataclass(frozen=True, eq=False)
class LikelihoodProfile:
    """TS(n_s, γ) around the best fit of one position.

    A parameter's interval holds the values whose profile, the largest TS over the other parameter, lies no more than
    the quantile of χ² with one degree of freedom below the maximum; the common region of both uses two. Where n_s is
    near its bound 0 or γ near the ends of its range, coverage is not exactly the level.

    Parameters
    ----------
    reading : LikelihoodReading
    fit : Fit
        At the position of the reading.

    Examples
    --------
    >>> profile = tr.get_one_llh_from_trial(trial).profile()                          # doctest: +SKIP
    >>> profile.interval("ns"), profile.interval("gamma", 0.9)                        # doctest: +SKIP
    ((7.9, 18.2), (1.83, 2.61))
    """

    reading: LikelihoodReading
    fit: Fit

    @property
    def gamma_free(self) -> bool:
        """Whether γ is a parameter."""
        return self.reading.model.options.mode == "fit"

    @cached_property
    def gammas(self) -> F64:
        """(Y,) γ at which the profile over γ is looked at."""
        nodes = self.reading.model.analysis.gamma_nodes
        return np.linspace(nodes[0], nodes[-1], _N_GAMMA) if self.gamma_free else np.array([np.nan])

    @cached_property
    def n_max(self) -> float:
        """n_s cannot be larger: as many events as there are; without end in a time window."""
        if self.reading.extended:
            return math.inf
        gammas = self.gammas if self.gamma_free else [None]
        limits = [season.n_events for season in self.reading.seasons]
        return min(float(np.min(limits / self.reading.shares(gamma))) for gamma in gammas)

    def ts(self, ns: ArrayLike, gamma: float | None = None) -> F64:
        """(…) 2 ln Λ at n_s ≥ 0 and one γ; negative where that is worse than no signal."""
        return 2.0 * self.reading.log_likelihood_ratio(ns, gamma if self.gamma_free else None)

    @cached_property
    def best(self) -> tuple[float, float, float]:
        """n_s, γ and TS of the maximum, found here; γ is NaN where there is none."""
        tops = [self.over_ns(gamma) for gamma in self.gammas]
        ns, ts = max(tops, key=lambda top: top[1])
        if not self.gamma_free or ns <= 0:
            return ns, math.nan, ts
        at = tops.index((ns, ts))
        low, high = self.gammas[max(at - 1, 0)], self.gammas[min(at + 1, len(self.gammas) - 1)]
        gamma, value = _maximum(lambda g: self.over_ns(g)[1], low, high)
        if value < ts:
            return ns, float(self.gammas[at]), ts
        return (*self.over_ns(gamma)[:1], gamma, value)

    def _terms(self, gamma: float) -> list[_Term]:
        """What n_s multiplies at one γ, season by season."""
        at = float(gamma) if self.gamma_free else None
        reading = self.reading
        pairs = zip(reading.seasons, reading.shares(at), strict=True)
        return [
            (float(share) / one.n_events, one.space * one.time * reading.energy_ratio(one, at), one.n_events)
            for one, share in pairs
        ]

    @cached_property
    def _grid(self) -> list[list[_Term]]:
        """`_terms` at each of `gammas`."""
        return [self._terms(gamma) for gamma in self.gammas]

    def _value(self, terms: list[_Term], ns: float) -> float:
        """2 ln Λ, as `LikelihoodReading.log_likelihood_ratio` has it."""
        total = -ns if self.reading.extended else 0.0
        for scale, weight, n_events in terms:
            x = ns * scale
            if self.reading.extended:
                total += float(np.log1p(x * weight).sum())
            else:
                total += float(np.log1p(x * (weight - 1.0)).sum())
                total += (n_events - len(weight)) * math.log1p(-x)
        return 2.0 * total

    def over_ns(self, gamma: float) -> tuple[float, float]:
        """n_s ≥ 0 with the largest TS at this γ, and that TS; ln Λ is concave in n_s."""
        terms, most = self._terms(gamma), self.n_max * (1 - 1e-9)
        high = min(most, max(4.0, 3.0 * self.fit.ns))
        while high < min(most, 1e6) * 0.5 and self._value(terms, 2 * high) > self._value(terms, high):
            high *= 2
        ns, ts = _maximum(lambda n: self._value(terms, n), 0.0, min(2 * high, most))
        return (ns, ts) if ts > 0 else (0.0, 0.0)

    def over_gamma(self, ns: float) -> float:
        """Largest TS over γ at this n_s: that of a parabola through the best of `gammas` and its neighbours."""
        values = [self._value(terms, ns) for terms in self._grid]
        at = int(np.argmax(values))
        if not 0 < at < len(values) - 1:
            return values[at]
        left, top, right = values[at - 1 : at + 2]
        bend = left - 2 * top + right
        return top if bend >= 0 else top - (left - right) ** 2 / (8 * bend)

    def interval(self, name: Literal["ns", "gamma"], level: float = 0.6827) -> tuple[float, float]:
        """Profile-likelihood interval of a parameter.

        Parameters
        ----------
        name : "ns" or "gamma"
        level : float
            Confidence, 0 … 1.

        Returns
        -------
        low, high : float
            Cut at 0 for n_s, at the ends of the γ range for γ. γ has no interval (NaN) where n_s = 0 is the best fit.

        Raises
        ------
        ValueError
            For a level out of range, another name, or γ where it is not fitted.
        """
        border = self.best[2] - _quantile(level, 1)
        if name == "ns":
            return self._sides(self.over_gamma, self.best[0], 0.0, self.n_max, border)
        if name != "gamma":
            raise ValueError(f"name={name!r} is not known; use 'ns' or 'gamma'")
        if not self.gamma_free:
            raise ValueError("gamma is not fitted here: it has no interval")
        if self.best[0] <= 0:
            return math.nan, math.nan
        return self._sides(
            lambda g: self.over_ns(g)[1], self.best[1], float(self.gammas[0]), float(self.gammas[-1]), border
        )

    @staticmethod
    def _sides(profile: Any, best: float, lowest: float, highest: float, border: float) -> tuple[float, float]:
        """Where a profile falls below the border on both sides of its maximum."""
        from scipy.optimize import brentq

        def crossing(inside: float, outside: float) -> float:
            return float(brentq(lambda x: profile(x) - border, inside, outside, xtol=1e-6, rtol=1e-8))

        low = lowest if profile(lowest) >= border else crossing(lowest, best)
        step = max(1.0, best)
        high = min(best + step, highest)
        while high < highest and profile(high) >= border:
            step *= 2
            high = min(best + step, highest)
        at_end = high == highest and (math.isinf(highest) or profile(highest * (1 - 1e-9)) >= border)
        return low, highest if at_end else crossing(best, min(high, highest * (1 - 1e-9)))

    def region(self, level: float = 0.6827) -> tuple[F64, F64, F64, float]:
        """The common region of n_s and γ, on a grid that covers it.

        Parameters
        ----------
        level : float
            Confidence, 0 … 1.

        Returns
        -------
        ns : (X,)
        gamma : (Y,)
        ts : (X, Y)
        border : float
            Inside are the points with TS ≥ border.

        Raises
        ------
        ValueError
            For a level out of range, or where γ is not fitted.
        """
        if not self.gamma_free:
            raise ValueError("gamma is not fitted here: n_s alone has an interval")
        border = self.best[2] - _quantile(level, 2)
        low, high = self._sides(self.over_gamma, self.best[0], 0.0, self.n_max, border)
        margin = 0.1 * (high - low)
        ns = np.linspace(max(0.0, low - margin), min(high + margin, self.n_max * (1 - 1e-9)), _N_NS)
        return ns, self.gammas, self.reading.scan_ts(ns, self.gammas)[0], border

    def contour(self, level: float = 0.6827) -> list[F64]:
        """Closed or open lines of (n_s, γ) around the common region.

        Returns
        -------
        list of (M, 2) arrays
        """
        from contourpy import contour_generator

        ns, gamma, ts, border = self.region(level)
        return [np.asarray(line) for line in contour_generator(ns, gamma, ts.T).lines(border)]

    def flux_band(self, energy: ArrayLike, level: float = 0.6827) -> tuple[F64, F64, F64]:
        """Smallest, best and largest E² dN/dE of the power laws in the common region.

        In a time window the flux is that in the window.

        Parameters
        ----------
        energy : (E,) GeV
        level : float

        Returns
        -------
        low, best, high : (E,) GeV cm⁻² s⁻¹
        """
        e = np.atleast_1d(np.asarray(energy, dtype=np.float64))
        ns, gamma, ts, border = self.region(level)
        log_accepted = np.log([self._acceptance(g) for g in gamma])
        inside = ts >= border
        shape = np.exp((2.0 - gamma)[:, None] * np.log(e) - log_accepted[:, None])  # E² dN/dE of one event
        low, high = np.full(len(e), np.inf), np.zeros(len(e))
        for y in np.flatnonzero(inside.any(axis=0)).tolist():
            held = ns[inside[:, y]]
            low, high = np.minimum(low, held[0] * shape[y]), np.maximum(high, held[-1] * shape[y])
        best = np.zeros(len(e))
        if self.best[0] > 0:
            best = self.best[0] * e ** (2.0 - self.best[1]) / self._acceptance(self.best[1])
        return np.minimum(low, best), best, np.maximum(high, best)

    def _acceptance(self, gamma: float) -> float:
        """Events per flux norm at 1 GeV at the position, over all seasons (in the window)."""
        on_time = getattr(self.reading.model, "on_time", None)
        analysis = self.reading.model.analysis
        shares = [1.0] * len(analysis) if on_time is None else on_time.shares
        each = (w * float(s.acceptance(self.reading.dec, gamma)) for w, s in zip(shares, analysis, strict=True))
        return float(sum(each))

    def plot(self, ax: Axes, levels: tuple[float, ...] = (0.6827, 0.9), **kw: Any) -> None:
        """Draw the regions of some levels, the best fit as a cross; keywords go to matplotlib's ``plot``."""
        for level, style in zip(levels, ("-", "--", ":", "-."), strict=False):
            for i, line in enumerate(self.contour(level)):
                label = f"{100 * level:.0f} %" if i == 0 else None
                ax.plot(line[:, 0], line[:, 1], **{"color": "#0072b2", "ls": style, "label": label, **kw})
        ax.plot(self.best[0], self.best[1], marker="+", ms=10, color="#d55e00", ls="none", label="best fit")
        ax.set(xlabel="$n_s$", ylabel=r"$\gamma$")
        ax.legend()


def _quantile(level: float, ndof: int) -> float:
    from scipy.special import chdtri

    if check_fraction("level", level) == 1:
        raise ValueError("level=1 is everything there is; give a confidence below 1, such as 0.9")
    return float(chdtri(ndof, 1.0 - level))


def _maximum(function: Any, low: float, high: float) -> tuple[float, float]:
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(lambda x: -function(x), bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    ends = max(((float(x), float(function(x))) for x in (low, high)), key=lambda end: end[1])
    return max((float(found.x), -float(found.fun)), ends, key=lambda top: top[1])
