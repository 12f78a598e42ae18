"""`get_source_list_trial_runner`: each source of a list by itself, on one scramble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nusky.conf.factories import CONF
from nusky.conf.settings import Settings, same_sources
from nusky.conf.timed import timed_list

if TYPE_CHECKING:
    from nusky.catalogs import SourceListTrialRunner

__all__ = ["get_source_list_trial_runner", "list_options"]


def get_source_list_trial_runner(
    conf: Mapping[str, Any] | None = None, inj_conf: Mapping[str, Any] | None = None, **kw: Any
) -> SourceListTrialRunner:
    """Make a runner that fits each source of a list by itself, all of them to the same scramble.

    Parameters
    ----------
    conf, inj_conf, **kw
        As for `get_trial_runner`. ``src`` holds the sources; its weights say how injected events are shared. With
        ``time="utf"`` each is fitted for a flare, with ``time="lc"`` with its light curve, ``lcs=[…]``; then `threshs`
        and `lags`, or `t0` and `dt` of ``sig="tw"``, may have a value for each.

    Returns
    -------
    SourceListTrialRunner; TimedSourceListTrialRunner with flares or light curves

    Raises
    ------
    TypeError, ValueError
        As for `get_trial_runner`; or two sources are at one place, for signal subtraction or signal from other sources.

    Examples
    --------
    >>> import nusky as cy                                                                   # doctest: +SKIP
    >>> runner = cy.get_source_list_trial_runner(src=cy.sources([1.0, 2.0], 0.1), ana=ana)   # doctest: +SKIP
    """
    from nusky.catalogs import SourceListTrialRunner, TimedSourceListTrialRunner

    # the keywords are those of a point source
    settings = Settings.merge("get_trial_runner", CONF, conf, kw)
    src = settings.get("src")
    if src is None or not hasattr(src, "extension"):
        raise ValueError("get_source_list_trial_runner needs sources: pass src=nusky.sources(ra, dec)")
    common = list_options(settings, inj_conf)
    times = timed_list(settings, settings.injected(inj_conf), len(src))
    return TimedSourceListTrialRunner(**common, **times) if times else SourceListTrialRunner(**common)


def list_options(settings: Settings, inj_conf: Mapping[str, Any] | None) -> dict[str, Any]:
    """Arguments of every runner of a list.

    Raises
    ------
    ValueError
        Signal subtraction, or signal from elsewhere.
    """
    src, injected = settings.get("src"), settings.injected(inj_conf)
    if settings.get("sigsub"):
        raise ValueError(
            f"{settings.call}: the sources of a list are fitted without signal subtraction: leave sigsub out, or make "
            "a runner of each, src[i]"
        )
    if (other := injected.get("src")) is not None and not same_sources(other, src):
        raise ValueError(
            f"{settings.call}: inj_conf['src']: signal of a list comes from its own sources; fit a trial of another "
            "runner with get_one_fit_from_trial"
        )
    return {
        "analysis": settings.analysis(),
        "src": settings.stack(src),
        "likelihood": replace(settings.likelihood(0.0), extension=0.0),
        "injection": settings.injection(injected),
        "transient": settings.transient(src, injected, flares=True),
        **settings.background(injected),
        "mp_cpus": settings.get("mp_cpus"),
        "ts_to_p": settings.get("ts_to_p"),
        "update_bg": bool(settings.get("update_bg", False)),
    }
