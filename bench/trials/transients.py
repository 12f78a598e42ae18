"""How many trials of a short time window a second? 1000 s, a gravitational-wave map at nside 512, 99.9 % containment.

    python bench/trials/transients.py [MAP.fits] [--threads 2] [--trials 2000] [--seconds 1000]

Without a map the bayestar one in reproject's wheel is taken. Before anything is timed, the pixels near events must give
what the whole map gives, to the last bit.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path

import numpy as np

import nusky as cy
from nusky import _core
from nusky.hotspots.hottest import best_of_map, scan_pixels


def bayestar() -> Path:
    """The map in reproject's wheel."""
    import reproject

    return Path(reproject.__file__).parent / "healpix" / "tests" / "data" / "bayestar.fits.gz"


def check(runner: cy.SpatialPriorTrialRunner, n_sig: float, n_trials: int) -> None:
    """Compare the search near the events with that of the whole map."""
    for j in range(n_trials):
        index = runner.index_trial(runner.draw_trial(5, j, n_sig, False), 1)
        quick = runner._best(index, 1)
        whole = best_of_map(scan_pixels(runner.model, index, runner.pixels, 1, False), runner._finder.terms)
        for name in quick.dtype.names or ():
            np.testing.assert_array_equal(quick[name], whole[name], err_msg=f"trial {j}, {name}")


def main() -> None:
    """Check, time, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("map", nargs="?", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=1000.0)
    given = parser.parse_args()
    ana = cy.get_analysis(cy.selections.demo, logging=False)
    src = cy.sources(0.0, 0.0, mjd=55_800.1, t_100=given.seconds / 86_400)
    runner = cy.get_spatial_prior_trial_runner(
        llh_priors=cy.read_sky_map(given.map or bayestar()), containment=0.999, src_tr=src, ana=ana
    )
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {_core.compiler}, {_core.simd_level()}"
    )
    print(
        runner.on_time.describe() if runner.on_time else "", f"\n  {len(runner.pixels)} pixels of nside {runner.nside}"
    )
    for n_sig in (0, 1, 2):
        check(runner, n_sig, 30)
        n = given.trials if n_sig == 0 else given.trials // 4
        wall, cpu = time.perf_counter(), time.process_time()
        trials = runner.fit_trials(range(n), n_sig, False, 1, given.threads)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        share = float(np.mean(trials["ts"] > 0))
        print(
            f"n_sig {n_sig}: {n / wall:6.0f} trials/s on {given.threads} threads, {1e3 * cpu / n:.2f} ms of CPU each, "
            f"TS > 0 in {share:.1%}"
        )


if __name__ == "__main__":
    main()
