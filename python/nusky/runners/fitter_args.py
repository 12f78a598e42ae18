"""csky's further arguments of a fit: what they do to a runner."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any, TypeVar

import numpy as np

__all__ = ["NOT_NEEDED", "check_ts_min", "fitting", "whole"]

R = TypeVar("R")

NOT_NEEDED = {
    "_fmin_method": "there is one way to the maximum",
    "_fmin_factr": "the maximum is found to rounding",
    "_fmin_epsilon": "derivatives are exact",
    "_log_params": "how a parameter is stepped does not move the maximum",
}
"""Fitter arguments of csky that cannot change a result, with the reason."""


def check_ts_min(call: str, value: Any, penalised: bool) -> None:
    """csky's ``_ts_min``, below which TS is cut: TS is that of the best n_s ≥ 0, and n_s = 0 has 0.

    Parameters
    ----------
    value : float
        0 or less changes nothing where nothing is added to TS.
    penalised : bool
        Something is: a prior's term, or the penalty of short flares; then it must be 0.

    Raises
    ------
    ValueError, TypeError

    Examples
    --------
    >>> check_ts_min("get_one_fit", -10000, False)
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"{call}: _ts_min must be a number, got {value!r}")
    if penalised and value < 0:
        raise ValueError(f"{call}: _ts_min={value!r} is not there: TS is cut at 0; with a prior, fit.ts_raw is not")
    if value > 0:
        raise ValueError(f"{call}: _ts_min={value!r}: TS of the best n_s ≥ 0 is cut at 0; give 0 or less")


def fitting(call: str, runner: R, flat: Any, fitter_args: dict[str, Any]) -> R:
    """The runner that fits as csky's arguments say: ``gamma=`` holds γ, for this call only.

    Raises
    ------
    TypeError, ValueError
        An argument that is not known, or a `flat` that is.

    Examples
    --------
    >>> fitting("get_one_fit", None, True, {"_fmin_method": "minuit"})
    """
    if flat is not None and not isinstance(flat, bool):
        raise TypeError(f"{call}: flat must be True or False, got {flat!r}")
    if flat is False and call == "get_many_fits":
        raise ValueError(f"{call}: flat={flat!r} is not there: many fits are a table with columns by name")
    if "_full_output" in fitter_args:
        raise TypeError(f"{call}: _full_output is not there: a fit has everything by name, fit.ts_raw")
    if "_ts_min" in fitter_args:
        check_ts_min(call, fitter_args["_ts_min"], hasattr(runner, "flare") or hasattr(runner, "priors"))
    # a given trial knows itself whether it is the real sky
    known = (*NOT_NEEDED, "_ts_min", "TRUTH") if call.endswith("from_trial") else (*NOT_NEEDED, "_ts_min")
    left = {name: value for name, value in fitter_args.items() if name not in known}
    if unknown := sorted(set(left) - {"gamma"}):
        raise TypeError(f"{call}: unknown argument {unknown[0]!r}; of a fit only gamma can be fixed")
    if "gamma" not in left:
        return runner
    made: Any = runner
    mode = "fixed" if made.likelihood.mode == "fit" else made.likelihood.mode
    return replace(made, likelihood=replace(made.likelihood, mode=mode, gamma=left["gamma"]))  # type: ignore[no-any-return]


def whole(name: str, value: Any, least: int | None = None) -> Any:
    """An integer; floats of whole value are taken, too. Without `least` other things come back as they are.

    Raises
    ------
    TypeError, ValueError
        Not whole, or below `least`.

    Examples
    --------
    >>> whole("n_trials", 1e4, 1)
    10000
    """
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    if least is None:
        return value
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name}={value} must be at least {least}")
    return int(value)
