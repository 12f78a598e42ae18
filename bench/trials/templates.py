"""Trials of a template: γ free and fixed, with and without signal subtraction and injected events.

    python bench/trials/templates.py [--release FOLDER] [--nside 128] [--trials 64] [--rounds 3]

Milliseconds of processor time a trial, on one thread, the kinds in turns: best and worst of the rounds. Fits are
compared with those of the general way first, which estimates its tail.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import healpy
import numpy as np

import nusky as cy
from nusky.hypotheses import HypothesisRunner


def belt(nside: int) -> np.ndarray:
    """A belt of 4° along the galactic equator, brighter on one side."""
    theta, phi = healpy.pix2ang(nside, np.arange(12 * nside**2))
    return np.exp(-0.5 * ((np.pi / 2 - theta) / np.radians(4.0)) ** 2) * (1.0 + 0.6 * np.cos(phi))


def milliseconds(tr: Any, n: int, n_sig: int) -> float:
    start = time.process_time()
    tr.get_many_fits(n, n_sig, seed=1, mp_cpus=1)
    return 1e3 * (time.process_time() - start) / n


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path)
    parser.add_argument("--nside", type=int, default=128)
    parser.add_argument("--trials", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    season = cy.selections.demo if options.release is None else cy.selections.PublicRelease(options.release)
    ana = cy.get_analysis(season, logging=False)
    kinds: dict[str, dict[str, Any]] = {
        "γ free": {},
        "γ free, sigsub": {"sigsub": True},
        "γ = 2.5": {"gamma": 2.5},
        "γ = 2.5, sigsub": {"gamma": 2.5, "sigsub": True},
    }
    runners = {}
    for name, how in kinds.items():
        runners[name] = cy.get_trial_runner(template=belt(options.nside), frame="galactic", ana=ana, **how)
        start = time.process_time()
        runners[name].get_one_fit(10, seed=1)
        print(f"{name}: set-up {time.process_time() - start:.1f} s")
    tr = runners["γ free"]
    for seed in range(3):
        trial = tr.get_one_trial(100, seed=seed)
        one, other = tr.get_one_fit_from_trial(trial).ts, HypothesisRunner._table(tr, trial, 1)["ts"][0]
        assert abs(one - other) < 1e-3 * other, (one, other)
    found: dict[tuple[str, int], list[float]] = {}
    for _ in range(options.rounds):
        for name, one in runners.items():
            for n_sig in (0, 100):
                found.setdefault((name, n_sig), []).append(milliseconds(one, options.trials, n_sig))
    for (name, n_sig), times in found.items():
        print(f"{name:16s} {n_sig:4d} events: {min(times):6.2f} … {max(times):6.2f} ms a trial")


if __name__ == "__main__":
    main()
