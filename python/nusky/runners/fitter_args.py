"""csky's further arguments of a fit: what they do to a runner."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import Any, TypeVar

import numpy as np

__all__ = ["NOT_NEEDED", "fitting", "whole"]

R = TypeVar("R")

NOT_NEEDED = {
    "_fmin_method": "there is one way to the maximum",
    "_fmin_factr": "the maximum is found to rounding",
    "_fmin_epsilon": "derivatives are exact",
    "_log_params": "how a parameter is stepped does not move the maximum",
}
"""Fitter arguments of csky that cannot change a result, with the reason."""


def fitting(call: str, runner: R, flat: Any, fitter_args: dict[str, Any]) -> R:
    """The runner that fits as csky's arguments say: ``gamma=`` holds γ, for this call only.

    Raises
    ------
    TypeError, ValueError
        An argument that is not known, or ``flat=False``.

    Examples
    --------
    >>> fitting("get_one_fit", None, True, {"_fmin_method": "minuit"})
    """
    if flat is not None and flat is not True:
        raise ValueError(f"{call}: flat={flat!r} is not there; a fit is an array with names, fit['ns']")
    left = {name: value for name, value in fitter_args.items() if name not in NOT_NEEDED}
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
