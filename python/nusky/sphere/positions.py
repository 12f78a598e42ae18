"""Positions as people hold them: a SkyCoord in any frame, or right ascension and declination."""

from __future__ import annotations

from typing import Any

__all__ = ["coordinates"]


def coordinates(value: Any) -> tuple[Any, Any] | None:
    """Right ascension and declination (ICRS, Quantities) of an astropy SkyCoord or frame; None for anything else.

    Raises
    ------
    ValueError
        A frame that cannot be turned into ICRS as it stands.

    Examples
    --------
    >>> from astropy.coordinates import SkyCoord
    >>> ra, dec = coordinates(SkyCoord(0, 0, unit="deg", frame="galactic"))
    >>> float(ra.deg.round(1)), float(dec.deg.round(1))
    (266.4, -28.9)
    """
    if not (hasattr(value, "transform_to") and hasattr(value, "spherical")):
        return None
    from astropy.coordinates import SkyCoord

    try:
        icrs = SkyCoord(value).icrs
    except Exception as error:  # a frame of a place and a time that has neither fails in any way
        raise ValueError(
            f"the position {' '.join(str(value).split())} cannot be turned into ICRS: {error}; a frame such as AltAz "
            "needs obstime and location"
        ) from None
    return icrs.ra, icrs.dec
