"""Names of coordinate frames."""

from __future__ import annotations

from typing import Literal

__all__ = ["Frame", "resolve_frame"]


Frame = Literal["equatorial", "galactic", "ecliptic"]


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
