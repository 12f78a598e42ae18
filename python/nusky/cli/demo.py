"""The main job on the embedded synthetic season: what ``nusky demo`` runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.typing import F64

if TYPE_CHECKING:
    from nusky.cli.search import Search, Steps

__all__ = ["MAX_DEC", "run_demo", "tutorial_prior"]


NSIDE = 64
MAX_DEC = np.radians(85)
_FLOOR = 1e-4  # sr⁻¹, the tutorial's


def tutorial_prior(nside: int = NSIDE) -> F64:
    """Prior of the tutorial, computed directly: a Gaussian of 10° FWHM around (180°, 0°) on a floor of 1e-4 / sr.

    Parameters
    ----------
    nside : int
        HEALPix resolution, a power of two.

    Returns
    -------
    (12 nside²,) array
        Density in sr⁻¹, RING.

    Examples
    --------
    >>> prior = tutorial_prior(64)
    >>> len(prior), round(float(prior.max()), 1), float(prior.min())
    (49152, 28.7, 0.0001)
    """
    import healpy as hp

    x, y, z = hp.pix2vec(nside, np.arange(hp.nside2npix(nside)))
    separation = np.arctan2(np.hypot(y, z), -x)  # from (−1, 0, 0), which is α = 180°, δ = 0
    sigma = np.radians(10) / np.sqrt(8 * np.log(2))
    density: F64 = np.exp(-0.5 * (separation / sigma) ** 2) / (2 * np.pi * sigma**2)
    return np.maximum(_FLOOR, density)


def run_demo(
    out: Path,
    steps: Steps,
    *,
    seed: int = 1,
    n_sig: float = 20,
    real: Path | None = None,
    mp_cpus: int | None = None,
) -> tuple[Search, dict[Path, str]]:
    """Set the analysis up, search one trial with the tutorial's prior and write the files.

    Parameters
    ----------
    out : Path
        Existing directory for the files.
    steps : Steps
        Says what happens and how long it takes.
    seed : int
    n_sig : float
        Events to inject; a whole number.
    real : Path, optional
        Folder of a public IceCube release, instead of the synthetic season. Its right ascensions are scrambled too.
    mp_cpus : int, optional
        Threads; None or 0 for all that are allowed.

    Returns
    -------
    Search, dict of Path to str
        What was found, and every file with what it is.
    """
    from nusky.analysis.analysis import get_analysis
    from nusky.cli.search import run_search, write_search
    from nusky.priors.prior import SpatialPrior
    from nusky.selections import PublicRelease, demo

    with steps("Analysis" + (" of the embedded synthetic season" if real is None else "")):
        ana = get_analysis(demo if real is None else PublicRelease(real))
    data = "synthetic season" if real is None else "scrambled real season"
    options: dict[str, Any] = {"min_dec": -MAX_DEC, "max_dec": MAX_DEC, "mp_cpus": mp_cpus}
    prior = SpatialPrior(tutorial_prior())
    search = run_search(ana, prior, options, steps, n_sig=n_sig, seed=seed)
    title = f"{data} {', '.join(ana.keys)}, {n_sig:g} injected events, seed {seed}"
    return search, write_search(search, out, title, steps)
