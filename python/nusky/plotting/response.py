"""The response of an analysis in one figure: effective area, energy term, angular errors, background."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.plotting.style import CONTOUR_COLORS, soft_colors
from nusky.typing import F64

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_response"]

# Declination bands of the curves, in sin δ
_BANDS = ((-1.0, -0.5), (-0.5, -0.1), (-0.1, 0.1), (0.1, 0.5), (0.5, 1.0))
_COLORS = (*CONTOUR_COLORS, soft_colors[4])


def plot_response(ana: Any, figure: Figure | None = None, *, gamma: float = 2.0) -> Figure:
    """Draw what an analysis knows about its detector, summed over seasons.

    Effective area against true energy, ∫A_eff dΩ / Ω of declination bands; the ratio R of signal to background
    energies at the declination of 0; quantiles of the angular error against energy; data in sin δ with the background
    model.

    Parameters
    ----------
    ana : Analysis
    figure : matplotlib Figure, optional
        Default: a new one.
    gamma : float
        Spectrum of R, and of the simulated events' weights.

    Returns
    -------
    Figure

    Examples
    --------
    >>> plot_response(ana).savefig("response.png")                                   # doctest: +SKIP
    """
    from matplotlib.figure import Figure

    if figure is None:
        figure = Figure(figsize=(9, 7), layout="constrained")
    figure.suptitle(", ".join(ana.keys), fontsize="medium")
    area, energy, angle, sky = figure.subplots(2, 2).ravel()
    _area(ana, area)
    _ratio(ana, energy, gamma)
    _angles(ana, angle, gamma)
    _declinations(ana, sky)
    return figure


def _area(ana: Any, ax: Any) -> None:
    edges = np.logspace(2, 8, 31)
    for (low, high), color in zip(_BANDS, _COLORS, strict=True):
        total = np.zeros(len(edges) - 1)
        for season in ana:
            sim = season.sim
            inside = (np.sin(sim["true_dec"]) >= low) & (np.sin(sim["true_dec"]) < high)
            weight = sim["oneweight"][inside] * season.livetime / ana.livetime
            total += np.histogram(sim["true_energy"][inside], edges, weights=weight)[0]
        mean = total / np.diff(edges) / (2 * np.pi * (high - low)) * 1e-4  # cm² → m²
        ax.stairs(np.where(mean > 0, mean, np.nan), edges, color=color, label=f"sin δ {low:g} … {high:g}")
    ax.set(xscale="log", yscale="log", xlabel="true energy [GeV]", ylabel="effective area [m$^2$]")
    ax.legend(fontsize="x-small", loc="lower right")


def _ratio(ana: Any, ax: Any, gamma: float) -> None:
    log10energy = np.linspace(2, 7, 200)
    for season, color in zip(ana, (*soft_colors,), strict=False):
        for sindec, style in ((-0.5, ":"), (0.0, "-"), (0.5, "--")):
            ratio = season.energy.log_ratio(np.full(200, sindec), log10energy)
            at = int(np.argmin(np.abs(np.asarray(season.gamma_nodes) - gamma)))
            label = f"{season.key}, sin δ {sindec:g}"
            ax.plot(log10energy, ratio[:, at] / np.log(10), color=color, ls=style, label=label)
    ax.set(xlabel="log$_{10}$ of the reconstructed energy [GeV]", ylabel=rf"log$_{{10}}$ R for E$^{{-{gamma:g}}}$")
    ax.legend(fontsize="x-small")


def _angles(ana: Any, ax: Any, gamma: float) -> None:
    edges = np.linspace(2, 7, 16)
    middle = 0.5 * (edges[1:] + edges[:-1])
    energy = np.concatenate([np.log10(season.sim["true_energy"]) for season in ana])
    away = np.concatenate([_offset(season.sim) for season in ana])
    weight = np.concatenate([season.sim["oneweight"] * season.sim["true_energy"] ** -gamma for season in ana])
    for level, style in ((0.2, ":"), (0.5, "-"), (0.8, "--")):
        inside = [(energy >= a) & (energy < b) for a, b in itertools.pairwise(edges)]
        line = [_quantile(away, weight, some, level) for some in inside]
        ax.plot(middle, np.degrees(line), color=soft_colors[0], ls=style, label=f"{100 * level:.0f} % of events")
    ax.set(yscale="log", xlabel="log$_{10}$ of the true energy [GeV]", ylabel="angle to the true direction [deg]")
    ax.set_ylim(top=2 * ax.get_ylim()[1])  # room for the legend above the curves
    ax.legend(fontsize="x-small")


def _offset(sim: Any) -> F64:
    from nusky.sphere import separation

    return np.asarray(separation(sim["ra"], sim["dec"], sim["true_ra"], sim["true_dec"]))


def _quantile(values: F64, weight: F64, inside: Any, level: float) -> float:
    order = np.argsort(values[inside])
    share = np.cumsum(weight[inside][order])
    if not len(share) or not share[-1] > 0:
        return float("nan")
    return float(values[inside][order][np.searchsorted(share, level * share[-1])])


def _declinations(ana: Any, ax: Any) -> None:
    edges = np.linspace(-1, 1, 41)
    middle = 0.5 * (edges[1:] + edges[:-1])
    total, model = np.zeros(40), np.zeros(40)
    for season in ana:
        total += np.histogram(season.data["sindec"], edges)[0]
        model += len(season.data) * 2 * np.pi * np.asarray(season.background(middle)) * np.diff(edges)
    ax.errorbar(middle, total, np.sqrt(total), fmt=".", color=".3", label="data")
    ax.plot(middle, model, color=CONTOUR_COLORS[0], label="background model")
    ax.set(xlabel="sin δ", ylabel="events", ylim=(0, None), xlim=(-1, 1), xticks=(-1, -0.5, 0, 0.5, 1))
    ax.legend(fontsize="x-small")
