"""The command line: ``nusky demo``, ``nusky scan``, ``nusky config`` and what `trials` and `data` add."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from nusky.cli import completion, data, follow_up, library, plan, trials, watch
from nusky.cli.inputs import add_data_options, add_map_options, analysis_of, map_options
from nusky.cli.values import degrees, in_options, one_line, say, whole_number
from nusky.progress import tell

if TYPE_CHECKING:
    from nusky.cli.search import Search, Steps
    from nusky.selections.repository import DataRepository

__all__ = ["main"]

# What a wrong file, option or value raises. Anything else is a mistake of ours and keeps its traceback.
_USER_ERRORS = (ValueError, TypeError, KeyError, OSError, ImportError)


class _Parser(argparse.ArgumentParser):
    """An error is one line, without the usage above it that pushes it out of sight."""

    def _print_message(self, message: str, file: Any = None) -> None:
        tell(message, file or sys.stderr)  # also where the terminal has no "…"

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class _Version(argparse.Action):
    """Hashes the sources only when it is asked for, not at the start of every command."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> NoReturn:
        from nusky.version import code_version, commit

        say(f"nusky {code_version()} (commit {commit()})")
        parser.exit()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; ``sys.argv[1:]`` by default.

    Returns
    -------
    int
        0; 2 after a user's error, which is printed in one line; 130 after Ctrl-C.

    Examples
    --------
    >>> main(["config"])  # doctest: +ELLIPSIS
    nusky ...
    0
    """
    parser = _parser()
    args = parser.parse_args(argv)
    command = f"{parser.prog} {args.command}"
    try:
        result = args.run(args)
    except KeyboardInterrupt:
        tell(f"\n{command}: interrupted\n", sys.stderr)
        return 130
    except _USER_ERRORS as error:
        if args.traceback:
            raise
        tell(f"{command}: error: {in_options(one_line(error), args)}\n", sys.stderr)
        return 2
    return int(result or 0)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="nusky", description="Neutrino sky scans with spatial priors.")
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    parser.add_argument("--traceback", action="store_true", help="show where an error came from")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)

    demo = commands.add_parser(
        "demo",
        help="run the main job on an embedded synthetic season",
        description="Search a synthetic season with the tutorial's prior; write FITS maps and pictures.",
    )
    _add_trial_options(demo, out="nusky-demo", n_sig=20)
    demo.add_argument("--real", type=Path, metavar="PATH", help="folder of a public IceCube release, used instead")
    demo.set_defaults(run=_demo)

    scan = commands.add_parser(
        "scan",
        help="search data with a prior from a file",
        description="Fit a trial, or the real sky with --truth, with a prior map; write FITS maps and pictures.",
    )
    scan.add_argument("prior", type=Path, help="sky map: HEALPix FITS, multi-order FITS, HDF5")
    add_data_options(scan)
    scan.add_argument("--nside", type=whole_number, help="resolution of the scan; default: the map's")
    scan.add_argument("--min-dec", type=degrees, default=-85.0, metavar="DEG", help="default: %(default)s")
    scan.add_argument("--max-dec", type=degrees, default=85.0, metavar="DEG", help="default: %(default)s")
    scan.add_argument("--truth", action="store_true", help="fit the real, unscrambled sky")
    add_map_options(scan)
    _add_trial_options(scan, out="nusky-scan", n_sig=0)
    scan.set_defaults(run=_scan)

    config = commands.add_parser("config", help="say what is installed and used")
    config.set_defaults(run=_config)

    trials.add_parsers(commands, _source)
    plan.add_parser(commands, _source)
    library.add_parsers(commands, _source)
    data.add_parsers(commands)
    follow_up.add_parser(commands, _source)
    watch.add_parser(commands, _source)
    completion.add_parser(commands, parser)
    return parser


def _add_trial_options(parser: argparse.ArgumentParser, *, out: str, n_sig: int) -> None:
    default = "default: %(default)s"
    parser.add_argument("--out", type=Path, default=Path(out), metavar="DIR", help=f"where the files go; {default}")
    parser.add_argument("--seed", type=whole_number, default=1, help=default)
    parser.add_argument("--n-sig", type=whole_number, default=n_sig, metavar="N", help=f"events to inject; {default}")
    parser.add_argument("--threads", type=whole_number, default=0, metavar="N", help="default: all that are allowed")


def _demo(args: argparse.Namespace) -> None:
    from nusky.cli.demo import run_demo
    from nusky.cli.search import Steps

    out = _output_directory(args.out)
    steps = Steps(say)
    search, files = run_demo(out, steps, seed=args.seed, n_sig=args.n_sig, real=args.real, mp_cpus=args.threads)
    _report(search, files, out, steps)


def _scan(args: argparse.Namespace) -> None:
    from nusky.cli.search import Steps, run_search, write_search
    from nusky.maps import MAX_FLAT_NSIDE, read_sky_map
    from nusky.priors.prior import SpatialPrior
    from nusky.selections import demo

    if args.truth and args.n_sig:
        raise ValueError(f"--truth fits the real sky, into which nothing is injected; leave --n-sig {args.n_sig} away")
    if args.min_dec >= args.max_dec:
        raise ValueError(f"--min-dec {args.min_dec:g} is not below --max-dec {args.max_dec:g}; exchange them")
    source = _source(args.data)
    out = _output_directory(args.out)
    steps = Steps(say)
    with steps(f"Prior {args.prior}"):
        sky = read_sky_map(args.prior, nside=args.nside, **map_options(args))
        if sky.nside > MAX_FLAT_NSIDE:
            raise ValueError(f"{args.prior} has nside {sky.nside}, too fine for a scan; give --nside 512, say")
        prior = SpatialPrior(sky)
        say(f"    {prior!r}")
    with steps("Analysis"):
        ana = analysis_of(args, _source)
    options = {"min_dec": np.radians(args.min_dec), "max_dec": np.radians(args.max_dec), "mp_cpus": args.threads}
    trial = {"TRUTH": True} if args.truth else {"n_sig": args.n_sig, "seed": args.seed}
    search = run_search(ana, prior, options, steps, **trial)
    kind = "real sky" if args.truth else f"scrambled, {args.n_sig} injected events, seed {args.seed}"
    synthetic = "synthetic season " if source is demo else ""
    _report(search, write_search(search, out, f"{synthetic}{', '.join(ana.keys)}, {kind}", steps), out, steps)


def _config(args: argparse.Namespace) -> None:
    from nusky.installation import show_config

    show_config()


def _source(path: Path | None) -> DataRepository:
    """Repository for a folder: a public release where it is one, else npy files."""
    from nusky.releases import is_first_year, is_track_release
    from nusky.selections import PublicRelease, Repository, demo

    if path is None:
        return demo
    if not path.is_dir():
        raise FileNotFoundError(f"--data {path}: no such folder; give a public release or an npy repository")
    if is_first_year(path) or is_track_release(path):
        return PublicRelease(path)
    return Repository(path)


def _output_directory(path: Path) -> Path:
    """Make the directory before anything is computed, so that a mistake in it costs no waiting."""
    if path.exists() and not path.is_dir():
        raise NotADirectoryError(f"--out {path} is a file; name a directory")
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def _report(search: Search, files: dict[Path, str], out: Path, steps: Steps) -> None:
    fit, trial = search.fit, search.trial
    here = fit.pixel if fit.pixel is not None else search.prior.peak
    say("")
    say("Best fit")
    say(f"  TS        {fit.ts:.2f} with the prior, {search.scan.ts[here]:.2f} without")
    say(f"  n_s       {fit.ns:.2f}")
    say(f"  gamma     {fit.gamma:.2f}" if math.isfinite(fit.gamma) else "  gamma     undefined: no excess")
    say(f"  RA, Dec   {_position(fit.ra, fit.dec)}")
    say(f"  status    {fit.status.name}")
    for ra, dec in zip(trial.ra, trial.dec, strict=True):
        say(f"  injected  {_position(ra, dec)}, {trial.n_injected} events")
    say("")
    say(f"Files in {out}")
    width = max(len(path.name) for path in files)
    for path, what in files.items():
        say(f"  {path.name:<{width}}  {what}")
    say("")
    say(f"{sum(steps.seconds.values()):.1f} s: " + ", ".join(f"{name} {s:.2f} s" for name, s in steps.seconds.items()))


def _position(ra: float, dec: float) -> str:
    return f"{np.degrees(ra):.2f}°, {np.degrees(dec):+.2f}°"
