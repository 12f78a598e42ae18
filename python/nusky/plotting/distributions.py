"""Pictures of distributions and of what is made from many trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.plotting.style import CONTOUR_COLORS, soft_colors
from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from nusky.dists.tsd import TSD

__all__ = ["OBSERVED", "plot_passing_fraction", "plot_recovery", "plot_tsd"]

#: Colour of what was observed.
OBSERVED = CONTOUR_COLORS[0]


def plot_tsd(
    ax: Axes, tsd: TSD, *, n_points: int = 100, label: str | None = None, observed: float | None = None
) -> None:
    """Draw a background TS distribution as the fraction of trials at or above each TS, on a logarithmic axis.

    The trials are a step line that starts at 1 for TS = 0. A fitted χ² tail is drawn dashed, a third further than the
    largest trial.

    Parameters
    ----------
    ax : matplotlib axes
    tsd : `nusky.dists.TSD` or `Chi2TSD`
    n_points : int
        Of the fitted curve.
    label : str
        Legend entry of the trials.
    observed : float, optional
        TS that was observed: a vertical line with its p-value.

    Examples
    --------
    >>> import matplotlib.pyplot as plt, numpy as np
    >>> from nusky.dists import Chi2TSD
    >>> fig, ax = plt.subplots()
    >>> plot_tsd(ax, Chi2TSD(np.random.default_rng(1).chisquare(1, 1000)), label="background")
    """
    ts = np.sort(np.asarray(tsd.values, dtype=np.float64))
    fraction = 1.0 - np.arange(ts.size) / ts.size
    ax.step(ts, fraction, where="pre", label=f"{ts.size} trials" if label is None else label)
    if tsd.tail is not None and ts[-1] > 0:
        x = np.linspace(0, 1.3 * ts[-1], n_points)[1:]
        ax.plot(x, tsd.sf(x, fit=True), ls="--", color=".3", label=f"fitted χ² tail, ndof {tsd.tail.ndof:.2f}")
    if observed is not None:
        p = tsd.p_value(observed)
        extrapolated = ", extrapolated" if p.extrapolated else ""
        ax.axvline(observed, color=OBSERVED, lw=1.3, label=f"observed, p = {p.p:.3g}{extrapolated}")
    ax.set_yscale("log")
    ax.set_xlabel("TS")
    ax.set_ylabel("fraction of trials ≥ TS")
    ax.legend()


def plot_passing_fraction(ax: Axes, found: Any) -> None:
    """Draw the fraction of trials above a threshold against the injected signal, with the fitted curve.

    Parameters
    ----------
    ax : matplotlib axes
    found : NSigResult
        Of `sensitivity`, `discovery_potential`, `upper_limit` or `find_n_sig`.

    Examples
    --------
    >>> plot_passing_fraction(ax, cy.sensitivity.sensitivity(tr, seed=1))            # doctest: +SKIP
    """
    curve = found.curve
    n = np.linspace(0.0, float(curve.n_sigs.max()), 200)
    ax.errorbar(curve.n_sigs, curve.fractions, yerr=curve.errors, fmt="o", ms=4, color=soft_colors[0], label="trials")
    ax.plot(n, curve(n), color=".3", label=f"fitted curve ({curve.method})")
    ax.axhline(found.beta, color=".6", lw=0.8, ls=":")
    low, high = found.n_sig_interval
    ax.axvspan(low, high, color=OBSERVED, alpha=0.25, lw=0)
    ax.axvline(found.n_sig, color=OBSERVED, lw=1.3, label=f"{found.kind}: {found.n_sig:.2f} events")
    ax.set(
        xlabel="injected signal events (mean)", ylabel=f"fraction of trials with TS > {found.ts:.3g}", ylim=(0, 1.02)
    )
    ax.legend()


def plot_recovery(axes: Any, trials: Mapping[float, Any], *, gamma: float | None = None) -> None:
    """Draw fitted against injected: the median and the central 68 % of n_s and of γ.

    Parameters
    ----------
    axes : sequence of one or two matplotlib axes
        For n_s, and for γ.
    trials : mapping
        {n_sig: trials} with columns ``ns`` and, for the second axes, ``gamma``.
    gamma : float, optional
        Injected, drawn as a line.

    Raises
    ------
    ValueError
        Without a trial.

    Examples
    --------
    >>> plot_recovery(axes, {n: tr.get_many_fits(200, n, seed=1) for n in (5, 10, 20)}, gamma=2)  # doctest: +SKIP
    """
    if not trials:
        raise ValueError("trials is empty: give {n_sig: trials}")
    axes = np.atleast_1d(np.asarray(axes, dtype=object))
    injected = np.array(sorted(trials), dtype=np.float64)
    for ax, name, symbol in zip(axes, ("ns", "gamma"), ("n_s", r"\gamma"), strict=False):
        bands = np.array([_band(np.asarray(trials[n][name], dtype=np.float64)) for n in injected.tolist()])
        ax.fill_between(injected, bands[:, 0], bands[:, 2], color=soft_colors[0], alpha=0.3, lw=0, label="central 68 %")
        ax.plot(injected, bands[:, 1], "o-", ms=4, color=soft_colors[0], label="median")
        ax.set(xlabel="injected events", ylabel=f"fitted ${symbol}$")
        if name == "ns":
            ax.plot(injected, injected, color=OBSERVED, ls="--", label="injected")
        elif gamma is not None:
            ax.axhline(gamma, color=OBSERVED, ls="--", label="injected")
        ax.legend()


def _band(values: F64) -> F64:
    kept = values[np.isfinite(values)]
    return np.quantile(kept, [0.16, 0.5, 0.84]) if len(kept) else np.full(3, np.nan)
