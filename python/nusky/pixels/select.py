"""Choosing pixels by declination, mask, prior, cone and events; every rule says how many pixels it leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.checks import check_fraction
from nusky.maps import smallest_region
from nusky.missing import split_mask
from nusky.pixels.pixel_set import PixelRule, PixelSet, declination_limits, full_sky
from nusky.priors.prior import SpatialPrior, as_priors
from nusky.sphere import at_limits, check_nside, coordinates, radians
from nusky.units import in_unit, numbers

if TYPE_CHECKING:
    from nusky.typing import F64, Bool

__all__ = ["contained", "near_events_mask", "nearby", "select_pixels"]

# Event discs are widened by 0.2 arcsec: a pixel the core still counts as inside the cut is never lost to rounding.
_DISC_MARGIN = 1e-6


def select_pixels(
    nside: int,
    *,
    min_dec: float = -np.pi / 2,
    max_dec: float = np.pi / 2,
    pixmask: Any = None,
    prior: Any = None,
    containment: float | None = None,
    prior_floor: float | None = None,
    cone: tuple[Any, ...] | None = None,
    near_events: tuple[Any, Any, Any] | None = None,
) -> PixelSet:
    """Pixels that meet every given rule.

    Parameters
    ----------
    nside : int
        Power of two.
    min_dec, max_dec : float or Quantity
        rad; pixels whose centre has ``min_dec <= dec <= max_dec``.
    pixmask : (npix,) bool array, RING indices, or PixelSet
        Pixels allowed.
    prior : SpatialPrior, map, or list of them
        For `containment` and `prior_floor`, and with its excluded pixels left out (they cannot win). With several
        priors a pixel is kept if any of them keeps it.
    containment : float
        0 < q ≤ 1: the smallest set of pixels that holds at least this probability of the prior.
    prior_floor : float
        0 … 1: pixels with ``p >= prior_floor * p_max``.
    cone : (ra, dec, radius), or (SkyCoord, radius)
        rad, or Quantities; pixels whose centre is within `radius`.
    near_events : (ra, dec, radius)
        Arrays (N,) rad, radius (N,) or one number: pixels within `radius` of at least one event. With radius =
        cut_n_sigma × the event's total σ it is exact: elsewhere no event is inside the cut and TS = 0. May leave no
        pixel.

    Returns
    -------
    PixelSet
        Its `report` counts what each rule left; print ``describe()`` before a long run.

    Raises
    ------
    ValueError
        Limits reversed or out of range, a map of another nside, or nothing left (except by `near_events`).

    Notes
    -----
    Declination, mask, containment, prior floor and cone change the question: a source outside cannot be found, and
    background trials must use the same set. Event proximity and leaving out excluded pixels change neither TS nor the
    hottest spot where TS + prior term is above 0. Where none is, a full scan ends at the largest prior term among the
    pixels with TS = 0, which event proximity leaves out: take the prior's maximum then.

    Examples
    --------
    >>> import numpy as np
    >>> pixels = select_pixels(64, min_dec=-np.radians(85), max_dec=np.radians(85))
    >>> print(pixels.describe())
         49152  nside 64, full sky  (exact)
         48984  -85 <= dec <= 85 deg
    """
    nside = check_nside(nside)
    priors = () if prior is None else as_priors(prior)
    min_dec, max_dec = declination_limits(min_dec, max_dec)
    containment, prior_floor = in_unit("containment", containment, ""), in_unit("prior_floor", prior_floor, "")
    for name, value in (("containment", containment), ("prior_floor", prior_floor)):
        if value is None:
            continue
        if not priors:
            raise ValueError(f"{name}={value} needs prior=: the map it is taken from")
        check_fraction(name, value)
    for item in priors:
        if item.nside != nside:
            raise ValueError(
                f"prior has nside {item.nside}, the pixels nside {nside}; "
                f"use SpatialPrior(map, policy=PriorPolicy(regrade={nside}))"
            )
    sky = full_sky(nside)
    keep = np.ones(sky.npix, dtype=bool)
    report = [PixelRule(f"nside {nside}, full sky", sky.npix, True)]

    def apply(rule: str, mask: Bool, exact: bool, advice: str) -> None:
        keep[:] &= mask
        report.append(PixelRule(rule, int(keep.sum()), exact, _outside(priors, keep) if not exact else np.nan))
        if advice and not report[-1].n_left:
            lines = "\n".join(str(line) for line in report)
            raise ValueError(f"no pixel is left after {rule!r}; {advice}\n{lines}")

    if min_dec > -np.pi / 2 or max_dec < np.pi / 2:
        rule = f"{np.degrees(min_dec):g} <= dec <= {np.degrees(max_dec):g} deg"
        apply(rule, (sky.dec >= min_dec) & (sky.dec <= max_dec), False, "widen min_dec, max_dec or take a larger nside")
    if pixmask is not None:
        apply("pixmask", _mask_of(pixmask, nside), False, "the mask leaves out every pixel the other rules allow")
    if cone is not None:
        mask, rule = _cone_mask(sky, cone)
        apply(rule, mask, False, "enlarge the cone's radius or take a larger nside")
    if priors:
        apply(
            "prior > 0", _any(priors, lambda p: np.isfinite(p.term)), True, "the prior is zero in every allowed pixel"
        )
    if containment is not None:
        mask = _any(priors, lambda p: contained(p.probability, containment))
        apply(f"{100 * containment:g} % containment", mask, False, "the prior's region lies outside the other limits")
    if prior_floor is not None:
        floor = np.log(prior_floor)
        mask = _any(priors, lambda p: p.term >= p.policy.weight * floor)
        apply(f"p >= {prior_floor:g} p_max", mask, False, "lower prior_floor or widen the other limits")
    if near_events is not None:
        apply("near events", near_events_mask(nside, *near_events, within=keep), True, "")
    return PixelSet(nside, np.flatnonzero(keep), tuple(report))


def contained(probability: F64, q: float) -> Bool:
    """Mask of the smallest set of pixels that holds at least the probability `q`.

    Parameters
    ----------
    probability : (npix,) array
        Sum 1.
    q : float
        0 < q ≤ 1. For 1: every pixel with p > 0.

    Returns
    -------
    (npix,) bool
        Of equal pixels at the edge, those of lower index are taken.

    Examples
    --------
    >>> contained([0.1, 0.5, 0.4], 0.9).tolist()
    [False, True, True]
    """
    p = np.asarray(probability, dtype=np.float64)
    mask = np.zeros(p.size, dtype=bool)
    mask[smallest_region(p, q)] = True
    return mask


def near_events_mask(nside: int, ra: Any, dec: Any, radius: Any, *, within: Bool | None = None) -> Bool:
    """Mask of the pixels whose centre lies within `radius` of at least one event.

    Parameters
    ----------
    nside : int
    ra, dec : (N,) array, rad
    radius : (N,) array or float, rad
        The event's reach: cut_n_sigma × total σ.
    within : (npix,) bool, optional
        Pixels of interest; the search stops when all of them are covered.

    Returns
    -------
    (npix,) bool

    Raises
    ------
    ValueError
        Lengths differ, or a value is not finite, or radius < 0; with the row.

    Examples
    --------
    >>> import numpy as np
    >>> int(near_events_mask(64, [1.0], [0.2], np.radians(2.0)).sum())
    15
    """
    import healpy

    nside = check_nside(nside)
    ra, dec, reach = _checked_discs(ra, dec, radius)
    mask = np.zeros(12 * nside * nside, dtype=bool)
    wanted = np.ones(mask.size, dtype=bool) if within is None else within
    vectors = healpy.ang2vec(np.pi / 2 - dec, ra) if ra.size else np.empty((0, 3))
    # Broad events first: with many events they cover everything long before the last one.
    for count, i in enumerate(np.argsort(-reach, kind="stable")):
        if count % 256 == 255 and bool(mask[wanted].all()):
            break
        mask[healpy.query_disc(nside, vectors[i], min(np.pi, reach[i] + _DISC_MARGIN))] = True
    return mask


def nearby(pixels: PixelSet, ra: Any, dec: Any, radius: Any) -> PixelSet:
    """Those of a set's pixels that lie within `radius` of at least one event.

    As `near_events_mask`, but the work grows with the discs and not with the sky: for trials with few events at high
    nside.

    Parameters
    ----------
    pixels : PixelSet
    ra, dec : (N,) array, rad
    radius : (N,) array or float, rad
        The event's reach: cut_n_sigma × total σ.

    Returns
    -------
    PixelSet
        May be empty.

    Examples
    --------
    >>> import numpy as np
    >>> near = nearby(select_pixels(64, min_dec=0.0), [1.0], [0.0], np.radians(2.0))
    >>> len(near), near.dec.min() >= 0
    (9, np.True_)
    """
    import healpy

    ra, dec, reach = _checked_discs(ra, dec, radius)
    if not ra.size or not len(pixels):
        return PixelSet(pixels.nside, np.empty(0, dtype=np.int64), (*pixels.report, PixelRule("near events", 0, True)))
    vectors = healpy.ang2vec(np.pi / 2 - dec, ra)
    discs = [
        healpy.query_disc(pixels.nside, vector, min(np.pi, r + _DISC_MARGIN))
        for vector, r in zip(vectors, reach, strict=True)
    ]
    found = np.unique(np.concatenate(discs))
    slot = np.minimum(np.searchsorted(pixels.pixels, found), len(pixels) - 1)
    kept = found[pixels.pixels[slot] == found]
    return PixelSet(pixels.nside, kept, (*pixels.report, PixelRule("near events", kept.size, True)))


def _checked_discs(ra: Any, dec: Any, radius: Any) -> tuple[F64, F64, F64]:
    given = {"ra": ra, "dec": dec, "radius": radius}
    ra, dec, reach = (numbers(f"near_events: {name}", value, "rad") for name, value in given.items())
    ra, dec = np.atleast_1d(ra), np.atleast_1d(at_limits(dec, -np.pi / 2, np.pi / 2))
    if ra.ndim != 1 or ra.shape != dec.shape:
        raise ValueError(f"near_events: ra has shape {ra.shape}, dec {dec.shape}; give 1-D arrays of equal length")
    if reach.ndim and reach.shape != ra.shape:
        raise ValueError(f"near_events: radius has shape {reach.shape}; give one number or one per event {ra.shape}")
    reach = np.broadcast_to(reach, ra.shape)
    checks = (("ra", ra, -np.inf, np.inf), ("dec", dec, -np.pi / 2, np.pi / 2), ("radius", reach, 0.0, np.inf))
    for name, values, low, high in checks:
        bad = np.flatnonzero(~np.isfinite(values) | (values < low) | (values > high))
        if bad.size:
            raise ValueError(f"near_events: {name}[{bad[0]}] = {values[bad[0]]} is not a valid angle in rad")
    return ra, dec, reach


def _mask_of(pixmask: Any, nside: int) -> Bool:
    npix = 12 * nside * nside
    if isinstance(pixmask, PixelSet):
        if pixmask.nside != nside:
            raise ValueError(f"pixmask has nside {pixmask.nside}, expected {nside}")
        given: NDArray[Any] = pixmask.pixels
    else:
        given, hidden = split_mask(pixmask)
        if hidden is not None:
            # Who masked an entry did not say that it is allowed
            full = given.shape == (npix,) and given.dtype.kind in "iub" and given[~hidden].max(initial=0) <= 1
            given = (given.astype(bool) & ~hidden) if full or given.dtype == bool else given[~hidden]
    if given.dtype == bool:
        if given.shape != (npix,):
            raise ValueError(
                f"pixmask: a mask needs one value per pixel of nside {nside}, ({npix},), got {given.shape}"
            )
        return given
    if given.dtype.kind not in "iu":
        raise TypeError(
            f"pixmask: expected booleans or RING indices, got dtype {given.dtype}; write `map > 0` for a mask"
        )
    if given.shape == (npix,) and npix > 12 and given.size and given.max() <= 1:
        # 0/1 integers of full length are a mask, not the pixels 0 and 1 repeated
        return given.astype(bool)
    numbers, counts = np.unique(given, return_counts=True)
    if given.shape == (npix,) and counts.max(initial=1) > 1:
        raise ValueError(
            f"pixmask: {npix} integers, as many as there are pixels, {numbers[0]} … {numbers[-1]}, some of them "
            "repeated: neither a mask nor RING indices; write `map > 0` for a mask"
        )
    mask = np.zeros(npix, dtype=bool)
    mask[PixelSet(nside, numbers).pixels] = True
    return mask


def _cone_mask(sky: PixelSet, cone: tuple[Any, ...]) -> tuple[Bool, str]:
    import healpy

    try:
        where = coordinates(cone[0]) if len(cone) == 2 else None
        ra, dec, radius = (float(radians("cone", value)) for value in ((*where, cone[1]) if where else cone))
    except (TypeError, ValueError):
        raise ValueError(
            f"cone={cone!r}: expected (ra, dec, radius) in rad, or (SkyCoord, radius); of a SkyCoord c give c.icrs.ra"
        ) from None
    dec, radius = float(at_limits(dec, -np.pi / 2, np.pi / 2)), float(at_limits(radius, 0.0, np.pi))
    if not (np.isfinite(ra) and abs(dec) <= np.pi / 2 and 0 < radius <= np.pi):
        raise ValueError(f"cone={cone!r}: expected (ra, dec, radius) in rad with |dec| <= π/2 and 0 < radius <= π")
    mask = np.zeros(sky.npix, dtype=bool)
    mask[healpy.query_disc(sky.nside, healpy.ang2vec(np.pi / 2 - dec, ra), radius)] = True
    return mask, f"within {np.degrees(radius):g} deg of ({np.degrees(ra):g}, {np.degrees(dec):g}) deg"


def _outside(priors: Sequence[SpatialPrior], keep: Bool) -> float:
    """Largest share of a prior's probability that is outside the pixels kept; NaN without a prior."""
    return max((float(prior.probability[~keep].sum()) for prior in priors), default=float("nan"))


def _any(priors: Sequence[SpatialPrior], rule: Callable[[SpatialPrior], Bool]) -> Bool:
    mask = rule(priors[0])
    for prior in priors[1:]:
        mask = mask | rule(prior)
    return mask
