"""From a target and times to the search: its prior, its resolution, its pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.conf import get_spatial_prior_trial_runner
from nusky.hyp import PowerLawFlux
from nusky.pixels import Refinement
from nusky.priors import PriorPolicy, SpatialPrior
from nusky.sphere import check_nside

if TYPE_CHECKING:
    from nusky.followup.inputs import Target
    from nusky.runners import SpatialPriorTrialRunner

__all__ = ["Search", "make_search"]

_MAX_DEC = math.radians(85)
# Pixels that hold this much are fitted where that spares most of the sky
_CONTAINMENT, _WORTH = 0.9999, 0.5
# Above so many expected events a trial's cost is that of its pixels: half of the resolution, refined at the hot spot
_MANY_EVENTS = 2_000
_COARSEST, _FINEST = 64, 512


@dataclass(frozen=True, eq=False)
class Search:
    """A search with a prior, ready to run.

    Attributes
    ----------
    target : Target
    prior : SpatialPrior
        At the resolution of the search.
    runner : SpatialPriorTrialRunner
    times : (float, float) or None
        Start and stop, MJD; None: the whole of the data.
    map_nside : int
        Of the target's map.
    """

    target: Target
    prior: SpatialPrior
    runner: SpatialPriorTrialRunner
    times: tuple[float, float] | None
    map_nside: int

    @property
    def outside(self) -> float:
        """Probability of the map outside the pixels that are fitted."""
        return self.runner.prior_outside[0]

    def describe(self) -> str:
        """What was chosen, in a sentence."""
        refined = "" if self.runner.refine is None else f", refined to nside {self.runner.refine.nside} at the hot spot"
        return (
            f"{len(self.runner.pixels)} pixels of nside {self.prior.nside}{refined} (map: nside {self.map_nside}); "
            f"{100 * self.outside:.2g} % of the map's probability lies outside"
        )


def make_search(
    target: Target,
    ana: Any,
    times: tuple[float, float] | None,
    *,
    gamma: float | None = None,
    containment: float | None = None,
    nside: int | None = None,
    use_grl: bool = True,
    library: Any = None,
    mp_cpus: int | None = None,
) -> Search:
    """Choose resolution and pixels, and make the runner; arguments as for `nusky.followup.follow_up`."""
    options: dict[str, Any] = {"gamma": gamma, "mp_cpus": mp_cpus}
    options = {key: value for key, value in options.items() if value is not None}
    if times is not None:
        _inside_the_data(times, ana)
        options["src_kw"] = {"mjd": times[0], "t_100": times[1] - times[0]}
        options["use_grl"] = use_grl
    if library is not None:
        if containment is not None:
            raise ValueError("containment and library do not go together: a library is searched in all of its pixels")
        if nside is not None and nside != library.nside:
            raise ValueError(f"nside={nside}, but the library was made with {library.nside}; leave nside out")
        nside = library.nside
    elif nside is None:
        nside = _resolution(target.sky, ana)
        if times is None and sum(len(season.data) for season in ana) > _MANY_EVENTS and nside > _COARSEST:
            options["refine"] = Refinement(nside=nside)
            nside //= 2
    prior = _at(target.sky, check_nside(nside))
    if containment is None and library is None and _region(prior, _CONTAINMENT) < _WORTH:
        containment = _CONTAINMENT
    if containment is not None:
        options["containment"] = containment
    by = "flux" if times is None else "fluence"
    runner = get_spatial_prior_trial_runner(
        ana=ana, llh_priors=prior, min_dec=-_MAX_DEC, max_dec=_MAX_DEC,
        inj_conf={"by": by, "flux": PowerLawFlux(2.0 if gamma is None else gamma)}, **options,
    )  # fmt: skip
    return Search(target, prior, runner, times, int(getattr(target.sky, "nside", prior.nside)))


def _resolution(sky: Any, ana: Any) -> int:
    """nside at which half of the σ of the best tenth of the events is a pixel, not finer than the map."""
    import healpy

    sigma = np.quantile(np.concatenate([season.data["sigma"] for season in ana]), 0.1)
    nside = _COARSEST
    while nside < _FINEST and healpy.nside2resol(nside) > 0.5 * sigma:
        nside *= 2
    return min(nside, int(sky.nside)) if hasattr(sky, "nside") else nside


def _at(sky: Any, nside: int) -> SpatialPrior:
    """The map as a prior of this nside."""
    if isinstance(sky, SpatialPrior) and sky.nside == nside:
        return sky
    if hasattr(sky, "regrade"):
        return SpatialPrior(sky if getattr(sky, "nside", None) == nside else sky.regrade(nside))
    return SpatialPrior(sky, policy=PriorPolicy(regrade=nside))


def _region(prior: SpatialPrior, containment: float) -> float:
    """Fraction of the sky of the smallest region that holds this much."""
    ordered = np.cumsum(np.sort(prior.probability)[::-1])
    return float(np.searchsorted(ordered, containment)) / prior.npix


def _inside_the_data(times: tuple[float, float], ana: Any) -> None:
    first, last = min(season.mjd_min for season in ana), max(season.mjd_max for season in ana)
    if times[1] < first or times[0] > last:
        raise ValueError(
            f"the window MJD {times[0]:.5f} to {times[1]:.5f} is outside the data, MJD {first:.2f} to {last:.2f}; give "
            "--start and --stop, or --livetime"
        )
