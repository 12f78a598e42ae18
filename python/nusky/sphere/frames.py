"""Names of coordinate frames."""

from __future__ import annotations

from typing import Any, Literal

__all__ = ["Frame", "resolve_frame"]


Frame = Literal["equatorial", "galactic", "ecliptic"]


_FRAMES: dict[str, Frame] = {
    "equatorial": "equatorial",
    "celestial": "equatorial",
    "icrs": "equatorial",
    "fk5": "equatorial",
    "j2000": "equatorial",
    "radec": "equatorial",
    "c": "equatorial",
    "q": "equatorial",
    "cel": "equatorial",
    "equ": "equatorial",
    "eq": "equatorial",
    "galactic": "galactic",
    "g": "galactic",
    "gal": "galactic",
    "ecliptic": "ecliptic",
    "e": "ecliptic",
    "ecl": "ecliptic",
    "barycentricmeanecliptic": "ecliptic",
    "barycentrictrueecliptic": "ecliptic",
    "geocentricmeanecliptic": "ecliptic",
    "geocentrictrueecliptic": "ecliptic",
}


def resolve_frame(frame: Any) -> Frame:
    """Name of a coordinate frame from any of its usual spellings.

    Parameters
    ----------
    frame : str or astropy frame
        ``"equatorial"``, ``"galactic"``, ``"ecliptic"``, the FITS letters ``"C"``, ``"G"``, ``"E"``, ``"ICRS"``,
        ``"celestial"`` or the first three letters, in any case; an astropy frame or its class.

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
    # an astropy frame, or its class, has a name
    named = getattr(frame, "name", None)
    frame = named if isinstance(named, str) and hasattr(frame, "frame_attributes") else frame
    if isinstance(frame, bytes):
        frame = frame.decode("ascii", "replace")
    if not isinstance(frame, str):
        raise TypeError(
            f"frame: expected a string, got {type(frame).__name__}; use 'equatorial', 'galactic' or 'ecliptic'"
        )
    try:
        return _FRAMES[frame.strip().lower()]
    except KeyError:
        raise ValueError(f"frame={frame!r} is not known; use 'equatorial', 'galactic' or 'ecliptic'") from None
