"""Fields of a flux: checked numbers, set once on a frozen dataclass."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["number", "set_fields"]


def set_fields(flux: object, **values: Any) -> None:
    """Give a frozen dataclass the checked values of its fields, inside ``__post_init__``.

    Parameters
    ----------
    flux : frozen dataclass
    **values
        By field.
    """
    for name, value in values.items():
        object.__setattr__(flux, name, value)


def number(name: str, value: float, *, positive: bool = False) -> float:
    """A finite number as float, or a ValueError that names it.

    Parameters
    ----------
    name : str
        For the message.
    value : float
    positive : bool
        Must be above 0.

    Examples
    --------
    >>> from nusky.hyp.fields import number
    >>> number("gamma", 2)
    2.0
    """
    number = float(value)
    if not math.isfinite(number) or (positive and not number > 0):
        raise ValueError(f"{name}={value!r}: must be {'finite and above 0' if positive else 'finite'}")
    return number
