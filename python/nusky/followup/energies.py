"""Which true energies a search is sensitive to."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["central_energy_range"]


def central_energy_range(
    ana: Any, dec: float, *, gamma: float = 2.0, level: float = 0.9, width: float = 0.05
) -> tuple[float, float]:
    """Central range of true energies of the events expected from a source.

    Parameters
    ----------
    ana : Analysis
    dec : float, rad
    gamma : float
        Spectrum E^−gamma.
    level : float
        Part of the expected events inside, 0 … 1.
    width : float
        Simulated events within this of the source's sin δ are used.

    Returns
    -------
    low, high : float, GeV

    Raises
    ------
    ValueError
        For a level out of range, or no simulated event at this declination.

    Examples
    --------
    >>> central_energy_range(ana, 0.1)                                               # doctest: +SKIP
    (1023.0, 2511000.0)
    """
    if not 0 < level < 1:
        raise ValueError(f"level={level!r} must be between 0 and 1")
    energies, weights = [], []
    for season in ana:
        sim = season.sim
        near = np.abs(np.sin(sim["true_dec"]) - np.sin(dec)) <= width
        energies.append(sim["true_energy"][near])
        weights.append(sim["oneweight"][near] * energies[-1] ** -gamma * season.livetime)
    energy, weight = np.concatenate(energies), np.concatenate(weights)
    if not weight.sum() > 0:
        raise ValueError(f"dec={dec!r}: no simulated event within {width} of its sin δ; give a larger width")
    order = np.argsort(energy)
    share = np.cumsum(weight[order]) / weight.sum()
    rows = np.searchsorted(share, [(1 - level) / 2, (1 + level) / 2])
    low, high = energy[order][np.minimum(rows, len(energy) - 1)].tolist()
    return low, high
