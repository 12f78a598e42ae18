"""Checks of arguments that several packages make."""

from __future__ import annotations

from numbers import Real
from typing import Any

__all__ = ["check_fraction"]


def check_fraction(name: str, value: Any) -> float:
    """`value` as a fraction above 0 and at most 1, or an error that names it.

    Examples
    --------
    >>> check_fraction("containment", 0.9)
    0.9
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected a number above 0 and at most 1, got {value!r}")
    fraction = float(value)
    if 1.0 < fraction <= 1.0 + 1e-6:  # what float32 makes of 1
        fraction = 1.0
    if not 0.0 < fraction <= 1.0:
        raise ValueError(f"{name}={value} must be larger than 0 and at most 1 (a fraction, not a percentage)")
    return fraction
