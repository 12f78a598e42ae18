"""`SigmaRatio`: how much more signal-like an event's angular error is than background of the same energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nusky.hyp import Flux, PowerLawFlux
from nusky.response.cells import bin_of, cell_of, centres, nearest
from nusky.response.sigma_background import log_background_sigmas
from nusky.response.tabulated import TabulatedResponse
from nusky.typing import F32, F64, I64, Bool

if TYPE_CHECKING:
    from nusky.events import Events

__all__ = ["SigmaRatio"]

# The spectrum whose errors the background's are compared with: that of atmospheric neutrinos.
_REFERENCE = PowerLawFlux(3.7)
# Share of the background's spread in the signal's: R is not lowered by more than this, wherever the matrix has no cell.
_LEAST = 0.01
# Width of the bins in log10 E.
_ENERGY_STEP = 0.2
# Events evaluated at once: 8 neighbours of 49 nodes each stay within a processor's cache.
_CHUNK = 512


@dataclass(frozen=True, eq=False)
class SigmaRatio:
    """ln P_S(σ | log10 E, sin δ; γ) − ln P_B(σ | log10 E, sin δ), a term of ln R.

    S(ψ, σ) says where signal of a given σ is found and takes σ as given. But σ is measured, and signal and background
    of one energy have different σ: without this term a likelihood is biased by the difference.

    Signal is that of the published matrices. Background is counted in the season's data, see `log_background_sigmas`.
    Both live in cells of (sin δ, log10 E, ln σ); in between, the term is linear in each of the three.

    Parameters
    ----------
    sindec_bins : (R + 1,)
    log10energy_bins : (M + 1,)
    sigma_edges : (S + 1,) rad
    log_background : (R, M, S)
    table : (R, M, S, G) float32

    Examples
    --------
    >>> one = SigmaRatio(np.array([-1.0, 1.0]), np.array([2.0, 4.0]), np.array([0.01, 0.02, 0.04]),
    ...                  np.log(np.full((1, 1, 2), 0.5)), np.log([[[[1.5], [0.5]]]]).astype(np.float32))
    >>> np.exp(one.log_ratio([0.0, 0.0], [3.0, 3.0], [0.001, 0.1])).round(6).tolist()
    [[1.5], [0.5]]
    """

    sindec_bins: F64
    log10energy_bins: F64
    sigma_edges: F64
    log_background: F64
    table: F32

    @classmethod
    def of(
        cls,
        response: TabulatedResponse,
        data: Events,
        *,
        sindec_bins: F64,
        log10energy_bins: F64,
        fluxes: Sequence[Flux],
    ) -> SigmaRatio:
        """From the published tables and a season's events.

        Parameters
        ----------
        response : TabulatedResponse
        data : Events
            `sindec`, `log10energy`, `sigma` (rad).
        sindec_bins, log10energy_bins : edges
            Bins of energy are taken together to about 0.2.
        fluxes : G spectra
        """
        # How σ is spread changes more slowly with energy than the number of events does.
        together = max(1, round(_ENERGY_STEP / float(np.median(np.diff(log10energy_bins)))))
        bins = (sindec_bins, np.unique(np.append(log10energy_bins[::together], log10energy_bins[-1])))
        reference, _ = _signal(response, bins, [_REFERENCE])
        shape = reference.shape[1:]
        cell, rows = cell_of(data["sindec"], data["log10energy"], *bins)
        cell = cell * shape[2] + bin_of(response.sigma_edges, data["sigma"][rows])
        counts = np.bincount(cell, minlength=int(np.prod(shape))).reshape(shape).astype(np.float64)
        background = log_background_sigmas(counts, reference[0])
        made = cls(*bins, response.sigma_edges, background, np.zeros((*shape, 1), dtype=np.float32))
        return made.of_fluxes(response, fluxes)

    def of_fluxes(self, response: TabulatedResponse, fluxes: Sequence[Flux]) -> SigmaRatio:
        """The term for other spectra, with the same background."""
        signal, has_signal = _signal(response, (self.sindec_bins, self.log10energy_bins), fluxes)
        background = np.exp(self.log_background)
        table = np.empty((*background.shape, len(fluxes)), dtype=np.float32)
        for g in range(len(fluxes)):
            ratio = np.log((1.0 - _LEAST) * signal[g] / background + _LEAST)
            table[..., g] = ratio.reshape(-1, ratio.shape[2])[nearest(has_signal[g])]
        return SigmaRatio(self.sindec_bins, self.log10energy_bins, self.sigma_edges, self.log_background, table)

    def log_ratio(self, sindec: F64, log10energy: F64, sigma: F64) -> F64:
        """The term of each event for each spectrum.

        Parameters
        ----------
        sindec, log10energy, sigma : (N,)
            sin δ, log10(E/GeV), rad. Beyond the outermost centres the value there is taken.

        Returns
        -------
        (N, G)
        """
        axes = (centres(self.sindec_bins), centres(self.log10energy_bins), centres(np.log(self.sigma_edges)))
        values = (np.asarray(sindec), np.asarray(log10energy), np.log(np.asarray(sigma, dtype=np.float64)))
        flat = self.table.reshape(-1, self.table.shape[3])
        out = np.empty((len(values[0]), flat.shape[1]))
        for start in range(0, len(out), _CHUNK):
            some = slice(start, start + _CHUNK)
            cell = np.zeros((len(out[some]), 1), dtype=np.int64)
            weight = np.ones(cell.shape)
            for nodes, x in zip(axes, values, strict=True):
                index, share = _between(nodes, x[some])
                cell = (cell[:, :, None] * len(nodes) + index[:, None, :]).reshape(len(cell), -1)
                weight = (weight[:, :, None] * share[:, None, :]).reshape(len(cell), -1)
            np.matmul(weight[:, None, :], flat[cell], out=out[some, None, :])
        return out

    def __repr__(self) -> str:
        rows, energies, sigmas, n = self.table.shape
        low, high = np.degrees(self.sigma_edges[[0, -1]])
        return f"SigmaRatio({rows} x {energies} x {sigmas} cells, sigma {low:.3g} ... {high:.3g} deg, {n} spectra)"


def _signal(response: TabulatedResponse, bins: tuple[F64, F64], fluxes: Sequence[Flux]) -> tuple[F64, Bool]:
    """(F, R, M, S) shares of σ in each cell, and (F, R, M) which cells have signal; the others hold a neighbour's."""
    joint = response.energies_and_sigmas(*bins, fluxes)
    total = joint.sum(axis=3, keepdims=True)
    filled = total[..., 0] > 0
    for f in range(len(joint)):
        if not filled[f].any():
            raise ValueError(f"{fluxes[f]!r} gives no event: its energies miss those of the effective area")
    share = np.divide(joint, total, out=np.zeros_like(joint), where=total > 0)
    for f in range(len(joint)):
        share[f] = share[f].reshape(-1, share.shape[3])[nearest(filled[f])]
    return share, filled


def _between(nodes: F64, x: F64) -> tuple[I64, F64]:
    """(N, 2) neighbouring nodes and their weights; beyond the ends the outermost node has it all."""
    if len(nodes) == 1:
        return np.zeros((len(x), 2), dtype=np.int64), np.tile([1.0, 0.0], (len(x), 1))
    low = np.clip(nodes.searchsorted(x, side="right") - 1, 0, len(nodes) - 2)
    share = np.clip((x - nodes[low]) / (nodes[low + 1] - nodes[low]), 0.0, 1.0)
    return np.stack([low, low + 1], axis=1), np.stack([1.0 - share, share], axis=1)
