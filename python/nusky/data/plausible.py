"""Units that single values do not show: a column in degrees or in logarithms is seen against the others."""

from __future__ import annotations

import warnings

import numpy as np

from nusky.events import Events
from nusky.sphere import separation

__all__ = ["check_units"]

# Angular errors and true offsets agree within a factor of a few; degrees are a factor of 57
_FACTOR = 20.0
_FEW = 100
_LEAST_ENERGY = 20.0
# decades between true and reconstructed energies: a proxy is within one or two, TeV are three away, eV nine
_DECADES = 2.5


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
        σ is many times what it can be in radians, directions far from the true ones, true energies that are logarithms,
        or data whose energies are beyond all simulated ones. Small sets are not looked at.

    Warns
    -----
    UserWarning
        True energies that seem to be in another unit than the reconstructed ones.

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
        if width > 0 and offset > _FACTOR * width:
            raise ValueError(
                f"{where}: the simulation's directions are {np.degrees(offset):.3g} deg (median) from the true ones, "
                f"its sigma is {np.degrees(width):.3g} deg: have true_ra, true_dec (rad, equatorial) another sign, "
                "frame or order of rows?"
            )
        largest = float(sim.true_energy.max())
        if largest < _LEAST_ENERGY:
            raise ValueError(
                f"{where}: the largest true_energy is {largest:.3g}: is it log10(E / GeV)? This format has GeV"
            )
        decades = float(np.median(np.log10(sim.true_energy) - sim.log10energy))
        if abs(decades) > _DECADES:
            warnings.warn(
                f"{where}: the simulation's true_energy is 10^{decades:.1f} times (median) what log10energy says: are "
                "both in GeV?",
                UserWarning,
                stacklevel=2,
            )
    if len(data) >= _FEW and len(sim) >= _FEW:
        low, high = float(sim.log10energy.min()), float(sim.log10energy.max())
        beyond = float(np.mean((data.log10energy < low) | (data.log10energy > high)))
        if beyond > 0.5:
            raise ValueError(
                f"{where}: {100 * beyond:.0f} % of the data have a log10energy outside the simulated ones "
                f"({low:.3g} … {high:.3g}), the median is {float(np.median(data.log10energy)):.3g}: is it "
                "log10(E / GeV) in both?"
            )
        ours, simulated = float(np.median(data.sigma)), float(np.median(sim.sigma))
        if ours > _FACTOR * simulated:
            raise ValueError(
                f"{where}: the data's sigma has a median of {ours:.3g}, the simulation's {simulated:.3g} rad: is sigma "
                "in degrees? This format has radians"
            )
