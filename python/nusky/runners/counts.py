"""Counts ↔ flux, the same for every runner: which spectrum, and how many events it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from nusky.analysis.gamma import check_gamma
from nusky.hyp import Flux, PowerLawFlux
from nusky.transients.on_time import OnTime
from nusky.transients.signal_times import SignalTimes
from nusky.trial.fit import Fit
from nusky.units import counted, has_unit, in_unit, numbers

if TYPE_CHECKING:
    from nusky.analysis.analysis import Analysis

__all__ = [
    "Converts",
    "get_acc_total",
    "spectrum",
    "to_E2dNdE",
    "to_dNdE",
    "to_fluence",
    "to_model_norm",
    "to_ns",
    "total_acceptance",
]


class Converts(Protocol):
    """What a runner must have for its counts to be converted; the functions below are methods of `Runner`."""

    @property
    def analysis(self) -> Analysis: ...

    @property
    def timing(self) -> OnTime | SignalTimes | None: ...

    @property
    def _default_flux(self) -> Flux | None: ...

    def _expected_events(self, gamma: float | None, flux: Flux, where: dict[str, Any]) -> float: ...


def spectrum(call: str, gamma: float | None, flux: Any, default: Flux | None) -> Flux:
    """Spectrum that a conversion is to use.

    Parameters
    ----------
    call : str
        Name of the method, for messages.
    gamma : float or None
        Power law of norm 1.
    flux : Flux or None
        Or any spectrum.
    default : Flux or None
        When neither is given; None: then the caller must say.

    Returns
    -------
    Flux

    Raises
    ------
    TypeError
        Both, none where one is needed, or no flux.

    Examples
    --------
    >>> spectrum("to_ns", 2, None, None).gamma
    2.0
    """
    if gamma is not None and flux is not None:
        raise TypeError(f"{call}: give gamma= or flux=, not both")
    if gamma is not None:
        try:
            return PowerLawFlux(float(gamma))
        except (TypeError, ValueError):
            raise TypeError(f"{call}: gamma must be a finite number, got {gamma!r}") from None
    if flux is None and default is None:
        raise TypeError(
            f"{call} needs the spectrum: pass gamma= (for example gamma=2) or flux=; the source is somewhere else in "
            "every trial, so no injected signal defines one"
        )
    chosen = default if flux is None else flux
    if not isinstance(chosen, Flux):
        raise TypeError(f"{call}: flux must be a flux such as hyp.PowerLawFlux(2), got {chosen!r}")
    return chosen


def total_acceptance(
    analysis: Analysis, gamma: float | None, flux: Flux, on_time: OnTime | SignalTimes | None = None
) -> Callable[[Any], Any]:
    """Acceptance over all seasons as a function of declination (rad): expected events for the flux as it stands.

    Parameters
    ----------
    analysis : Analysis
    gamma : float or None
        Use the tabulated acceptance at this γ, the one of the likelihood; must lie within the nodes.
    flux : Flux
        Used where `gamma` is None.
    on_time : OnTime or SignalTimes, optional
        Acceptance in this time window, A · T_w / T of each season, in place of the whole livetime's.
    """
    shares = [1.0] * len(analysis) if on_time is None else on_time.shares.tolist()
    if gamma is not None:
        check_gamma(gamma, analysis.gamma_nodes)
        index = float(gamma)
        return lambda dec: sum(w * season.acceptance(dec, index) for w, season in zip(shares, analysis, strict=True))
    each = [season.acceptance.for_flux(flux) for season in analysis]
    return lambda dec: sum(w * accept(dec) for w, accept in zip(shares, each, strict=True))


def _spectrum(
    runner: Converts, call: str, gamma: float | None, flux: Flux | None, where: dict[str, Any]
) -> tuple[Flux, float]:
    shape = spectrum(call, gamma, flux, runner._default_flux)
    return shape, runner._expected_events(gamma, shape, where)


def get_acc_total(runner: Converts, *, gamma: float | None = None, flux: Flux | None = None, **where: Any) -> float:
    """Expected events over all seasons (in a time window: there) for a flux: for ``gamma=``, of norm 1 at 1 GeV.

    Parameters
    ----------
    gamma : float
        Spectral index, within the analysis' nodes.
    flux : Flux
        Or any spectrum, as it stands. `TrialRunner` takes that of the injected signal when neither is given.
    **where
        ``dec=`` (rad) for a sky scan, which has no position of its own.

    Returns
    -------
    float

    Raises
    ------
    TypeError
        Without a spectrum where one is needed.
    """
    return _spectrum(runner, "get_acc_total", gamma, flux, where)[1]


def to_E2dNdE(
    runner: Converts,
    ns: Any,
    flux: Flux | None = None,
    *,
    E0: float = 1.0,
    unit: float = 1.0,
    gamma: float | None = None,
    **where: Any,
) -> Any:
    """E² dN/dE at `E0`·`unit` GeV, in `unit`·GeV cm⁻² s⁻¹, of the flux that gives `ns` events on average.

    For a runner with a time window it is the flux **in the window** (on the plateau, if the window has tails), never
    that of a source shining through the whole livetime; its integral over the window is `to_fluence`.

    Parameters
    ----------
    ns : float, array or Fit
        Events over all seasons.
    E0 : float
        Energy counted in `unit`: ``E0=100, unit=1e3`` is 100 TeV.
    unit : float
        GeV.
    flux, gamma, where
        As for `get_acc_total`.

    Returns
    -------
    float or array
    """
    shape, acceptance = _spectrum(runner, "to_E2dNdE", gamma, flux, where)
    return shape.to_E2dNdE(_events(ns), acceptance, E0=E0, unit=unit)


def to_dNdE(
    runner: Converts,
    ns: Any,
    flux: Flux | None = None,
    *,
    E0: float = 1.0,
    unit: float = 1.0,
    gamma: float | None = None,
    **where: Any,
) -> Any:
    """dN/dE at `E0`·`unit` GeV, per `unit`·GeV cm⁻² s⁻¹, of the flux that gives `ns` events; see `to_E2dNdE`."""
    shape, acceptance = _spectrum(runner, "to_dNdE", gamma, flux, where)
    return shape.to_dNdE(_events(ns), acceptance, E0=E0, unit=unit)


def to_ns(
    runner: Converts,
    value: Any = None,
    flux: Flux | None = None,
    *,
    E0: float = 1.0,
    unit: float = 1.0,
    gamma: float | None = None,
    E2dNdE: Any = True,
    fluence: bool = False,
    use_E2dNdE: bool | None = None,
    **where: Any,
) -> Any:
    """Expected events for E² dN/dE = `value` (with ``E2dNdE=False``: dN/dE) at `E0`·`unit` GeV; see `to_E2dNdE`.

    With ``fluence=True`` the value is integrated over the time window: E² F (or F) as `to_fluence` gives it. As in csky
    the value may also come as ``E2dNdE=value``; `use_E2dNdE` says what the value is, as ``E2dNdE=`` True or False does.
    """
    if use_E2dNdE is not None:
        if E2dNdE is not True:
            raise TypeError("to_ns: E2dNdE= and use_E2dNdE= say the same; give one of them")
        E2dNdE = bool(use_E2dNdE)
    if not isinstance(E2dNdE, (bool, np.bool_)):
        if value is not None:
            raise TypeError(f"to_ns: give the flux once, {value!r} or E2dNdE={E2dNdE!r}")
        value, E2dNdE = E2dNdE, True
    if value is None:
        raise TypeError("to_ns needs a flux: to_ns(value, …) or to_ns(E2dNdE=value, …)")
    plain = np.asarray(getattr(value, "value", value))
    if plain.dtype.kind not in "iuf":
        raise TypeError(f"to_ns: a flux is a number, got {value!r}")
    if np.any(plain < 0):
        raise ValueError(f"to_ns: a flux of {value!r} is negative")
    shape, acceptance = _spectrum(runner, "to_ns", gamma, flux, where)
    seconds = _seconds(runner, "to_ns(fluence=True)") if fluence else 1.0
    if fluence and has_unit(value):
        # a fluence over one second is the flux whose number it has
        value = in_unit("value", value, "GeV / cm2" if E2dNdE else "1 / (GeV cm2)") / seconds
        value = value / counted(E0, unit)[1] if E2dNdE else value * counted(E0, unit)[1]
        seconds = 1.0
    return shape.to_ns(value, acceptance * (1.0 / seconds), E0=E0, unit=unit, E2dNdE=bool(E2dNdE))


def to_fluence(
    runner: Converts,
    ns: Any,
    flux: Flux | None = None,
    *,
    E0: float = 1.0,
    unit: float = 1.0,
    gamma: float | None = None,
    **where: Any,
) -> Any:
    """E² F at `E0`·`unit` GeV, in `unit`·GeV cm⁻²: the flux in the time window, integrated over its uptime.

    F = ∫ dN/dE dt, and E² F = E² dN/dE · T_w with T_w the detector's uptime in the window (tails weighted with their
    height; `OnTime.days`). What came while the detector was off is not in it: of a source that shone through the whole
    box the fluence is `to_E2dNdE` times the box's length.

    Parameters
    ----------
    ns : float, array or Fit
        Events in the window, over all seasons.
    E0, unit, flux, gamma, where
        As for `to_E2dNdE`.

    Returns
    -------
    float or array

    Raises
    ------
    ValueError
        For a runner without a time window.

    Examples
    --------
    >>> sptr.to_fluence(3, gamma=2, unit=1e3)         # TeV cm⁻²         # doctest: +SKIP
    """
    seconds = _seconds(runner, "to_fluence")
    return seconds * to_E2dNdE(runner, ns, flux, E0=E0, unit=unit, gamma=gamma, **where)


def _seconds(runner: Converts, call: str) -> float:
    if runner.timing is None:
        raise ValueError(
            f"{call} needs a time window, and this runner has none; make one with mjd= and t_100= in src (or src_tr)"
        )
    return runner.timing.days * 86_400.0


def to_model_norm(
    runner: Converts, ns: Any, flux: Flux | None = None, *, gamma: float | None = None, **where: Any
) -> Any:
    """The factor on the flux that gives `ns` events; of a power law (``gamma=``) its norm at 1 GeV.

    Parameters
    ----------
    ns, flux, gamma, where
        As for `to_E2dNdE`.
    """
    shape, acceptance = _spectrum(runner, "to_model_norm", gamma, flux, where)
    return shape.to_model_norm(_events(ns), acceptance)


def _events(ns: Any) -> Any:
    if isinstance(ns, Fit):
        return ns.ns
    if isinstance(ns, Mapping):
        return ns["n_sig"]  # a result of find_n_sig
    return numbers("ns", ns) if hasattr(ns, "filled") else in_unit("ns", ns, "")
