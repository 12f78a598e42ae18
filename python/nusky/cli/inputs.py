"""What a command reads, data and sky maps: the same options for every command that does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["add_data_options", "add_map_options", "analysis_of", "map_options"]

_KINDS = ("probability", "density", "2dlnl", "cl", "region")
_FRAMES = ("equatorial", "galactic", "ecliptic")
_ORDERINGS = ("ring", "nested")


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
