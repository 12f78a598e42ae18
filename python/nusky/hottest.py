"""The hottest spot of a map: max over pixels of TS + prior term."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky.fit import PER_PRIOR_DTYPE
from nusky.likelihood import LikelihoodModel
from nusky.progress import scan_progress
from nusky.scan import Status
from nusky.sky_scan import SkyScan

if TYPE_CHECKING:
    from nusky import _core
    from nusky.pixels import PixelSet

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Fits = tuple[F64, F64, F64, NDArray[np.int8]]

__all__ = ["best_of_map", "embed_scan", "hottest_spots", "scan_pixels"]


def scan_pixels(
    model: LikelihoodModel, index: _core.EventIndex, pixels: PixelSet, n_threads: int, logging: bool
) -> Fits:
    """Fit every pixel; with `logging`, csky's progress lines.

    Returns
    -------
    ts, ns, gamma, status : (P,)
        In the order of ``pixels.pixels``.
    """
    from nusky import _core

    with scan_progress(len(pixels), n_threads, logging) as progress:
        return _core.scan(
            model.likelihood,
            index,
            pixels.directions,
            gamma=model.fixed_gamma,
            n_threads=n_threads,
            progress=progress.update if logging else None,
        )


def best_of_map(fits: Fits, pixels: PixelSet, terms: F64, fallback: I64) -> NDArray[np.void]:
    """Pixel with the largest TS + term for each prior; the first of several equal ones.

    Parameters
    ----------
    fits : ts, ns, gamma, status, each (P,)
    pixels : PixelSet
    terms : (J, P)
        Prior terms at the pixels; −inf: the pixel cannot win.
    fallback : (J,) RING pixels
        Position of a prior for which there is nothing to fit: its maximum.

    Returns
    -------
    (J,) structured array, `nusky.fit.PER_PRIOR_DTYPE`
    """
    ts, ns, gamma, status = fits
    found = np.full(len(terms), -1, dtype=np.int64)
    values = np.full(len(terms), -np.inf)
    if len(pixels):
        # One row at a time: a thousand priors on a fine map would not fit into memory twice
        for j, term in enumerate(terms):
            total = ts + term
            i = int(np.argmax(total))
            if total[i] > -np.inf:
                found[j], values[j] = i, total[i]
    at = np.maximum(found, 0)
    nothing = len(pixels) == 0
    columns = (np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int8)) if nothing else (ns, gamma, status)
    return _table(found, values, columns[0][at], columns[1][at], columns[2][at], pixels, fallback)


def hottest_spots(
    model: LikelihoodModel,
    index: _core.EventIndex,
    pixels: PixelSet,
    terms: F64,
    fallback: I64,
    n_threads: int,
) -> NDArray[np.void]:
    """Same as `best_of_map` of a whole scan, to the last bit, without fitting pixels that cannot win.

    Parameters
    ----------
    model, index, pixels, n_threads
        See `scan_pixels`.
    terms, fallback
        See `best_of_map`.

    Returns
    -------
    (J,) structured array, `nusky.fit.PER_PRIOR_DTYPE`
    """
    from nusky import _core

    find = getattr(_core, "hottest", None)
    if not len(pixels):
        return best_of_map((*(np.empty(0),) * 3, np.empty(0, dtype=np.int8)), pixels, terms, fallback)
    if find is None:
        return best_of_map(scan_pixels(model, index, pixels, n_threads, False), pixels, terms, fallback)
    best = find(model.likelihood, index, pixels.directions, terms, gamma=model.fixed_gamma, n_threads=n_threads)
    return _table(best["direction"], best["ts_prior"], best["ns"], best["gamma"], best["status"], pixels, fallback)


def _table(
    found: I64, values: F64, ns: F64, gamma: F64, status: NDArray[np.int8], pixels: PixelSet, fallback: I64
) -> NDArray[np.void]:
    table = np.zeros(len(found), dtype=PER_PRIOR_DTYPE)
    table["prior"] = np.arange(len(found))
    ok = found >= 0
    table["ts_raw"] = np.where(ok, values, -np.inf)
    table["ts"] = np.maximum(table["ts_raw"], 0.0)
    table["ns"] = np.where(ok, ns, 0.0)
    table["gamma"] = np.where(ok, gamma, np.nan)
    table["status"] = np.where(ok, status, Status.NOT_SCANNED)
    if ok.all():
        table["pixel"], table["ra"], table["dec"] = pixels.pixels[found], pixels.ra[found], pixels.dec[found]
        return table
    import healpy

    table["pixel"] = np.where(ok, pixels.pixels[np.maximum(found, 0)] if len(pixels) else 0, fallback)
    theta, phi = healpy.pix2ang(pixels.nside, table["pixel"])
    table["ra"], table["dec"] = phi, np.pi / 2 - theta
    return table


def embed_scan(fits: Fits, pixels: PixelSet, ts_to_p: Any, gamma_free: bool, provenance: dict[str, Any]) -> SkyScan:
    """Full-sky maps of a scan of some pixels.

    Parameters
    ----------
    fits : ts, ns, gamma, status, each (P,)
    pixels : PixelSet
    ts_to_p : callable or None
        ``p = ts_to_p(dec, ts)``; None puts TS into the row mlog10p.
    gamma_free : bool
        Whether γ has a row.
    provenance : dict
    """
    ts, ns, gamma, status = fits
    rows = [mlog10(ts_to_p, pixels.dec, ts), ts, ns]
    values = pixels.embed(np.stack(rows))
    if gamma_free:
        values = np.concatenate([values, pixels.embed(gamma, fill=np.nan)[None]])
    columns = ("mlog10p", "ts", "ns", "gamma") if gamma_free else ("mlog10p", "ts", "ns")
    filled = pixels.embed(status, fill=Status.NOT_SCANNED)
    return SkyScan(values, filled, columns, provenance)


def mlog10(ts_to_p: Any, dec: F64, ts: F64) -> F64:
    """−log10 p of each TS, or TS itself without a `ts_to_p`.

    Raises
    ------
    ValueError
        If `ts_to_p` gives something that is no probability.

    Examples
    --------
    >>> mlog10(lambda dec, ts: 0.1 ** ts, np.zeros(2), np.array([0.0, 2.0])).round(12)
    array([0., 2.])
    """
    if ts_to_p is None:
        return ts
    p = np.broadcast_to(np.asarray(ts_to_p(dec, ts), dtype=np.float64), np.shape(ts))
    bad = np.flatnonzero(~((p >= 0) & (p <= 1)))
    if bad.size:
        i = int(bad[0])
        raise ValueError(f"ts_to_p gave {p[i]} for dec={dec[i]}, ts={ts[i]}; it must return probabilities, 0 … 1")
    with np.errstate(divide="ignore"):
        return np.abs(np.log10(p))  # −log10, with 0 and not −0 for p = 1
