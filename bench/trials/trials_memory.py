"""Memory of the whole process: many trials of one source in one call, and whether trials and scans leave any behind.

python bench/trials/trials_memory.py [--release FOLDER] [--trials 10000000] [--more 100000] [--scans 500] [--nside 64]
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nusky as cy

MIB = 2**20


def peak() -> float:
    """Largest resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def resident() -> float:
    """Resident memory now, MiB."""
    gc.collect()
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return float(fields["VmRSS"].split()[0]) / 1024


def growth(work: Callable[[int], Any], n: int, parts: int = 5) -> list[float]:
    """Resident memory in MiB after each part of the work, the first of which warms up."""
    after = []
    for part in range(parts):
        for i in range(part * n // parts, (part + 1) * n // parts):
            work(i)
        after.append(resident())
    return after


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=Path)
    for name, value in (("trials", 10**7), ("more", 10**5), ("scans", 500), ("nside", 64), ("threads", 2)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    source = cy.selections.demo if given.release is None else cy.selections.PublicRelease(given.release)
    ana = cy.get_analysis(source, logging=False)
    tr = cy.get_trial_runner(src=cy.sources(83.63, 22.01, deg=True), ana=ana, mp_cpus=given.threads)
    sstr = cy.get_sky_scan_trial_runner(nside=given.nside, ana=ana, mp_cpus=given.threads)
    print(f"set up: {resident():.0f} MiB")
    batch = max(1, given.more // 100)
    for name, work, n in (
        (f"{given.more} trials of a source, 10 injected", lambda i: tr.get_many_fits(batch, 10, seed=i), 100),
        (f"{given.scans} scans of nside {given.nside}", lambda i: sstr.get_one_scan(seed=i), given.scans),
    ):
        print(f"{name}: {', '.join(f'{after:.1f}' for after in growth(work, n))} MiB after each fifth", flush=True)
    began = time.perf_counter()
    trials = tr.get_many_fits(given.trials, seed=1)
    seconds = time.perf_counter() - began
    rows = sum(trials[name].nbytes for name in tr.columns)
    print(
        f"{len(trials)} trials of a source in one call: {seconds:.0f} s, {rows / MIB:.0f} MiB of rows, "
        f"peak of the process {peak():.0f} MiB"
    )


if __name__ == "__main__":
    main()
