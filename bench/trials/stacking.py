"""Trials a second of stacks of 100, 1 000 and 10 000 sources, and of a list of 110, on the synthetic season.

python bench/trials/stacking.py [--threads 2] [--seconds 4]
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import nusky as cy

AIMS = {100: 500, 1_000: 80, 10_000: 8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    ana = cy.get_analysis(cy.selections.demo, logging=False)
    rng = np.random.default_rng(1)
    print(f"{'sources':>8} {'set-up s':>9} {'background/s':>13} {'with signal/s':>14} {'aim':>5}")
    for n, aim in AIMS.items():
        src = cy.sources(
            rng.uniform(0, 2 * np.pi, n), np.arcsin(rng.uniform(-1, 1, n)), weight=10 ** rng.normal(0, 0.5, n)
        )
        start = time.perf_counter()
        tr = cy.get_trial_runner(ana=ana, src=src)
        tr.get_many_fits(8, 10, seed=1, mp_cpus=options.threads)
        set_up = time.perf_counter() - start
        rates = []
        for n_sig in (0, 20):
            trials = max(8, int(0.5 * aim * options.seconds))
            start = time.perf_counter()
            tr.get_many_fits(trials, n_sig, seed=2, mp_cpus=options.threads)
            rates.append(trials / (time.perf_counter() - start))
        print(f"{n:8d} {set_up:9.2f} {rates[0]:13.1f} {rates[1]:14.1f} {aim:5d}")
    listed = cy.sources(rng.uniform(0, 2 * np.pi, 110), np.arcsin(rng.uniform(-1, 1, 110)))
    runner = cy.get_source_list_trial_runner(ana=ana, src=listed)
    runner.fit_sources(64, seed=1, mp_cpus=options.threads)
    start = time.perf_counter()
    runner.fit_sources(2048, seed=2, mp_cpus=options.threads)
    rate = 2048 / (time.perf_counter() - start)
    print(f"list of 110 sources, each fitted: {rate:.0f} trials/s, {1e5 / rate:.0f} s for 100 000 (aim 60)")


if __name__ == "__main__":
    main()
