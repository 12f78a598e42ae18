"""``nusky data list``, ``fetch`` and ``verify``: public releases from their servers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from nusky.cli.values import say

__all__ = ["add_parsers"]


def add_parsers(commands: Any) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        What ``ArgumentParser.add_subparsers`` gives.
    """
    data = commands.add_parser("data", help="list, fetch and verify public releases")
    actions = data.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="releases that can be fetched, and which are here").set_defaults(run=_list)

    fetch = actions.add_parser(
        "fetch",
        help="fetch a release, or the rest of it",
        description="Fetch a public release; what is here is kept, and what was interrupted is continued.",
    )
    fetch.add_argument("name", help="such as icetracks-dr2; see nusky data list")
    fetch.add_argument("--version", metavar="VERSION", help="default: the last")
    fetch.add_argument("--to", type=Path, metavar="DIR", help="default: in the user's cache folder")
    fetch.add_argument("--server", metavar="URL", help="another Dataverse that has the data set")
    fetch.set_defaults(run=_fetch)

    verify = actions.add_parser("verify", help="compare a fetched release with its checksums")
    verify.add_argument("name", help="name of a release, or the folder that it was fetched to")
    verify.add_argument("--version", metavar="VERSION", help="default: the last")
    verify.set_defaults(run=_verify)


def _list(args: argparse.Namespace) -> None:
    from nusky.downloads import RELEASES, is_fetched, release_folder

    for release in RELEASES.values():
        say(f"{release.name}  {release.title}")
        say(f"    doi:{release.doi}, versions {', '.join(release.versions)}")
        for version in release.versions:
            folder = release_folder(release.name, version)
            if is_fetched(folder):
                say(f"    version {version} is in {folder}")
            elif folder.is_dir():
                say(f"    version {version} is in part in {folder}: fetch it again to complete it")


def _fetch(args: argparse.Namespace) -> None:
    from nusky.downloads import fetch_release

    fetch_release(args.name, version=args.version, to=args.to, server=args.server, log=say)


def _verify(args: argparse.Namespace) -> int:
    from nusky.downloads import RELEASES, find_release, release_folder, verify_release

    if args.name in RELEASES:
        folder = release_folder(args.name, find_release(args.name).version(args.version))
    else:
        folder = Path(args.name).expanduser()
        if not folder.is_dir():
            raise FileNotFoundError(f"{args.name!r} is no folder and no release; there are {', '.join(RELEASES)}")
    say(f"Verifying {folder}")
    wrong = verify_release(folder, say)
    say(f"{len(wrong)} file(s) missing or changed: fetch the release again" if wrong else "All files are as fetched.")
    return 1 if wrong else 0
