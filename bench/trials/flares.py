"""Time the search for flares: ten synthetic seasons of 110 000 events, one position and the whole sky.

    python bench/trials/flares.py [--threads 2] [--trials 20] [--nside 64] [--every 1] [--n-sig 0]

`--every n` scans every n-th tile of 16 pixels of the sky; the hottest pixel is always that of all.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from typing import Any

import healpy as hp
import numpy as np

import nusky as cy
from nusky.analysis import Analysis
from nusky.analysis.set_up import set_up
from nusky.events import Events
from nusky.selections.synthetic import synthetic_season

SEASONS, EVENTS, YEAR = 10, 110_000, 368.0


def ten_seasons(n_seasons: int = SEASONS, n_events: int = EVENTS) -> Analysis:
    """The synthetic season again and again, each with events of its own choice."""
    first = synthetic_season()
    seasons = []
    for k in range(n_seasons):
        rng = np.random.default_rng([5, k])
        chosen = np.sort(rng.permutation(len(first.data))[:n_events])
        data = first.data[chosen]
        order = rng.permutation(n_events)  # other events at these times
        moved = {
            name: data[name][order] for name in data.columns if name not in ("mjd", "ra", "run", "event", "subevent")
        }
        data = data.with_columns(**moved, mjd=data["mjd"] + k * YEAR)
        grl = Events({"start": first.grl["start"] + k * YEAR, "stop": first.grl["stop"] + k * YEAR})
        season = dataclasses.replace(first, key=f"year{k}", data=data, grl=grl, fingerprint=f"year{k}-{n_events}")
        seasons.append(set_up(season))
    return Analysis(seasons)


def timed(call: Any) -> tuple[Any, float, float]:
    """What a call gives, wall and processor time."""
    wall, cpu = time.perf_counter(), time.process_time()
    out = call()
    return out, time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--nside", type=int, default=64)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--n-sig", type=float, default=0.0)
    given = parser.parse_args()
    ana = ten_seasons()
    signal = {"sig": "tw", "sig_kw": {"t0": 56_800.0, "dt": 20.0, "box": True}} if given.n_sig else {}
    for dec in (-60.0, -30.0, -5.0, 5.7, 30.0, 60.0):
        tr = cy.get_trial_runner(signal, ana=ana, src=cy.sources(77.4, dec, deg=True), time="utf", box=True)
        tr.get_many_fits(1, given.n_sig, seed=9, mp_cpus=1, logging=False)
        trials, wall, cpu = timed(
            lambda tr=tr: tr.get_many_fits(given.trials, given.n_sig, seed=1, mp_cpus=given.threads, logging=False)
        )
        print(
            f"δ = {dec:5.1f}°: {1e3 * cpu / given.trials:7.2f} ms of CPU a trial, "
            f"{1e3 * wall / given.trials:7.2f} ms of wall; median TS {np.median(trials.ts):.2f}",
            flush=True,
        )
    given_sky = {**signal, "ana": ana, "time": "utf", "box": True}
    sky = cy.get_sky_scan_trial_runner(given_sky, nside=given.nside, src=cy.sources(77.4, 5.7, deg=True))
    trial = sky.get_one_trial(given.n_sig, seed=1)
    tiles = np.arange(0, len(sky.pixels) // 16, given.every)
    some = hp.nest2ring(given.nside, (16 * tiles[:, None] + np.arange(16)).ravel())
    part = dataclasses.replace(sky, pixels=cy.pixels.PixelSet(given.nside, some))
    scan, wall, cpu = timed(lambda: part.get_one_scan_from_trial(trial, mp_cpus=given.threads, logging=False))
    print(
        f"scan of {len(some)} of {len(sky.pixels)} pixels: {wall:.1f} s, {cpu:.1f} s of CPU, "
        f"{1e3 * cpu / len(some):.2f} ms each; largest TS {scan.ts.max():.2f}",
        flush=True,
    )
    fit, wall, cpu = timed(lambda: sky.get_one_fit_from_trial(trial, mp_cpus=given.threads, logging=False))
    print(f"hottest pixel of all: {wall:.1f} s, {cpu:.1f} s of CPU; TS {fit.ts:.2f}", flush=True)
    ra, dec = sky.scan_ra, sky.scan_dec
    prior = np.exp(-0.5 * (((ra - 3.0) * np.cos(dec)) ** 2 + (dec - 0.1) ** 2) / 0.2**2) + 1e-5
    sptr = cy.get_spatial_prior_trial_runner(given_sky, llh_priors=prior)
    fit, wall, cpu = timed(lambda: sptr.get_one_fit_from_trial(trial, mp_cpus=given.threads, logging=False))
    print(f"hottest pixel with a prior: {wall:.1f} s, {cpu:.1f} s of CPU; TS {fit.ts_raw:.2f}", flush=True)


if __name__ == "__main__":
    main()
