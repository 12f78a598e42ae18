"""`Flux`: what every spectrum can do, and what a number of events means as a flux.

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
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.checks import refuse_text
from nusky.typing import F64
from nusky.units import counted, has_unit, in_unit, numbers

ENERGY = "GeV"
FLUX = "1 / (GeV cm2 s)"

__all__ = ["ENERGY", "FLUX", "Flux", "number", "set_fields"]


class Flux(ABC):
    """What every flux can do; subclass it (a frozen dataclass that defines `_value`) for a spectrum of your own.

    Worker processes know nusky's own classes only: where trials run on an executor, give them a `TableFlux`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from nusky import hyp
    >>> @dataclass(frozen=True)
    ... class LogParabola(hyp.Flux):
    ...     alpha: float
    ...     beta: float
    ...
    ...     def _value(self, energy):
    ...         return (energy / 1e5) ** (-self.alpha - self.beta * np.log(energy / 1e5))
    >>> LogParabola(2.0, 0.2)(1e5)
    1.0
    """

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
        e = numbers("energy", energy, ENERGY)
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
        n, a = numbers("ns", ns), numbers("acc", acc)
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
        E0 : float or Quantity
            Energy, counted in `unit`, > 0; a Quantity is an energy of its own.
        unit : float, str or unit of astropy
            GeV; 1e3 (or ``"TeV"``) for TeV. Results are plain numbers in it.

        Examples
        --------
        >>> from nusky import hyp
        >>> f"{hyp.PowerLawFlux(2.0).to_dNdE(20, 2e9, E0=1, unit=1e3):.3g}"     # TeV⁻¹ cm⁻² s⁻¹ at 1 TeV
        '1e-11'
        """
        E0, unit = counted(E0, unit)
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
        E0, unit = counted(E0, unit)
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
        E0, unit = counted(E0, unit)
        value = numbers("value", _flux_value(value, unit, E2dNdE))
        per_norm = self._at(E0, unit) * ((E0 * unit) ** 2 / unit if E2dNdE else unit)
        if per_norm == 0:
            raise ValueError(f"{self!r} is 0 at E0 = {E0!r} x {unit!r} GeV: choose an E0 where it is positive")
        n = value / per_norm * numbers("acc", acc)
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
            spec[field.name] = [_or_null(v) for v in value] if isinstance(value, tuple) else _or_null(value)
        return spec


def _flux_value(value: Any, unit: float, E2dNdE: bool) -> Any:
    """E² dN/dE in `unit` GeV cm⁻² s⁻¹, or dN/dE per that, of what may be a Quantity."""
    if not has_unit(value):
        refuse_text("value", value)
        return value
    if E2dNdE:
        return in_unit("value (E2dNdE=True: E^2 dN/dE)", value, "GeV / (cm2 s)", "1e-11 * u.TeV / u.cm**2 / u.s") / unit
    return in_unit("value (E2dNdE=False: dN/dE)", value, "1 / (GeV cm2 s)", "1e-14 / u.TeV / u.cm**2 / u.s") * unit


def _or_null(value: Any) -> Any:
    return None if isinstance(value, float) and math.isinf(value) else value


def set_fields(flux: object, **values: Any) -> None:
    """Give a frozen dataclass the checked values of its fields, inside ``__post_init__``.

    Parameters
    ----------
    flux : frozen dataclass
    **values
        By field.
    """
    for name, value in values.items():
        object.__setattr__(flux, name, value)


def number(name: str, value: Any, *, unit: str = "", positive: bool = False) -> float:
    """A finite number as float, or a ValueError that names it.

    Parameters
    ----------
    name : str
        For the message.
    value : float or Quantity
    unit : str
        What a Quantity is turned into.
    positive : bool
        Must be above 0.

    Examples
    --------
    >>> from nusky.hyp.flux import number
    >>> number("gamma", 2)
    2.0
    """
    value = in_unit(name, value, unit)
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name}={value!r}: must be a number") from None
    if not math.isfinite(number) or (positive and not number > 0):
        raise ValueError(f"{name}={value!r}: must be {'finite and above 0' if positive else 'finite'}")
    return number
