"""Which part of a trial or a scan is spent outside the C++ core?

    python bench/trials/python_share.py --release ../shared/data/icecube_ic86_2011
    python bench/trials/python_share.py                       # the embedded synthetic season

Processor time of one thread, so that other work on the machine does not enter; a call of the core counts as inside, all
else (random numbers, choice of events, tables of results, the interpreter) as outside.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import nusky as cy
from nusky import _core

CALLS = (
    "scan",
    "hottest",
    "hottest_of_scrambles",
    "hottest_of_trials",
    "fit_point_trials",
    "EventIndex",
    "EventColumns",
    "Directions",
)


class Inside:
    """Replaces the core's functions by ones that add up their time."""

    def __init__(self) -> None:
        self.seconds = 0.0
        for name in CALLS:
            setattr(_core, name, self._timed(getattr(_core, name)))

    def _timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            began = time.thread_time()
            try:
                return call(*args, **options)
            finally:
                self.seconds += time.thread_time() - began

        return timed


def tutorial_prior(nside: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Gaussian of 10° FWHM above a floor."""
    import healpy

    theta, phi = healpy.pix2ang(nside, np.arange(12 * nside**2))
    distance = np.arccos(np.clip(np.sin(theta) * np.cos(phi - np.pi), -1.0, 1.0))
    sigma = np.radians(10.0) / np.sqrt(8 * np.log(2))
    return np.maximum(np.exp(-0.5 * (distance / sigma) ** 2) / (2 * np.pi * sigma**2), 1e-4)


def bayestar() -> Path:
    """The map in reproject's wheel."""
    import reproject

    return Path(reproject.__file__).parent / "healpix" / "tests" / "data" / "bayestar.fits.gz"


def report(inside: Inside, what: str, n: int, call: Callable[[], Any]) -> None:
    """Warm up, measure, print."""
    call()
    inside.seconds = 0.0
    began = time.thread_time()
    call()
    total = time.thread_time() - began
    outside = total - inside.seconds
    print(
        f"{what:62} {1e3 * total / n:9.3f} ms  outside {1e3 * outside / n:7.3f} ms  {outside / total:6.1%}", flush=True
    )


def main() -> None:
    """Every runner, background and signal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, help="folder of the public first-year IC86 release")
    parser.add_argument("--trials", type=int, default=10, help="of the slow searches; quick ones get 30 times as many")
    given = parser.parse_args()
    source = cy.selections.demo if given.release is None else cy.selections.PublicRelease(given.release)
    ana = cy.get_analysis(source, logging=False)
    print(f"{', '.join(ana.keys)}; {_core.compiler}, {_core.simd_level()}; each trial or scan, one thread:")
    src = cy.sources(2.0, 0.1)
    limits = {"min_dec": np.radians(-85), "max_dec": np.radians(85)}
    localisation = cy.read_sky_map(bayestar())
    prior = cy.get_spatial_prior_trial_runner(llh_priors=tutorial_prior(64), ana=ana, **limits)
    narrow = cy.get_spatial_prior_trial_runner(llh_priors=localisation, containment=0.999, ana=ana)
    sky = cy.get_sky_scan_trial_runner(nside=64, src=src, ana=ana, **limits)
    point = cy.get_trial_runner(src=src, ana=ana)
    inside = Inside()
    for name, runner, n in (
        ("tutorial's prior, nside 64", prior, given.trials),
        ("bayestar, nside 512, 99.9 %", narrow, given.trials),
        ("sky scan, nside 64", sky, given.trials),
        ("point source", point, 30 * given.trials),
    ):
        for n_sig in (0, 10):

            def fits(runner: Any = runner, n_sig: int = n_sig, n: int = n) -> None:
                runner.get_many_fits(n, n_sig, seed=1, mp_cpus=1)

            report(inside, f"{name}: get_many_fits, n_sig = {n_sig}", n, fits)
        if runner is not point:

            def scan(runner: Any = runner) -> None:
                runner.get_one_scan(seed=1, mp_cpus=1)

            report(inside, f"{name}: get_one_scan", 1, scan)
    data = sum(len(season.data) for season in ana)
    rng = np.random.default_rng(1)
    report(inside, "(of which the random numbers of one background)", 50, lambda: [rng.random(data) for _ in range(50)])


if __name__ == "__main__":
    main()
