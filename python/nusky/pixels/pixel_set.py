"""A set of HEALPix pixels, their centres, and the tiles the core groups them in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.files.hashing import content_hash
from nusky.sphere import at_limits, check_nside, radians

if TYPE_CHECKING:
    from nusky.typing import F64, I64

__all__ = ["TILE_FACTOR", "PixelRule", "PixelSet", "Tiles", "declination_limits", "full_sky", "tile_radii", "tiles_of"]

# nside of a tile is that of the pixels divided by this: 16 pixels share one search for events
TILE_FACTOR = 4


class PixelRule(NamedTuple):
    """One line of a pixel selection's report.

    Attributes
    ----------
    rule : str
        What was asked.
    n_left : int
        Pixels left after it.
    exact : bool
        The rule cannot change the answer (True), or it changes the question (False).
    outside : float
        Probability of the prior in the pixels that this rule and those before it left out; of several priors that of
        the one with most. NaN without a prior.
    """

    rule: str
    n_left: int
    exact: bool
    outside: float = float("nan")

    def __str__(self) -> str:
        text = f"{self.n_left:>10d}  {self.rule}" + ("  (exact)" if self.exact else "")
        # NaN compares as False
        return text + (f"  ({100 * self.outside:.3g} % of the prior outside)" if self.outside > 1e-12 else "")


class Tiles(NamedTuple):
    """Groups of neighbouring directions, as `_core.Directions` takes them.

    Attributes
    ----------
    tile : (P,) int64
        Group of each direction, 0 … T−1.
    ra, dec : (T,) float64, rad
        Centre of each group.
    radius : (T,) float64, rad
        Bound on the distance from each centre to the directions its group can have.
    """

    tile: I64
    ra: F64
    dec: F64
    radius: F64


@dataclass(frozen=True, eq=False, repr=False)
class PixelSet:
    """Pixels of one nside, with their centres.

    Parameters
    ----------
    nside : int
        Power of two.
    pixels : (P,) integers
        RING indices, each once; kept in ascending order.
    report : tuple of PixelRule
        How many pixels each rule of the selection left.

    Raises
    ------
    ValueError
        nside not a power of two, an index outside the sky, or an index twice.

    Examples
    --------
    >>> some = PixelSet(64, [5, 3])
    >>> some.pixels.tolist(), some.npix, len(some)
    ([3, 5], 49152, 2)
    """

    nside: int
    pixels: I64
    report: tuple[PixelRule, ...] = ()

    def __post_init__(self) -> None:
        nside = check_nside(self.nside)
        given = np.asarray(self.pixels)
        if given.size and given.dtype.kind not in "iu":
            raise TypeError(
                f"pixels: expected integer RING indices, got dtype {given.dtype}; for a mask use np.flatnonzero"
            )
        if given.ndim != 1:
            raise ValueError(f"pixels: expected a 1-D array of RING indices, got shape {given.shape}")
        pixels = np.sort(given.astype(np.int64))
        npix = 12 * nside * nside
        if pixels.size and (pixels[0] < 0 or pixels[-1] >= npix):
            worst = int(pixels[0] if pixels[0] < 0 else pixels[-1])
            raise ValueError(
                f"pixels: index {worst} is outside 0 … {npix - 1} of nside {nside}; is it of another nside?"
            )
        twice = np.flatnonzero(pixels[1:] == pixels[:-1])
        if twice.size:
            raise ValueError(f"pixels: index {int(pixels[twice[0]])} occurs more than once; pass np.unique(pixels)")
        pixels.setflags(write=False)
        object.__setattr__(self, "nside", nside)
        object.__setattr__(self, "pixels", pixels)

    def __len__(self) -> int:
        return int(self.pixels.size)

    def __iter__(self) -> Iterator[int]:
        return iter(self.pixels.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PixelSet):
            return NotImplemented
        return self.nside == other.nside and np.array_equal(self.pixels, other.pixels)

    def __hash__(self) -> int:
        return hash((self.nside, self.pixels.tobytes()))

    def __reduce__(self) -> tuple[Any, ...]:
        # Worker processes rebuild the core's object: it is cheap to make and cannot be pickled.
        return PixelSet, (self.nside, np.asarray(self.pixels), self.report)

    def __repr__(self) -> str:
        return f"PixelSet(nside={self.nside}, {len(self)} of {self.npix} pixels)"

    def describe(self) -> str:
        """The report as text, one line a rule."""
        return "\n".join(str(line) for line in self.report) or f"{len(self):>10d}  pixels"

    @property
    def finest_nside(self) -> int:
        """nside of the smallest pixels: that of all of them."""
        return self.nside

    @property
    def nsides(self) -> I64:
        """(P,) nside of each pixel."""
        return np.full(len(self), self.nside, dtype=np.int64)

    @property
    def cell_area(self) -> F64:
        """(P,) sr: area of each pixel."""
        return np.full(len(self), self.pixel_area)

    @property
    def parts(self) -> tuple[PixelSet, ...]:
        """Itself, once: as for cells of mixed size the pixels by nside."""
        return (self,)

    @property
    def npix(self) -> int:
        """Pixels of the full sky at this nside."""
        return 12 * self.nside * self.nside

    @property
    def pixel_area(self) -> float:
        """Area of one pixel, sr."""
        return float(4.0 * np.pi / self.npix)

    @property
    def area(self) -> float:
        """Area of the set, sr."""
        return len(self) * self.pixel_area

    @property
    def ra(self) -> F64:
        """(P,) rad, 0 … 2π: right ascension of the pixel centres."""
        return self._centres[0]

    @property
    def dec(self) -> F64:
        """(P,) rad: declination of the pixel centres."""
        return self._centres[1]

    @property
    def full(self) -> bool:
        """Every pixel of the sky is in the set."""
        return len(self) == self.npix

    @cached_property
    def _centres(self) -> tuple[F64, F64]:
        return _centres(self.nside, self.pixels, nest=False)

    @cached_property
    def content_hash(self) -> str:
        """Names the pixels in stored results; made once, since every scan is stored with it."""
        return content_hash([self.pixels])

    @cached_property
    def directions(self) -> _core.Directions:
        """The pixel centres as the core takes them, in the order of `pixels`; made once.

        A tile is the pixel of nside/4 around them (a base pixel below nside 4) with its own centre and its own
        radius: a pixel's result is the same whichever other pixels are chosen.
        """
        tiles = tiles_of(self.nside, self.pixels)
        return _core.Directions(self.ra, self.dec, tiles.tile, tiles.ra, tiles.dec, tiles.radius)

    def embed(self, values: Any, fill: float = 0.0) -> NDArray[Any]:
        """Full-sky RING array with `values` at the pixels of the set and `fill` elsewhere.

        Parameters
        ----------
        values : (…, P) array
            One value per pixel, in the order of `pixels`.
        fill : float
            Value of the other pixels.

        Returns
        -------
        (…, npix) array
            Of the dtype of `values`.

        Examples
        --------
        >>> PixelSet(1, [2, 4]).embed([5.0, 6.0])[:6].tolist()
        [0.0, 0.0, 5.0, 0.0, 6.0, 0.0]
        """
        given = np.asarray(values)
        if given.shape[-1:] != (len(self),):
            raise ValueError(f"values: last axis must be {len(self)} pixels long, got shape {given.shape}")
        shape = (*given.shape[:-1], self.npix)
        # Zeros come from the system untouched: a map of few pixels at nside 1024 costs no memory where it is empty
        out = np.zeros(shape, dtype=given.dtype) if fill == 0 else np.full(shape, fill, dtype=given.dtype)
        out[..., self.pixels] = given
        return out


def full_sky(nside: int) -> PixelSet:
    """Every pixel of the sky.

    Examples
    --------
    >>> full_sky(64)
    PixelSet(nside=64, 49152 of 49152 pixels)
    """
    nside = check_nside(nside)
    return PixelSet(nside, np.arange(12 * nside * nside, dtype=np.int64))


def declination_limits(min_dec: Any, max_dec: Any) -> tuple[float, float]:
    """Limits of a declination band in rad, or an error that says what is wrong with them.

    Parameters
    ----------
    min_dec, max_dec : float or Quantity
        rad, −π/2 … π/2, the first below the second.

    Examples
    --------
    >>> declination_limits(-1.0, 1)
    (-1.0, 1.0)
    """
    found = []
    for name, value in (("min_dec", min_dec), ("max_dec", max_dec)):
        try:
            limit = float(at_limits(radians(name, value), -np.pi / 2, np.pi / 2))
        except (TypeError, ValueError):
            raise TypeError(
                f"{name}: expected a declination in rad, or an angle with its unit, got {value!r}"
            ) from None
        if not np.isfinite(limit) or abs(limit) > np.pi / 2:
            raise ValueError(f"{name}={value} is outside −π/2 … π/2 rad; convert degrees with np.radians")
        found.append(limit)
    if found[0] >= found[1]:
        raise ValueError(f"min_dec={min_dec} is not below max_dec={max_dec}; exchange them")
    return found[0], found[1]


def tiles_of(nside: int, pixels: I64) -> Tiles:
    """Tiles of some pixels: their ancestors of nside/4 (base pixels below nside 4).

    Parameters
    ----------
    nside : int
    pixels : (P,) int64
        RING.

    Returns
    -------
    Tiles
        Tile numbers ascend with the nested index of the ancestor.

    Examples
    --------
    >>> import numpy as np
    >>> tiles = tiles_of(64, np.arange(49152))
    >>> tiles.ra.size, np.bincount(tiles.tile).max()
    (3072, np.int64(16))
    """
    import healpy

    coarse = max(1, nside // TILE_FACTOR)
    share = (nside // coarse) ** 2
    ancestor = healpy.ring2nest(nside, np.asarray(pixels, dtype=np.int64)) // share
    if ancestor.size > 12 * coarse * coarse:
        # As np.unique, without its sort: 10 × faster for a full sky
        used = np.flatnonzero(np.bincount(ancestor, minlength=12 * coarse * coarse))
        number = np.zeros(12 * coarse * coarse, dtype=np.int64)
        number[used] = np.arange(used.size)
        tile = number[ancestor]
    else:
        used, tile = np.unique(ancestor, return_inverse=True)
    ra, dec = _centres(coarse, used, nest=True)
    return Tiles(np.ascontiguousarray(tile, dtype=np.int64), ra, dec, tile_radii(nside, used))


def tile_radii(nside: int, ancestors: I64) -> F64:
    """Distance, rad, from the centre of each tile to the farthest centre of all its pixels.

    All pixels of a tile count, not only those in use, so that a result does not depend on which are chosen. A tile of
    16 pixels has its farthest one in a corner.

    Parameters
    ----------
    nside : int
    ancestors : (T,) int64
        Nested index of the tiles, of nside/4 (1 below nside 4).

    Returns
    -------
    (T,) float64

    Examples
    --------
    >>> import numpy as np
    >>> np.round(tile_radii(64, np.array([0, 255])), 4)
    array([0.0368, 0.0383])
    """
    import healpy

    coarse = max(1, nside // TILE_FACTOR)
    share = (nside // coarse) ** 2
    offsets = np.array([0, 5, 10, 15]) if share == 16 else np.arange(share)
    centre = np.stack(healpy.pix2vec(coarse, ancestors, nest=True))
    child = np.stack(healpy.pix2vec(nside, share * ancestors[:, None] + offsets, nest=True))
    chord = np.sqrt(((child - centre[:, :, None]) ** 2).sum(axis=0).max(axis=1))
    # Rounded up by more than the separations the core computes itself can differ
    return np.asarray(np.ceil(2.0 * np.arcsin(np.minimum(1.0, chord / 2.0)) * 1e9 + 1.0) / 1e9)


def _centres(nside: int, pixels: I64, *, nest: bool) -> tuple[F64, F64]:
    import healpy

    theta, phi = healpy.pix2ang(nside, pixels, nest=nest)
    ra = np.ascontiguousarray(phi, dtype=np.float64)
    dec = np.ascontiguousarray(np.pi / 2 - theta, dtype=np.float64)
    ra.setflags(write=False)
    dec.setflags(write=False)
    return ra, dec
