"""Checks of arguments that several packages make."""

from __future__ import annotations

from numbers import Real
from typing import Any

__all__ = ["check_fraction", "refuse_text"]


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


def refuse_text(name: str, value: Any) -> None:
    """An error where text stands for a number: NumPy reads "1", and a "1e3 " of a file that nobody converted.

    Parameters
    ----------
    name : str
        What to call it in messages.
    value : anything
        Text, or a list, tuple or array with text in it, is refused.

    Examples
    --------
    >>> refuse_text("x", [1.0, 2.0])
    >>> refuse_text("x", "1")
    Traceback (most recent call last):
        ...
    TypeError: x must be a number, not text: got '1'
    """
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    inside = value if isinstance(value, (list, tuple)) else value.ravel() if kind == "O" else ()
    if kind in ("U", "S") or any(isinstance(one, (str, bytes)) for one in (value, *inside)):
        shown = repr(value)
        shown = shown if len(shown) < 60 else f"{shown[:50]} …"
        raise TypeError(f"{name} must be a number, not text: got {shown}")
