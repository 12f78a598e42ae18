"""`hyp`: fluxes, and what a number of events means as a flux.

A flux is a function of the neutrino energy, φ(E) in GeV⁻¹ cm⁻² s⁻¹. With an acceptance A = expected events for that
flux exactly as it stands (its own norm included), n events ask for the flux m·φ with m = n / A:

    dN/dE(E0)   = m φ(E0·unit)·unit                    per `unit`·GeV, cm⁻² s⁻¹
    E²dN/dE(E0) = m φ(E0·unit)·(E0·unit)² / unit       `unit`·GeV cm⁻² s⁻¹

E0 is counted in `unit` GeV: ``unit=1e3, E0=100`` is 100 TeV, and the result is in TeV⁻¹ or TeV.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["BinnedFlux", "BrokenPowerLawFlux", "Flux", "PowerLawFlux", "TableFlux", "from_json"]

F64 = NDArray[np.float64]
Range = tuple[float, float]
EVERYWHERE: Range = (0.0, math.inf)


class Flux(ABC):
    """What every flux can do; subclass it (a frozen dataclass that defines `_value`) for a spectrum of your own."""

    @abstractmethod
    def _value(self, energy: F64) -> F64:
        """φ(E) in GeV⁻¹ cm⁻² s⁻¹ for positive energies in GeV, same shape."""

    def __call__(self, energy: ArrayLike) -> Any:
        """φ(E).

        Parameters
        ----------
        energy : (…) GeV, > 0

        Returns
        -------
        (…) GeV⁻¹ cm⁻² s⁻¹; a float for a scalar

        Examples
        --------
        >>> from nusky import hyp
        >>> hyp.PowerLawFlux(2.0, norm=1e-8)(1e3)
        1e-14
        """
        e = np.asarray(energy, dtype=np.float64)
        if not np.all(e > 0):
            bad = e[~(e > 0)].ravel()[0]
            raise ValueError(f"energy {bad!r} GeV: a flux is defined for energies above 0 GeV")
        value = self._value(e)
        return float(value) if e.ndim == 0 else value

    def to_model_norm(self, ns: ArrayLike, acc: ArrayLike) -> Any:
        """The factor on this flux that gives `ns` events, ns / acc; for ``norm=1`` the flux normalisation itself.

        Parameters
        ----------
        ns : (…) events
        acc : (…) events that this flux, as it stands, is expected to give (> 0)

        Examples
        --------
        >>> from nusky import hyp
        >>> hyp.PowerLawFlux(2.0).to_model_norm(20, 1e10)
        2e-09
        """
        n, a = np.asarray(ns, dtype=np.float64), np.asarray(acc, dtype=np.float64)
        if not np.all((a > 0) & np.isfinite(a)):
            raise ValueError(f"acceptance {acc!r}: counts convert to a flux only where it is positive and finite")
        if not np.all(np.isfinite(n)):
            raise ValueError(f"ns={ns!r}: the number of events must be finite")
        value = n / a
        return float(value) if value.ndim == 0 else value

    def to_dNdE(self, ns: ArrayLike, acc: ArrayLike, *, E0: float = 1.0, unit: float = 1.0) -> Any:
        """dN/dE at `E0`·`unit` GeV of the flux that gives `ns` events, per `unit`·GeV cm⁻² s⁻¹.

        Parameters
        ----------
        ns, acc : (…)
            See `to_model_norm`.
        E0 : float
            Energy, counted in `unit`, > 0.
        unit : float
            GeV; 1e3 for TeV.

        Examples
        --------
        >>> from nusky import hyp
        >>> f"{hyp.PowerLawFlux(2.0).to_dNdE(20, 2e9, E0=1, unit=1e3):.3g}"     # TeV⁻¹ cm⁻² s⁻¹ at 1 TeV
        '1e-11'
        """
        return self.to_model_norm(ns, acc) * (self._at(E0, unit) * unit)

    def to_E2dNdE(self, ns: ArrayLike, acc: ArrayLike, *, E0: float = 1.0, unit: float = 1.0) -> Any:
        """E² dN/dE at `E0`·`unit` GeV of the flux that gives `ns` events, in `unit`·GeV cm⁻² s⁻¹.

        Parameters
        ----------
        ns, acc, E0, unit
            See `to_dNdE`.

        Examples
        --------
        >>> from nusky import hyp
        >>> f"{hyp.PowerLawFlux(2.0).to_E2dNdE(20, 2e9, E0=100, unit=1e3):.3g}"     # TeV cm⁻² s⁻¹, the same at any E0
        '1e-11'
        """
        return self.to_model_norm(ns, acc) * (self._at(E0, unit) * (E0 * unit) ** 2 / unit)

    def to_ns(
        self, value: ArrayLike, acc: ArrayLike, *, E0: float = 1.0, unit: float = 1.0, E2dNdE: bool = True
    ) -> Any:
        """Expected events for a flux of this shape with a given value at `E0`: inverse of `to_E2dNdE` and `to_dNdE`.

        Parameters
        ----------
        value : (…)
            E² dN/dE in `unit`·GeV cm⁻² s⁻¹, or with ``E2dNdE=False`` dN/dE per `unit`·GeV cm⁻² s⁻¹.
        acc, E0, unit
            See `to_dNdE`.

        Examples
        --------
        >>> from nusky import hyp
        >>> round(hyp.PowerLawFlux(2.0).to_ns(1e-11, 2e9, E0=100, unit=1e3), 6)
        20.0
        """
        per_norm = self._at(E0, unit) * ((E0 * unit) ** 2 / unit if E2dNdE else unit)
        if per_norm == 0:
            raise ValueError(f"{self!r} is 0 at E0 = {E0!r} x {unit!r} GeV: choose an E0 where it is positive")
        n = np.asarray(value, dtype=np.float64) / per_norm * np.asarray(acc, dtype=np.float64)
        return float(n) if np.ndim(n) == 0 else n

    def _at(self, E0: float, unit: float) -> float:
        for name, number in (("E0", E0), ("unit", unit)):
            if not (np.isfinite(number) and number > 0):
                raise ValueError(
                    f"{name}={number!r}: must be finite and positive (unit is in GeV, E0 is counted in it)"
                )
        return float(self(E0 * unit))

    def to_json(self) -> dict[str, Any]:
        """A dictionary that strict JSON can hold (∞ as None) and `from_json` turns back into an equal flux.

        Examples
        --------
        >>> from nusky import hyp
        >>> hyp.PowerLawFlux(2.5, energy_cutoff=1e5).to_json()
        {'type': 'PowerLawFlux', 'gamma': 2.5, 'norm': 1.0, 'energy_range': [0.0, None], 'energy_cutoff': 100000.0}
        """
        if not dataclasses.is_dataclass(self):
            raise TypeError(f"{type(self).__name__} is no dataclass: give it its own to_json")
        spec: dict[str, Any] = {"type": type(self).__name__}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            spec[field.name] = [_finite(v) for v in value] if isinstance(value, tuple) else _finite(value)
        return spec


@dataclass(frozen=True)
class PowerLawFlux(Flux):
    """φ(E) = norm · (E/GeV)^−γ · exp(−E/energy_cutoff) inside `energy_range`, 0 outside.

    Parameters
    ----------
    gamma : float
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
        _set(self, gamma=_number("gamma", self.gamma), norm=_number("norm", self.norm, positive=True))
        _set_window(self, self.energy_range, self.energy_cutoff)

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
        _set(
            self,
            gamma1=_number("gamma1", self.gamma1),
            gamma2=_number("gamma2", self.gamma2),
            energy_break=_number("energy_break", self.energy_break, positive=True),
            norm=_number("norm", self.norm, positive=True),
        )
        _set_window(self, self.energy_range, self.energy_cutoff)

    def _value(self, energy: F64) -> F64:
        x = energy / self.energy_break
        value = self.norm * self.energy_break**-self.gamma1 * np.where(x < 1, x**-self.gamma1, x**-self.gamma2)
        return _windowed(value, energy, self.energy_range, self.energy_cutoff)


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
        energy, values = _numbers("energy", self.energy), _numbers("values", self.values)
        if len(energy) < 2 or len(values) != len(energy):
            raise ValueError(
                f"TableFlux: {len(energy)} energies and {len(values)} values; give at least 2, one value each"
            )
        if not all(v > 0 for v in values):
            raise ValueError(
                f"values must be above 0 (logarithms are interpolated), got {min(values)!r}; cut the table there"
            )
        _increasing("energy", energy)
        _set(self, energy=energy, values=values, norm=_number("norm", self.norm, positive=True))

    @cached_property
    def _logs(self) -> tuple[F64, F64]:
        return np.log(self.energy), np.log(self.values)

    def _value(self, energy: F64) -> F64:
        value = self.norm * np.exp(np.interp(np.log(energy), *self._logs))
        return np.where((energy >= self.energy[0]) & (energy <= self.energy[-1]), value, 0.0)


