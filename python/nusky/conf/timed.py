"""Runners of one source that has a time term of its own: a flare, a light curve, or signal in a window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nusky.conf.settings import Settings

if TYPE_CHECKING:
    from nusky.runners.point_source import TrialRunner

__all__ = ["timed_runner"]


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
    from nusky.transients import FlareOptions, SignalWindow

    flare, curve, window = settings.flare(), settings.light_curve(), settings.signal_window(injected)
    if flare is None and curve is None and window is None:
        return None
    what = f"{settings.call}: flares and light curves (time='utf' or 'lc', sig='tw' or 'lc')"
    if several:
        raise ValueError(f"{what} are those of one source, {several}: src[i]")
    if sigsub:
        raise ValueError(f"{what} are fitted without signal subtraction: leave sigsub out")
    if curve is not None:
        use_grl = settings.get("use_grl", True) is not False
        signal = window or SignalWindow(use_grl=use_grl)
        options = FlareOptions(use_grl=use_grl, extended=settings.get("extended") is True)
        return LightCurveTrialRunner(**common, curve=curve, flare=options, signal_window=signal)
    if flare is None:
        return TrialRunner(**common, signal_window=window)
    return FlareTrialRunner(**common, flare=flare, signal_window=window or SignalWindow(use_grl=flare.use_grl))
