"""How far apart declinations with background trials may be: p at every 0.1 deg, and what interpolation makes of it.

    python bench/trials/declinations.py RELEASE [--trials 100000] [--from 8 --to 12] [--threads 1]

RELEASE: folder of the public first-year IC86 release. Scrambles keep the declination of each event, so that the p-value
of a TS has structure over declination that is no fluctuation. For each distance between nodes: mean and largest
|p interpolated / p counted − 1| of the positions between them, and what the counts alone would make.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile

import numpy as np

import nusky as cy

STEP = 0.1  # deg


def main() -> None:
    """Read the arguments, make the trials, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("release")
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--from", dest="low", type=float, default=8.0)
    parser.add_argument("--to", dest="high", type=float, default=12.0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cache", default=None)
    options = parser.parse_args()
    ana = cy.get_analysis(
        cy.selections.PublicRelease(options.release), dir=options.cache or tempfile.mkdtemp(), logging=False
    )
    dec = np.arange(round(options.low / STEP), round(options.high / STEP) + 1) * STEP
    thresholds = np.array([2.0, 4.0, 6.0])
    p = np.empty((len(dec), len(thresholds)))
    for i, d in enumerate(dec):
        tr = cy.get_trial_runner(ana=ana, src=cy.sources(1.0, d, deg=True), mp_cpus=options.threads)
        ts = tr.get_many_fits(options.trials, seed=1000 + i)["ts"]
        p[i] = [np.mean(ts >= x) for x in thresholds]
    n = options.trials
    print(f"{len(dec)} declinations {dec[0]:g} ... {dec[-1]:g} deg, {n} trials each")
    for k, x in enumerate(thresholds):
        error = np.sqrt((1 - p[:, k]) / (n * p[:, k]))
        print(f"TS >= {x:g}: p {p[:, k].min():.4f} ... {p[:, k].max():.4f}, +/- {error.mean():.1%} each")
        for every in (2, 3, 5, 10, 20):
            away, noise = _between(p[:, k], error, every)
            real = np.sqrt(max(np.mean(away**2) - np.mean(noise**2), 0.0))
            print(
                f"   nodes {every * STEP:3.1f} deg apart: rms {np.sqrt(np.mean(away**2)):6.1%}, largest "
                f"{np.abs(away).max():6.1%}; of the counts {np.sqrt(np.mean(noise**2)):5.1%}, so {real:5.1%}"
            )


def _between(p: np.ndarray, error: np.ndarray, every: int) -> tuple[np.ndarray, np.ndarray]:
    """ln(p interpolated / p counted) between nodes, for every choice of the first one, and its standard deviation."""
    away, noise = [], []
    for first in range(every):
        nodes = np.arange(first, len(p), every)
        for left, right in itertools.pairwise(nodes):
            for i in range(left + 1, right):
                w = (i - left) / (right - left)
                away.append((1 - w) * np.log(p[left]) + w * np.log(p[right]) - np.log(p[i]))
                noise.append(np.sqrt(error[i] ** 2 + ((1 - w) * error[left]) ** 2 + (w * error[right]) ** 2))
    return np.array(away), np.array(noise)


if __name__ == "__main__":
    main()
