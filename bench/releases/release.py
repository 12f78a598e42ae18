"""A whole release through everything: reading, cache, map, point source, prior; each step is a process of its own.

    python bench/releases/release.py [FOLDER] [--kind dr2-2.0] [--size 1.0] [--nside 128] [--threads 2] [--separate]

Without a folder, or where it is empty, a release is written there (or to a temporary folder; 3.6 GB at full size) by
`tests/helpers/release_writer.py`. Figures: wall time, processor time, largest resident memory, and of that what no
other process could share (anonymous memory).
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

HELPERS = Path(__file__).resolve().parents[2] / "tests" / "helpers"


def anonymous() -> float:
    """MB of this process's memory that is in no file; 0 where the system does not say."""
    try:
        found = re.search(r"RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text())
    except OSError:
        return 0.0
    return int(found.group(1)) / 1000 if found else 0.0


def analysis(given: argparse.Namespace, logging: bool = False) -> object:
    """The analysis of the release, from its cache where that is."""
    import nusky as cy

    release = cy.selections.PublicRelease(given.folder, joined=not given.separate)
    return cy.get_analysis(release, dir=given.cache, logging=logging)


def step_read(given: argparse.Namespace) -> str:
    """First reading."""
    return repr(analysis(given, logging=True))


def step_open(given: argparse.Namespace) -> str:
    """From the cache."""
    return repr(analysis(given))


def step_map(given: argparse.Namespace) -> str:
    """TS of the whole sky."""
    import nusky as cy

    ana = analysis(given)
    runner = cy.get_sky_scan_trial_runner(ana=ana, nside=given.nside, mp_cpus=given.threads)
    runner.get_one_scan(seed=1, logging=False)
    start = time.perf_counter()
    scan = runner.get_one_scan(seed=2, logging=False)
    return f"scan alone {time.perf_counter() - start:.2f} s; hottest TS {scan.ts.max():.2f} in {len(scan.ts)} pixels"


def step_point(given: argparse.Namespace) -> str:
    """Trials of a point source."""
    import nusky as cy

    runner = cy.get_trial_runner(src=cy.sources(77.36, 5.69, deg=True), ana=analysis(given), mp_cpus=given.threads)
    start = time.perf_counter()
    runner.get_many_fits(20, seed=1, logging=False)
    first = time.perf_counter() - start
    start = time.perf_counter()
    cpu = time.process_time()
    runner.get_many_fits(given.trials, seed=2, logging=False)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    rate = f"{given.trials / seconds:.0f} trials/s, {given.trials / cpu:.0f} a processor second"
    return f"{rate} ({given.trials} trials; setting up and the first 20: {first:.2f} s)"


def step_prior(given: argparse.Namespace) -> str:
    """Trials of the tutorial's prior."""
    import nusky as cy
    from nusky.cli.demo import tutorial_prior

    runner = cy.get_spatial_prior_trial_runner(llh_priors=tutorial_prior(), ana=analysis(given), mp_cpus=given.threads)
    runner.get_many_fits(2, seed=1, logging=False)
    start, cpu = time.perf_counter(), time.process_time()
    runner.get_many_fits(given.priors, seed=2, logging=False)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return f"{given.priors / seconds:.1f} trials/s, {given.priors / cpu:.1f} a processor second"


def step_library(given: argparse.Namespace) -> str:
    """Scans of the whole sky as a library keeps them."""
    import nusky as cy
    from nusky.store import ScanLibrary

    runner = cy.get_sky_scan_trial_runner(ana=analysis(given), nside=given.nside, mp_cpus=given.threads)
    with tempfile.TemporaryDirectory() as folder:
        library = ScanLibrary(folder, runner)
        library.add(runner, [0], seed=1, mp_cpus=given.threads)
        start = time.perf_counter(), time.process_time()
        library.add(runner, [1], seed=1, mp_cpus=given.threads)
        wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        return f"a scan in {wall:.2f} s, processor {cpu:.2f} s, {library.n_bytes / len(library) / 1e6:.2f} MB"


STEPS: dict[str, Callable[[argparse.Namespace], str]] = {
    "read": step_read,
    "open": step_open,
    "map": step_map,
    "point": step_point,
    "prior": step_prior,
    "library": step_library,
}


def main() -> None:
    """Write the release if need be, then every step in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--kind", default="dr2-2.0")
    parser.add_argument("--size", type=float, default=1.0)
    parser.add_argument("--nside", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--priors", type=int, default=20)
    parser.add_argument("--separate", action="store_true", help="do not join the seasons of one response")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--step", choices=STEPS, action="append", help="only this one; may be repeated")
    parser.add_argument("--inner", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inner:
        start = time.perf_counter(), time.process_time()
        result = STEPS[given.inner](given)
        wall, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(
            f"{given.inner}: {wall:.1f} s, processor {cpu:.1f} s, peak {peak:.0f} MB ({anonymous():.0f} MB not shared)"
        )
        print(f"    {result}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "release"
        if not (folder / "events").is_dir():
            start_writing = time.perf_counter()
            writer = [sys.executable, str(HELPERS / "release_writer.py"), str(folder), given.kind, str(given.size)]
            subprocess.run(writer, check=True)
            print(f"written in {time.perf_counter() - start_writing:.0f} s to {folder}")
        cache = given.cache or Path(temporary) / "cache"
        print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, {given.threads} threads")
        options = [str(folder), "--cache", str(cache), "--nside", str(given.nside), "--threads", str(given.threads)]
        options += ["--trials", str(given.trials), "--priors", str(given.priors)]
        options += ["--separate"] if given.separate else []
        for step in given.step or STEPS:
            subprocess.run([sys.executable, __file__, *options, "--inner", step], check=True)


if __name__ == "__main__":
    main()
