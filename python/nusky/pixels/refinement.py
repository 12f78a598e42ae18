"""Finer pixels around the hottest ones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.missing import without_missing
from nusky.pixels.pixel_set import PixelRule, PixelSet
from nusky.sphere.healpix import check_nside

if TYPE_CHECKING:
    from nusky.typing import I64

__all__ = ["Refinement", "children_of", "neighbourhood", "refined_pixels", "unrefined_note"]

# refine=True: pixels of 0.06 degrees, a third of the smallest event error
_DEFAULT_NSIDE = 1024


@dataclass(frozen=True)
class Refinement:
    """How a runner looks again around the hottest pixels of every trial.

    The neighbourhood of a hot pixel is fitted at 4 times its nside, the neighbourhood of the hottest finer pixel again,
    and so on down to `nside`; the larger of all values found counts. It raises TS, in background trials as well: trials
    with and without it, or with other settings, must not be mixed (their `config_hash` differs).

    Parameters
    ----------
    nside : int
        Of the finest pixels: 512 is 0.11°, 1024 0.06°, 2048 0.03°.
    spots : int
        How many separate hot spots are refined. 1: that of the hottest pixel. Of two spots of nearly equal TS the one
        that falls between four pixel centres looks weaker than it is: more spots find it, and the whole map has to be
        fitted in every trial.
    rings : int
        Rings of neighbours around a hot pixel that are looked at too.

    Examples
    --------
    >>> Refinement.of(True)
    Refinement(nside=1024, spots=1, rings=1)
    >>> Refinement.of(512).nside, Refinement.of(False), Refinement.of(True, 512).nside
    (512, None, 2048)
    """

    nside: int = _DEFAULT_NSIDE
    spots: int = 1
    rings: int = 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "nside", check_nside(self.nside, "refine: nside"))
        for name, least, most in (("spots", 1, 1000), ("rings", 0, 10)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
                raise TypeError(f"refine: {name} must be an integer, got {value!r}")
            if not least <= value <= most:
                raise ValueError(f"refine: {name}={value} must be in {least} … {most}")
            object.__setattr__(self, name, int(value))

    @classmethod
    def of(cls, value: Any, scan_nside: int = 1) -> Refinement | None:
        """Refinement from what a user gives: True, an nside, a `Refinement`, or False or None for none.

        True means nside 1024, or 4 times that of the scan if that is more.
        """
        if value is None or value is False or isinstance(value, cls):
            return value or None
        return cls(nside=max(_DEFAULT_NSIDE, 4 * scan_nside)) if value is True else cls(nside=value)

    def check(self, scan_nside: int) -> None:
        """Raise ValueError unless it is finer than the scan."""
        if self.nside <= scan_nside:
            raise ValueError(
                f"refine: nside={self.nside} is not finer than the scan's {scan_nside}; give {4 * scan_nside} or more"
            )

    def as_dict(self) -> dict[str, Any]:
        """Values JSON can hold."""
        return asdict(self)


# nside: share of TS that sources lose at the nearest pixel centre against the refined fit. First-year IC86 season, 120
# sources of 12 and 20 events, E⁻², anywhere within 8° of a point at declination 10°
_LOSS = {32: 0.33, 64: 0.10, 128: 0.025, 256: 0.006}


def unrefined_note(nside: int) -> str:
    """What is lost by fitting the centres of pixels only; empty where that is less than 0.5 %.

    Examples
    --------
    >>> unrefined_note(64)
    'fitted at the centres of pixels of nside 64, not refined: the TS of sources was found about 10 % lower'
    >>> unrefined_note(512)
    ''
    """
    known = min(_LOSS, key=lambda n: abs(np.log2(n / nside)))
    loss = _LOSS[known] * min(1.0, (known / nside) ** 2)
    if loss < 0.005:
        return ""
    much = f"{round(100 * loss, 0 if loss > 0.05 else 1):g} %" + (" or more" if nside < known else "")
    return (
        f"fitted at the centres of pixels of nside {nside}, not refined: the TS of sources was found about {much} lower"
    )


def children_of(pixels: PixelSet, nside: int) -> PixelSet:
    """Every pixel of a finer nside inside a set.

    Parameters
    ----------
    pixels : PixelSet
    nside : int
        At least that of the set.

    Returns
    -------
    PixelSet
        ``(nside / pixels.nside)**2`` pixels for each one given; they cover the same area.

    Examples
    --------
    >>> children_of(PixelSet(64, [0]), 256)
    PixelSet(nside=256, 16 of 786432 pixels)
    """
    import healpy

    nside = check_nside(nside)
    if nside < pixels.nside:
        raise ValueError(f"nside={nside} is coarser than the pixels' {pixels.nside}; give a larger power of two")
    share = (nside // pixels.nside) ** 2
    nested = healpy.ring2nest(pixels.nside, pixels.pixels)
    children = (nested[:, None] * share + np.arange(share)).ravel()
    return PixelSet(
        nside, healpy.nest2ring(nside, children), (PixelRule(f"children at nside {nside}", children.size, True),)
    )


def neighbourhood(nside: int, pixels: Any, *, rings: int = 1) -> I64:
    """Pixels with their neighbours, and theirs, `rings` times.

    Parameters
    ----------
    nside : int
    pixels : (P,) integers
        RING.
    rings : int
        0 returns the pixels themselves.

    Returns
    -------
    int64 array
        RING, ascending, each once.

    Examples
    --------
    >>> neighbourhood(64, [20000]).size
    9
    """
    import healpy

    found = np.unique(np.asarray(pixels, dtype=np.int64))
    for _ in range(rings):
        around = np.asarray(healpy.get_all_neighbours(nside, found), dtype=np.int64).ravel()
        # −1: one of the eight is missing at the corners of some base pixels
        found = np.unique(np.r_[found, around[around >= 0]])
    return found


def refined_pixels(
    pixels: PixelSet, values: Any, nside: int, *, hottest: int = 1, within: float | None = None, rings: int = 1
) -> PixelSet:
    """Finer pixels in the neighbourhood of the hottest ones, for a second scan.

    Parameters
    ----------
    pixels : PixelSet
        What was scanned.
    values : (P,) array
        TS, or TS with the prior term, of each. NaN and −inf never count as hot.
    nside : int
        Of the second scan, finer than the first.
    hottest : int
        How many of the hottest pixels are refined; ties: lowest index.
    within : float, optional
        Instead: every pixel with a value at most this much below the largest (9.2 is the 99 % region of a position).
    rings : int
        Rings of neighbours that are refined too, whether they were scanned or not: the true maximum may lie next to the
        hottest pixel.

    Returns
    -------
    PixelSet
        Children at `nside`. The centre of a pixel is not among the centres of its children: compare the second scan's
        maximum with the first's and keep the larger.

    Raises
    ------
    ValueError
        Lengths differ, no finite value, nside not finer.

    Examples
    --------
    >>> first = PixelSet(32, [100, 101, 102])
    >>> refined_pixels(first, [1.0, 7.0, 2.0], 64, rings=0).npix
    49152
    """
    nside = check_nside(nside)
    if nside <= pixels.nside:
        raise ValueError(f"nside={nside} is not finer than the scan's {pixels.nside}; give {2 * pixels.nside} or more")
    ts, _ = without_missing(values, "values")
    if ts.shape != (len(pixels),):
        raise ValueError(f"values: shape {ts.shape}, expected one for each of the {len(pixels)} pixels")
    ts = np.where(np.isnan(ts), -np.inf, ts)
    finite = np.flatnonzero(ts > -np.inf)
    if not finite.size:
        raise ValueError("values: none is finite, there is no hottest pixel to refine")
    if within is not None:
        if not within >= 0:
            raise ValueError(f"within={within} must be 0 or more")
        chosen = np.flatnonzero(ts >= ts.max() - within)
    else:
        if hottest < 1:
            raise ValueError(f"hottest={hottest} must be 1 or more")
        chosen = finite[np.argsort(-ts[finite], kind="stable")[:hottest]]
    around = neighbourhood(pixels.nside, pixels.pixels[chosen], rings=rings)
    return children_of(PixelSet(pixels.nside, around), nside)
