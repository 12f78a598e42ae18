"""Sensitivity and discovery potential against declination."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from nusky.progress import Progress
from nusky.sensitivity.limits import discovery_potential, sensitivity
from nusky.sensitivity.result import NSigResult
from nusky.sphere import at_limits
from nusky.typing import F64
from nusky.units import numbers

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["SensitivityCurve", "sensitivity_curve"]


@dataclass(frozen=True, eq=False)
class SensitivityCurve:
    """Fluxes that are found, against declination.

    Attributes
    ----------
    dec : (D,) rad
    sensitivities : tuple of NSigResult
        One for each declination.
    discoveries : tuple of NSigResult
        Discovery potentials; empty if they were not asked for.
    n_sigma : float or None
        Of the discovery potentials.
    """

    dec: F64
    sensitivities: tuple[NSigResult, ...]
    discoveries: tuple[NSigResult, ...] = ()
    n_sigma: float | None = None

    @property
    def E2dNdE(self) -> F64:
        """(D,) sensitivity, in ``unit`` GeV cm⁻² s⁻¹ at ``E0`` (of `sensitivities`)."""
        return np.array([one.E2dNdE for one in self.sensitivities])

    @property
    def discovery_E2dNdE(self) -> F64:
        """(D,) discovery potential; (0,) if it was not asked for."""
        return np.array([one.E2dNdE for one in self.discoveries])

    def plot(self, ax: Axes, **kw: Any) -> None:
        """Draw the curves with their statistical errors against sin δ; keywords go to matplotlib's ``errorbar``."""
        from nusky.plotting import CONTOUR_COLORS, soft_colors

        kinds = [("sensitivity, 90 %", self.sensitivities, soft_colors[0], "o-")]
        if self.discoveries:
            name = f"discovery potential, {self.n_sigma:g}σ"
            kinds.append((name, self.discoveries, CONTOUR_COLORS[0], "s--"))
        for label, found, color, fmt in kinds:
            flux = np.array([one.E2dNdE for one in found])
            error = flux * np.array([one.n_sig_error for one in found])
            ax.errorbar(np.sin(self.dec), flux, yerr=error, fmt=fmt, ms=4, color=color, label=label, **kw)
        first = self.sensitivities[0]
        ax.set(yscale="log", xlabel="sin δ", xlim=(-1, 1), xticks=(-1, -0.5, 0, 0.5, 1))
        unit = {1.0: "GeV", 1e3: "TeV"}.get(first.unit, f"{first.unit:g} GeV")
        ax.set_ylabel(rf"$E^2\,dN/dE$ at {first.E0:g} {unit} [{unit} cm$^{{-2}}$ s$^{{-1}}$]")
        ax.legend()


def sensitivity_curve(
    runner_at: Callable[[float], Any],
    dec: ArrayLike,
    *,
    n_sigma: float | None = None,
    n_bg_trials: int = 1000,
    seed: int,
    logging: bool = False,
    **options: Any,
) -> SensitivityCurve:
    """Sensitivity, and discovery potential if asked for, at each of several declinations.

    Parameters
    ----------
    runner_at : callable
        From a declination (rad) to the runner of a source there.
    dec : (D,) rad, ascending
    n_sigma : float, optional
        Discovery potential at so many σ as well.
    n_bg_trials : int
        Background trials at each.
    seed : int
    logging : bool
        Show progress.
    **options
        As for `nusky.sensitivity.sensitivity`.

    Returns
    -------
    SensitivityCurve

    Raises
    ------
    ValueError
        For declinations that do not ascend or lie outside −π/2 … π/2.

    Examples
    --------
    >>> curve = cy.sensitivity_curve(ana=ana, dec=np.linspace(-1.4, 1.4, 8), seed=1) # doctest: +SKIP
    >>> curve.plot(ax)                                                               # doctest: +SKIP
    """
    nodes = np.atleast_1d(np.array(at_limits(numbers("dec", dec, "rad"), -np.pi / 2, np.pi / 2)))
    if nodes.ndim != 1 or not np.all(np.diff(nodes) > 0) or np.abs(nodes).max() > np.pi / 2:
        raise ValueError(f"dec must be ascending declinations within −π/2 … π/2 rad, got {nodes}")
    sensitivities, discoveries = [], []
    with Progress(f"Sensitivity at {len(nodes)} declinations:", len(nodes), "declinations", logging) as progress:
        for i, one in enumerate(nodes.tolist()):
            runner = runner_at(one)
            bg = runner.get_many_fits(n_bg_trials, seed=seed + 2 * i)
            found = sensitivity(runner, bg, seed=seed + 2 * i + 1, **options)
            sensitivities.append(found)
            if n_sigma is not None:
                signal = {n: rows for n, rows in found.trials.items() if n > 0}
                more = {"trials": signal, "seed": seed + 2 * i + 1, **options}
                discoveries.append(discovery_potential(runner, bg, n_sigma=n_sigma, **more))
            progress.update(i + 1)
    return SensitivityCurve(nodes, tuple(sensitivities), tuple(discoveries), n_sigma)
