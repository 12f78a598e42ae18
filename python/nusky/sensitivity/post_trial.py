"""The hottest spot of a scan with its trial-corrected p, from a library of background scans."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.dists.pvalue import PValue
from nusky.dists.tsd import TSD
from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.store.scans import ScanLibrary
    from nusky.trial.sky_scan import SkyScan

__all__ = ["REGIONS", "HottestSpot", "hottest_spots"]


REGIONS: Mapping[str, tuple[float | None, float | None]] = {
    "whole sky": (None, None),
    "north": (float(np.radians(-5.0)), None),
    "south": (None, float(np.radians(-5.0))),
}
"""Declination limits (rad). IceCube's samples change character at −5°, where the Earth begins to shield from muons."""


@dataclass(frozen=True)
class HottestSpot:
    """The hottest spot of one region of the real (or any) sky.

    Attributes
    ----------
    region : str
    ts : float
        TS, with the prior if there is one.
    mlog10p : float
        −log10 of the local p where a ``ts_to_p`` was given, else TS.
    ra, dec : float, rad
    pixel : int
    p : PValue
        Trial-corrected p.
    TRUTH : bool or None
        Whether it is the real sky; None if the scan does not say.
    """

    region: str
    ts: float
    mlog10p: float
    ra: float
    dec: float
    pixel: int
    p: PValue
    TRUTH: bool | None

    def __str__(self) -> str:
        where = f"RA {np.degrees(self.ra):.2f}, Dec {np.degrees(self.dec):+.2f} deg"
        return f"{self.region}: TS = {self.ts:.2f} at {where}, post-trial {self.p}"


def hottest_spots(
    scan: SkyScan,
    library: ScanLibrary,
    prior: Any = None,
    *,
    regions: Mapping[str, tuple[float | None, float | None]] | None = None,
    ts_to_p: Callable[[F64, F64], Any] | None = None,
    logging: bool = False,
) -> dict[str, HottestSpot]:
    """Hottest spot of each region of a scan, with its trial-corrected p from stored background scans.

    Parameters
    ----------
    scan : SkyScan
        Without prior: ``get_one_scan(TRUTH=True)`` of the runner the library was made with.
    library : ScanLibrary
    prior : SpatialPrior or map, optional
        Added to the scan and to every background scan alike.
    regions : mapping from name to (min_dec, max_dec), rad, optional
        Default `REGIONS`: whole sky, north and south of −5°, as far as they were scanned.
    ts_to_p : callable, optional
        ``p = ts_to_p(dec, ts)``: the hottest spot is then the one with the smallest local p, as it must be where TS
        means something else at each declination. Not together with a prior.
    logging : bool
        Print progress.

    Returns
    -------
    dict of HottestSpot

    Raises
    ------
    ValueError
        If scan and library cover different pixels or were made with different configurations (each key is named), a
        named region holds no scanned pixel, or both `prior` and `ts_to_p` are given.

    Examples
    --------
    >>> truth = sstr.get_one_scan(TRUTH=True)                                      # doctest: +SKIP
    >>> for spot in hottest_spots(truth, library, ts_to_p=sky).values():           # doctest: +SKIP
    ...     print(spot)
    """
    if prior is not None and ts_to_p is not None:
        raise ValueError("give prior= or ts_to_p=, not both: with a prior the hottest spot is that of TS + prior term")
    library.require(scan)
    sparse = library.take(scan)
    found = {}
    for name, (low, high) in (REGIONS if regions is None else regions).items():
        limits: dict[str, Any] = {"min_dec": low, "max_dec": high}
        if regions is None and not _covered(library, low, high):
            continue
        if ts_to_p is None:
            row = library.fit_one(sparse, prior, **limits)[0]
            background = library.fit(prior, **limits, logging=logging)[:, 0]["ts_raw"]
            # ts_raw orders below 0, too; a spot that is not hot has p = 1 either way
            p = TSD(np.maximum(background, 0.0)).p_value(max(float(row["ts_raw"]), 0.0))
        else:
            row = library.most_significant(sparse, ts_to_p, **limits)[0]
            p = TSD(library.hottest_by_p(ts_to_p, **limits, logging=logging)["mlog10p"]).p_value(float(row["mlog10p"]))
        found[name] = HottestSpot(
            name, float(row["ts"]), float(row["mlog10p"]), float(row["ra"]), float(row["dec"]), int(row["pixel"]), p,
            scan.provenance.get("TRUTH"),
        )  # fmt: skip
    return found


def _covered(library: ScanLibrary, low: float | None, high: float | None) -> bool:
    dec = library.pixels.dec
    return bool(np.any((dec >= (-np.inf if low is None else low)) & (dec <= (np.inf if high is None else high))))
