"""Numbers with a unit: an astropy Quantity (or a column with a unit) becomes a plain number in ours, or is refused.

Everything in nusky that takes a number with a unit goes through `in_unit`: nowhere is a unit dropped.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nusky.checks import refuse_text

__all__ = ["counted", "has_unit", "in_unit", "numbers"]


def has_unit(value: Any) -> bool:
    """Whether a value carries a unit of its own.

    Examples
    --------
    >>> from astropy import units as u
    >>> has_unit(3 * u.deg), has_unit(3.0)
    (True, False)
    """
    if isinstance(value, (list, tuple)):
        return any(has_unit(item) for item in value)
    return (
        getattr(value, "unit", None) is not None
        or callable(getattr(value, "to_value", None))
        or (hasattr(value, "units") and hasattr(value, "magnitude"))
    )


def in_unit(name: str, value: Any, unit: str, example: str = "") -> Any:
    """`value` in `unit`: what carries its own unit is converted, plain numbers are in it already.

    Parameters
    ----------
    name : str
        What to call it in messages.
    value : number, array, Quantity, column of an astropy table, or a list of Quantities
        Masks are kept.
    unit : str
        As astropy writes it: ``"rad"``, ``"GeV"``, ``"1 / (GeV cm2 s)"``; ``""`` for pure numbers.
    example : str
        Something that would be right, for messages.

    Returns
    -------
    number or array without a unit

    Raises
    ------
    TypeError
        The unit is that of something else, the library it comes from is not known here, or it is text.

    Examples
    --------
    >>> from astropy import units as u
    >>> float(in_unit("E0", 100 * u.TeV, "GeV")), in_unit("E0", 5, "GeV")
    (100000.0, 5)
    """
    refuse_text(name, value)
    if not has_unit(value):
        return value
    said = f" such as {example}" if example else ""
    wanted = (
        f"give {unit or 'pure numbers'}, or an astropy Quantity of that unit{said}" if unit else "give pure numbers"
    )
    if isinstance(value, (list, tuple)):
        if not all(has_unit(item) for item in value):
            raise TypeError(f"{name}: some of the values have a unit and some have none; {wanted}")
        values = [in_unit(f"{name}[{i}]", item, unit, example) for i, item in enumerate(value)]
        return type(value)(values)
    if hasattr(value, "units") and hasattr(value, "magnitude"):
        raise TypeError(f"{name}: the unit {value.units} comes from {type(value).__module__}; {wanted}")
    try:
        if hasattr(value, "to_value"):
            return value.to_value(unit)
        from astropy import units

        # a column of a table: an array that knows its unit
        factor = units.Unit(value.unit).to(units.Unit(unit))
        data = np.ma.array(value.data, mask=value.mask) if hasattr(value, "mask") else np.asarray(value)
        return data * factor if factor != 1.0 else data
    except (TypeError, ValueError, AttributeError):
        shown = " ".join(repr(value).split())
        shown = shown if len(shown) < 80 else f"{shown[:60]} … of {getattr(value, 'unit', 'a unit')}"
        raise TypeError(f"{name}={shown} cannot be turned into {unit or 'pure numbers'}; {wanted}") from None


def numbers(name: str, value: Any, unit: str = "") -> NDArray[np.float64]:
    """float64 array of what `in_unit` gives, NaN where it is masked: NumPy's own ``asarray`` drops units and masks.

    Examples
    --------
    >>> from astropy import units as u
    >>> numbers("dec", [60, 90] * u.arcmin, "deg").tolist(), numbers("ts", np.ma.array([4, 5], mask=[0, 1])).tolist()
    ([1.0, 1.5], [4.0, nan])
    """
    plain = in_unit(name, value, unit, {"rad": "10 * u.deg", "day": "1000 * u.s", "GeV": "1 * u.TeV"}.get(unit, ""))
    if hasattr(plain, "filled"):  # a masked array of NumPy or astropy
        plain = plain.astype(np.float64).filled(np.nan)
    return np.asarray(plain, np.float64)


def counted(E0: Any, unit: Any) -> tuple[Any, Any]:
    """`E0` as a number of `unit`, and `unit` in GeV, of what may be Quantities.

    Examples
    --------
    >>> from astropy import units as u
    >>> counted(100 * u.TeV, 1e3), counted(2, u.TeV)
    ((100.0, 1000.0), (2, 1000.0))
    """
    if isinstance(unit, str):
        from astropy import units

        try:
            unit = units.Unit(unit)
        except ValueError:
            raise ValueError(f"unit={unit!r} is no unit of energy; give 'TeV', or what it is in GeV, 1e3") from None
    if hasattr(unit, "to") and not has_unit(unit):  # a unit of astropy, not a number of them
        unit = 1.0 * unit
    unit = float(in_unit("unit", unit, "GeV", "u.TeV")) if has_unit(unit) else unit
    for name, value in (("E0", E0), ("unit", unit)):
        if not has_unit(value) and (np.ndim(value) or np.asarray(value).dtype.kind not in "iuf"):
            raise TypeError(f"{name}={value!r}: give one number, or a Quantity such as 100 * u.TeV")
    return (float(in_unit("E0", E0, "GeV", "100 * u.TeV")) / unit if has_unit(E0) else E0), unit
