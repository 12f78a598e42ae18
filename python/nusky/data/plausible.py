"""Units that single values do not show: a column in degrees or in logarithms is seen against the others."""

from __future__ import annotations

import numpy as np

from nusky.events import Events
from nusky.sphere import separation

__all__ = ["check_units"]

# Angular errors and true offsets agree within a factor of a few; degrees are a factor of 57
_FACTOR = 20.0
_FEW = 100
_LEAST_ENERGY = 20.0


def check_units(where: str, data: Events, sim: Events) -> None:
    """Compare angular errors with the offsets they stand for, those of data with those simulated, and look at energies.

    Parameters
    ----------
    where : str
        Season, for messages.
    data, sim : Events

    Raises
    ------
    ValueError
        σ is many times what it can be in radians, or true energies that are logarithms. Small sets are not looked at.

    Examples
    --------
    >>> check_units("IC86", Events({"sigma": [0.01]}), Events({"sigma": [0.6]}))
    """
    if len(sim) >= _FEW:
        offset = float(np.median(separation(sim.ra, sim.dec, sim.true_ra, sim.true_dec)))
        width = float(np.median(sim.sigma))
        if offset > 0 and width > _FACTOR * offset:
            raise ValueError(
                f"{where}: the simulation's sigma has a median of {width:.3g}, its directions are {offset:.3g} rad "
                "off: is sigma in degrees? This format has radians"
            )
        largest = float(sim.true_energy.max())
        if largest < _LEAST_ENERGY:
            raise ValueError(
                f"{where}: the largest true_energy is {largest:.3g}: is it log10(E / GeV)? This format has GeV"
            )
    if len(data) >= _FEW and len(sim) >= _FEW:
        ours, simulated = float(np.median(data.sigma)), float(np.median(sim.sigma))
        if ours > _FACTOR * simulated:
            raise ValueError(
                f"{where}: the data's sigma has a median of {ours:.3g}, the simulation's {simulated:.3g} rad: is sigma "
                "in degrees? This format has radians"
            )
