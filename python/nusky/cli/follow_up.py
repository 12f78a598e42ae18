"""``nusky follow-up``: from a map or notice to an answer."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nusky.cli.inputs import add_data_options, add_map_options, analysis_of, map_options
from nusky.cli.values import n_events, say, whole_number

__all__ = ["add_parser", "add_search_options"]


def add_parser(commands: Any, source: Callable[[Path | None], Any]) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
    source : callable
        From ``--data`` to what `get_analysis` takes.
    """
    parser = commands.add_parser(
        "follow-up",
        help="search for neutrinos from a map or notice",
        description="Follow up a sky map, a notice (JSON) or RA,DEC,RADIUS; write the answer, a page and a notice.",
    )
    parser.add_argument("input", help="sky map, notice (JSON), or RA,DEC,RADIUS in degrees (90 %%)")
    add_search_options(parser)
    parser.add_argument("--start", type=float, metavar="MJD")
    parser.add_argument("--stop", type=float, metavar="MJD")
    parser.add_argument("--gamma", type=float, help="fix the spectrum of the fit")
    parser.add_argument("--containment", type=float, metavar="P", help="fit the pixels that hold this much only")
    parser.add_argument(
        "--inject", type=n_events, default=0, metavar="N", help="a drill: into the scramble, on average"
    )
    parser.add_argument("--out", type=Path, default=Path("nusky-follow-up"), metavar="DIR")
    parser.set_defaults(run=lambda args: _follow_up(args, source))


def add_search_options(parser: argparse.ArgumentParser) -> None:
    """What every search after a map or notice takes, one or many: data, times, trials, limits."""
    add_data_options(parser)
    parser.add_argument("--window", nargs=2, type=float, metavar="S", help="around the trigger; default: -500 500")
    parser.add_argument(
        "--no-grl", action="store_true", help="data without good runs: the detector is on from first event to last"
    )
    parser.add_argument("--livetime", action="store_true", help="the whole of the data")
    parser.add_argument("--trials", type=whole_number, default=1000, metavar="N", help="at most; default: %(default)s")
    parser.add_argument("--no-limits", action="store_true", help="leave sensitivity and upper limit out")
    parser.add_argument("--library", type=Path, metavar="DIR", help="background scans made beforehand")
    parser.add_argument("--truth", action="store_true", help="the real sky; default: a scramble")
    parser.add_argument(
        "--nside", type=whole_number, metavar="N", help="of the search; default: what the events resolve"
    )
    add_map_options(parser)
    parser.add_argument("--seed", type=whole_number, default=1, help="default: %(default)s")
    parser.add_argument("--threads", type=whole_number, default=0, metavar="N", help="default: all that are allowed")


def _follow_up(args: argparse.Namespace, source: Callable[[Path | None], Any]) -> None:
    from nusky.followup import follow_up, read_target, search_times, write_follow_up

    if args.out.exists() and not args.out.is_dir():
        raise NotADirectoryError(f"--out {args.out} is a file; name a directory")
    target = read_target(args.input, nside=args.nside, **map_options(args))
    search_times(target, _pair(args.window), args.start, args.stop, args.livetime)
    found = follow_up(
        target, ana=analysis_of(args, source, logging=False),
        window=_pair(args.window), start=args.start, stop=args.stop,
        livetime=args.livetime, gamma=args.gamma, containment=args.containment, n_trials=args.trials, nside=args.nside,
        limits=not args.no_limits, TRUTH=args.truth, n_sig=args.inject, seed=args.seed,
        use_grl=not args.no_grl, mp_cpus=args.threads, library=args.library,
        keep=args.out / "background.npz", logging=True,
    )  # fmt: skip
    say("Pictures, page and files")
    paths = write_follow_up(found, args.out)
    say(found.sentence)
    for path in paths:
        say(f"  {path}")


def _pair(window: list[float] | None) -> tuple[float, float] | None:
    return None if window is None else (window[0], window[1])
