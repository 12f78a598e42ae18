"""One search with a spatial prior, with its p-value, limit and events."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nusky.conf import get_spatial_prior_trial_runner
from nusky.dists import PValue, counted_p
from nusky.followup.energies import central_energy_range
from nusky.followup.events import fitted_events
from nusky.followup.inputs import Target, read_target
from nusky.priors import SpatialPrior
from nusky.sphere import check_nside
from nusky.typing import F64

__all__ = ["FollowUp", "follow_up"]

# Trials between two looks at the p-value, and exceedances after which it is known to about 14 %
_BATCH, _ENOUGH = 100, 50
_MAX_DEC = math.radians(85)


@dataclass(frozen=True, eq=False)
class FollowUp:
    """What a follow-up found.

    Attributes
    ----------
    target : Target
    prior : SpatialPrior
        As it was used, at the resolution of the search.
    runner, trial, fit
        The search, the events it fitted and the hottest spot.
    background : (n,) float64
        TS of background trials; not more than the p-value needed.
    sensitivity, upper_limit : mapping or None
        Keys of `nusky.sensitivity.NSigResult`; for sources of equal flux, E^−2, 90 %. None: not asked for.
    energy_range : (float, float)
        GeV, central 90 % of the events expected at the prior's peak.
    events : tuple of dict
        Those that carry the fit, the strongest first.
    truth : bool
        The real sky; False: a scramble, which says nothing about it.
    window : (float, float) or None
        Start and stop, MJD.
    outside : float
        Probability of the map outside the pixels that were fitted.
    seed : int
    """

    target: Target
    prior: SpatialPrior
    runner: Any
    trial: Any
    fit: Any
    background: F64
    sensitivity: Any
    upper_limit: Any
    energy_range: tuple[float, float]
    events: tuple[dict[str, Any], ...]
    truth: bool
    window: tuple[float, float] | None
    outside: float
    seed: int

    @property
    def p_value(self) -> PValue:
        """Fraction of background trials with a TS as high or higher, with its error."""
        return counted_p(int(np.count_nonzero(self.background >= self.fit.ts)), len(self.background))

    def more_trials(self, n: int) -> FollowUp:
        """The same with up to `n` trials more; all of them are made.

        Parameters
        ----------
        n : int
            At least 1.

        Examples
        --------
        >>> better = result.more_trials(1000)                                        # doctest: +SKIP
        """
        more = self.runner.get_many_fits(n, seed=self.seed + 1, first_trial=len(self.background))
        return replace(self, background=np.concatenate([self.background, np.asarray(more["ts"])]))

    @property
    def sentence(self) -> str:
        """The answer in a sentence."""
        what = "the real sky" if self.truth else "a SCRAMBLE (not the real sky)"
        ts = "no excess" if self.fit.ns <= 0 else f"TS {self.fit.ts:.2f}, n_s {self.fit.ns:.2f}"
        return f"{self.target.name}: in {what}, {ts}; p = {float(self.p_value):.3g} from {len(self.background)} trials."


def follow_up(
    source: Any,
    *,
    ana: Any,
    window: tuple[float, float] | None = None,
    start: float | None = None,
    stop: float | None = None,
    livetime: bool = False,
    gamma: float | None = None,
    containment: float | None = None,
    n_trials: int = 1000,
    limits: bool = True,
    TRUTH: bool = False,
    seed: int = 1,
    nside: int | None = None,
    mp_cpus: int | None = None,
) -> FollowUp:
    """Search for neutrinos from a map or notice.

    Parameters
    ----------
    source
        See `nusky.followup.read_target`.
    ana : Analysis
    window : (float, float), s
        Start and stop around the notice's time; (−500, 500) where there is a time and nothing else is given.
    start, stop : float, MJD
        Instead of `window`.
    livetime : bool
        The whole of the data.
    gamma : float, optional
        Fixes the spectrum of the fit.
    containment : float, optional
        Fit only the most probable pixels that hold this much.
    n_trials : int
        Background trials at most; they end early where the p-value is large.
    limits : bool
        Find the sensitivity and the upper limit.
    TRUTH : bool
        The real sky; by default a scramble.
    seed : int
    nside : int, optional
        Resolution of the search; by default that of the map, or what the events resolve where it is coarser.
    mp_cpus : int, optional

    Returns
    -------
    FollowUp

    Raises
    ------
    ValueError
        For a target without a map, times that contradict each other or lie outside the data.

    Examples
    --------
    >>> found = cy.follow_up("180,10,2", ana=ana, livetime=True)                     # doctest: +SKIP
    """
    if n_trials < 1:
        raise ValueError(f"n_trials={n_trials!r} must be at least 1")
    target = read_target(source)
    times = _times(target, window, start, stop, livetime)
    kw: dict[str, Any] = {"gamma": gamma, "containment": containment, "mp_cpus": mp_cpus}
    kw = {key: value for key, value in kw.items() if value is not None}
    if times is not None:
        _inside_the_data(times, ana)
        kw["src_kw"] = {"mjd": times[0], "t_100": times[1] - times[0]}
    prior = _prior(target, ana, nside)
    runner = get_spatial_prior_trial_runner(
        ana=ana, llh_priors=prior, min_dec=-_MAX_DEC, max_dec=_MAX_DEC,
        inj_conf={"by": "flux" if times is None else "fluence"}, **kw,
    )  # fmt: skip
    trial = runner.get_one_trial(seed=seed, TRUTH=TRUTH)
    fit = runner.get_one_fit_from_trial(trial)
    background = _background(runner, fit.ts, n_trials, seed + 1)
    sensitivity = limit = None
    if limits:
        median = float(np.median(background))
        sensitivity = runner.find_n_sig(median, 0.9, gamma=2.0, seed=seed + 2)
        limit = sensitivity
        if fit.ts > median:  # a limit is never below the sensitivity
            limit = runner.find_n_sig(fit.ts, 0.9, gamma=2.0, seed=seed + 2, trials=sensitivity.trials)
    dec = _peak_dec(prior)
    return FollowUp(
        target, prior, runner, trial, fit, background, sensitivity, limit,
        central_energy_range(ana, dec), fitted_events(ana, trial, fit, target.mjd), TRUTH, times,
        runner.prior_outside[0], seed,
    )  # fmt: skip


def _times(
    target: Target, window: Any, start: float | None, stop: float | None, livetime: bool
) -> tuple[float, float] | None:
    given = (window is not None) + (start is not None or stop is not None) + livetime
    if given > 1:
        raise ValueError("give one of window=, start= with stop=, and livetime=")
    if livetime:
        return None
    if start is not None or stop is not None:
        if start is None or stop is None or not start < stop:
            raise ValueError(f"start={start!r}, stop={stop!r}: give both, MJD, start before stop")
        return start, stop
    if target.mjd is None:
        raise ValueError(f"{target.name} has no time: give start= with stop= (MJD), or livetime=True")
    before, after = (-500.0, 500.0) if window is None else window
    if not before < after:
        raise ValueError(f"window={window!r}: the first must be before the second, s")
    return target.mjd + before / 86400, target.mjd + after / 86400


def _inside_the_data(times: tuple[float, float], ana: Any) -> None:
    first, last = min(season.mjd_min for season in ana), max(season.mjd_max for season in ana)
    if times[1] < first or times[0] > last:
        raise ValueError(
            f"the window MJD {times[0]:.5f} to {times[1]:.5f} is outside the data, MJD {first:.2f} to {last:.2f}"
        )


def _prior(target: Target, ana: Any, nside: int | None) -> SpatialPrior:
    """The map at the resolution of the search: half of the σ of the best tenth of the events is enough."""
    import healpy

    if nside is None:
        sigma = np.quantile(np.concatenate([season.data["sigma"] for season in ana]), 0.1)
        nside = 64
        while nside < 512 and healpy.nside2resol(nside) > 0.5 * sigma:
            nside *= 2
        nside = min(nside, int(target.sky.nside)) if hasattr(target.sky, "nside") else nside
    check_nside(nside)
    sky = target.sky
    if isinstance(sky, SpatialPrior) and sky.nside == nside:
        return sky
    if hasattr(sky, "regrade"):
        return SpatialPrior(sky if sky.nside == nside else sky.regrade(nside))
    from nusky.priors import PriorPolicy

    return SpatialPrior(sky, policy=PriorPolicy(regrade=nside))


def _background(runner: Any, ts: float, n_trials: int, seed: int) -> F64:
    found: list[F64] = []
    done = above = 0
    while done < n_trials and above < _ENOUGH:
        n = min(_BATCH, n_trials - done)
        found.append(np.array(runner.get_many_fits(n, seed=seed, first_trial=done)["ts"], dtype=np.float64))
        done += n
        above += int(np.count_nonzero(found[-1] >= ts))
    return np.concatenate(found)


def _peak_dec(prior: SpatialPrior) -> float:
    import healpy

    return float(np.pi / 2 - healpy.pix2ang(prior.nside, prior.peak)[0])
