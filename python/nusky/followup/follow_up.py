"""`follow_up`: from a map or notice to an answer."""

from __future__ import annotations

import math
import os
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from nusky.data import LAST_MJD
from nusky.executors import InterruptedBatch
from nusky.followup.background import BACKGROUND_SEED, enough_background, given_trials, keep_trials, library_background
from nusky.followup.events import fitted_events
from nusky.followup.inputs import Target, read_target
from nusky.followup.limits import find_limits
from nusky.followup.result import FollowUp
from nusky.followup.search import make_search
from nusky.progress import tell
from nusky.runners import KnownBackground
from nusky.sensitivity import central_energy_range
from nusky.sphere import as_mjd, days
from nusky.store import ScanLibrary
from nusky.units import has_unit

if TYPE_CHECKING:
    from nusky.hotspots import Localization
    from nusky.typing import F64

__all__ = ["follow_up", "search_times"]

# The median of so many trials is known well enough for a sensitivity
_FOR_THE_MEDIAN = 400
_LIMITS_SEED = 2


def follow_up(
    source: Any,
    *,
    ana: Any,
    window: Any = None,
    start: Any = None,
    stop: Any = None,
    livetime: bool = False,
    gamma: float | None = None,
    containment: float | None = None,
    n_trials: int = 1000,
    limits: bool = True,
    TRUTH: bool = False,
    n_sig: float = 0,
    seed: int = 1,
    nside: int | None = None,
    use_grl: bool = True,
    library: Any = None,
    keep: str | os.PathLike[str] | None = None,
    mp_cpus: int | None = None,
    logging: bool = False,
) -> FollowUp:
    """Search for neutrinos from a map or notice.

    Parameters
    ----------
    source
        See `nusky.followup.read_target`.
    ana : Analysis
    window : (float, float), s, or Quantities
        Start and stop around the notice's time; (−500, 500) where there is a time and nothing else is given.
    start, stop : float, MJD, or astropy Time
        Instead of `window`.
    livetime : bool
        The whole of the data.
    gamma : float, optional
        Fixes the spectrum of the fit, and that of the limits; otherwise limits are for E^−2.
    containment : float, optional
        Fit only the most probable pixels that hold this much; default 0.9999 where that spares half of the sky.
    n_trials : int
        Background trials at most; they end early where the p-value is large.
    limits : bool
        Find the sensitivity and the upper limit.
    TRUTH : bool
        The real sky; by default a scramble.
    n_sig : float
        Of a scramble: inject so many events on average, for a drill, from a source drawn from the map.
    seed : int
    nside : int, optional
        Resolution of the search; by default that of the map, or what the events resolve where it is coarser.
    use_grl : bool
        False: of data without a good-run list, in a time window; the detector counts as on from the first event to the
        last.
    library : ScanLibrary or path, optional
        Background scans made beforehand, of the same data and window length; used in place of background trials.
    keep : path, optional
        File of background trials (`write_follow_up` writes it): those of the same search and seed are not made again,
        and on Ctrl-C the finished ones are written there.
    mp_cpus : int, optional
    logging : bool
        Say what is done.

    Returns
    -------
    FollowUp

    Raises
    ------
    ValueError
        For a target without a map, times that contradict each other or lie outside the data, a library of another
        search.
    InterruptedBatch
        On Ctrl-C among the background trials; its ``partial`` holds those that are finished.

    Examples
    --------
    >>> found = cy.follow_up("180,10,2", ana=ana, livetime=True)                     # doctest: +SKIP
    """
    if n_trials < 1:
        raise ValueError(f"n_trials={n_trials!r} must be at least 1")

    def say(text: str) -> None:
        if logging:
            tell(f"{text}\n")

    target = read_target(source)
    times = search_times(target, window, start, stop, livetime)
    if library is not None and not isinstance(library, ScanLibrary):
        library = ScanLibrary(library)
    search = make_search(
        target, ana, times, gamma=gamma, containment=containment, nside=nside, use_grl=use_grl, library=library,
        mp_cpus=mp_cpus,
    )  # fmt: skip
    runner = search.runner
    say(f"{target.name}: {search.describe()}")
    trial = runner.get_one_trial(n_sig, poisson=n_sig > 0, seed=seed, TRUTH=TRUTH)
    fit = runner.get_one_fit_from_trial(trial)
    if library is not None:
        known = library_background(library, search, logging=logging)
        ts = known.ts
    else:
        least = min(_FOR_THE_MEDIAN if limits else 0, n_trials)
        ts = _background(runner, fit.ts, seed, n_trials, least, keep, logging)
        known = KnownBackground.of(ts, seed + BACKGROUND_SEED)
    ns_interval, gamma_interval = _intervals(runner, trial, fit)
    say("Error region of the hottest spot")
    where, why = _localized(runner, trial, fit)
    found_limits = None
    if limits:
        say("Sensitivity and upper limit, and their range over the 90 % region")
        found_limits = find_limits(search, fit.ts, known, seed + _LIMITS_SEED, quick=library is not None)
    return FollowUp(
        search, trial, fit, ts, ns_interval, gamma_interval, where, why, found_limits,
        central_energy_range(ana, search.prior, gamma=2.0 if gamma is None else gamma),
        fitted_events(search, trial, fit, ts), TRUTH, seed, None if library is None else library.path.name,
    )  # fmt: skip


