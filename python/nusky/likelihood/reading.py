"""`LikelihoodReading`: ln Λ of a trial at given parameters, and the events that carry it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.analysis import HermiteAxis
from nusky.arrays import Arrays
from nusky.likelihood.window import WindowLikelihoodModel
from nusky.sphere import separation
from nusky.trial import PairedFit, Scramble
from nusky.typing import F32, F64
from nusky.units import in_unit, numbers

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.likelihood.model import LikelihoodModel
    from nusky.likelihood.profile import LikelihoodProfile
    from nusky.trial import Fit, Trial

__all__ = ["LikelihoodReading", "SeasonReading", "space_density"]

#: Above this σ (7°) an event's spatial term is a von Mises–Fisher distribution.
WIDE = float(np.radians(7.0))


def space_density(psi: ArrayLike, sigma: ArrayLike) -> F64:
    """S in sr⁻¹ at angles `psi` from an event of width `sigma`, both rad: a Gaussian up to 7°, von Mises–Fisher above.

    Examples
    --------
    >>> round(float(space_density(0.0, 0.1)) * 2 * np.pi * 0.01, 9)
    1.0
    """
    away, width = np.asarray(psi, dtype=np.float64), np.asarray(sigma, dtype=np.float64)
    kappa = 1.0 / width**2
    gauss = np.exp(-0.5 * kappa * away**2)
    wide = np.exp(-2.0 * kappa * np.sin(0.5 * away) ** 2) / -np.expm1(-2.0 * kappa)
    return np.asarray(kappa / (2.0 * np.pi) * np.where(width > WIDE, wide, gauss))


@dataclass(frozen=True, eq=False)
class SeasonReading:
    """The events of one season that have S > 0 at the source.

    Attributes
    ----------
    k : int
        Season.
    events : Events
        With their position in the trial: background first, then injected.
    injected : (M,) bool
    separation : (M,) rad
        From the source.
    space : (M,)
        S/B without energy and time.
    time : (M,)
        T_S/T_B, 1 without a time window.
    log_energy_ratio : (M, G) or None
        ln R at the γ nodes.
    n_events : float
        N of the season; in a time window the expected background N_b.
    log_mean : (M, G) or None
        With signal subtraction ln V at the γ nodes, see `EventValues.subtracted`; the events are then all there are.
    mean : (M,) or None
        With signal subtraction of a template of a fixed spectrum W̃, see `TemplateValues`; likewise.
    """

    k: int
    events: Events
    injected: Any
    separation: F64
    space: F64
    time: F64
    log_energy_ratio: F64 | F32 | None
    n_events: float
    log_mean: F64 | None = None
    mean: F64 | None = None

    def log_factors(self, x: F64, weight: F64, taken: F64) -> F64:
        """(…, M) ln of the events' factors in Λ where n_k/N_k is `x` (…, 1): ln[1 + x (W − taken)], less that of W̃."""
        logs = np.log1p(x * (weight - taken))
        return logs if self.mean is None else logs - np.log1p(x * (self.mean - taken))


