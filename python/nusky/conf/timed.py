"""Runners whose sources have a time term of their own: a flare, a light curve, or signal in a window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.conf.settings import NO_SIGSUB, Settings

if TYPE_CHECKING:
    from nusky.runners.point_source import TrialRunner
    from nusky.transients import FlareOptions

__all__ = ["timed_list", "timed_runner"]

#: What may be given for each source of a list.
_OF_EACH = ("lcs", "threshs", "lags", "t0", "dt")


def timed_runner(
    settings: Settings, injected: Mapping[str, Any], common: Mapping[str, Any], several: str, sigsub: bool
) -> TrialRunner | None:
    """The runner of ``time='utf'``, ``time='lc'``, ``sig='tw'`` or ``sig='lc'``; None for other settings.

    Parameters
    ----------
    settings, injected
    common : dict
        Arguments of every runner.
    several : str
        Says how many sources there are, empty for one.
    sigsub : bool

    Raises
    ------
    ValueError
        For several sources, or signal subtraction.
    """
    from nusky.hypotheses import FlareTrialRunner, LightCurveTrialRunner
    from nusky.runners import TrialRunner
    from nusky.transients import SignalWindow

    flare, curve, window = settings.flare(), settings.light_curve(), settings.signal_window(injected)
    if flare is None and curve is None and window is None:
        return None
    what = f"{settings.call}: flares and light curves (time='utf' or 'lc', sig='tw' or 'lc')"
    if several:
        raise ValueError(
            f"{what} are those of one source, {several}: src[i], or each of them by itself with "
            "get_source_list_trial_runner"
        )
    if sigsub:
        raise ValueError(f"{what} {NO_SIGSUB}")
    if curve is not None:
        options = _of_curves(settings)
        signal = window or SignalWindow(use_grl=options.use_grl)
        return LightCurveTrialRunner(**common, curve=curve, flare=options, signal_window=signal)
    if flare is None:
        return TrialRunner(**common, signal_window=window)
    return FlareTrialRunner(**common, flare=flare, signal_window=window or SignalWindow(use_grl=flare.use_grl))


def _of_curves(settings: Settings) -> FlareOptions:
    """What a light curve takes of the options of a flare."""
    from nusky.transients import FlareOptions

    use_grl = settings.get("use_grl", True) is not False
    return FlareOptions(use_grl=use_grl, extended=settings.get("extended") is True)


def timed_list(settings: Settings, injected: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Arguments of a list of `n` sources whose flares or light curves are looked for; empty for other settings.

    ``lcs=[…]`` holds the light curve of each source, one alone is that of all; ``threshs``, ``lags``, and ``t0`` and
    ``dt`` of ``sig='tw'`` may be those of each, too.

    Raises
    ------
    ValueError
        Light curves for another number of sources, or signal in a window of a list without a time term.
    """
    from nusky.transients import SignalWindow

    call, lcs = settings.call, settings.get("lcs")
    if isinstance(lcs, list) and len(lcs) not in (1, n):
        raise ValueError(f"{call}: lcs holds {len(lcs)} light curves for {n} sources: give one for each, or one")
    flare, curves, windows = settings.flare(), [], []
    for j in range(n):
        one = replace(settings, values=_of_source(settings.values, j, n))
        curves.append(one.light_curve())
        windows.append(one.signal_window(_of_source(injected, j, n)))
    if flare is None and curves[0] is None:
        if windows[0] is not None:
            raise ValueError(f"{call}: signal in a window needs time='utf' or time='lc' in a list of sources")
        return {}
    flare = flare or _of_curves(settings)
    signal = tuple(window or SignalWindow(use_grl=flare.use_grl) for window in windows)
    times = {"flare": flare, "signal_windows": signal[:1] if len(set(signal)) == 1 else signal}
    return times if curves[0] is None else {**times, "curves": tuple(curves)}


def _of_source(given: Mapping[str, Any], j: int, n: int) -> dict[str, Any]:
    """Settings of source j, of those that hold a value for each of `n` sources."""
    picked = dict(given)
    for name in _OF_EACH:
        value = given.get(name)
        # a light curve is (edges, values), or a histogram
        if isinstance(value, list) or (isinstance(value, np.ndarray) and value.ndim):
            picked[name] = value[j] if len(value) == n else value
    if isinstance(given.get("sig_kw"), Mapping):
        picked["sig_kw"] = _of_source(given["sig_kw"], j, n)
    return picked
