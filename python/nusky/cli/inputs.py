"""What a command reads, data, sky maps and what is to be fitted: the same options for every command that does."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nusky.cli.values import degrees, real_number, say, whole_number

if TYPE_CHECKING:
    from nusky.executors.protocols import FitsTrials

__all__ = [
    "add_data_options",
    "add_hypothesis_options",
    "add_map_options",
    "analysis_of",
    "map_options",
    "runner_of",
]

Source = Callable[[Path | None], Any]

_KINDS = ("probability", "density", "2dlnl", "cl", "region")
_FRAMES = ("equatorial", "galactic", "ecliptic")
_ORDERINGS = ("ring", "nested")
_LIMITS = ("min_dec", "max_dec")


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--data`` and what `nusky.get_analysis` can be told about it."""
    what = "public IceCube release or npy repository; default: synthetic season"
    parser.add_argument("--data", type=Path, metavar="PATH", help=what)
    parser.add_argument("--data-version", metavar="NAME", help="version in the repository, where it has several")
    parser.add_argument("--season", action="append", metavar="KEY", help="season, may be repeated; default: all")
    parser.add_argument("--on-bad", choices=("raise", "drop"), help="rows with impossible values: refuse, or leave out")


def analysis_of(args: argparse.Namespace, source: Callable[[Path | None], Any], *, logging: bool = True) -> Any:
    """The analysis that the options ask for.

    Parameters
    ----------
    args : Namespace
    source : callable
        From ``--data`` to what `get_analysis` takes.
    logging : bool
        Say what is read.
    """
    from nusky.analysis.analysis import get_analysis

    return get_analysis(source(args.data), args.data_version, args.season, on_bad=args.on_bad, logging=logging)


def add_hypothesis_options(parser: argparse.ArgumentParser) -> None:
    """Add what is fitted: one of a runner's file, a source, a table of sources, a template, a prior, the whole sky.

    The settings after it are csky's keywords, and go to the factory of the runner as they are: none belongs to one
    hypothesis here.
    """
    what = parser.add_argument_group("what is fitted; default: the tutorial's search on the synthetic season")
    one = what.add_mutually_exclusive_group()
    one.add_argument("--runner", type=Path, metavar="FILE", help="runner that nusky.executors.write_spec wrote")
    one.add_argument("--source", nargs=2, type=real_number, metavar=("RA", "DEC"), help="one source, degrees")
    table = "a stack: table with ra, dec (degrees), weight, extension, mjd, t_100 where known"
    one.add_argument("--sources", type=Path, metavar="TABLE", help=table)
    each = "each source of such a table by itself, the best one is the fit"
    one.add_argument("--each", type=Path, metavar="TABLE", help=each)
    one.add_argument("--template", type=Path, metavar="MAP", help="sky map whose flux is fitted")
    one.add_argument("--prior", type=Path, metavar="MAP", help="sky map that sources are likely in")
    one.add_argument("--scan", type=whole_number, metavar="NSIDE", help="every pixel of the sky")
    what.add_argument("--gamma", type=real_number, metavar="G", help="hold the spectral index")
    what.add_argument("--flux", type=real_number, metavar="G", help="spectral index of injected signal; default: 2")
    what.add_argument("--sigsub", action="store_true", help="signal-subtracted likelihood")
    what.add_argument("--time", choices=("utf",), help="utf: a flare of unknown start and length, a box")
    what.add_argument("--dt-min", type=real_number, metavar="DAYS", help="shortest flare")
    what.add_argument("--dt-max", type=real_number, metavar="DAYS", help="longest flare")
    what.add_argument("--min-dec", type=degrees, metavar="DEG", help="of maps: only pixels from there on")
    what.add_argument("--max-dec", type=degrees, metavar="DEG", help="of maps: only pixels up to there")
    add_data_options(parser)
    add_map_options(parser)


def runner_of(args: argparse.Namespace, source: Source) -> FitsTrials:
    """The runner that the options of `add_hypothesis_options` ask for.

    Parameters
    ----------
    args : Namespace
    source : callable
        From ``--data`` to what `get_analysis` takes.

    Raises
    ------
    ValueError
        Settings beside a runner's file, which has them, or what is said of a map without one.
    """
    settings = _settings(args)
    of_data = [name for name in ("data", "data_version", "season", "on_bad") if getattr(args, name) is not None]
    made = next((name for name in _MADE if getattr(args, name) is not None), None)
    if args.runner is not None:
        from nusky.executors.spec import read_spec

        if said := [*of_data, *map_options(args), *settings]:
            raise ValueError(f"{said[0]}= is said by the runner in {args.runner}: leave it out")
        return read_spec(args.runner)
    if made not in ("template", "prior") and (said := list(map_options(args))):
        raise ValueError(f"{said[0]}= is for the file of a map, --template or --prior")
    if made is None:
        tutorial: FitsTrials = _tutorial(args, settings, source)
        return tutorial
    ana = analysis_of(args, source, logging=False)
    runner: FitsTrials = _MADE[made](args, {"ana": ana, **settings})
    return runner