@dataclass(frozen=True)
class BinnedFlux(Flux):
    """A histogram of φ: constant inside each energy bin (the last one includes its upper edge), 0 outside.

    Parameters
    ----------
    energy_bins : (M + 1,) GeV, increasing, > 0
    values : (M,) GeV⁻¹ cm⁻² s⁻¹, ≥ 0, not all 0
    norm : float
        Multiplies the values.

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

    def __post_init__(self) -> None:
        edges, values = _numbers("energy_bins", self.energy_bins), _numbers("values", self.values)
        if len(edges) < 2 or len(values) != len(edges) - 1:
            raise ValueError(f"BinnedFlux: {len(edges)} edges and {len(values)} values; M + 1 edges hold M values")
        if min(values) < 0 or max(values) == 0:
            raise ValueError("values must be nowhere negative and somewhere positive")
        _increasing("energy_bins", edges)
        _set(self, energy_bins=edges, values=values, norm=_number("norm", self.norm, positive=True))

    @cached_property
    def _arrays(self) -> tuple[F64, F64]:
        return np.asarray(self.energy_bins), np.asarray((0.0, *self.values, 0.0))

    def _value(self, energy: F64) -> F64:
        edges, values = self._arrays
        index = np.searchsorted(edges, energy, side="right")
        index = np.where(energy == edges[-1], len(edges) - 1, index)
        return np.asarray(self.norm * values[index])


def from_json(spec: Mapping[str, Any]) -> Flux:
    """The flux that `Flux.to_json` wrote.

    Parameters
    ----------
    spec : mapping
        ``type`` and that type's arguments.

    Returns
    -------
    Flux

    Raises
    ------
    KeyError
        No type, or a type that is not one of this module's.
    TypeError
        An argument that the type does not have, or one missing.

    Examples
    --------
    >>> from nusky import hyp
    >>> hyp.from_json({"type": "PowerLawFlux", "gamma": 2.0})
    PowerLawFlux(gamma=2.0, norm=1.0, energy_range=(0.0, inf), energy_cutoff=inf)
    """
    kinds: dict[str, Callable[..., Flux]] = {
        kind.__name__: kind for kind in (PowerLawFlux, BrokenPowerLawFlux, TableFlux, BinnedFlux)
    }
    if spec.get("type") not in kinds:
        raise KeyError(f"flux type {spec.get('type')!r} is unknown; one of {', '.join(kinds)}")
    arguments = {
        name: tuple(_infinite(v) for v in value) if isinstance(value, (list, tuple)) else _infinite(value)
        for name, value in spec.items()
        if name != "type"
    }
    return kinds[spec["type"]](**arguments)


def _set(flux: Flux, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(flux, name, value)


def _set_window(flux: Flux, energy_range: Sequence[float], energy_cutoff: float) -> None:
    if len(energy_range) != 2:
        raise ValueError(f"energy_range={energy_range!r}: two energies in GeV, lower and upper")
    low, high = (float(v) for v in energy_range)
    if not (0 <= low < high):
        raise ValueError(f"energy_range={energy_range!r}: lower and upper energy in GeV with 0 <= lower < upper")
    cutoff = float(energy_cutoff)
    if not cutoff > 0:
        raise ValueError(f"energy_cutoff={energy_cutoff!r}: must be above 0 GeV (infinity for none)")
    _set(flux, energy_range=(low, high), energy_cutoff=cutoff)


def _windowed(value: F64, energy: F64, energy_range: Range, cutoff: float) -> F64:
    if cutoff < math.inf:
        value = value * np.exp(-energy / cutoff)
    low, high = energy_range
    if low > 0 or high < math.inf:
        value = np.where((energy >= low) & (energy <= high), value, 0.0)
    return np.asarray(value)


def _number(name: str, value: float, *, positive: bool = False) -> float:
    number = float(value)
    if not math.isfinite(number) or (positive and not number > 0):
        raise ValueError(f"{name}={value!r}: must be {'finite and above 0' if positive else 'finite'}")
    return number


def _numbers(name: str, values: ArrayLike) -> tuple[float, ...]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be a one-dimensional sequence of finite numbers")
    return tuple(array.tolist())


def _increasing(name: str, values: tuple[float, ...]) -> None:
    if not values[0] > 0 or not np.all(np.diff(values) > 0):
        raise ValueError(f"{name} must be above 0 GeV and increase strictly")


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and math.isinf(value) else value


def _infinite(value: Any) -> Any:
    return math.inf if value is None else value
