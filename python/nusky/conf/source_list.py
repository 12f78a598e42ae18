"""`get_source_list_trial_runner`: each source of a list by itself, on one scramble."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nusky.conf.factories import CONF
from nusky.conf.settings import Settings

if TYPE_CHECKING:
    from nusky.catalogs import SourceListTrialRunner

__all__ = ["get_source_list_trial_runner"]


def get_source_list_trial_runner(
    conf: Mapping[str, Any] | None = None, inj_conf: Mapping[str, Any] | None = None, **kw: Any
) -> SourceListTrialRunner:
    """Make a runner that fits each source of a list by itself, all of them to the same scramble.

    Parameters
    ----------
    conf, inj_conf, **kw
        As for `get_trial_runner`. ``src`` holds the sources; its weights say how injected events are shared.

    Returns
    -------
    SourceListTrialRunner

    Raises
    ------
    TypeError, ValueError
        As for `get_trial_runner`; or two sources are at one place.

    Examples
    --------
    >>> import nusky as cy                                                                   # doctest: +SKIP
    >>> runner = cy.get_source_list_trial_runner(src=cy.sources([1.0, 2.0], 0.1), ana=ana)   # doctest: +SKIP
    """
    from nusky.catalogs import SourceListTrialRunner

    # the keywords are those of a point source
    settings = Settings.merge("get_trial_runner", CONF, conf, kw)
    src = settings.get("src")
    if src is None or not hasattr(src, "extension"):
        raise ValueError("get_source_list_trial_runner needs sources: pass src=nusky.sources(ra, dec)")
    injected = settings.injected(inj_conf)
    return SourceListTrialRunner(
        analysis=settings.analysis(),
        src=settings.stack(src),
        likelihood=replace(settings.likelihood(0.0), extension=0.0),
        injection=settings.injection(injected),
        transient=settings.transient(src, injected),
        declinations=settings.declinations(injected),
        mp_cpus=settings.get("mp_cpus"),
        ts_to_p=settings.get("ts_to_p"),
        update_bg=bool(settings.get("update_bg", False)),
    )
