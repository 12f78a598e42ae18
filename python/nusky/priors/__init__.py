"""Spatial priors: a sky map and the policy that turns it into the prior term of the test statistic."""

from __future__ import annotations

from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.reader import read_sky_map
from nusky.maps.skymap import SkyMap
from nusky.maps.writer import write_sky_map
from nusky.priors.gaussian import gaussian
from nusky.priors.policy import FLOOR_DEPTH, PriorPolicy
from nusky.priors.prior import SpatialPrior, as_priors

__all__ = [
    "FLOOR_DEPTH",
    "MultiOrderMap",
    "PriorPolicy",
    "SkyMap",
    "SpatialPrior",
    "as_priors",
    "gaussian",
    "read_sky_map",
    "write_sky_map",
]
