"""Do two versions give the same numbers, to the last bit? Prints SHA-256 of results made with fixed seeds.

    python bench/core/same_bits.py [--release ../shared/data/icecube_ic86_2011] > after.txt
    PYTHONPATH=/folder/of/another/version python bench/core/same_bits.py > before.txt
    diff before.txt after.txt

Only calls of the public, csky-like face are used, so that versions before and after a move of modules can be compared.
A hash covers the bytes of float64 results; it depends on the numpy and libm that are installed, so compare on one
machine, in one environment.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import healpy
import numpy as np

import nusky as cy

LIMIT = float(np.radians(85))


def digest(*arrays: Any) -> str:
    """SHA-256 over the bytes of float64 arrays."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array, dtype=np.float64).tobytes())
    return total.hexdigest()


def of_rows(rows: Any) -> str:
    """SHA-256 over the columns of a structured array, in the order of their names."""
    return digest(*(rows[name] for name in sorted(rows.dtype.names)))


def prior(nside: int) -> Any:
    """A Gaussian of 10° around (180°, 0°) on a floor, as in the tutorial; density in sr⁻¹."""
    x, y, z = healpy.pix2vec(nside, np.arange(healpy.nside2npix(nside)))
    width = np.radians(10) / np.sqrt(8 * np.log(2))
    return np.maximum(1e-4, np.exp(-0.5 * (np.arctan2(np.hypot(y, z), -x) / width) ** 2) / (2 * np.pi * width**2))


def hashes(ana: Any, days: float, use_grl: bool) -> dict[str, str]:
    """Name of a result → its hash, for one season and a time window of some days; `use_grl`: it has a good-run list."""
    limits = {"ana": ana, "min_dec": -LIMIT, "max_dec": LIMIT, "mp_cpus": 2}
    found = {}
    source = cy.sources(83.63, 22.01, deg=True)
    sky = cy.get_sky_scan_trial_runner(nside=32, src=source, **limits)
    found["scan, nside 32, 10 injected"] = digest(sky.get_one_scan(10, seed=3))
    found["sky, hottest of 5"] = of_rows(sky.get_many_fits(5, seed=4))
    with_prior = cy.get_spatial_prior_trial_runner(llh_priors=prior(64), **limits)
    found["prior, hottest of 20"] = of_rows(with_prior.get_many_fits(20, seed=5))
    found["prior, 10 injected, 20 trials"] = of_rows(with_prior.get_many_fits(20, 10, seed=6))
    found["prior, one fit, 20 injected"] = digest(with_prior.get_one_fit(20, seed=1))
    found["prior, flux of 20 events"] = digest(with_prior.to_E2dNdE(20, E0=100, unit=1e3, gamma=2))
    point = cy.get_trial_runner(src=source, **{name: limits[name] for name in ("ana", "mp_cpus")})
    found["point source, background, 50 trials"] = of_rows(point.get_many_fits(50, seed=7))
    found["point source, 5 injected, 50 trials"] = of_rows(point.get_many_fits(50, 5, seed=8))
    answer = point.find_n_sig(2.0, 0.9, seed=9, tol=0.2, batch_size=100)
    found["point source, sensitivity"] = digest(answer.n_sig, answer.n_sig_error, answer.E2dNdE)
    window = cy.sources(0.0, 0.0, mjd=55_800.1, t_100=days)
    short = cy.get_spatial_prior_trial_runner(llh_priors=prior(64), src_tr=window, use_grl=use_grl, **limits)
    found["time window, 100 trials"] = of_rows(short.get_many_fits(100, seed=10))
    found["time window, 2 injected, 20 trials"] = of_rows(short.get_many_fits(20, 2, seed=11))
    found["time window, scan"] = digest(short.get_one_scan(1, seed=12))
    for name, gamma in (("fixed", {"gamma": 2.5}), ("no energy term", {"energy": False})):
        runner = cy.get_trial_runner(src=source, ana=ana, mp_cpus=2, **gamma)
        found[f"point source, {name}, 20 trials"] = of_rows(runner.get_many_fits(20, 5, seed=13))
        runner = cy.get_sky_scan_trial_runner(nside=16, **limits, **gamma)
        found[f"scan, nside 16, {name}"] = digest(runner.get_one_scan(seed=14))
    finer = cy.get_spatial_prior_trial_runner(llh_priors=prior(64), refine=256, **limits)
    found["prior, refined to 256, 5 trials"] = of_rows(finer.get_many_fits(5, 10, seed=15))
    several = cy.get_spatial_prior_trial_runner(llh_priors=[prior(64), np.roll(prior(64), 7)], **limits)
    found["two priors, 5 trials"] = of_rows(several.get_many_fits(5, 10, seed=16))
    return found


def demo() -> str:
    """Hash of the numbers that `nusky demo` writes into fit.json."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "nusky", "demo", "--out", folder, "--threads", "2"]
        subprocess.run(command, check=True, env={**os.environ, "XDG_CACHE_HOME": folder}, stdout=subprocess.DEVNULL)
        written = json.loads((Path(folder) / "fit.json").read_text())
    numbers = {name: value for name, value in written.items() if isinstance(value, (int, float))}
    assert {"ts", "ns", "gamma", "ra", "dec"} <= numbers.keys(), written
    return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()


def main() -> None:
    """Print one line for each result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path, help="folder of the public first-year IC86 release")
    given = parser.parse_args()
    sets: list[tuple[str, Any, float, bool]] = [("synthetic", cy.selections.demo, 1000 / 86_400, True)]
    if given.release is not None:
        # Its times are whole days, and it has no good-run list
        sets.append(("first year", cy.selections.PublicRelease(given.release), 12.0, False))
    for name, selection, days, use_grl in sets:
        with tempfile.TemporaryDirectory() as folder:
            ana = cy.get_analysis(selection, dir=folder, logging=False)
            for what, value in hashes(ana, days, use_grl).items():
                print(f"{value}  {name}: {what}", flush=True)
    print(f"{demo()}  nusky demo")


if __name__ == "__main__":
    main()
