"""`get_multiflare_trial_runner`: csky's runner of several flares of one source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from nusky.conf.factories import CONF, get_trial_runner
from nusky.conf.flares import several_flares
from nusky.conf.settings import Settings
from nusky.conf.source_list import list_options
from nusky.conf.timed import timed_list

if TYPE_CHECKING:
    from nusky.catalogs import MultiFlareSourcesRunner
    from nusky.hypotheses import MultiFlareTrialRunner

__all__ = ["get_multiflare_trial_runner"]


def get_multiflare_trial_runner(
    conf: Mapping[str, Any] | None = None,
    inj_conf: Mapping[str, Any] | None = None,
    *,
    threshold: float | None = None,
    max_dt: Any = None,
    ts_min: float = 2.0,
    filter_srcs: bool = True,
    muonflag: bool = False,
    **kw: Any,
) -> MultiFlareTrialRunner | MultiFlareSourcesRunner:
    """Make a runner for one source that may have flared several times: the TS of its flares are added.

    Parameters
    ----------
    conf, inj_conf, **kw
        As for `get_trial_runner`; ``time="utf"`` and ``box=True`` are understood.
    threshold : float, optional
        S/B max R of the events at which flares start and end, as that of `seeding.UTFSeeder`.
    max_dt : float, Quantity or TimeDelta, optional
        Days; the longest flare, as ``dt_max``.
    ts_min : float
        TS that each flare has at least. 0 adds every fluctuation.
    filter_srcs : bool
        csky leaves out sources without events above the threshold; here they are in the result with TS 0.
    muonflag : False
        csky's cut on muons is not there.

    Returns
    -------
    MultiFlareTrialRunner; MultiFlareSourcesRunner for several sources

    Raises
    ------
    ValueError, TypeError
        For what is not understood.

    Examples
    --------
    >>> import nusky as cy                                                              # doctest: +SKIP
    >>> tr = cy.get_multiflare_trial_runner(src=src, ana=ana, threshold=1000)           # doctest: +SKIP
    """
    from nusky.catalogs import MultiFlareSourcesRunner

    call = "get_multiflare_trial_runner"
    if muonflag is not False:
        raise ValueError(f"{call}: muonflag={muonflag!r} is not there, only False: select the events beforehand")
    if not isinstance(filter_srcs, bool):
        raise TypeError(f"{call}: filter_srcs must be True or False, got {filter_srcs!r}")
    given = several_flares(call, {**(conf or {}), **kw, "threshold": threshold, "max_dt": max_dt})
    src: Any = given.get("src", given.get("src_tr", CONF.get("src")))
    if not hasattr(src, "extension") or len(src) == 1:
        return _of_one(call, given, inj_conf, ts_min)
    settings = Settings.merge("get_trial_runner", CONF, given, {"src": src})
    common = list_options(settings, inj_conf)
    times = timed_list(settings, settings.injected(inj_conf), len(src))
    return MultiFlareSourcesRunner(**common, **times, least_ts=ts_min)


def _of_one(
    call: str, given: Mapping[str, Any], inj_conf: Mapping[str, Any] | None, ts_min: float
) -> MultiFlareTrialRunner:
    from nusky.hypotheses import FlareTrialRunner, MultiFlareTrialRunner

    runner = get_trial_runner(given, inj_conf)
    if not isinstance(runner, FlareTrialRunner):
        raise ValueError(f"{call}: flares have time='utf', got {given['time']!r}")
    same = {field.name: getattr(runner, field.name) for field in fields(runner) if field.init}
    return MultiFlareTrialRunner(**same, least_ts=ts_min)
