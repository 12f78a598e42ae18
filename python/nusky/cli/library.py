"""``nusky library``: background scans made by jobs, joined, and asked for the p-value of any prior."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nusky.cli.inputs import add_data_options, add_map_options, analysis_of, map_options
from nusky.cli.jobs import (
    add_expect_options,
    add_merge_options,
    add_part_options,
    part_of_job,
    sources_of,
    tell_missing,
    tell_problems,
    terminate_as_interrupt,
)
from nusky.cli.values import degrees, real_number, say, whole_number

if TYPE_CHECKING:
    from nusky.store.scans import ScanLibrary

__all__ = ["add_parsers"]

Source = Callable[[Path | None], Any]


def add_parsers(commands: Any, source: Source) -> None:
    """Add the command and its own commands to the command line.

    Parameters
    ----------
    commands : argparse subparsers
    source : callable
        From ``--data`` to what `get_analysis` takes.
    """
    library = commands.add_parser(
        "library", help="background scans, kept once for any prior: make, merge, status, query"
    )
    own = library.add_subparsers(dest="library_command", required=True, metavar="COMMAND")

    make = own.add_parser(
        "make",
        help="scan background trials and keep them; give every job its own range",
        description=(
            "Scan trials A … B-1 of a seed and keep them in the library DIR. What is there already is not made again: "
            "a job that was killed is simply started once more."
        ),
    )
    make.add_argument("--seed", type=whole_number, required=True, help="seed of the whole run, the same for every job")
    add_part_options(make, "scans")
    make.add_argument("--out", type=Path, required=True, metavar="DIR", help="library; made if missing")
    what = "sky-scan runner written by nusky.executors.write_spec; else --data and --nside say what is scanned"
    make.add_argument("--runner", type=Path, metavar="FILE", help=what)
    add_data_options(make)
    make.add_argument("--nside", type=whole_number, default=64, help="default: %(default)s")
    make.add_argument("--min-dec", type=degrees, default=-85.0, metavar="DEG", help="default: %(default)s")
    make.add_argument("--max-dec", type=degrees, default=85.0, metavar="DEG", help="default: %(default)s")
    make.add_argument("--threads", type=whole_number, default=0, metavar="N", help="default: all that are allowed")
    make.add_argument("--chunk", type=whole_number, metavar="N", help="scans of one file; default: some 10 s' worth")
    make.set_defaults(run=lambda args: _make(args, source))

    merge = own.add_parser(
        "merge",
        help="join libraries into one",
        description="Bring the scans of several libraries into one, by links where that can be. The sources stay.",
    )
    add_merge_options(merge, "scans", "libraries")
    merge.set_defaults(run=_merge)

    status = own.add_parser("status", help="what a library holds and what is missing")
    status.add_argument("library", type=Path, metavar="DIR")
    add_expect_options(status, "scans")
    status.set_defaults(run=_status)

    query = own.add_parser(
        "query",
        help="the background of a prior, and p-values against it",
        description=(
            "Apply a prior to every stored scan: the distribution of the best TS, and the p-value of a TS or of a scan."
        ),
    )
    query.add_argument("library", type=Path, metavar="DIR")
    query.add_argument("--prior", type=Path, metavar="MAP", help="sky map; default: none, the hottest pixel")
    add_map_options(query)
    query.add_argument("--min-dec", type=degrees, metavar="DEG", help="only pixels from there on")
    query.add_argument("--max-dec", type=degrees, metavar="DEG", help="only pixels up to there")
    query.add_argument(
        "--ts", type=real_number, action="append", metavar="TS", help="p-value of this TS; may be repeated"
    )
    query.add_argument("--scan", type=Path, metavar="FILE", help="scan.fits of `nusky scan`: its hottest spots and p")
    query.add_argument("--out", type=Path, metavar="FILE", help="write the distribution to this .npz")
    query.set_defaults(run=_query)


def _make(args: argparse.Namespace, source: Source) -> int:
    from nusky.store.scans import ScanLibrary

    start, stop = part_of_job(args)
    terminate_as_interrupt()
    runner = _runner(args, source)
    library = ScanLibrary(args.out, runner)
    there = stop - start - sum(z - a for a, z in library.missing(seed=args.seed, start=start, stop=stop))
    say(f"{runner!r}")
    say(f"seed {args.seed}, scans {start}:{stop}")
    if there:
        say(f"{there} of them are in {library.path} already")
    try:
        library.add(
            runner, range(start, stop), seed=args.seed, mp_cpus=args.threads, chunk=args.chunk or None, logging=True
        )
    except KeyboardInterrupt:
        missing = sum(z - a for a, z in library.missing(seed=args.seed, start=start, stop=stop))
        say(f"interrupted: {stop - start - missing} of {stop - start} scans are kept; the same command goes on")
        return 130
    say(f"{library!r}")
    return tell_problems(library)


def _runner(args: argparse.Namespace, source: Source) -> Any:
    if args.runner is not None:
        from nusky.executors.spec import read_spec

        runner: Any = read_spec(args.runner)
        if not hasattr(runner, "pixels"):
            raise TypeError(f"--runner {args.runner} holds {runner!r}, which scans no map: give that of a sky scan")
        return runner
    from nusky.conf.factories import get_sky_scan_trial_runner

    if args.min_dec >= args.max_dec:
        raise ValueError(f"--min-dec {args.min_dec:g} is not below --max-dec {args.max_dec:g}; exchange them")
    ana = analysis_of(args, source)
    return get_sky_scan_trial_runner(
        ana=ana, nside=args.nside, min_dec=np.radians(args.min_dec), max_dec=np.radians(args.max_dec)
    )


def _merge(args: argparse.Namespace) -> int:
    from nusky.store.library_merging import merge_libraries
    from nusky.store.scans import ScanLibrary

    parts = [ScanLibrary(path, mix_versions=args.mix_versions) for path in sources_of(args)]
    merged = merge_libraries(args.out, parts, mix_versions=args.mix_versions, logging=True)
    say(f"{merged!r}")
    return max([_missing(merged, args), *(tell_problems(part) for part in parts)])


def _status(args: argparse.Namespace) -> int:
    from nusky.store.scans import ScanLibrary

    library = ScanLibrary(args.library, mix_versions=True)
    say(f"{library!r}")
    say(f"made by version {library.journal.identity.version}, {library.n_bytes / 1e6:.1f} MB")
    for seed in library.seeds:
        say(f"{library.count(seed):>12d} scans of seed {seed}")
    return max(_missing(library, args), tell_problems(library))


def _missing(library: ScanLibrary, args: argparse.Namespace) -> int:
    if args.expect is None:
        return 0
    start, stop = args.expect
    gaps = [
        ((a, z), f"scans {a}:{z} of seed {seed}")
        for seed in library.seeds or (0,)
        for a, z in library.missing(seed=seed, start=start, stop=stop)
    ]
    return tell_missing(gaps, args)


def _query(args: argparse.Namespace) -> int:
    from nusky.dists.tsd import TSD
    from nusky.maps.reader import read_sky_map
    from nusky.priors.prior import SpatialPrior
    from nusky.sensitivity.post_trial import hottest_spots
    from nusky.store.scans import ScanLibrary
    from nusky.trial.sky_scan import SkyScan

    library = ScanLibrary(args.library)
    limits = {
        "min_dec": None if args.min_dec is None else float(np.radians(args.min_dec)),
        "max_dec": None if args.max_dec is None else float(np.radians(args.max_dec)),
    }
    prior = None
    if args.prior is not None:
        prior = SpatialPrior(read_sky_map(args.prior, nside=library.nside, **map_options(args)))
        say(f"{prior!r}")
    scan = None if args.scan is None else SkyScan.read(args.scan)
    say(f"{library!r}")
    background = TSD(library.fit(prior, **limits, logging=True)["ts"][:, 0])
    say(f"background: {background!r}")
    for ts in args.ts or ():
        say(f"TS = {ts:g}: {background.p_value(ts)}")
    if scan is not None:
        whole = args.min_dec is None and args.max_dec is None
        regions = None if whole else {"limits": (limits["min_dec"], limits["max_dec"])}
        for spot in hottest_spots(scan, library, prior, regions=regions).values():
            say(f"{spot}")
    if args.out is not None:
        background.save(args.out)
        say(f"-> {args.out}")
    return tell_problems(library)
