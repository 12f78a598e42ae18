"""How signal spreads over reconstructed energies, by rows of sin δ: from tables, or from a simulated set."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, runtime_checkable

import numpy as np

from nusky.events import Events
from nusky.hyp import Flux, PowerLawFlux
from nusky.response.cells import cell_of
from nusky.response.tabulated import TabulatedResponse
from nusky.typing import F64, I64, Bool

__all__ = ["Signal", "SimulatedSignal", "TabulatedSignal"]


@runtime_checkable
class Signal(Protocol):
    """Signal in cells of (sin δ, log10 E), for any spectrum."""

    @property
    def filled(self) -> Bool:
        """(R, M) cells in which some spectrum has signal."""
        ...

    def histogram(self, flux: Flux) -> F64:
        """(R, M) events of a spectrum, each row in units of its own."""
        ...


@dataclass(frozen=True, eq=False)
class SimulatedSignal:
    """Signal from simulated events, in rows of their true declination: that is where the source is.

    In rows of the reconstructed one the few badly reconstructed events from the horizon, where soft spectra are
    accepted 100 times better, would outweigh the row's own in the south (E^−3 at −30° was then fitted as E^−2.7).

    Parameters
    ----------
    sim : Events
        `true_dec` (rad), `log10energy`, `true_energy` (GeV), `oneweight`.
    sindec_bins, log10energy_bins : edges
        Energies outside them count in the outermost.
    """

    sim: Events
    sindec_bins: F64
    log10energy_bins: F64

    @property
    def _shape(self) -> tuple[int, int]:
        return len(self.sindec_bins) - 1, len(self.log10energy_bins) - 1

    @cached_property
    def _placed(self) -> tuple[I64, Any]:
        sindec = np.sin(self.sim["true_dec"])
        return cell_of(sindec, self.sim["log10energy"], self.sindec_bins, self.log10energy_bins)

    def _histogram(self, weight: F64) -> F64:
        size = self._shape[0] * self._shape[1]
        return np.asarray(np.bincount(self._placed[0], weights=weight, minlength=size).reshape(self._shape), np.float64)

    @cached_property
    def filled(self) -> Bool:
        """See `Signal`."""
        return np.asarray(self._histogram((self.sim["oneweight"][self._placed[1]] > 0).astype(np.float64)) > 0)

    def histogram(self, flux: Flux) -> F64:
        """See `Signal`."""
        rows = self._placed[1]
        return self._histogram(self.sim["oneweight"][rows] * flux(self.sim["true_energy"][rows]))


@dataclass(frozen=True, eq=False)
class TabulatedSignal:
    """Signal from published tables: no event is drawn, no spectrum is missing.

    Parameters
    ----------
    response : TabulatedResponse
    sindec_bins, log10energy_bins : edges
        Energies outside them count in the outermost.
    """

    response: TabulatedResponse
    sindec_bins: F64
    log10energy_bins: F64

    @cached_property
    def filled(self) -> Bool:
        """See `Signal`."""
        return np.asarray(self.histogram(PowerLawFlux(2.0)) > 0)

    def histogram(self, flux: Flux) -> F64:
        """See `Signal`."""
        return np.asarray(self.response.energies(self.sindec_bins, self.log10energy_bins, [flux])[0])
