"""`EnergyRatio`: ln R, how much more signal-like an event's energy is than background, for every γ node."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from nusky.analysis.gamma import GAMMA_NODES, check_gamma, check_gamma_nodes
from nusky.analysis.histograms import ByGamma, RatioAt, histogram
from nusky.analysis.interpolation import HermiteAxis
from nusky.analysis.smoothing import smooth_counts
from nusky.hyp import Flux, PowerLawFlux
from nusky.response import Signal, SimulatedSignal, bin_of, cell_of, centres, log_normalised, nearest
from nusky.typing import F64, Bool
from nusky.units import numbers

if TYPE_CHECKING:
    from nusky.events import Events

__all__ = ["EmptyRule", "EnergyRatio"]


#: What a cell with signal and no background takes; see `EnergyRatio.from_events`.
EmptyRule = Literal["continued", "nearest", "percentile99"]

#: Spectrum that continues the background where the season has no events: the diffuse astrophysical flux (γ about 2.4 to
#: 2.5 in IceCube's measurements) is the background there, and it is no clustering of events.
CONTINUED = PowerLawFlux(2.5)

# Limits of ln R for a spectrum that ends; see `_without_cliffs`.
_STEEPEST, _LEAST = 3.0, -30.0

# Rows evaluated at once: 16 neighbours × 49 nodes × 8 bytes of each stay within a processor's cache.
_CHUNK = 256


@dataclass(frozen=True, eq=False)
class EnergyRatio:
    """ln R(sin δ, log10 E; γ) = ln P_S(log10 E | sin δ; γ) − ln P_B(log10 E | sin δ) at the γ nodes.

    Both densities are histograms normalised in every row of sin δ: signal from the published tables or from simulation
    weighted with oneweight·E_true^−γ, by true declination (the source's), background from the season's data by the
    reconstructed one, its sparse cells smoothed (see `smooth_counts`). ln R lives at the cell centres and is
    interpolated by a local bicubic (`HermiteAxis` in sin δ and in log10 E): continuous with its slope, and a value
    depends on 4 × 4 cells only. Coordinates beyond the outermost centres take the value there.

    Parameters
    ----------
    gamma_nodes : (G,) increasing
    sindec_bins : (R + 1,) increasing
    log10energy_bins : (M + 1,) increasing, log10(E/GeV)
    table : (R, M, G) ln R at the cell centres, finite
    neutral : (R, M) bool
        Cells with neither signal nor background: R = 1 inside them. Their `table` holds the nearest known cell's value,
        so that interpolation in the cells beside them is not drawn towards 1.
    empty : {"continued", "nearest", "percentile99"}
        The rule that filled the cells with signal and no background.
    n_filled, n_replaced : int
        Cells with signal and expected background, and cells that took another cell's value by a rule.
    smooth : bool
        Whether sparse cells of the background were smoothed.

    Examples
    --------
    >>> import numpy as np
    >>> from nusky.analysis.energy import EnergyRatio
    >>> table = np.array([[[-1.0, 0.0], [1.0, 0.0]]])          # one row, two energies, two γ
    >>> ratio = EnergyRatio(np.array([2.0, 3.0]), np.array([-1.0, 1.0]), np.array([2.0, 4.0, 6.0]), table)
    >>> ratio.log_ratio(np.array([0.1]), np.array([4.0]))
    array([[0., 0.]])
    """

    gamma_nodes: F64
    sindec_bins: F64
    log10energy_bins: F64
    table: F64
    neutral: Bool | None = None
    empty: EmptyRule = "continued"
    n_filled: int = 0
    n_replaced: int = 0
    smooth: bool = True
    _sindec: HermiteAxis = field(init=False, repr=False)
    _energy: HermiteAxis = field(init=False, repr=False)
    _flat: F64 = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "gamma_nodes", check_gamma_nodes(self.gamma_nodes, least=1))
        for name in ("sindec_bins", "log10energy_bins"):
            edges = np.array(getattr(self, name), dtype=np.float64)
            if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0):
                raise ValueError(f"{name} must be at least two increasing edges, got {edges!r}")
            edges.setflags(write=False)
            object.__setattr__(self, name, edges)
        shape = (len(self.sindec_bins) - 1, len(self.log10energy_bins) - 1, len(self.gamma_nodes))
        table = np.array(self.table, dtype=np.float64)
        if table.shape != shape or not np.all(np.isfinite(table)):
            raise ValueError(f"table must hold finite values of shape {shape}, got shape {table.shape}")
        neutral = np.zeros(shape[:2], dtype=np.bool_) if self.neutral is None else np.array(self.neutral, np.bool_)
        if neutral.shape != shape[:2]:
            raise ValueError(f"neutral must have shape {shape[:2]}, got {neutral.shape}")
        for array in (table, neutral):
            array.setflags(write=False)
        object.__setattr__(self, "table", table)
        object.__setattr__(self, "neutral", neutral)
        object.__setattr__(self, "_sindec", HermiteAxis(centres(self.sindec_bins)))
        object.__setattr__(self, "_energy", HermiteAxis(centres(self.log10energy_bins)))
        object.__setattr__(self, "_flat", table.reshape(-1, shape[2]))

    @classmethod
    def from_events(
        cls,
        data: Events,
        sim: Events | Signal,
        *,
        sindec_bins: F64,
        log10energy_bins: F64,
        gamma_nodes: F64 = GAMMA_NODES,
        empty: EmptyRule = "continued",
        smooth: bool = True,
        progress: Callable[[float], object] | None = None,
        flux: Flux | None = None,
    ) -> EnergyRatio:
        """Build ln R from a season's data and its signal.

        Background is expected in cells with data and, smoothed, in those near them (`smooth_counts`). A cell with
        signal and no background takes one of

        - ``"continued"``: the background of the nearest cell along energy that has some (of two equally near the lower
          one), continued from there in the shape of an E^−2.5 signal: ln R at γ = 2.5 is that of that cell, and what
          the energy says about γ is kept;
        - ``"nearest"``: the whole ratio of that cell. All energies beyond the last background event are then alike, and
          hard spectra are fitted too soft (0.1 in γ for E^−2, 0.4 for E^−1.5 on the first-year season);
        - ``"percentile99"``: the 99th percentile of all ratios above 1 at that γ (Skylab's rule).

        A cell with background and no signal takes the ratio of the nearest cell with both; a cell with neither is
        neutral, R = 1, as is a row without any cell that has both. Energies outside the bins count in the outermost.

        Parameters
        ----------
        data : Events
            `sindec`, `log10energy`.
        sim : Events or Signal
            Simulation with `true_dec` (rad), `log10energy`, `true_energy` (GeV), `oneweight`; or signal in these cells.
        sindec_bins, log10energy_bins : edges
        gamma_nodes : (G,) increasing
        empty : {"continued", "nearest", "percentile99"}
        smooth : bool
            Smooth the background's sparse cells and those next to them.
        progress : callable, optional
            Called with each γ before it is worked on, in order.
        flux : Flux, optional
            Signal of this spectrum instead of power laws: the result has one node, γ = 0, which means it.

        Raises
        ------
        ValueError
            An unknown rule, unusable γ nodes or bins, or no cell with both signal and background.

        Examples
        --------
        >>> from nusky import selections
        >>> season = selections.demo.read("synthetic-v1", "IC86_2011")                           # doctest: +SKIP
        >>> ratio = EnergyRatio.from_events(season.data, season.sim, sindec_bins=season.sindec_bins,
        ...                                 log10energy_bins=season.log10energy_bins)            # doctest: +SKIP
        """
        if empty not in get_args(EmptyRule):
            raise ValueError(f"empty={empty!r} is not known; use {' or '.join(map(repr, get_args(EmptyRule)))}")
        nodes = check_gamma_nodes(gamma_nodes) if flux is None else np.zeros(1)
        sindec_bins, log10energy_bins = np.asarray(sindec_bins, np.float64), np.asarray(log10energy_bins, np.float64)
        shape = (len(sindec_bins) - 1, len(log10energy_bins) - 1)

        data_cell, _ = cell_of(data["sindec"], data["log10energy"], sindec_bins, log10energy_bins)
        background = np.bincount(data_cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
        signal = sim if isinstance(sim, Signal) else SimulatedSignal(sim, sindec_bins, log10energy_bins)
        has_signal = signal.filled
        if not np.any(has_signal & (background > 0)):
            raise ValueError(
                "no cell of (sindec, log10energy) holds both data and weighted simulation; check sindec_bins, "
                "log10energy_bins and the units of log10energy in both files"
            )
        expected = smooth_counts(background) if smooth else background
        has_background: Bool = expected > 0
        both = np.asarray(has_signal & has_background)
        log_background = log_normalised(expected)
        usable: Bool = np.any(both, axis=1)
        neutral = np.asarray(~(has_signal | has_background) | ~usable[:, None])
        nearest_both, nearest_known = nearest(both), nearest(~neutral)

        def log_signal(spectrum: Flux) -> F64:
            events = signal.histogram(spectrum)
            if not events.any():
                raise ValueError(f"{spectrum!r} gives no event: its energies miss the simulated ones")
            return log_normalised(events)

        own = both
        if empty == "continued":
            own = np.asarray(has_signal & usable[:, None])
            with np.errstate(invalid="ignore"):
                reference = log_signal(CONTINUED)
                log_background = reference + (log_background - reference).ravel()[nearest_both]

        table = np.empty((*shape, len(nodes)))
        for g in range(len(nodes)):
            if progress is not None:
                progress(float(nodes[g]))
            with np.errstate(invalid="ignore"):
                spectrum = PowerLawFlux(float(nodes[g])) if flux is None else flux
                ratio = np.where(own, log_signal(spectrum) - log_background, 0.0)
            if flux is not None:
                ratio = _without_cliffs(ratio)
            value = np.where(own, ratio, ratio.ravel()[nearest_both])
            if empty == "percentile99":
                above = np.exp(ratio[both & (ratio > 0)])
                top = np.log(np.percentile(above, 99)) if above.size else ratio[both].max()
                value[has_signal & ~has_background] = top
            table[:, :, g] = value.ravel()[nearest_known]
        return cls(
            nodes,
            sindec_bins,
            log10energy_bins,
            table,
            neutral,
            empty,
            n_filled=int(both.sum()),
            n_replaced=int((~both & ~neutral).sum()),
            smooth=smooth,
        )

    def log_ratio(self, sindec: ArrayLike, log10energy: ArrayLike) -> F64:
        """ln R of events at all γ nodes.

        Parameters
        ----------
        sindec : (N,)
        log10energy : (N,) log10(E/GeV)

        Returns
        -------
        (N, G)
        """
        s, e = numbers("sindec", sindec), numbers("log10energy", log10energy)
        if s.ndim != 1 or s.shape != e.shape:
            raise ValueError(f"sindec and log10energy must be (N,) alike, got {s.shape} and {e.shape}")
        out = np.empty((len(s), len(self.gamma_nodes)))
        for start in range(0, len(s), _CHUNK):
            part = slice(start, start + _CHUNK)
            self._evaluate(s[part], e[part], out[part])
        return out

    # csky's names

    @property
    def gammas(self) -> F64:
        """(G,) γ nodes."""
        return self.gamma_nodes

    def __call__(self, events: Any) -> Callable[..., tuple[Any, F64]]:
        """csky's evaluator of events: ``model(events)(gamma=2)`` gives ``(events with a ratio, R)``; see `log_ratio`.

        The first of the two is the (N,) row numbers, since every event has a ratio.
        """
        table = self.log_ratio(np.asarray(events["sindec"]), np.asarray(events["log10energy"]))
        axis = HermiteAxis(self.gamma_nodes) if len(self.gamma_nodes) > 1 else None

        def at(gamma: float | None = None, **_: Any) -> tuple[Any, F64]:
            if axis is None:
                return np.arange(len(table)), np.exp(table[:, 0])
            if gamma is None:
                raise TypeError("give gamma=: the energy term depends on it")
            check_gamma(gamma, self.gamma_nodes)
            index, weight = axis.weights(np.array([float(gamma)]))
            return np.arange(len(table)), np.exp((table[:, index[0]] * weight[0]).sum(axis=1))

        return at

    @property
    def ss_hl(self) -> ByGamma:
        """For each node the function of (sindec, log10energy) that gives ln R, interpolated as fits do.

        Its ``eval(bins=100)`` is a histlite histogram of R. The list is in the order of `gammas`, and a node itself
        finds its entry, too: ``ss_hl[2.5]``.
        """
        return ByGamma(self.gamma_nodes, [RatioAt(self, g) for g in range(len(self.gamma_nodes))])

    @property
    def hs_ratio(self) -> ByGamma:
        """histlite histograms of R at the cells' centres, with cells filled by rule (needs histlite); as `ss_hl`."""
        bins = (self.sindec_bins, self.log10energy_bins)
        assert self.neutral is not None
        tables = [np.where(self.neutral, 0.0, self.table[:, :, g]) for g in range(len(self.gammas))]
        return ByGamma(self.gammas, [histogram(np.exp(table), bins) for table in tables])

    def _evaluate(self, s: F64, e: F64, out: F64) -> None:
        row, row_weight = self._sindec.weights(s)
        column, column_weight = self._energy.weights(e)
        n_energy = len(self._energy)
        cells = (row[:, :, None] * n_energy + column[:, None, :]).reshape(len(s), 16)
        weight = (row_weight[:, :, None] * column_weight[:, None, :]).reshape(len(s), 1, 16)
        np.matmul(weight, self._flat[cells], out=out[:, None, :])
        assert self.neutral is not None
        own = bin_of(self.sindec_bins, s) * n_energy + bin_of(self.log10energy_bins, e)
        is_neutral = self.neutral.ravel()[own]
        if is_neutral.any():
            out[is_neutral] = 0.0

    def __repr__(self) -> str:
        rows, columns, n = self.table.shape
        assert self.neutral is not None
        return (
            f"EnergyRatio({rows} x {columns} cells, {n} gamma {self.gamma_nodes[0]:g} ... {self.gamma_nodes[-1]:g}; "
            f"{self.n_filled} filled, {self.n_replaced} by rule ({self.empty}), {int(self.neutral.sum())} neutral)"
        )


def _without_cliffs(log_ratio: F64) -> F64:
    """ln R that falls by at most `_STEEPEST` a cell along energy.

    A spectrum may end: behind its end ln R is −∞, and no smooth curve goes through that. Where the limit acts R is less
    than a hundredth of what it is two cells on.
    """
    out = np.maximum(log_ratio, _LEAST)
    for m in range(1, out.shape[1]):
        out[:, m] = np.maximum(out[:, m], out[:, m - 1] - _STEEPEST)
    for m in range(out.shape[1] - 2, -1, -1):
        out[:, m] = np.maximum(out[:, m], out[:, m + 1] - _STEEPEST)
    return out