def _settings(args: argparse.Namespace) -> dict[str, Any]:
    """Keywords of the factories that the options say."""
    from nusky.conf import UTFSeeder
    from nusky.hyp import PowerLawFlux

    given = {name: getattr(args, name) for name in ("gamma", "dt_min", "dt_max") if getattr(args, name) is not None}
    given |= {name: math.radians(getattr(args, name)) for name in _LIMITS if getattr(args, name) is not None}
    if args.flux is not None:
        given["flux"] = PowerLawFlux(args.flux)
    if args.sigsub:
        given["sigsub"] = True
    if args.time is not None:
        given |= {"time": args.time, "box": True, "seeder": UTFSeeder()}
    return given


def _of_source(args: argparse.Namespace, settings: dict[str, Any]) -> Any:
    from nusky.conf import get_trial_runner
    from nusky.source import sources

    ra, dec = args.source
    return get_trial_runner(src=sources(ra, dec, deg=True), **settings)


def _of_sources(args: argparse.Namespace, settings: dict[str, Any]) -> Any:
    from nusky.conf import get_trial_runner
    from nusky.source import read_sources

    src = read_sources(args.sources)
    say(f"{args.sources}: {src!r}")
    return get_trial_runner(src=src, **settings)


def _of_each(args: argparse.Namespace, settings: dict[str, Any]) -> Any:
    from nusky.conf import get_source_list_trial_runner
    from nusky.source import read_sources

    src = read_sources(args.each)
    say(f"{args.each}: {src!r}")
    return get_source_list_trial_runner(src=src, **settings)


def _of_template(args: argparse.Namespace, settings: dict[str, Any]) -> Any:
    from nusky.conf import get_trial_runner
    from nusky.maps import read_sky_map

    return get_trial_runner(template=read_sky_map(args.template, **map_options(args)), **settings)


def _of_prior(args: argparse.Namespace, settings: dict[str, Any]) -> Any:
    from nusky.conf import get_spatial_prior_trial_runner
    from nusky.maps import read_sky_map

    return get_spatial_prior_trial_runner(llh_priors=read_sky_map(args.prior, **map_options(args)), **settings)


def _of_scan(args: argparse.Namespace, settings: dict[str, Any]) -> Any:
    from nusky.conf import get_sky_scan_trial_runner

    return get_sky_scan_trial_runner(nside=args.scan, **settings)


_MADE: dict[str, Callable[[argparse.Namespace, dict[str, Any]], Any]] = {
    "source": _of_source,
    "sources": _of_sources,
    "each": _of_each,
    "template": _of_template,
    "prior": _of_prior,
    "scan": _of_scan,
}


def _tutorial(args: argparse.Namespace, settings: dict[str, Any], source: Source) -> Any:
    from nusky.cli.demo import MAX_DEC, tutorial_prior
    from nusky.conf import get_spatial_prior_trial_runner

    say(
        "none of --source, --sources, --each, --template, --prior, --scan, --runner: the tutorial's search, with its "
        "prior, on " + ("the synthetic season" if args.data is None else str(args.data))
    )
    limits = {"min_dec": -float(MAX_DEC), "max_dec": float(MAX_DEC)}
    ana = analysis_of(args, source, logging=False)
    return get_spatial_prior_trial_runner(**{"ana": ana, "llh_priors": tutorial_prior(), **limits, **settings})


def add_map_options(parser: argparse.ArgumentParser) -> None:
    """Add what `nusky.read_sky_map` can be told about a map, where its file does not say it."""
    about = parser.add_argument_group("the map, where the file does not say it")
    about.add_argument("--kind", choices=_KINDS, help="what the map holds")
    about.add_argument("--frame", choices=_FRAMES, help="frame of the map")
    about.add_argument("--ordering", choices=_ORDERINGS, help="order of its pixels")
    about.add_argument("--column", metavar="NAME", help="column that holds the map, where there are several")
    about.add_argument("--hdu", type=_number_or_name, metavar="N", help="FITS extension or HDF5 group")
    about.add_argument("--missing", choices=("error", "zero"), default="error", help="what the map does not cover")
    about.add_argument(
        "--calibration", type=_levels, metavar="LEVELS", help="of 2dlnl: 0.5:22.2,0.9:64.2 (where regions end) or wilks"
    )


def map_options(args: argparse.Namespace) -> dict[str, Any]:
    """Keywords of `nusky.read_sky_map` that the options say.

    Examples
    --------
    >>> parser = argparse.ArgumentParser()
    >>> add_map_options(parser)
    >>> map_options(parser.parse_args(["--ordering", "nested", "--frame", "galactic"]))
    {'frame': 'galactic', 'nest': True}
    """
    names = ("kind", "frame", "column", "hdu", "calibration")
    said = {name: getattr(args, name) for name in names if getattr(args, name) is not None}
    if args.ordering is not None:
        said["nest"] = args.ordering == "nested"
    if args.missing != "error":
        said["missing"] = args.missing
    return said


def _number_or_name(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _levels(text: str) -> str | dict[float, float]:
    if text == "wilks":
        return text
    try:
        return {float(level): float(end) for level, end in (pair.split(":") for pair in text.split(","))}
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither wilks nor levels such as 0.5:22.2,0.9:64.2") from None
