"""Trials a second, this version against another one, in turns on the same machine.

    python bench/trials/trials_speed.py [--release FOLDER] [--old FOLDER] [--rounds 2] [--map MAP.fits]

`--old` is a folder with the unpacked wheel of the other version. Times are processor time of the whole process, so that
what else the machine does matters little; two threads. Answers are asserted before anything is timed.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

PLACES = ("nusky.sensitivity", "nusky.sky_tsd", "nusky.cli.demo", "nusky.demo", "nusky")


def found(name: str) -> Any:
    """A function of either version's modules."""
    for place in PLACES:
        try:
            value = getattr(importlib.import_module(place), name)
        except (ImportError, AttributeError):
            continue
        if callable(value):
            return value
    raise ImportError(name)


def seconds(work: Callable[[], Any]) -> float:
    """Processor time of a piece of work."""
    start = time.process_time()
    work()
    return time.process_time() - start


def window_runner(cy: Any, sky_map: Path | None) -> Any:
    """The season that is embedded, whose times are exact; without a map, the bayestar one in reproject's wheel."""
    if sky_map is None:
        import reproject

        sky_map = Path(reproject.__file__).parent / "healpix" / "tests" / "data" / "bayestar.fits.gz"
    ana = cy.get_analysis(cy.selections.demo, logging=False)
    src = cy.sources(0.0, 0.0, mjd=55_800.1, t_100=1000 / 86_400)
    return cy.get_spatial_prior_trial_runner(
        llh_priors=cy.read_sky_map(sky_map), containment=0.999, src_tr=src, ana=ana, mp_cpus=2
    )


def works(release: Path | None, sky_map: Path | None) -> dict[str, tuple[int, Callable[[int], Any]]]:
    """Name, how many trials, and what makes so many."""
    import nusky as cy

    source = cy.selections.demo if release is None else cy.selections.PublicRelease(release)
    ana = cy.get_analysis(source, logging=False)
    tr = cy.get_trial_runner(src=cy.sources(83.63, 22.01, deg=True), ana=ana, mp_cpus=2)
    trials = tr.get_many_fits(8, 10, seed=1)
    fit = tr.get_one_fit(10, seed=1)
    assert fit.ts == trials.ts[0], "one fit is trial 0"
    assert 5 < trials.ns.mean() < 16, "what is injected is found"
    sensitivity, tsds = found("sensitivity"), found("declination_tsds")
    dec = np.radians(np.linspace(-81, 81, 82))
    limits = {"min_dec": np.radians(-85), "max_dec": np.radians(85)}
    sptr = cy.get_spatial_prior_trial_runner(llh_priors=found("tutorial_prior")(64), ana=ana, mp_cpus=2, **limits)
    window = window_runner(cy, sky_map)
    out: dict[str, tuple[int, Callable[[int], Any]]] = {
        "point source, background": (4000, lambda n: tr.get_many_fits(n, seed=2)),
        "point source, 10 injected": (4000, lambda n: tr.get_many_fits(n, 10, seed=2)),
        "sensitivity of a point source": (1, lambda n: sensitivity(tr, seed=3)),
        "82 declinations (one trial at each)": (2400, lambda n: tsds(tr, n, dec=dec, seed=4, fit=False, mp_cpus=2)),
        "tutorial's prior, background": (60, lambda n: sptr.get_many_fits(n, seed=5)),
        "tutorial's prior, 20 injected": (60, lambda n: sptr.get_many_fits(n, 20, seed=5)),
        "1 000 s window, map at nside 512, background": (3000, lambda n: window.get_many_fits(n, seed=6)),
        "1 000 s window, map at nside 512, 2 injected": (1000, lambda n: window.get_many_fits(n, 2, seed=6)),
    }
    return out


def limit(release: Path | None) -> dict[str, float]:
    """Milliseconds of a background trial of a source, and of what it cannot do without: a pass over the events in
    reach, which are drawn and tested. The rest is the fit of those that are near.
    """
    import nusky as cy
    from nusky.injection import seed_key

    source = cy.selections.demo if release is None else cy.selections.PublicRelease(release)
    ana = cy.get_analysis(source, logging=False)
    tr = cy.get_trial_runner(src=cy.sources(83.63, 22.01, deg=True), ana=ana, mp_cpus=1)
    tr.get_many_fits(8, seed=1)
    n = 4000
    place, key = tr._point.source, seed_key(2)
    passing = seconds(lambda: place.count_near(key, 0, n))
    trials = seconds(lambda: tr.get_many_fits(n, seed=2))
    return {"trial": 1e3 * trials / n, "pass": 1e3 * passing / n}


def measure(release: Path | None, sky_map: Path | None) -> dict[str, float]:
    """Milliseconds of processor time a trial."""
    times = {}
    for name, (n, work) in works(release, sky_map).items():
        if n > 1:
            work(2)
        times[name] = 1e3 * seconds(lambda work=work, n=n: work(n)) / n  # type: ignore[misc]
    return times


def main() -> None:
    """Measure here, or in turns in both versions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("release", "old", "map"):
        parser.add_argument(f"--{name}", type=Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.worker:
        print(json.dumps(measure(given.release, given.map)))
        return
    import nusky

    folders = {"new": Path(nusky.__file__).parents[1]} | ({} if given.old is None else {"old": given.old})
    command = [sys.executable, __file__, "--worker"]
    for name in ("release", "map"):
        if getattr(given, name) is not None:
            command += [f"--{name}", str(getattr(given, name))]
    best: dict[str, dict[str, float]] = {which: {} for which in folders}
    for _ in range(given.rounds):
        for which, folder in folders.items():
            environment = {**os.environ, "PYTHONPATH": str(folder)}
            made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
            for name, value in json.loads(made.splitlines()[-1]).items():
                best[which][name] = min(value, best[which].get(name, np.inf))
    at = limit(given.release)
    print(
        f"background trial of a source: {at['trial']:.4f} ms, of which the pass over the events in reach takes "
        f"{at['pass']:.4f}"
    )
    for name, value in best["new"].items():
        line = f"{name:<48}{value:12.4f} ms"
        if "old" in best:
            line += f"{best['old'][name]:12.4f} ms before{best['old'][name] / value:8.1f} ×"
        print(line)


if __name__ == "__main__":
    main()
