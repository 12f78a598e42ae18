"""``time='lc'`` and ``sig='lc'``: a light curve, in csky's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nusky.transients import LightCurve, SignalWindow

__all__ = ["CURVE_KEYS", "curve_signal", "light_curve"]

#: Keywords that only a light curve gives a meaning.
CURVE_KEYS = ("lcs", "range_thresh", "range_lag", "n_seeds_thresh", "n_seeds_lag", "kind")
_FITTED = {"thresh": "range_thresh", "lag": "range_lag"}


def light_curve(call: str, values: Mapping[str, Any]) -> LightCurve:
    """The light curve of ``time='lc'``.

    ``lcs``: a histogram of histlite, or (edges, values); ``range_thresh``, ``range_lag`` (days), ``n_seeds_thresh``,
    ``n_seeds_lag``; ``fitter_args={'thresh': …, 'lag': …}`` holds them (``thresh_0000``, ``lag_0000`` are understood).

    Raises
    ------
    ValueError, TypeError
        For what is missing or cannot be.

    Examples
    --------
    >>> light_curve("get_trial_runner", {"lcs": ([0, 1, 2], [1.0, 3.0]), "fitter_args": {"thresh": 0}}).range_thresh
    (0.0, 0.0)
    """
    if values.get("lcs") is None:
        raise ValueError(f"{call}: time='lc' needs a light curve: lcs=(edges in MJD, values) or a histogram")
    given = {name: values[name] for name in CURVE_KEYS[1:5] if values.get(name) is not None}
    fixed = dict(values.get("fitter_args") or {})
    for name, key in _FITTED.items():
        for spelt in (name, f"{name}_0000"):
            if spelt in fixed:
                held = fixed[spelt]
                if isinstance(held, bool) or not isinstance(held, (int, float)):
                    raise TypeError(f"{call}: fitter_args {spelt} must be a number, got {held!r}")
                given[key] = (float(held), float(held))
    return LightCurve.of(_one_curve(call, values["lcs"]), **given)


def _one_curve(call: str, lcs: Any) -> Any:
    """A light curve, also as csky's list with one for each source."""
    if not isinstance(lcs, list):
        return lcs
    if len(lcs) != 1:
        raise ValueError(f"{call}: lcs holds {len(lcs)} light curves; a runner fits that of one source")
    return lcs[0]


def curve_signal(call: str, values: Mapping[str, Any], inj_conf: Mapping[str, Any]) -> SignalWindow | None:
    """The signal of ``sig='lc'``: the light curve above ``threshs``, after ``lags`` (days), 0 by default.

    Raises
    ------
    ValueError, TypeError

    Examples
    --------
    >>> curve_signal("get_trial_runner", {"sig": "lc", "lcs": ([0, 1, 2], [1.0, 3.0])}, {"threshs": 1.0}).window.heights
    (0.0, 1.0)
    """
    if inj_conf.get("sig", values.get("sig")) != "lc":
        given = [name for name in ("lcs", "threshs", "lags") if name in inj_conf]
        if given := given + [name for name in ("threshs", "lags") if values.get(name) is not None]:
            raise ValueError(f"{call}: {given[0]!r} is that of signal which follows a light curve: add sig='lc'")
        return None
    lcs = inj_conf.get("lcs", values.get("lcs"))
    if lcs is None:
        raise ValueError(f"{call}: sig='lc' needs a light curve: lcs=(edges in MJD, values) or a histogram")
    at = []
    for name in ("threshs", "lags"):
        value: Any = inj_conf.get(name, values.get(name))
        value = 0.0 if value is None else value
        if not isinstance(value, str) and np.shape(value) == (1,):
            value = value[0]
        try:
            at.append(float(value))
        except (TypeError, ValueError):
            raise TypeError(
                f"{call}: {name} must be one number, got {value!r}; make a runner for each source"
            ) from None
    return SignalWindow(LightCurve.of(_one_curve(call, lcs)).window(*at), values.get("use_grl", True) is not False)
