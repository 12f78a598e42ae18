"""Trials at scale: how fast they are made, stored and read, and priors applied to stored scans.

    python bench/trials/bench_trials.py                 # fewer trials, scaled up to the figures of the targets
    python bench/trials/bench_trials.py --full          # all of them
    python bench/trials/bench_trials.py --season PATH   # a public release instead of the synthetic season

Every part asserts its answer before it is timed.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from nusky import conf, selections
from nusky.analysis.analysis import get_analysis
from nusky.cli.demo import MAX_DEC, tutorial_prior
from nusky.source.positions import sources
from nusky.store.scans import ScanLibrary
from nusky.store.trials import TrialStore
from nusky.threads import allowed_threads
from nusky.version import code_version


@contextmanager
def timed() -> Iterator[list[float]]:
    """Seconds of the block, in a list that is filled when it ends."""
    seconds: list[float] = []
    start = perf_counter()
    yield seconds
    seconds.append(perf_counter() - start)


def report(what: str, n: int, seconds: float, asked: int, target: str) -> None:
    """One line: what was measured, and what it means for the number of the target."""
    print(
        f"{what:<46} {n:>9d} in {seconds:8.2f} s {n / seconds:>12.1f}/s   {asked:.0e} in {seconds * asked / n:7.1f} s",
        end="",
    )
    print(f"   (target: {target})")


def prior_trials(ana: Any, full: bool) -> None:
    """The tutorial's search."""
    options = {"ana": ana, "min_dec": -float(MAX_DEC), "max_dec": float(MAX_DEC)}
    sptr = conf.get_spatial_prior_trial_runner(llh_priors=tutorial_prior(), **options)
    few = sptr.get_many_fits(8, seed=1)
    for j in range(2):
        scan = sptr.get_one_scan_from_trial(sptr.draw_trial(1, j, 0.0, False))
        assert few.ts[j] == max(0.0, float(np.max(scan.ts + sptr.llh_prior_term[0])))
    n = 10_000 if full else 400
    with timed() as seconds:
        sptr.get_many_fits(n, seed=2)
    report("prior trials, background", n, seconds[0], 10_000, "270 s on 2 cores")


def point_source_trials(ana: Any, full: bool) -> None:
    """One declination."""
    tr = conf.get_trial_runner(src=sources(1.0, 0.1), ana=ana)
    assert np.array_equal(tr.get_many_fits(20, seed=1).ts, tr.fit_trials(range(20), seed=1, n_threads=1)["ts"])
    n = 100_000 if full else 5_000
    with timed() as seconds:
        tr.get_many_fits(n, seed=2)
    report("point-source trials at one declination", n, seconds[0], 100_000, "60 s on 2 cores")


def store(full: bool, where: Path) -> None:
    """Writing, opening and reading."""
    names = ("mlog10p", "ts", "ns", "gamma", "ra", "dec")
    rows = np.zeros(10_000, dtype=[(name, "f8") for name in names])
    rows["ts"] = np.random.default_rng(1).chisquare(1, len(rows))
    n = 10_000_000 if full else 1_000_000
    made = TrialStore(where / "store", {"benchmark": 1})
    with timed() as seconds:
        for start in range(0, n, len(rows)):
            made.append(rows, seed=1, start=start)
    report("trials written", n, seconds[0], 100_000, "1 s")
    with timed() as seconds:
        found = TrialStore(where / "store").read()
    assert len(found) == n
    assert np.array_equal(found["ts"][-len(rows) :], rows["ts"])
    report("trials opened and read, every column", n, seconds[0], 10_000_000, "5 s")
    with timed() as seconds:
        TrialStore(where / "store").read(columns=["ts"])
    report("trials opened and read, TS only", n, seconds[0], 10_000_000, "5 s")


def library(ana: Any, full: bool, where: Path) -> None:
    """Stored scans, and a hundred priors on them."""
    import healpy

    sstr = conf.get_sky_scan_trial_runner(nside=64, ana=ana, min_dec=-float(MAX_DEC), max_dec=float(MAX_DEC))
    scans = ScanLibrary(where / "scans", sstr)
    n = 1000 if full else 60
    with timed() as seconds:
        scans.add(sstr, range(n), seed=1)
    report("scans at nside 64 made and stored", n, seconds[0], 1000, "none")
    print(f"{'size on disk':<46} {scans.n_bytes / len(scans) / 1e6:9.3f} MB a scan   (target: 0.5 MB)")
    rng = np.random.default_rng(1)
    directions = np.array(healpy.pix2vec(64, np.arange(49152)))
    centres = rng.normal(size=(100, 3))
    cosine = (centres / np.linalg.norm(centres, axis=1)[:, None]) @ directions
    widths = np.radians(rng.uniform(1, 30, 100))
    priors = [np.exp((c - 1) / w**2) + 1e-9 * (i % 2) for i, (c, w) in enumerate(zip(cosine, widths, strict=True))]
    direct = conf.get_spatial_prior_trial_runner(
        llh_priors=priors[1], ana=ana, min_dec=-float(MAX_DEC), max_dec=float(MAX_DEC)
    )
    assert np.array_equal(scans.fit(priors[1])["ts"][:4, 0], direct.get_many_fits(4, seed=1).ts)
    with timed() as seconds:
        fits = scans.fit(priors)
    assert fits.shape == (n, 100)
    report("100 priors on stored scans (scans)", n, seconds[0], 1000, "seconds")


def main() -> None:
    """Run all parts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="the full numbers of trials: some ten minutes")
    parser.add_argument("--season", type=Path, metavar="PATH", help="folder of a public release")
    args = parser.parse_args()
    source = selections.demo if args.season is None else selections.PublicRelease(args.season)
    ana = get_analysis(source, logging=False)
    print(f"nusky {code_version()}, Python {platform.python_version()}, numpy {np.__version__}, {platform.machine()}")
    print(f"{allowed_threads()} threads allowed; {ana!r}")
    where = Path(tempfile.mkdtemp(prefix="nusky-bench-"))
    try:
        point_source_trials(ana, args.full)
        prior_trials(ana, args.full)
        store(args.full, where)
        library(ana, args.full, where)
    finally:
        shutil.rmtree(where)


if __name__ == "__main__":
    main()
