"""The likelihood of many sources with weights, in NumPy and for the core; also with a spectrum of each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from nusky import _core
from nusky.analysis import HermiteAxis
from nusky.hyp import SumFlux
from nusky.likelihood.reading import space_density
from nusky.likelihood.values import EventValues, Signal
from nusky.sphere import separation
from nusky.transients import OnTimes

if TYPE_CHECKING:
    from nusky.analysis import EventRatio
    from nusky.events import Events
    from nusky.hyp import Flux
    from nusky.source import Sources
    from nusky.trial import Scramble, Trial
    from nusky.typing import F64, I64

__all__ = ["StackSpectraValues", "StackValues", "over_right_ascension"]

# Pairs of events and sources that are looked at together, and integrated together
_PAIRS, _QUADRATURE_PAIRS = 2_000_000, 100_000
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)


def over_right_ascension(dec: F64, to: F64, sigma: F64, reach: F64) -> F64:
    """S averaged over the right ascension of an event: (1/π) ∫ S(ψ(Δα)) dΔα up to where ψ is `reach`.

    Parameters
    ----------
    dec, to : (N,) rad
        Declinations of event and source, less than `reach` apart.
    sigma, reach : (N,) rad
        Width, and the angle beyond which S = 0.

    Examples
    --------
    >>> one = np.ones(1)
    >>> wide = over_right_ascension(0.3 * one, 0.2 * one, 0.5 * one, 4.0 * one)   # far beyond the sphere: no cut
    >>> bool(0.9 < wide[0] * 4 * np.pi < 3.5)
    True
    """
    across = np.cos(dec) * np.cos(to)
    with np.errstate(divide="ignore", invalid="ignore"):
        end = (np.cos(np.minimum(reach, np.pi)) - np.sin(dec) * np.sin(to)) / across
    end = np.where(across > 1e-12, np.arccos(np.clip(end, -1.0, 1.0)), np.pi)
    alpha = 0.5 * end[:, None] * (1.0 + _POINTS)
    half = np.sin(0.5 * (dec - to)) ** 2
    away = 2.0 * np.arcsin(np.sqrt(np.clip(half[:, None] + across[:, None] * np.sin(0.5 * alpha) ** 2, 0.0, 1.0)))
    return np.asarray((space_density(away, sigma[:, None]) @ _WEIGHTS) * (0.5 * end / np.pi))


@dataclass(frozen=True, eq=False)
class StackValues(EventValues):
    """S_i(γ) = Σ_j p_j(γ) S_ij with p_j = w_j A_j(γ) / Σ_l w_l A_l(γ), of each season.

    σ² of event i and source j is σ_i² + extension_j², and S_ij = 0 beyond `cut_n_sigma` σ.

    Parameters
    ----------
    model : LikelihoodModel
        Its `extension` is 0: the sources have their own.
    src : Sources
        (J,) with weights, which are ratios of fluxes, and extensions.
    """

    src: Sources

    @cached_property
    def log_weights(self) -> F64:
        """(K, J, G) ln(w_j A_kj) at the γ nodes, w_j adding up to 1; G = 1 without an energy term."""
        _, sindec, table = self.model.acceptances()
        at = np.sin(self.src.dec)
        accepted = np.stack([[np.interp(at, sindec, row) for row in season.T] for season in table])  # (K, G, J)
        share = np.log(self.src.weight / self.src.weight.sum())
        if self._own_windows is not None:
            # Where a season has no uptime in a window: next to nothing, and a number still
            share = share + np.log(np.maximum(self._own_windows.shares, 1e-300))[:, None, :]
        return np.ascontiguousarray((accepted + share).transpose(0, 2, 1))

    def log_acceptance(self) -> F64:
        most = self.log_weights.max(axis=1, keepdims=True)
        return np.asarray(np.log(np.exp(self.log_weights - most).sum(axis=1)) + most[:, 0])

    @property
    def _own_windows(self) -> OnTimes | None:
        on_time = getattr(self.model, "on_time", None)
        return on_time if isinstance(on_time, OnTimes) else None

    @cached_property
    def stack(self) -> _core.Stack:
        """The sources as the core's loop over trials takes them."""
        src = self.src
        return _core.Stack(
            self.model.columns,
            np.array(src.ra),
            np.array(src.dec),
            np.array(src.extension),
            self.log_weights,
            cut_n_sigma=self.model.options.cut_n_sigma,
        )

    def fit(self, trial: Trial) -> tuple[float, float, float, int]:
        """TS, n_s, γ and status for whole seasons: the bits that the loop over trials gives for these events."""
        n_events = np.array(trial.n_events, dtype=np.float64)
        return _core.fit_hypothesis_events(
            self.likelihood, self.stack, self.model.parts(trial), n_events, gamma=self.model.fixed_gamma
        )

    def source_shares(self, k: int) -> F64:
        """(J, G) p_j of season k at the γ nodes; where γ is fixed, (J, 1) there, and of one source, of which p is 1."""
        if len(self.src) == 1:
            return np.ones((1, 1))
        logs = self.log_weights[k]
        gamma = self.model.fixed_gamma
        if gamma is not None and len(self.gamma_nodes) > 1:
            index, weight = HermiteAxis(self.gamma_nodes).weights(np.array([gamma]))
            logs = (logs[:, index[0]] * weight[0]).sum(axis=-1)[:, None]
        shares = np.exp(logs - logs.max(axis=0))
        return np.asarray(shares / shares.sum(axis=0))

    def signal_of(self, k: int, events: Events) -> Signal:
        windows = self._own_windows
        return super().signal_of(k, events) if windows is None else self._paired(k, events, windows)

    def _paired(self, k: int, events: Events, on_time: OnTimes) -> Signal:
        """Σ_j p_j S_ij T_S,j/T_B: each event with the sources that shine at its time."""
        i, j, factor = on_time.pairs(k, events["mjd"])
        width = np.hypot(events["sigma"][i], self.src.extension[j])
        away = np.asarray(separation(events["ra"][i], events["dec"][i], self.src.ra[j], self.src.dec[j]))
        near = away <= self.model.options.cut_n_sigma * width
        i, j = i[near], j[near]
        parts = (space_density(away[near], width[near]) * factor[near])[:, None] * self.source_shares(k)[j]
        rows, first = np.unique(i, return_index=True)
        total = np.add.reduceat(parts, first, axis=0) if len(rows) else np.empty((0, parts.shape[1]))
        if total.shape[1] == 1:
            return Signal(rows, total[:, 0])
        return Signal(rows, np.ones(len(rows)), np.log(np.maximum(total, 1e-30)))

    def signal(self, k: int, ra: F64, dec: F64, sigma: F64) -> Signal:
        shares = self.source_shares(k)
        total = np.zeros((len(ra), shares.shape[1]))
        step = max(1, _PAIRS // len(self.src))
        for start in range(0, len(ra), step):
            some = slice(start, start + step)
            width = np.hypot(sigma[some, None], self.src.extension)
            away = np.asarray(separation(ra[some, None], dec[some, None], self.src.ra, self.src.dec))
            density = np.where(away <= self.model.options.cut_n_sigma * width, space_density(away, width), 0.0)
            total[some] = density @ shares
        return self._found(total)

    def mean_signal(self, k: int, dec: F64, sigma: F64) -> Signal:
        shares = self.source_shares(k)
        total = np.zeros((len(dec), shares.shape[1]))
        step = max(1, _PAIRS // len(self.src))
        for start in range(0, len(dec), step):
            some = slice(start, start + step)
            width = np.hypot(sigma[some, None], self.src.extension)
            reach = self.model.options.cut_n_sigma * width
            i, j = np.nonzero(np.abs(dec[some, None] - self.src.dec) < reach)
            density = np.zeros(width.shape)
            for first in range(0, len(i), _QUADRATURE_PAIRS):
                a, b = i[first : first + _QUADRATURE_PAIRS], j[first : first + _QUADRATURE_PAIRS]
                density[a, b] = over_right_ascension(dec[some][a], self.src.dec[b], width[a, b], reach[a, b])
            total[some] = density @ shares
        return self._found(total)

    @staticmethod
    def _found(total: F64) -> Signal:
        rows = np.flatnonzero(total.max(axis=1) > 0)
        found = total[rows]
        if total.shape[1] == 1:
            return Signal(rows, found[:, 0])
        return Signal(rows, np.ones(len(rows)), np.log(np.maximum(found, 1e-30)))


class _Pairs(NamedTuple):
    """Events and sources that some right ascension brings within the cut of each other.

    Attributes
    ----------
    event, source : (P,) int64
    width : (P,) rad
    weight : (P,)
        p_j R_j / B, what S_ij is multiplied with.
    apart : (P,) rad
        Difference of right ascensions, 0 … π, up to which they can be within the cut; a little more.
    """

    event: I64
    source: I64
    width: F64
    weight: F64
    apart: F64


@dataclass(frozen=True, eq=False)
class StackSpectraValues(StackValues):
    """W_i = Σ_j p_j S_ij R_j(E_i, δ_i) / B_i with p_j = w_j A_j[φ_j] / Σ_l w_l A_l[φ_l], of each season.

    R_j is the energy term of φ_j, A_j[φ_j] the expected events of source j for φ_j as it stands. Of whole seasons.

    Parameters
    ----------
    model : LikelihoodModel
        Of mode "flux", with the sum of the spectra.
    src : Sources
        See `StackValues`.
    spectra : (J,) Flux
        Of each source.
    """

    spectra: tuple[Flux, ...] = ()

    @cached_property
    def _kinds(self) -> tuple[tuple[Flux, ...], I64]:
        return SumFlux(self.spectra).kinds

    @cached_property
    def log_weights(self) -> F64:
        """(K, J, 1) ln(w_j A_kj[φ_j]), w_j adding up to 1."""
        kinds, of = self._kinds
        share = self.src.weight / self.src.weight.sum()
        logs = np.empty((len(self.model.analysis), len(self.src), 1))
        for k, season in enumerate(self.model.analysis):
            for f, flux in enumerate(kinds):
                mine = of == f
                accepted = np.asarray(season.acceptance.for_flux(flux)(self.src.dec[mine]))
                logs[k, mine, 0] = np.log(np.maximum(share[mine] * accepted, 1e-300))
        return logs

    @cached_property
    def _ratios(self) -> list[list[EventRatio]]:
        bins = self.model.options.flux_bins
        return [[season.ratio_of_flux(flux, bins) for flux in self._kinds[0]] for season in self.model.analysis]

    @cached_property
    def _own_pairs(self) -> tuple[_Pairs, ...]:
        return tuple(self._pairs(k, season.data) for k, season in enumerate(self.model.analysis))

    def prepare(self) -> None:
        super().prepare()
        _ = self._own_pairs

    def _pairs(self, k: int, events: Events) -> _Pairs:
        season, src, of = self.model.analysis[k], self.src, self._kinds[1]
        near: list[tuple[I64, I64]] = []
        step = max(1, _PAIRS // len(src))
        for start in range(0, len(events), step):
            some = slice(start, start + step)
            width = np.hypot(events["sigma"][some, None], src.extension)
            reach = self.model.options.cut_n_sigma * width
            i, j = np.nonzero(np.abs(events["dec"][some, None] - src.dec) <= reach)
            near.append((i + start, j))
        none = np.empty(0, dtype=np.int64)
        event, source = (np.concatenate([none, *parts]) for parts in zip(*near, strict=True)) if near else (none, none)
        background = np.asarray(season.background(events["sindec"]))
        weight = self.source_shares(k)[source, 0] / background[event]
        for f, ratio in enumerate(self._ratios[k]):
            mine = np.flatnonzero(of[source] == f)
            rows, back = np.unique(event[mine], return_inverse=True)
            if len(rows):
                weight[mine] *= np.exp(ratio(events[rows])[:, 0].astype(np.float64))[back]
        width = np.hypot(events["sigma"][event], src.extension[source])
        dec, to = events["dec"][event], src.dec[source]
        reach = np.sin(0.5 * np.minimum(self.model.options.cut_n_sigma * width, np.pi)) ** 2
        across = np.maximum(np.cos(dec) * np.cos(to), 1e-300)
        part = np.clip((reach - np.sin(0.5 * (dec - to)) ** 2) / across, 0.0, 1.0)
        return _Pairs(event, source, width, weight, 2.0 * np.arcsin(np.sqrt(part)) + 1e-6)

    def _ratio(self, pairs: _Pairs, ra: F64, dec: F64) -> F64:
        """(N,) W of events at these places."""
        apart = np.abs(ra[pairs.event] - self.src.ra[pairs.source])
        some = np.flatnonzero(np.minimum(apart, 2.0 * np.pi - apart) <= pairs.apart)
        i, j, width = pairs.event[some], pairs.source[some], pairs.width[some]
        away = np.asarray(separation(ra[i], dec[i], self.src.ra[j], self.src.dec[j]))
        density = np.where(away <= self.model.options.cut_n_sigma * width, space_density(away, width), 0.0)
        return np.asarray(np.bincount(i, pairs.weight[some] * density, len(ra)), dtype=np.float64)

    def whole_ratio(self, k: int, events: Events) -> F64:
        return self._ratio(self._pairs(k, events), events["ra"], events["dec"])

    def columns(self, k: int, events: Events) -> _core.EventColumns:
        return self._columns(self.whole_ratio(k, events))

    def _own(self, k: int, background: Scramble) -> _core.EventColumns:
        return self._columns(self._ratio(self._own_pairs[k], background.ra, background.season.data["dec"]))

    def _columns(self, value: F64) -> _core.EventColumns:
        value = np.ascontiguousarray(value[value > 0])
        return _core.EventColumns.of_values(value, np.zeros((len(value), 1), dtype=np.float32), self.gamma_nodes)