@dataclass(frozen=True, eq=False)
class LikelihoodReading:
    """ln Λ(n_s, γ) of one trial at one position, in NumPy: slow, and as exact as the fit.

    Parameters
    ----------
    model : LikelihoodModel
    trial : Trial
    ra, dec : float
        rad, the source.
    fitter : callable
        Fits the trial; takes csky's fitter arguments.
    """

    model: LikelihoodModel
    trial: Trial
    ra: float
    dec: float
    fitter: Callable[..., Fit]

    def fit(self, **fitter_args: Any) -> PairedFit:
        """The best fit, that of `get_one_fit_from_trial`; it unpacks as csky's, ``ts, params = L.fit()``."""
        return PairedFit.of(self.fitter(**fitter_args))

    @property
    def llh_model(self) -> LikelihoodReading:
        """csky's name of what holds `N_bg`: this."""
        return self

    @property
    def extended(self) -> bool:
        """Whether this is the extended likelihood of a time window."""
        return isinstance(self.model, WindowLikelihoodModel)

    @property
    def N_bg(self) -> float:
        """Expected background over all seasons; of a steady search the number of events."""
        return float(sum(season.n_events for season in self.seasons))

    @cached_property
    def seasons(self) -> tuple[SeasonReading, ...]:
        """What each season's events say; seasons without uptime in the window are left out."""
        model = self.model
        active = list(model.on_time.active) if isinstance(model, WindowLikelihoodModel) else range(len(model.analysis))
        return tuple(self._season(k) for k in active)

    def _events_of(self, k: int) -> tuple[Events, Any]:
        """All events of a season, and which of them are injected."""
        on_time, season = getattr(self.model, "on_time", None), self.model.analysis[k]
        background, injected = self.trial.background[k], self.trial.injected[k]
        own = background.events() if isinstance(background, Scramble) else background
        parts = [own] if injected is None or not len(injected) else [own, injected]
        if on_time is not None and isinstance(background, Scramble) and background.mjd is None:
            parts[0] = own.with_columns(mjd=season.data["mjd"])
        common = sorted(set.intersection(*(set(part.columns) for part in parts)))
        events = type(own).concatenate([part.select(*common) for part in parts])
        return events, np.repeat([False, True][: len(parts)], [len(part) for part in parts])

    def _season(self, k: int) -> SeasonReading:
        model, on_time = self.model, getattr(self.model, "on_time", None)
        season, options = model.analysis[k], model.options
        events, is_injected = self._events_of(k)
        sigma = np.hypot(events["sigma"], options.extension)
        away = np.asarray(separation(events["ra"], events["dec"], self.ra, self.dec))
        near = away <= options.cut_n_sigma * sigma
        if on_time is not None:
            near &= on_time.contains(k, events["mjd"])
        rows = np.flatnonzero(near)
        events, away, sigma = events[rows], away[rows], sigma[rows]
        factor = None if on_time is None else on_time.factor(k, events["mjd"])
        n_events = float(self.trial.n_events[k]) if on_time is None else on_time.seasons[k].n_background
        ratio = model.log_energy_ratio(k, events)
        space = space_density(away, sigma) / np.asarray(season.background(events["sindec"]))
        time = np.ones(len(rows)) if factor is None else factor
        return SeasonReading(k, events, is_injected[rows], away, np.asarray(space), time, ratio, n_events)

    @cached_property
    def _nodes(self) -> tuple[HermiteAxis | None, F64]:
        """γ axis, and ln A of each season of `seasons` at its nodes, at the source."""
        nodes, sindec, log_acceptance = self.model.acceptances()
        at = np.stack([[np.interp(np.sin(self.dec), sindec, row) for row in table.T] for table in log_acceptance])
        if isinstance(self.model, WindowLikelihoodModel):
            active = list(self.model.on_time.active)
            at = at[active] + np.log(self.model.on_time.shares[active])[:, None]
        return (HermiteAxis(nodes) if len(nodes) else None), at

    def _gamma(self, gamma: float | None) -> float | None:
        mode, fixed = self.model.options.mode, self.model.fixed_gamma
        gamma = in_unit("gamma", gamma, "")
        if mode == "fit" and gamma is None:
            raise TypeError("give gamma=: it is free in this likelihood")
        if mode != "fit" and gamma is not None and gamma != self.model.options.gamma:
            raise ValueError(f"gamma={gamma!r}: the spectrum of this likelihood is fixed ({mode})")
        return float(gamma) if mode == "fit" and gamma is not None else fixed

    def _at(self, axis: HermiteAxis | None, values: F64 | F32, gamma: float | None) -> F64:
        """Values (…, G) on the γ nodes at one γ."""
        if axis is None or gamma is None:
            return np.asarray(values[..., 0])
        index, weight = axis.weights(np.array([gamma]))
        return np.asarray((np.asarray(values, dtype=np.float64)[..., index[0]] * weight[0]).sum(axis=-1))

    def shares(self, gamma: float | None = None) -> F64:
        """(K,) share of n_s of each season of `seasons`."""
        axis, log_acceptance = self._nodes
        log_a = self._at(axis, log_acceptance, self._gamma(gamma))
        accepted = np.exp(log_a - log_a.max())
        return np.asarray(accepted / accepted.sum())

    def energy_ratio(self, season: SeasonReading, gamma: float | None = None) -> F64:
        """(M,) R of a season's events; 1 without an energy term."""
        if season.log_energy_ratio is None:
            return np.ones(len(season.space))
        return np.exp(self._at(self._nodes[0], season.log_energy_ratio, self._gamma(gamma)))

    def log_likelihood_ratio(self, ns: ArrayLike, gamma: float | None = None) -> F64:
        """ln Λ(n_s, γ); −∞ where n_s is more than there are events.

        Parameters
        ----------
        ns : (…) ≥ 0
        gamma : float, optional
            Needed where γ is free.

        Returns
        -------
        (…)
        """
        n = numbers("ns", ns)
        total = np.zeros(n.shape)
        with np.errstate(divide="ignore", invalid="ignore"):
            for season, share in zip(self.seasons, self.shares(gamma), strict=True):
                weight = season.space * season.time * self.energy_ratio(season, gamma)
                x = n[..., None] * (share / season.n_events)
                total += season.log_factors(x, weight, self._taken(season, gamma)).sum(axis=-1)
                if not self.extended and season.log_mean is None:
                    outside = season.n_events - len(weight)
                    total += outside * np.log1p(-x[..., 0]) if outside else 0.0
        total = total - n if self.extended else total
        return np.where(np.isnan(total), -np.inf, total)

    def _taken(self, season: SeasonReading, gamma: float | None) -> F64:
        """What W of a season's events has to exceed: 1; V with signal subtraction; 0 in the extended likelihood."""
        if self.extended or season.log_mean is None:
            return np.full(len(season.space), 0.0 if self.extended else 1.0)
        fixed = self._gamma(gamma)
        return np.exp(self._at(self._nodes[0] if season.log_mean.shape[-1] > 1 else None, season.log_mean, fixed))

    def get_minus_llh_ratio(self, ns: ArrayLike, gamma: float | None = None) -> Any:
        """−ln Λ: TS is −2 times this at the best fit.

        Parameters
        ----------
        ns, gamma
            See `log_likelihood_ratio`.
        """
        value = -self.log_likelihood_ratio(ns, gamma)
        return float(value) if value.ndim == 0 else value

    def scan_ts(self, ns: ArrayLike, gamma: ArrayLike | None = None) -> tuple[F64, list[F64]]:
        """2 ln Λ on a grid, negative ones too.

        Parameters
        ----------
        ns : (X,)
        gamma : (Y,), optional
            Needed where γ is free.

        Returns
        -------
        ts : (X, Y); (X,) without `gamma`
        mesh : list of arrays of that shape
            n_s, and γ.
        """
        n = np.atleast_1d(numbers("ns", ns))
        if gamma is None:
            return 2.0 * self.log_likelihood_ratio(n), [n]
        g = np.atleast_1d(numbers("gamma", gamma))
        ts = np.stack([2.0 * self.log_likelihood_ratio(n, float(one)) for one in g], axis=1)
        return ts, list(np.meshgrid(n, g, indexing="ij"))

    def profile(self, fit: Fit | None = None) -> LikelihoodProfile:
        """Profile likelihood of a fit at this position (default: the best fit): intervals, region, flux band."""
        from nusky.likelihood.profile import LikelihoodProfile

        return LikelihoodProfile(self, self.fit() if fit is None else fit)

    def carrying(self, fit: Fit | None = None) -> Arrays:
        """The events that carry a fit, those that matter most first.

        Parameters
        ----------
        fit : Fit, optional
            Default: the best fit.

        Returns
        -------
        Arrays
            ``season``, ``injected``, ``separation`` (rad), ``ra``, ``dec``, ``sigma``, ``log10energy``, ``mjd`` where
            known, ``space`` (S/B), ``energy`` (R), ``time``, ``ratio`` (their product) and ``ts``: 2 ln of the event's
            factor in Λ.
        """
        best = self.fit() if fit is None else fit
        gamma = best.gamma if self.model.options.mode == "fit" and np.isfinite(best.gamma) else None
        if gamma is None and self.model.options.mode == "fit":
            gamma = float(self.model.analysis.gamma_nodes.mean())
        tables = []
        for season, share in zip(self.seasons, self.shares(gamma), strict=True):
            energy = self.energy_ratio(season, gamma)
            ratio = season.space * season.time * energy
            x = best.ns * share / season.n_events
            names = ("ra", "dec", "sigma", "log10energy", "mjd")
            mjd = season.events["mjd"] if "mjd" in season.events else np.full(len(ratio), np.nan)
            columns = {name: mjd if name == "mjd" else season.events[name] for name in names}
            gain = season.log_factors(np.asarray(x), ratio, self._taken(season, gamma))
            found = {"space": season.space, "energy": energy, "time": season.time, "ratio": ratio, "ts": 2.0 * gain}
            about = {"season": np.full(len(ratio), season.k), "injected": season.injected}
            tables.append(Arrays({**about, "separation": season.separation, **columns, **found}))
        joined = Arrays.concatenate(tables)
        ordered: Arrays = joined[np.argsort(-joined["ts"], kind="stable")]
        return ordered
