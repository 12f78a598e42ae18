"""How a spatial prior enters the test statistic: weight, zero rule, regrade and frame, in one recordable value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from numbers import Real
from typing import Any, Literal

__all__ = ["FLOOR_DEPTH", "Frame", "PriorPolicy", "ZeroRule", "check_fraction", "check_nside", "resolve_frame"]

ZeroRule = Literal["exclude", "floor"]
Frame = Literal["equatorial", "galactic", "ecliptic"]

# zero="floor": this far below the smallest positive value, in ln p (1e-10, csky's rule)
FLOOR_DEPTH = 10.0 * math.log(10.0)

_FRAMES: dict[str, Frame] = {
    "equatorial": "equatorial",
    "celestial": "equatorial",
    "icrs": "equatorial",
    "fk5": "equatorial",
    "radec": "equatorial",
    "c": "equatorial",
    "q": "equatorial",
    "galactic": "galactic",
    "g": "galactic",
    "ecliptic": "ecliptic",
    "e": "ecliptic",
}


def resolve_frame(frame: str) -> Frame:
    """Name of a coordinate frame from any of its usual spellings.

    Parameters
    ----------
    frame : str
        ``"equatorial"``, ``"galactic"``, ``"ecliptic"``, the FITS letters ``"C"``, ``"G"``, ``"E"``, ``"ICRS"`` or
        ``"celestial"``, in any case.

    Returns
    -------
    str
        ``"equatorial"``, ``"galactic"`` or ``"ecliptic"``.

    Raises
    ------
    ValueError
        For any other name.

    Examples
    --------
    >>> resolve_frame("C")
    'equatorial'
    """
    if not isinstance(frame, str):
        raise TypeError(
            f"frame: expected a string, got {type(frame).__name__}; use 'equatorial', 'galactic' or 'ecliptic'"
        )
    try:
        return _FRAMES[frame.strip().lower()]
    except KeyError:
        raise ValueError(f"frame={frame!r} is not known; use 'equatorial', 'galactic' or 'ecliptic'") from None


def check_nside(nside: Any, name: str = "nside") -> int:
    """`nside` as an int, or an error that says what is wrong with it.

    Parameters
    ----------
    nside : int
        Power of two, 1 … 2**29.
    name : str
        What to call it in the message.

    Returns
    -------
    int

    Raises
    ------
    TypeError
        If it is not an integer.
    ValueError
        If it is not a power of two in range.

    Examples
    --------
    >>> check_nside(64)
    64
    """
    try:
        value = int(nside)
        whole = not isinstance(nside, bool) and value == nside
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole:
        raise TypeError(f"{name}: expected an integer that is a power of two, got {nside!r}")
    if value < 1 or value > 2**29 or value & (value - 1):
        raise ValueError(f"{name}={value} is not a power of two between 1 and 2**29; use 32, 64, 128, …")
    return value


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
    if not 0.0 < fraction <= 1.0:
        raise ValueError(f"{name}={value} must be larger than 0 and at most 1 (a fraction, not a percentage)")
    return fraction


@dataclass(frozen=True)
class PriorPolicy:
    """What is done to a prior map before and while it enters TS; written with every result.

    Parameters
    ----------
    weight : float
        w in ``TS_prior = TS + w ln(p / p_max)``. 2 (default) follows from TS = 2 ln(likelihood × prior); 1 reproduces
        csky of 2021–22. Larger than 0.
    zero : {"exclude", "floor"}
        Pixels with p ≤ 0 or NaN: ``"exclude"`` gives them the term −inf, they cannot win; ``"floor"`` gives them
        1e-10 of the smallest positive value (csky's rule), taken in log space.
    regrade : int or None
        Target nside: every map is first brought to it conservatively (the probability of a pixel is shared among its
        children, or children are summed). ``None``: the map is used at its own nside.
    frame : str
        Frame in which arrays are given; ``"galactic"`` and ``"ecliptic"`` maps are rotated to equatorial. Maps that
        know their own frame (from `read_sky_map`) are not affected.

    Examples
    --------
    >>> PriorPolicy().weight
    2.0
    >>> PriorPolicy.from_dict(PriorPolicy(weight=1.0, zero="floor").as_dict())
    PriorPolicy(weight=1.0, zero='floor', regrade=None, frame='equatorial')
    """

    weight: float = 2.0
    zero: ZeroRule = "exclude"
    regrade: int | None = None
    frame: Frame = "equatorial"

    def __post_init__(self) -> None:
        try:
            weight = float(self.weight)
        except (TypeError, ValueError):
            raise TypeError(f"weight: expected a number > 0, got {self.weight!r}") from None
        if not (math.isfinite(weight) and weight > 0):
            raise ValueError(
                f"weight={self.weight!r} must be finite and > 0; 2 is the likelihood's own, 1 is old csky's"
            )
        if self.zero not in ("exclude", "floor"):
            raise ValueError(f"zero={self.zero!r} is not known; use 'exclude' or 'floor'")
        object.__setattr__(self, "weight", weight)
        if self.regrade is not None:
            object.__setattr__(self, "regrade", check_nside(self.regrade, "regrade"))
        object.__setattr__(self, "frame", resolve_frame(self.frame))

    def as_dict(self) -> dict[str, Any]:
        """The policy as a dictionary of JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PriorPolicy:
        """The policy that `as_dict` wrote.

        Raises
        ------
        KeyError
            For a key that is no field of the policy.
        """
        known = set(cls.__dataclass_fields__)
        unknown = sorted(set(values) - known)
        if unknown:
            raise KeyError(f"prior policy: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
        return cls(**values)
