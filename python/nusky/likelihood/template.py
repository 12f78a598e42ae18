"""`TemplateValues`: the likelihood of a whole map of the sky."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nusky import _core
from nusky.analysis import HermiteAxis
from nusky.likelihood.spectrum_fit import MeanTerms, best_ns, best_ns_of_ratio
from nusky.likelihood.values import EventValues, Signal, cells_of
from nusky.sphere import Places, SmearedMaps, map_nside
from nusky.trial import Scramble, Status

if TYPE_CHECKING:
    from nusky.analysis import EventRatio
    from nusky.events import Events
    from nusky.hyp import BinnedFlux, PixelSpectra
    from nusky.likelihood.model import LikelihoodModel
    from nusky.trial import Trial
    from nusky.typing import F32, F64, I64

__all__ = ["TemplateValues"]

# S of an event that is so small counts as none, sr⁻¹
_NONE = 1e-12
# How well the maps that are smeared stand for template × acceptance at each γ, and how many there are at most
_CLOSE, _MOST = 2e-3, 12


# What does not depend on the background density
_OF_SIGNAL = (
    "smeared", "_parts_of_flux", "_rings", "_accepted", "_components", "_gamma_weights", "_ratios_of_spectra",
)  # fmt: skip


class _Own(NamedTuple):
    """What is the same in every trial for a season's own events, neighbours in the table of smeared maps together.

    Attributes
    ----------
    order : (N,) int64
    places : Places
    events : TemplateEvents
        Where the core reads the table.
    weight : (R, N) or (1, N)
        What the values of the smeared maps are multiplied with, to add up to W; one row where all have the same.
    taken : (N,)
        1; with signal subtraction V, see `EventValues.subtracted`.
    mean : (N,) or None
        With signal subtraction W̃: W averaged over right ascension.
    """

    order: I64
    places: Places
    events: _core.TemplateEvents
    weight: F64
    taken: F64
    mean: F64 | None


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
        Signal-subtracted, of whole seasons: with a fixed spectrum what right ascensions say, given all else,
        ln[1 + (n_k/N_k)(W_i − V_i)] − ln[1 + (n_k/N_k)(W̃_i − V_i)], with V of `subtracted` and W̃ being W averaged over
        right ascension. With γ free there is no second term.
    spectra : PixelSpectra or None
        A spectrum in each pixel: A is that of each pixel's own.
    by_pixel : bool
        With `spectra`: the energy term is that of each pixel's spectrum, too, W_i = Σ_p T_p A_p G R_p / (B Σ T A) with
        R_p of pixel p; otherwise it is that of the model's options for all pixels.
    """

    flux: F64
    sigsub: bool = False
    spectra: PixelSpectra | None = None
    by_pixel: bool = False

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

    @cached_property
    def _components(self) -> tuple[tuple[F64, F64, BinnedFlux | None], ...]:
        """Maps (npix,) whose pixels share a spectrum, ln A (K, G, rings) of it, and the spectrum where G is 1."""
        if self.spectra is None:
            return ((self.flux, self._accepted, None),)
        sindec, seasons = self._rings[0], self.model.analysis
        expected = [season.acceptance.in_bins(self.spectra, np.arcsin(sindec)).mean(axis=1) for season in seasons]
        factors, spectra = self.spectra.components(np.sum(expected, axis=0))
        dec = np.arcsin(sindec)
        logs = [np.log([season.acceptance.for_flux(one)(dec) for season in seasons])[:, None] for one in spectra]
        return tuple(zip(factors, logs, spectra, strict=True))

    def log_acceptance(self) -> F64:
        ring = self._rings[2]
        most = max(float(logs.max()) for _, logs, _ in self._components)
        total = np.zeros(1)
        for weights, logs, _ in self._components:
            on_ring = np.bincount(ring[ring >= 0], weights[ring >= 0])
            total = total + (on_ring * np.exp(logs - most)).sum(axis=-1)
        with np.errstate(divide="ignore"):
            found = np.log(np.maximum(total, 0.0)) + most
        return np.asarray(np.repeat(found, max(1, len(self.gamma_nodes)), axis=1) if found.shape[1] == 1 else found)

    def expected(self, shares: F64) -> float:
        """Events of the template's spectra as they stand, seasons multiplied with `shares` (K,)."""
        assert self.spectra is not None
        return float((np.exp(self.log_acceptance()[:, 0]) * shares).sum())

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
    def _parts_of_flux(self) -> tuple[F64, F64, I64]:
        """(R, rings), (R, K, G') and (R,): their products, summed over the R of a component, are A / Ā of it."""
        norm = self._at_gamma(self.log_acceptance())
        found = []
        for _, logs, _ in self._components:
            at = self._at_gamma(logs.transpose(0, 2, 1)).transpose(0, 2, 1)  # (K, G', rings)
            found.append(_products(at - norm[:, : at.shape[1], None]))
        rings, columns = (np.concatenate(parts) for parts in zip(*found, strict=True))
        return rings, columns, np.repeat(np.arange(len(found)), [len(one) for one, _ in found])

    @cached_property
    def smeared(self) -> SmearedMaps:
        """The maps whose sums are template × acceptance, smeared with the widths that events have."""
        _, _, ring = self._rings
        rows, _, of = self._parts_of_flux
        density = np.array([weights for weights, _, _ in self._components])[of] * (self.flux.size / (4 * np.pi))
        maps = np.where(ring >= 0, density * rows[:, ring], 0.0)
        sigma = [events["sigma"] for season in self.model.analysis for events in (season.data, season.sim)]
        low, high = min(s.min() for s in sigma), max(s.max() for s in sigma)
        extension = self.model.options.extension
        # With a spectrum in each pixel every map has a factor of its own
        columns = None if self.by_pixel else self._parts_of_flux[1].reshape(len(maps), -1)
        return SmearedMaps.of(maps, float(np.hypot(low, extension)), float(np.hypot(high, extension)), columns)

    def prepare(self) -> None:
        super().prepare()
        _ = self.smeared
        if self.fits_spectrum:
            _ = self._own_events, self._shares

    def places(self, dec: F64, sigma: F64) -> Places:
        """Where events lie in the table of smeared maps."""
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

    def columns_of(self, k: int) -> F64:
        """(R, G) what the smeared maps are multiplied with to add up to S of season k, at the γ nodes."""
        return self._parts_of_flux[1][:, k]

    def signal(self, k: int, ra: F64, dec: F64, sigma: F64) -> Signal:
        found = self.smeared.values(self.places(dec, sigma), np.mod(ra, 2 * np.pi))
        return self._some(self._density(k, found))

    @staticmethod
    def _some(density: F64) -> Signal:
        rows = np.flatnonzero(density.max(axis=1) > _NONE)
        density = density[rows]
        if density.shape[1] == 1:
            return Signal(rows, density[:, 0])
        return Signal(rows, np.ones(len(rows)), np.log(np.maximum(density, _NONE)))

    def mean_signal(self, k: int, dec: F64, sigma: F64) -> Signal:
        density = self._density(k, self.smeared.over_right_ascension(self.places(dec, sigma)))
        return self._some(density)

    def with_background(self, model: LikelihoodModel) -> TemplateValues:
        made = replace(self, model=model)
        for name in _OF_SIGNAL:
            if name in self.__dict__:
                made.__dict__[name] = self.__dict__[name]
        return made

    # A fixed spectrum of whole seasons: n_s is all there is, and the fit a concave function

    @property
    def fits_spectrum(self) -> bool:
        """Whether `fit` is the fit: whole seasons, γ not free."""
        return not self.free and not hasattr(self.model, "on_time")

    @cached_property
    def _own_events(self) -> tuple[_Own, ...]:
        return tuple(self._of_events(k, season.data) for k, season in enumerate(self.model.analysis))

    def log_shares(self) -> F64:
        """(K,) ln of the shares of n_s that the seasons have where γ is fixed, up to a common summand."""
        return self._at_gamma(self.log_acceptance())[:, 0]

    @cached_property
    def _shares(self) -> F64:
        """(K,) of n_s that each season has."""
        log_a = self.log_shares()
        share = np.exp(log_a - log_a.max())
        return np.asarray(share / share.sum())

    def _of_events(self, k: int, events: Events) -> _Own:
        season = self.model.analysis[k]
        b = season.background_density if events is season.data else np.asarray(season.background(events["sindec"]))
        places = self.places(events["dec"], events["sigma"])
        order = np.argsort(places.start, kind="stable")
        places = Places(places.start[order], np.ascontiguousarray(places.weight[:, order]))
        weight = np.ascontiguousarray((self._ratios(k, events) / b)[:, order])
        # Energies and declinations are in the weights
        no_cell, no_energy = np.zeros(len(order), dtype=np.int64), np.zeros((len(order), 1), dtype=np.float32)
        read = _core.TemplateEvents(self.smeared.table, order, *places, no_cell, no_energy, [])
        if not self.sigsub:
            return _Own(order, places, read, weight, np.ones(len(order)), None)
        cell = cells_of(events["sindec"], season.background.sindec_bins)[order]
        mean = self._weighted(k, self.smeared.over_right_ascension(places), weight)
        return _Own(order, places, read, weight, self.subtracted[k][cell, 0], mean)

    def _weighted(self, k: int, found: F32 | F64, weight: F64) -> F64:
        """(N,) W of the smeared maps' values (R, N)."""
        total: F64 = np.zeros(found.shape[1])
        for r, column in enumerate(self._parts_of_flux[1][:, k, 0]):
            total += column * found[r] * weight[r if len(weight) > 1 else 0]
        return np.maximum(total, 0.0)

    def energy_ratio(self, k: int, events: Events) -> F64:
        """(N,) R of events where γ is fixed and the energy term that of all pixels."""
        return np.asarray(self._ratios(k, events)[0])

    def _ratios(self, k: int, events: Events) -> F64:
        """(1, N) R of events, or (R, N) with one for each smeared map."""
        season = self.model.analysis[k]
        if not self.by_pixel:
            own = events is season.data and self.model.options.mode == "fixed"
            log_r = season.log_energy_ratio if own else self.model.log_energy_ratio(k, events)
            return np.ones((1, len(events))) if log_r is None else np.exp(self._at_gamma(log_r).T.astype(np.float64))
        each = np.array([ratio(events)[:, 0] for ratio in self._ratios_of_spectra[k]], dtype=np.float64)
        return np.exp(each)[self._parts_of_flux[2]]

    @cached_property
    def _ratios_of_spectra(self) -> list[list[EventRatio]]:
        bins = self.model.options.flux_bins
        seasons = self.model.analysis
        return [[one.ratio_of_flux(flux, bins) for *_, flux in self._components if flux is not None] for one in seasons]

    def _terms(self, k: int, own: _Own, ra: F64, scale: float = 1.0) -> F64:
        """`scale` times W − 1 of events, or W − V, in the order of `own`; `ra` (N,) 0 … 2π, in that of the events."""
        z = np.empty(len(own.order))
        column = np.ascontiguousarray(self._parts_of_flux[1][:, k, 0])
        ra, maps = np.ascontiguousarray(ra, dtype=np.float64), self.smeared.rows
        _core.template_terms(maps, own.events, ra, column, own.weight, own.taken, scale=scale, z=z)
        return z

    def whole_ratio(self, k: int, events: Events) -> F64 | None:
        if not self.by_pixel:
            return None
        own = self._of_events(k, events)
        value = np.empty(len(events))
        value[own.order] = self._terms(k, own, np.mod(events["ra"], 2 * np.pi)) + own.taken
        return value

    def whole_mean(self, k: int, events: Events) -> F64 | None:
        own = self._of_events(k, events) if self.sigsub and self.fits_spectrum else None
        if own is None or own.mean is None:
            return None
        value = np.empty(len(events))
        value[own.order] = own.mean
        return value

    def columns(self, k: int, events: Events) -> _core.EventColumns:
        inside, factor = self.inside(k, events)
        value = self.whole_ratio(k, inside)
        if value is None:
            return super().columns(k, events)
        value = np.ascontiguousarray(value if factor is None else value * factor)
        return _core.EventColumns.of_values(value, np.zeros((len(value), 1), dtype=np.float32), self.gamma_nodes)

    def fit(self, trial: Trial) -> tuple[float, float, float, Status]:
        """TS, n_s, γ and status of a trial.

        Raises
        ------
        ValueError
            For a trial of a time window.
        """
        if trial.window is not None:
            raise ValueError(f"the trial holds only the events of {trial.window}, this runner fits whole seasons")
        factor = self._shares / np.asarray(trial.n_events)
        parts = [part for k in range(len(factor)) for part in self._parts_of(k, trial)]
        terms = np.concatenate([self._terms(k, own, ra, factor[k]) for k, own, ra in parts])
        if self.sigsub:
            ts, ns, status = best_ns_of_ratio(terms, self._means(parts, factor))
        else:
            ts, ns, status = best_ns(terms, float(1.0 / factor.max()))
        fixed = self.model.fixed_gamma
        gamma = np.nan if fixed is None or status == Status.NO_EXCESS else fixed
        return ts, ns, gamma, status

    def _parts_of(self, k: int, trial: Trial) -> list[tuple[int, _Own, F64]]:
        """Events of a season, background and injected ones apart, with their right ascensions 0 … 2π."""
        season, background, injected = self.model.analysis[k], trial.background[k], trial.injected[k]
        if isinstance(background, Scramble) and background.season is season and background.dec is None:
            parts = [(k, self._own_events[k], background.ra)]
        else:
            events = background.events() if isinstance(background, Scramble) else background
            parts = [(k, self._of_events(k, events), np.mod(events["ra"], 2 * np.pi))]
        if injected is not None and len(injected):
            parts.append((k, self._of_events(k, injected), np.mod(injected["ra"], 2 * np.pi)))
        return parts

    @cached_property
    def _own_means(self) -> tuple[F64, MeanTerms]:
        """Factors f_k/N_k of trials of the seasons' own events alone, and what is taken from their likelihood."""
        factor = self._shares / np.array([len(season.data) for season in self.model.analysis], dtype=np.float64)
        return factor, MeanTerms.of([(own.mean, own.taken) for own in self._own_events], factor)

    def _means(self, parts: list[tuple[int, _Own, F64]], factor: F64) -> MeanTerms:
        """What is taken from the likelihood of a trial."""
        known, own = self._own_means
        if np.array_equal(factor, known) and all(one is self._own_events[k] for k, one, _ in parts):
            return own
        return MeanTerms.of([(one.mean, one.taken) for _, one, _ in parts], factor[[k for k, _, _ in parts]])


def _products(logs: F64) -> tuple[F64, F64]:
    """(R, D) and (R, K, G): their products, summed over R, are exp of (K, G, D)."""
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
