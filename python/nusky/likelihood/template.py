"""`TemplateValues`: the likelihood of a whole map of the sky."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nusky.analysis import HermiteAxis
from nusky.likelihood.spectrum_fit import best_ns
from nusky.likelihood.values import EventValues, Signal
from nusky.sphere import Places, SmearedMaps, map_nside
from nusky.trial import Scramble, Status

if TYPE_CHECKING:
    from nusky.events import Events
    from nusky.trial import Trial
    from nusky.typing import F32, F64, I64

__all__ = ["TemplateValues"]

# S of an event that is so small counts as none, sr⁻¹
_NONE = 1e-12
# How well the maps that are smeared stand for template × acceptance at each γ, and how many there are at most
_CLOSE, _MOST = 2e-3, 12


class _Own(NamedTuple):
    """What is the same in every trial for a season's own events, neighbours in the table of smeared maps together."""

    order: I64
    places: Places
    ratio: F64
    background: F64


@dataclass(frozen=True, eq=False)
class TemplateValues(EventValues):
    """S_i(γ) = Σ_p T_p A_k(δ_p, γ) G(x_i − x_p; σ_i) / Σ_p T_p A_k(δ_p, γ), of season k.

    T_p is the share of the flux of pixel p and G the Gaussian of σ_i² + extension², without a cut. The products T A of
    all seasons and γ are sums of a few maps; these are smeared once.

    Parameters
    ----------
    model : LikelihoodModel
    flux : (npix,)
        RING, equatorial: share of the flux of each pixel.
    sigsub : bool
        Signal-subtracted: ln[1 + (n_k/N_k)(W_i − W̃_i)], where W̃ is W with S averaged over right ascension. Of a fixed
        spectrum and whole seasons.
    """

    flux: F64
    sigsub: bool = False

    @cached_property
    def _rings(self) -> tuple[F64, F64, I64]:
        """sin δ of the rings with flux, their flux, and for each pixel the ring (−1: none)."""
        import healpy

        theta, _ = healpy.pix2ang(map_nside(self.flux.size), np.arange(self.flux.size))
        dec, ring = np.unique(np.pi / 2 - theta, return_inverse=True)
        flux = np.asarray(np.bincount(ring, self.flux), dtype=np.float64)
        used = flux > 0
        number = np.where(used, np.cumsum(used) - 1, -1)
        return np.sin(dec[used]), flux[used], np.asarray(number[ring], dtype=np.int64)

    @cached_property
    def _accepted(self) -> F64:
        """(K, G, rings) ln A of each season at the γ nodes."""
        _, sindec, table = self.model.acceptances()
        return np.array([[np.interp(self._rings[0], sindec, row) for row in season.T] for season in table])

    def log_acceptance(self) -> F64:
        most = self._accepted.max(axis=-1, keepdims=True)
        return np.asarray(np.log((self._rings[1] * np.exp(self._accepted - most)).sum(axis=-1)) + most[..., 0])

    def average(self, values: Callable[[F64], F64]) -> float:
        """Mean over the template of what is given as a function of declination (rad)."""
        sindec, flux, _ = self._rings
        return float((flux * np.asarray(values(np.arcsin(sindec)))).sum())

    @property
    def free(self) -> bool:
        """Whether γ is fitted."""
        return self.model.options.mode == "fit"

    @cached_property
    def _gamma_weights(self) -> tuple[I64, F64]:
        """Nodes and weights of the fixed γ."""
        index, weight = HermiteAxis(self.gamma_nodes).weights(np.array([self.model.fixed_gamma]))
        return index, weight

    def _at_gamma(self, values: F64 | F32) -> F64:
        """Values (…, G) on the γ nodes; where γ is fixed, (…, 1) there."""
        gamma = self.model.fixed_gamma
        if gamma is None or values.shape[-1] == 1:
            return np.asarray(values)
        index, weight = self._gamma_weights
        return np.asarray((values[..., index[0]] * weight[0]).sum(axis=-1)[..., None])

    @cached_property
    def _parts_of_flux(self) -> tuple[F64, F64]:
        """(R, rings) and (R, K, G'): their products, summed over R, are A over its mean over the template."""
        logs = self._at_gamma(self._accepted.transpose(0, 2, 1)).transpose(0, 2, 1)  # (K, G', rings)
        logs = logs - self._at_gamma(self.log_acceptance())[..., None]
        # Between errors relative to A and to its largest value
        mean = 0.5 * logs.mean(axis=(0, 1))
        left = np.exp(logs - mean)
        scale = left.max(axis=-1, keepdims=True)
        left = left / scale
        rings: list[F64] = []
        columns: list[F64] = []
        # Cross approximation: the largest of what is left, its row and its column, until little is left
        while len(rings) < _MOST:
            k, g, at = np.unravel_index(np.abs(left).argmax(), left.shape)
            pivot = left[k, g, at]
            if rings and abs(pivot) < _CLOSE:
                break
            row, column = left[k, g] / pivot, left[:, :, at].copy()
            left = left - column[:, :, None] * row
            rings.append(row * np.exp(mean))
            columns.append(column * scale[..., 0])
        return np.array(rings), np.array(columns)

    @cached_property
    def smeared(self) -> SmearedMaps:
        """The maps whose sums are template × acceptance, smeared with the widths that events have."""
        _, _, ring = self._rings
        rows = self._parts_of_flux[0]
        density = self.flux * (self.flux.size / (4 * np.pi))
        maps = np.where(ring >= 0, density * rows[:, ring], 0.0)
        sigma = [events["sigma"] for season in self.model.analysis for events in (season.data, season.sim)]
        low, high = min(s.min() for s in sigma), max(s.max() for s in sigma)
        extension = self.model.options.extension
        return SmearedMaps.of(maps, float(np.hypot(low, extension)), float(np.hypot(high, extension)))

    def prepare(self) -> None:
        super().prepare()
        _ = self.smeared
        if self.fits_spectrum:
            _ = self._own_events, self._shares

    def _places(self, dec: F64, sigma: F64) -> Places:
        return self.smeared.places(dec, np.hypot(sigma, self.model.options.extension))

    def _density(self, k: int, found: F32 | F64) -> F64:
        """(N, G') S from the smeared maps' values (R, N)."""
        columns = self._parts_of_flux[1][:, k]
        if columns.shape == (1, 1):
            return np.asarray(found[0] * columns[0, 0], dtype=np.float64)[:, None]
        total = np.zeros((found.shape[1], columns.shape[1]))
        for one, column in zip(found, columns, strict=True):
            total += one[:, None] * column
        return total

    def signal(self, k: int, ra: F64, dec: F64, sigma: F64) -> Signal:
        found = self.smeared.values(self._places(dec, sigma), np.mod(ra, 2 * np.pi))
        density = self._density(k, found)
        rows = np.flatnonzero(density.max(axis=1) > _NONE)
        density = density[rows]
        if density.shape[1] == 1:
            return Signal(rows, density[:, 0])
        return Signal(rows, np.ones(len(rows)), np.log(np.maximum(density, _NONE)))

    # A fixed spectrum of whole seasons: n_s is all there is, and the fit a concave function

    @property
    def fits_spectrum(self) -> bool:
        """Whether `fit` is the fit: whole seasons, γ not free."""
        return not self.free and not hasattr(self.model, "on_time")

    @cached_property
    def _own_events(self) -> tuple[_Own, ...]:
        return tuple(self._of_events(k, season.data) for k, season in enumerate(self.model.analysis))

    @cached_property
    def _shares(self) -> F64:
        """(K,) of n_s that each season has."""
        log_a = self._at_gamma(self.log_acceptance())[:, 0]
        share = np.exp(log_a - log_a.max())
        return np.asarray(share / share.sum())

    def _of_events(self, k: int, events: Events) -> _Own:
        season = self.model.analysis[k]
        own = events is season.data
        b = season.background_density if own else np.asarray(season.background(events["sindec"]))
        if own and self.model.options.mode == "fixed":
            log_r: F32 | None = season.log_energy_ratio
        else:
            log_r = self.model.log_energy_ratio(k, events)
        ratio = 1.0 / b if log_r is None else np.exp(self._at_gamma(log_r)[:, 0].astype(np.float64)) / b
        places = self._places(events["dec"], events["sigma"])
        order = np.argsort(places.start, kind="stable")
        places = Places(places.start[order], np.ascontiguousarray(places.weight[:, order]))
        ratio = ratio[order]
        if not self.sigsub:
            return _Own(order, places, ratio, np.ones(len(ratio)))
        mean = self._density(k, self.smeared.over_right_ascension(places))[:, 0]
        return _Own(order, places, ratio, np.maximum(mean, 0.0) * ratio)

    def _terms(self, k: int, own: _Own, ra: F64) -> F64:
        """W − 1 of events, or W − W̃."""
        density = self._density(k, self.smeared.values(own.places, ra[own.order]))[:, 0]
        np.maximum(density, 0.0, out=density)
        density *= own.ratio
        density -= own.background
        return density

    def fit(self, trial: Trial) -> tuple[float, float, float, Status]:
        """TS, n_s, γ and status of a trial.

        Raises
        ------
        ValueError
            For a trial of a time window.
        """
        if trial.window is not None:
            raise ValueError(f"the trial holds only the events of {trial.window}, this runner fits whole seasons")
        share = self._shares
        terms, limit = [], np.inf
        for k, (background, injected) in enumerate(zip(trial.background, trial.injected, strict=True)):
            factor = share[k] / trial.n_events[k]
            limit = min(limit, 1.0 / factor)
            season = self.model.analysis[k]
            if isinstance(background, Scramble) and background.season is season and background.dec is None:
                parts = [self._terms(k, self._own_events[k], background.ra)]
            else:
                events = background.events() if isinstance(background, Scramble) else background
                parts = [self._terms(k, self._of_events(k, events), np.mod(events["ra"], 2 * np.pi))]
            if injected is not None and len(injected):
                parts.append(self._terms(k, self._of_events(k, injected), np.mod(injected["ra"], 2 * np.pi)))
            terms += [factor * part for part in parts]
        ts, ns, status = best_ns(np.concatenate(terms), limit)
        fixed = self.model.fixed_gamma
        gamma = np.nan if fixed is None or status == Status.NO_EXCESS else fixed
        return ts, ns, gamma, status
