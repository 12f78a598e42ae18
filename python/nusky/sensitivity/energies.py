"""Which true energies a search is sensitive to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.hyp import Flux, PowerLawFlux
from nusky.sphere import radians
from nusky.typing import F64
from nusky.units import has_unit, in_unit

if TYPE_CHECKING:
    from nusky.analysis import Analysis
    from nusky.priors import SpatialPrior

__all__ = ["central_energy_range"]

# Bins of sin δ in which a prior's probability is counted
_BINS = 200


def central_energy_range(
    ana: Analysis,
    where: float | SpatialPrior,
    *,
    flux: Flux | None = None,
    gamma: float = 2.0,
    level: float = 0.9,
    width: float = 0.05,
) -> tuple[float, float]:
    """Central range of true energies of the events expected from a source.

    Parameters
    ----------
    ana : Analysis
    where : float (rad) or SpatialPrior
        Declination of the source; or sources of equal flux drawn from a prior.
    flux : Flux, optional
        Spectrum; default E^−gamma.
    gamma : float
    level : float
        Part of the expected events inside, 0 … 1.
    width : float
        At a declination, simulated events within this of the source's sin δ are used.

    Returns
    -------
    low, high : float, GeV

    Raises
    ------
    ValueError
        For a level out of range, or no simulated event there.

    Examples
    --------
    >>> central_energy_range(ana, 0.1)                                               # doctest: +SKIP
    (1023.0, 2511000.0)
    """
    where = radians("where", where) if has_unit(where) else where
    width = in_unit("width", width, "")
    if not 0 < level < 1:
        raise ValueError(f"level={level!r} must be between 0 and 1")
    spectrum = PowerLawFlux(gamma) if flux is None else flux
    energies, weights = [], []
    for season in ana:
        sim = season.sim
        energy = sim["true_energy"]
        weight = sim["oneweight"] * spectrum(energy) * season.livetime * _share(where, np.sin(sim["true_dec"]), width)
        energies.append(energy)
        weights.append(weight)
    energy, weight = np.concatenate(energies), np.concatenate(weights)
    if not weight.sum() > 0:
        raise ValueError(f"no simulated event at {where!r}, within {width} of its sin δ; give a larger width")
    order = np.argsort(energy)
    share = np.cumsum(weight[order]) / weight.sum()
    rows = np.searchsorted(share, [(1 - level) / 2, (1 + level) / 2])
    low, high = energy[order][np.minimum(rows, len(energy) - 1)].tolist()
    return low, high


def _share(where: Any, sindec: F64, width: float) -> F64:
    """How often a source is at the sin δ of simulated events, up to a factor."""
    if not hasattr(where, "probability"):
        return np.asarray(np.abs(sindec - np.sin(where)) <= width, dtype=np.float64)
    import healpy

    centres = np.cos(healpy.pix2ang(where.nside, np.arange(where.npix))[0])
    edges = np.linspace(-1, 1, _BINS + 1)
    density = np.histogram(centres, edges, weights=where.probability)[0]
    return density[np.clip(((sindec + 1) * 0.5 * _BINS).astype(np.int64), 0, _BINS - 1)]
