"""The hottest spot of a map: max over pixels of TS + prior term."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nusky import _core
from nusky.hotspots.terms import PriorTerms
from nusky.likelihood.model import LikelihoodModel
from nusky.likelihood.trial_index import PartOfTrials, TrialIndex
from nusky.pixels.pixel_set import PixelSet
from nusky.progress import scan_progress
from nusky.trial.fit import PER_PRIOR_DTYPE
from nusky.trial.sky_scan import SkyScan
from nusky.trial.status import Status
from nusky.typing import F64, I64

if TYPE_CHECKING:
    from nusky.injection.seeding import BatchDraws
    from nusky.likelihood.window import WindowLikelihoodModel
    from nusky.pixels.multi_order import MultiOrderPixels

Fits = tuple[F64, F64, F64, NDArray[np.int8]]

__all__ = [
    "best_by_search",
    "best_of_map",
    "best_of_scrambles",
    "best_of_trials",
    "best_table",
    "check_p_of_ts",
    "embed_scan",
    "mlog10",
    "scan_pixels",
]


def scan_pixels(
    model: LikelihoodModel,
    index: TrialIndex,
    pixels: PixelSet | MultiOrderPixels,
    n_threads: int,
    logging: bool,
) -> Fits:
    """Fit every pixel; with `logging`, csky's progress lines.

    Returns
    -------
    ts, ns, gamma, status : (P,)
        In the order of ``pixels.pixels``.
    """
    with scan_progress(len(pixels), n_threads, logging) as progress:
        return _core.scan(
            model.likelihood,
            index.core,
            pixels.directions,
            gamma=model.fixed_gamma,
            n_threads=n_threads,
            progress=progress.update if logging else None,
        )


def best_of_map(fits: Fits, terms: PriorTerms) -> NDArray[np.void]:
    """Pixel with the largest TS + term for each prior; the first of several equal ones.

    Parameters
    ----------
    fits : ts, ns, gamma, status, each (P,)
    terms : PriorTerms
        Of the same pixels. A prior for which there is nothing to fit stays at its maximum.

    Returns
    -------
    (J,) structured array, `nusky.trial.fit.PER_PRIOR_DTYPE`
    """
    ts, ns, gamma, status = fits
    found, values = terms.best(ts)
    if not len(ts):
        return best_table(found, values, np.zeros(1), np.zeros(1), np.zeros(1, dtype=np.int8), terms)
    at = np.maximum(found, 0)
    return best_table(found, values, ns[at], gamma[at], status[at], terms)


def best_by_search(model: LikelihoodModel, index: TrialIndex, terms: PriorTerms, n_threads: int) -> NDArray[np.void]:
    """Same as `best_of_map` of a whole scan, to the last bit, without fitting pixels that cannot win.

    Parameters
    ----------
    model, index, n_threads
        See `scan_pixels`.
    terms : PriorTerms
        Of the pixels. For a catalogue (``terms.matrix`` is None) every pixel is fitted: some prior wants it.

    Returns
    -------
    (J,) structured array, `nusky.trial.fit.PER_PRIOR_DTYPE`
    """
    pixels = terms.pixels
    if not len(pixels):
        return best_of_map((*(np.empty(0),) * 3, np.empty(0, dtype=np.int8)), terms)
    if terms.matrix is None:
        return best_of_map(scan_pixels(model, index, pixels, n_threads, False), terms)
    best = _core.hottest(model.likelihood, index.core, terms.search, gamma=model.fixed_gamma, n_threads=n_threads)
    return best_table(best["direction"], best["ts_prior"], best["ns"], best["gamma"], best["status"], terms)


def best_of_trials(
    model: WindowLikelihoodModel, plan: _core.SearchPlan, parts: Sequence[PartOfTrials], n: int, n_threads: int
) -> NDArray[np.void]:
    """The core's `hottest`, (n, J), of n trials in a time window."""
    return _core.hottest_of_trials(
        model.likelihood,
        plan,
        [part[:5] for part in parts],
        [part.first for part in parts],
        n,
        model.expected,
        gamma=model.fixed_gamma,
        n_threads=n_threads,
    )


