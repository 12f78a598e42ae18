"""A runner over most of the sky at nside 16, and priors for it, for tests of stored scans."""

from __future__ import annotations

from typing import Any

import numpy as np

from nusky import conf

NSIDE = 16
NPIX = 12 * NSIDE**2


def scan_runner(ana: Any, **options: Any) -> Any:
    return conf.get_sky_scan_trial_runner(nside=NSIDE, ana=ana, min_dec=-1.2, max_dec=1.3, **options)


def prior_runner(ana: Any, prior: np.ndarray) -> Any:
    return conf.get_spatial_prior_trial_runner(llh_priors=prior, ana=ana, min_dec=-1.2, max_dec=1.3)


def some_priors() -> list[np.ndarray]:
    """From a handful of pixels to flat."""
    x = np.arange(NPIX)
    few = np.zeros(NPIX)
    few[[100, 1500, 1501]] = [1.0, 5.0, 5.0]
    pole = np.where(x < 5, 1.0, 0.0)  # nothing of it is scanned
    return [np.ones(NPIX), np.exp(-(((x - 1600) / 200) ** 2)), few, np.exp(-(((x - 900) / 30) ** 2)) + 1e-9, pole]
