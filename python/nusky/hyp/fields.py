"""Fields of a flux: checked numbers, set once on a frozen dataclass."""

from __future__ import annotations

import math
from typing import Any

from nusky.units import in_unit

__all__ = ["ENERGY", "FLUX", "number", "set_fields"]

ENERGY = "GeV"
FLUX = "1 / (GeV cm2 s)"


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


def number(name: str, value: Any, *, unit: str = "", positive: bool = False) -> float:
    """A finite number as float, or a ValueError that names it.

    Parameters
    ----------
    name : str
        For the message.
    value : float or Quantity
    unit : str
        What a Quantity is turned into.
    positive : bool
        Must be above 0.

    Examples
    --------
    >>> from nusky.hyp.fields import number
    >>> number("gamma", 2)
    2.0
    """
    number = float(in_unit(name, value, unit))
    if not math.isfinite(number) or (positive and not number > 0):
        raise ValueError(f"{name}={value!r}: must be {'finite and above 0' if positive else 'finite'}")
    return number