def best_of_scrambles(
    model: LikelihoodModel,
    plan: _core.SearchPlan,
    scrambles: _core.Scrambles,
    draws: BatchDraws,
    injected: Sequence[PartOfTrials],
    n_threads: int,
) -> NDArray[np.void]:
    """The core's `hottest`, (n, J), of n trials of whole seasons, whose backgrounds the core draws."""
    return _core.hottest_of_scrambles(
        model.likelihood,
        plan,
        scrambles,
        [part[:5] for part in injected],
        [part.first for part in injected],
        key=draws.key,
        numbers=draws.numbers,
        gamma=model.fixed_gamma,
        n_threads=n_threads,
    )


def best_table(
    found: I64, values: F64, ns: F64, gamma: F64, status: NDArray[np.int8], terms: PriorTerms
) -> NDArray[np.void]:
    """Best fits as runners give them, for rows of the pixel set (…, J), −1 where no pixel is allowed."""
    pixels = terms.pixels
    table = np.zeros(found.shape, dtype=PER_PRIOR_DTYPE)
    table["prior"] = np.arange(len(terms))
    ok = found >= 0
    table["ts_raw"] = np.where(ok, values, -np.inf)
    table["ts"] = np.maximum(table["ts_raw"], 0.0)
    table["ns"] = np.where(ok, ns, 0.0)
    table["gamma"] = np.where(ok, gamma, np.nan)
    table["status"] = np.where(ok, status, Status.NOT_SCANNED)
    at = found[ok]
    table["pixel"][ok], table["ra"][ok], table["dec"][ok] = pixels.pixels[at], pixels.ra[at], pixels.dec[at]
    table["nside"][ok] = pixels.nsides[at]
    if not ok.all():
        import healpy

        fallback = np.broadcast_to(terms.fallback, found.shape)[~ok]
        table["pixel"][~ok], table["nside"][~ok] = fallback, terms.fallback_nside
        theta, phi = healpy.pix2ang(terms.fallback_nside, fallback)
        table["ra"][~ok], table["dec"][~ok] = phi, np.pi / 2 - theta
    return table


def embed_scan(
    fits: Fits,
    pixels: PixelSet | MultiOrderPixels,
    ts_to_p: Any,
    gamma_free: bool,
    provenance: dict[str, Any],
) -> SkyScan:
    """Full-sky maps of a scan of some pixels.

    Parameters
    ----------
    fits : ts, ns, gamma, status, each (P,)
    pixels : PixelSet or MultiOrderPixels
        Cells of mixed size are spread over a map of the finest one's nside.
    ts_to_p : callable or None
        ``p = ts_to_p(dec, ts)``; None puts TS into the row mlog10p.
    gamma_free : bool
        Whether γ has a row.
    provenance : dict
    """
    ts, ns, gamma, status = fits
    rows = [mlog10(ts_to_p, pixels.dec, ts), ts, ns] + ([gamma] if gamma_free else [])
    columns = ("mlog10p", "ts", "ns", "gamma") if gamma_free else ("mlog10p", "ts", "ns")
    if isinstance(pixels, PixelSet):
        values, filled = pixels.embed(np.stack(rows)), pixels.embed(status, fill=Status.NOT_SCANNED)
        if gamma_free:
            values[3] = pixels.embed(gamma, fill=np.nan)
    else:
        # Every cell spreads over its area on the finest cells' map
        row = pixels.embed(np.arange(len(pixels)), fill=-1.0).astype(np.int64)
        outside = row < 0
        values = np.where(outside, 0.0, np.stack(rows)[:, row])
        filled = np.where(outside, np.int8(Status.NOT_SCANNED), status[row])
        if gamma_free:
            values[3, outside] = np.nan
    return SkyScan(values, filled, columns, provenance)


def check_p_of_ts(ts_to_p: Any) -> None:
    """TypeError for a `ts_to_p` that is no function, such as the distributions themselves.

    Examples
    --------
    >>> check_p_of_ts(lambda dec, ts: 0.1 ** ts)
    """
    if ts_to_p is not None and not callable(ts_to_p):
        raise TypeError(
            f"ts_to_p is a {type(ts_to_p).__name__}: give a function of declination (rad) and TS, such as "
            "lambda dec, ts: cy.dists.ts_to_p(bgs, dec, ts) with {declination: TSD}"
        )


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
