"""``nusky watch``: follow up notices as they come."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nusky.cli.follow_up import add_search_options
from nusky.cli.inputs import analysis_of, map_options
from nusky.cli.values import in_options, say

__all__ = ["add_parser"]


def add_parser(commands: Any, source: Callable[[Path | None], Any]) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
    source : callable
        From ``--data`` to what `get_analysis` takes.
    """
    parser = commands.add_parser(
        "watch",
        help="follow up notices as they come",
        description="Follow up every notice of a folder or of GCN's Kafka stream once, also across restarts. The "
        "stream needs the package gcn-kafka, and GCN_CLIENT_ID and GCN_CLIENT_SECRET in the environment.",
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--folder", type=Path, metavar="DIR", help="notices (JSON) and sky maps are put here")
    where.add_argument("--topic", action="append", metavar="NAME", help="of GCN, such as igwn.gwalert; may be repeated")
    parser.add_argument("--domain", default="gcn.nasa.gov", help="of the stream; default: %(default)s")
    add_search_options(parser)
    parser.add_argument("--once", action="store_true", help="end when nothing new is there")
    parser.add_argument("--out", type=Path, default=Path("nusky-watch"), metavar="DIR")
    parser.set_defaults(run=lambda args: _watch(args, source))


def _watch(args: argparse.Namespace, source: Callable[[Path | None], Any]) -> None:
    from nusky.followup import follow_up, write_follow_up
    from nusky.notices import watch

    if args.out.exists() and not args.out.is_dir():
        raise NotADirectoryError(f"--out {args.out} is a file; name a directory")
    notices = _notices(args)
    ana = analysis_of(args, source, logging=False)
    window = None if args.window is None else (args.window[0], args.window[1])

    def follow(target: Any, folder: Path) -> str:
        found = follow_up(
            target, ana=ana, window=window, livetime=args.livetime, n_trials=args.trials, limits=not args.no_limits,
            TRUTH=args.truth, seed=args.seed, use_grl=not args.no_grl, library=args.library, mp_cpus=args.threads,
            nside=args.nside, keep=folder / "background.npz", logging=True,
        )  # fmt: skip
        write_follow_up(found, folder)
        return found.sentence

    watch(notices, args.out, follow, say=say, words=lambda why: in_options(why, args), once=args.once)


def _notices(args: argparse.Namespace) -> Any:
    from nusky.notices import FolderOfNotices, KafkaNotices

    if args.folder is not None:
        return FolderOfNotices(args.folder, map_options(args))
    who = [os.environ.get(name) for name in ("GCN_CLIENT_ID", "GCN_CLIENT_SECRET")]
    if not all(who):
        raise ValueError("--topic needs GCN_CLIENT_ID and GCN_CLIENT_SECRET in the environment (from gcn.nasa.gov)")
    return KafkaNotices.of_gcn(str(who[0]), str(who[1]), args.topic, args.domain)
