"""Power laws, straight and broken, with an energy range and an exponential cutoff."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nusky.hyp.flux import ENERGY, FLUX, Flux, number, set_fields
from nusky.typing import F64
from nusky.units import in_unit

__all__ = ["BrokenPowerLawFlux", "PowerLawFlux"]

Range = tuple[float, float]
EVERYWHERE: Range = (0.0, math.inf)


@dataclass(frozen=True)
class PowerLawFlux(Flux):
    """φ(E) = norm · (E/GeV)^−γ · exp(−E/energy_cutoff) inside `energy_range`, 0 outside.

    Parameters
    ----------
    gamma : float
        E^-2 has gamma 2; a negative one is warned of.
    norm : float
        GeV⁻¹ cm⁻² s⁻¹ at 1 GeV, > 0.
    energy_range : (float, float)
        GeV, lower < upper.
    energy_cutoff : float
        GeV, > 0; infinity for none.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from nusky import hyp
    >>> hyp.PowerLawFlux(2.0, energy_range=(1e3, 1e5))([1e2, 1e4])
    array([0.e+00, 1.e-08])
    """

    gamma: float
    norm: float = 1.0
    energy_range: Range = EVERYWHERE
    energy_cutoff: float = math.inf

    def __post_init__(self) -> None:
        set_fields(self, gamma=number("gamma", self.gamma), norm=number("norm", self.norm, unit=FLUX, positive=True))
        _set_window(self, self.energy_range, self.energy_cutoff)
        if self.gamma < 0:
            warnings.warn(
                f"gamma={self.gamma:g} is a spectrum that rises, E^{-self.gamma:g}: E^-2 has gamma=2",
                UserWarning,
                stacklevel=4,
            )

    def _value(self, energy: F64) -> F64:
        value = self.norm * energy**-self.gamma
        return _windowed(value, energy, self.energy_range, self.energy_cutoff)


@dataclass(frozen=True)
class BrokenPowerLawFlux(Flux):
    """E^−γ₁ below `energy_break`, E^−γ₂ above, continuous there; `norm` is that of the lower branch at 1 GeV.

    Parameters
    ----------
    gamma1, gamma2 : float
    energy_break : float
        GeV, finite, > 0.
    norm, energy_range, energy_cutoff
        See `PowerLawFlux`.

    Raises
    ------
    ValueError

    Examples
    --------
    >>> from nusky import hyp
    >>> flux = hyp.BrokenPowerLawFlux(2.0, 3.0, 1e4)
    >>> [f"{flux(e):.1e}" for e in (1e3, 1e4, 1e5)]
    ['1.0e-06', '1.0e-08', '1.0e-11']
    """

    gamma1: float
    gamma2: float
    energy_break: float
    norm: float = 1.0
    energy_range: Range = EVERYWHERE
    energy_cutoff: float = math.inf

    def __post_init__(self) -> None:
        set_fields(
            self,
            gamma1=number("gamma1", self.gamma1),
            gamma2=number("gamma2", self.gamma2),
            energy_break=number("energy_break", self.energy_break, unit=ENERGY, positive=True),
            norm=number("norm", self.norm, unit=FLUX, positive=True),
        )
        _set_window(self, self.energy_range, self.energy_cutoff)

    def _value(self, energy: F64) -> F64:
        x = energy / self.energy_break
        value = self.norm * self.energy_break**-self.gamma1 * np.where(x < 1, x**-self.gamma1, x**-self.gamma2)
        return _windowed(value, energy, self.energy_range, self.energy_cutoff)


def _set_window(flux: Flux, energy_range: Sequence[float], energy_cutoff: float) -> None:
    if len(energy_range) != 2:
        raise ValueError(f"energy_range={energy_range!r}: two energies in GeV, lower and upper")
    low, high = (float(in_unit("energy_range", v, ENERGY)) for v in energy_range)
    if not (0 <= low < high):
        raise ValueError(f"energy_range={energy_range!r}: lower and upper energy in GeV with 0 <= lower < upper")
    cutoff = float(in_unit("energy_cutoff", energy_cutoff, ENERGY))
    if not cutoff > 0:
        raise ValueError(f"energy_cutoff={energy_cutoff!r}: must be above 0 GeV (infinity for none)")
    set_fields(flux, energy_range=(low, high), energy_cutoff=cutoff)


@np.errstate(under="ignore")
def _windowed(value: F64, energy: F64, energy_range: Range, cutoff: float) -> F64:
    if cutoff < math.inf:
        value = value * np.exp(-energy / cutoff)
    low, high = energy_range
    if low > 0 or high < math.inf:
        value = np.where((energy >= low) & (energy <= high), value, 0.0)
    return np.asarray(value)
