"""Spectra given as numbers: a table of points, a histogram."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.hyp.flux import ENERGY, FLUX, Flux, number, set_fields
from nusky.missing import without_missing
from nusky.typing import F64
from nusky.units import has_unit, in_unit

__all__ = ["BinnedFlux", "TableFlux"]

# where tables of log10(E / GeV) end
_LOGARITHMS = (3.0, 12.0)


@dataclass(frozen=True)
class TableFlux(Flux):
    """A tabulated spectrum: straight lines in log φ against log E between the points, 0 outside the table.

    Parameters
    ----------
    energy : (M,) GeV, increasing, > 0, M ≥ 2
    values : (M,) GeV⁻¹ cm⁻² s⁻¹, > 0
    norm : float
        Multiplies the table.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from nusky import hyp
    >>> f"{hyp.TableFlux([1e2, 1e6], [1e-4, 1e-12])(1e3):.2e}"
    '1.00e-06'
    """

    energy: Sequence[float]
    values: Sequence[float]
    norm: float = 1.0

    def __post_init__(self) -> None:
        energy, values = _numbers("energy", self.energy, ENERGY), _numbers("values", self.values, FLUX)
        if len(energy) < 2 or len(values) != len(energy):
            raise ValueError(
                f"TableFlux: {len(energy)} energies and {len(values)} values; give at least 2, one value each"
            )
        if not all(v > 0 for v in values):
            raise ValueError(
                f"values must be above 0 (logarithms are interpolated), got {min(values)!r}; cut the table there"
            )
        _increasing("energy", energy)
        if not has_unit(self.energy):
            _not_logarithms("energy", energy)
        set_fields(self, energy=energy, values=values, norm=number("norm", self.norm, positive=True))

    @cached_property
    def _logs(self) -> tuple[F64, F64]:
        return np.log(self.energy), np.log(self.values)

    def _value(self, energy: F64) -> F64:
        value = self.norm * np.exp(np.interp(np.log(energy), *self._logs))
        return np.where((energy >= self.energy[0]) & (energy <= self.energy[-1]), value, 0.0)


@dataclass(frozen=True, init=False)
class BinnedFlux(Flux):
    """A histogram of φ: constant inside each energy bin (the last one includes its upper edge), 0 outside.

    Parameters
    ----------
    energy_bins : (M + 1,) GeV, increasing, > 0
    values : (M,) GeV⁻¹ cm⁻² s⁻¹, ≥ 0, not all 0
    norm : float
        Multiplies the values.
    bins_energy, flux
        csky's names of `energy_bins` and `values`.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from nusky import hyp
    >>> hyp.BinnedFlux([1e2, 1e3, 1e4], [2e-9, 1e-11])([500.0, 5e3, 5e4])
    array([2.e-09, 1.e-11, 0.e+00])
    """

    energy_bins: Sequence[float]
    values: Sequence[float]
    norm: float = 1.0

    def __init__(
        self,
        energy_bins: ArrayLike | None = None,
        values: ArrayLike | None = None,
        norm: float = 1.0,
        *,
        bins_energy: ArrayLike | None = None,
        flux: ArrayLike | None = None,
    ) -> None:
        for ours, name, csky in ((energy_bins, "energy_bins", bins_energy), (values, "values", flux)):
            if (ours is None) == (csky is None):
                other = {"energy_bins": "bins_energy", "values": "flux"}[name]
                raise TypeError(f"BinnedFlux needs {name}= (csky's {other}=), once")
        given = bins_energy if energy_bins is None else energy_bins
        edges = _numbers("energy_bins", given, ENERGY)
        values = _numbers("values", flux if values is None else values, FLUX)
        if len(edges) < 2 or len(values) != len(edges) - 1:
            raise ValueError(f"BinnedFlux: {len(edges)} edges and {len(values)} values; M + 1 edges hold M values")
        if min(values) < 0 or max(values) == 0:
            raise ValueError("values must be nowhere negative and somewhere positive")
        _increasing("energy_bins", edges)
        if not has_unit(given):
            _not_logarithms("energy_bins", edges)
        set_fields(self, energy_bins=edges, values=values, norm=number("norm", norm, positive=True))

    @cached_property
    def _arrays(self) -> tuple[F64, F64]:
        return np.asarray(self.energy_bins), np.asarray((0.0, *self.values, 0.0))

    def _value(self, energy: F64) -> F64:
        edges, values = self._arrays
        index = np.searchsorted(edges, energy, side="right")
        index = np.where(energy == edges[-1], len(edges) - 1, index)
        return np.asarray(self.norm * values[index])


def _numbers(name: str, values: Any, unit: str) -> tuple[float, ...]:
    array, _ = without_missing(in_unit(name, values, unit), name)
    if array.ndim != 1 or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be a one-dimensional sequence of finite numbers")
    return tuple(array.tolist())


def _not_logarithms(name: str, values: tuple[float, ...]) -> None:
    """No neutrino telescope sees below some GeV: energies that all are there are likely log10(E / GeV)."""
    if _LOGARITHMS[0] <= values[-1] <= _LOGARITHMS[1]:
        warnings.warn(
            f"{name} ends at {values[-1]:g} GeV: are these log10(E / GeV)? Energies are in GeV, 10 ** {name} then; a "
            "Quantity is taken at its word",
            UserWarning,
            stacklevel=4,
        )


def _increasing(name: str, values: tuple[float, ...]) -> None:
    if not values[0] > 0 or not np.all(np.diff(values) > 0):
        raise ValueError(f"{name} must be above 0 GeV and increase strictly")
