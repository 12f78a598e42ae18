"""The events that carry a fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nusky.sphere import separation

__all__ = ["fitted_events"]


def fitted_events(ana: Any, trial: Any, fit: Any, mjd: float | None, n: int = 20) -> tuple[dict[str, Any], ...]:
    """Events around the hottest spot, by their spatial S/B.

    Parameters
    ----------
    ana : Analysis
    trial : Trial
    fit : Fit
    mjd : float or None
        Trigger, for the time differences.
    n : int
        At most so many.

    Returns
    -------
    tuple of dict
        season, ra, dec, sigma, separation (deg), log10energy (GeV), s_over_b (space only), dt (s or None).

    Examples
    --------
    >>> fitted_events(ana, trial, fit, None)[0]["separation"]                        # doctest: +SKIP
    0.41
    """
    if fit.ns <= 0 or not math.isfinite(fit.ra):
        return ()
    found = []
    for season, ensembles in zip(ana, trial.evss, strict=True):
        for ev in ensembles:
            if len(ev) == 0:
                continue
            ra, dec, sigma = np.asarray(ev["ra"]), np.asarray(ev["dec"]), np.asarray(ev["sigma"])
            away = separation(ra, dec, fit.ra, fit.dec)
            signal = np.exp(-0.5 * (away / sigma) ** 2) / (2 * np.pi * sigma**2)
            ratio = signal / season.background(np.sin(dec))
            for i in np.flatnonzero((away < 5 * sigma) & (ratio > 0.1)).tolist():
                dt = None if mjd is None or "mjd" not in ev else (float(ev["mjd"][i]) - mjd) * 86400
                found.append({
                    "season": season.key, "ra": math.degrees(ra[i]), "dec": math.degrees(dec[i]),
                    "sigma": math.degrees(sigma[i]), "separation": math.degrees(away[i]),
                    "log10energy": float(ev["log10energy"][i]), "s_over_b": float(ratio[i]), "dt": dt,
                })  # fmt: skip
    return tuple(sorted(found, key=lambda row: -row["s_over_b"])[:n])