def search_times(target: Target, window: Any, start: Any, stop: Any, livetime: bool) -> tuple[float, float] | None:
    """Start and stop of a search, MJD; None for the whole of the data.

    Raises
    ------
    ValueError
        For times that contradict each other, or none.

    Examples
    --------
    >>> search_times(Target("map", None, 56000.0, "map"), (0.0, 86400.0), None, None, False)
    (56000.0, 56001.0)
    """
    given = (window is not None) + (start is not None or stop is not None) + livetime
    if given > 1:
        raise ValueError("give one of window=, start= with stop=, and livetime=")
    if livetime:
        return None
    if start is not None or stop is not None:
        if start is None or stop is None:
            raise ValueError(f"start={start!r}, stop={stop!r}: give both, MJD, start before stop")
        first, last = float(as_mjd(start)), float(as_mjd(stop))
        if not 0 < first < last < LAST_MJD:
            raise ValueError(f"start={start!r}, stop={stop!r}: give both, MJD (60 000 is today), start before stop")
        return first, last
    if target.mjd is None:
        raise ValueError(f"{target.name} has no time: give start and stop (MJD), or livetime=True")
    before, after = (-500.0, 500.0) if window is None else _seconds(window)
    if not before < after:
        raise ValueError(f"window={window!r}: the first must be before the second, s")
    return target.mjd + before / 86400, target.mjd + after / 86400


def _seconds(window: Any) -> tuple[float, float]:
    """Start and stop, s, of plain numbers or of what knows its unit."""
    try:
        before, after = window
        plain = [
            86_400.0 * float(days("window", end))
            if has_unit(end) or hasattr(end, "jd1") or isinstance(end, timedelta)
            else float(end)
            for end in (before, after)
        ]
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"window={window!r}: give two numbers, s after the trigger, such as (-500, 500) ({error})"
        ) from None
    return plain[0], plain[1]


def _background(
    runner: Any, ts: float, seed: int, most: int, least: int, keep: str | os.PathLike[str] | None, logging: bool
) -> F64:
    given = None if keep is None else given_trials(keep, runner.config_hash, seed)
    try:
        return enough_background(runner, ts, seed, most=most, least=least, given=given, logging=logging)
    except InterruptedBatch as stopped:
        if keep is not None and len(stopped.partial):
            keep_trials(keep, runner.config_hash, stopped.partial["ts"], seed)
        raise


def _intervals(runner: Any, trial: Any, fit: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    none = (math.nan, math.nan)
    if fit.ns <= 0 or not math.isfinite(fit.ra):
        return none, none
    profile = runner.get_one_llh_from_trial(trial, fit.ra, fit.dec).profile(fit)
    return profile.interval("ns"), profile.interval("gamma") if profile.gamma_free else none


def _localized(runner: Any, trial: Any, fit: Any) -> tuple[Localization | None, str]:
    if fit.ns <= 0:
        return None, "there is no excess"
    try:
        return runner.get_localization(trial), ""
    except ValueError as error:  # the region is too large for pixels that fine
        return None, str(error)
