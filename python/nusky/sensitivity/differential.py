"""Differential sensitivity: the flux that is found if all of it came from one bin of energy."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.hyp import PowerLawFlux
from nusky.sensitivity.limits import sensitivity
from nusky.sensitivity.result import NSigResult
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["DifferentialSensitivity", "differential_sensitivity"]

# What is said of a bin in which nothing can be found
_OUT_OF_REACH = ("was passed by at most", "nothing can be injected", "its energies miss")


@dataclass(frozen=True, eq=False)
class DifferentialSensitivity:
    """Sensitivities to E^−γ inside single bins of true energy.

    Attributes
    ----------
    edges : (B + 1,) GeV
        Of the bins.
    results : tuple of NSigResult or None
        One for each bin, at its centre; None where nothing of the bin is accepted, or it is never found that often.
    """

    edges: F64
    results: tuple[NSigResult | None, ...]

    @property
    def energy(self) -> F64:
        """(B,) GeV, the centres in log E."""
        return np.sqrt(self.edges[1:] * self.edges[:-1])

    @property
    def E2dNdE(self) -> F64:
        """(B,) GeV cm⁻² s⁻¹ at the centres; NaN where there is none."""
        return np.array([math.nan if one is None else one.E2dNdE for one in self.results])

    @property
    def error(self) -> F64:
        """(B,) relative standard deviation."""
        return np.array([math.nan if one is None else one.n_sig_error for one in self.results])

    def plot(self, ax: Axes, **kw: Any) -> None:
        """Draw it as steps; keywords go to matplotlib's ``stairs``."""
        beta = {one.beta for one in self.results if one is not None}
        what = f"sensitivity, {100 * beta.pop():g} %, each bin by itself" if beta else "out of reach"
        ax.stairs(self.E2dNdE, self.edges, baseline=None, **{"label": what, **kw})
        ax.legend()
        ax.set(xscale="log", yscale="log", xlabel="neutrino energy [GeV]")
        ax.set_ylabel(r"$E^2\,dN/dE$ [GeV cm$^{-2}$ s$^{-1}$]")


def differential_sensitivity(
    runner: Any, edges: ArrayLike, bg: Any = None, *, gamma: float = 2.0, beta: float = 0.9, **options: Any
) -> DifferentialSensitivity:
    """Sensitivity in bins of true energy.

    Parameters
    ----------
    runner : Runner
    edges : (B + 1,) GeV, ascending
        Half a decade each is usual.
    bg : TSD, TS values or None
        Background, shared by all bins; None: made for the first.
    gamma : float
        Spectrum inside a bin.
    beta : float
    **options
        As for `sensitivity`.

    Returns
    -------
    DifferentialSensitivity

    Raises
    ------
    ValueError
        For edges that do not ascend.

    Examples
    --------
    >>> found = differential_sensitivity(tr, np.logspace(2, 8, 13), bg, seed=1)      # doctest: +SKIP
    >>> found.plot(ax)                                                               # doctest: +SKIP
    """
    bins = numbers("edges", edges, "GeV").copy()
    if bins.ndim != 1 or len(bins) < 2 or not (np.all(np.diff(bins) > 0) and bins[0] > 0 and np.isfinite(bins[-1])):
        raise ValueError(f"edges must be two or more ascending energies in GeV, got {edges!r}")
    results: list[NSigResult | None] = []
    for low, high in zip(bins[:-1].tolist(), bins[1:].tolist(), strict=True):
        flux = PowerLawFlux(gamma, energy_range=(low, high))
        there = dataclasses.replace(runner, injection=dataclasses.replace(runner.injection, flux=flux))
        results.append(None)
        try:
            if not there.get_acc_total(flux=flux) > 0:
                continue
            how = {"E0": math.sqrt(low * high), "unit": 1.0, **options}
            found = sensitivity(there, bg, beta=beta, **how)
        except ValueError as error:
            if not any(said in str(error) for said in _OUT_OF_REACH):
                raise
            continue
        results[-1] = found
        bg = found.trials[0.0] if bg is None else bg
    return DifferentialSensitivity(bins, tuple(results))
