"""What the commands of a job array share: which part is whose, what is missing, how a batch system ends a job."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nusky.cli.values import say, trial_range, whole_number
from nusky.files.atomic import atomic_write

__all__ = [
    "add_expect_options",
    "add_merge_options",
    "add_part_options",
    "part_of_job",
    "sources_of",
    "tell_missing",
    "tell_problems",
    "terminate_as_interrupt",
]


def add_part_options(parser: argparse.ArgumentParser, noun: str) -> None:
    """Which trials or scans a job makes: ``--trials A:B``, or ``--job N --per-job M``.

    Parameters
    ----------
    parser : ArgumentParser
    noun : str
        "trials" or "scans", the name of the option too.
    """
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument(
        f"--{noun}", type=trial_range, dest="part", metavar="A:B", help=f"numbers of this job's {noun}: A … B-1"
    )
    which.add_argument("--job", type=whole_number, metavar="N", help="number of this job, from 0 on, with --per-job")
    parser.add_argument("--per-job", type=whole_number, metavar="M", help=f"{noun} of each job: N·M … N·M + M - 1")
    parser.add_argument("--of", type=whole_number, metavar="T", help=f"{noun} of all jobs: the last one ends there")
    parser.set_defaults(noun=noun)


def part_of_job(args: argparse.Namespace) -> tuple[int, int]:
    """Numbers start … stop − 1 of this job.

    Raises
    ------
    ValueError
        If the options contradict each other.
    """
    if args.part is not None:
        if args.per_job is not None or args.of is not None:
            raise ValueError(f"--per-job and --of belong to --job; with --{args.noun} A:B leave them away")
        start, stop = args.part
        return start, stop
    if not args.per_job:
        raise ValueError(f"--job {args.job} needs --per-job, the number of {args.noun} of each job, at least 1")
    start, stop = args.job * args.per_job, (args.job + 1) * args.per_job
    if args.of is not None:
        stop = min(stop, args.of)
    if start >= stop:
        raise ValueError(
            f"--job {args.job} of {args.per_job} {args.noun} each begins at {start}, beyond --of {args.of}"
        )
    return start, stop


def add_expect_options(parser: argparse.ArgumentParser, noun: str) -> None:
    """What should be there, and the list of what is to be sent again."""
    parser.add_argument(
        "--expect", type=trial_range, metavar="A:B", help=f"name the {noun} of A … B-1 that are missing; exit status 3"
    )
    parser.add_argument("--per-job", type=whole_number, metavar="M", help=f"with --resubmit: {noun} of each job")
    parser.add_argument(
        "--resubmit", type=Path, metavar="FILE", help="write the missing jobs (ranges without --per-job)"
    )


def add_merge_options(parser: argparse.ArgumentParser, noun: str, what: str) -> None:
    """Sources and target of a merge."""
    parser.add_argument("sources", type=Path, nargs="*", metavar="DIR", help=f"{what} to join")
    parser.add_argument("--parts", type=Path, metavar="FOLDER", help=f"join all {what} in this folder too")
    add_expect_options(parser, noun)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="what to write; made if missing")
    parser.add_argument("--mix-versions", action="store_true", help=f"accept {noun} of different versions of nusky")


def sources_of(args: argparse.Namespace) -> list[Path]:
    """The directories to merge."""
    sources = list(args.sources)
    if args.parts is not None:
        sources += sorted(path.parent for path in args.parts.glob("*/manifest.jsonl"))
    return sources


def tell_missing(gaps: Iterable[tuple[tuple[int, int], str]], args: argparse.Namespace) -> int:
    """Name what is missing, and write the jobs to send again; 3 if there are any, else 0.

    Parameters
    ----------
    gaps : iterable of ((start, stop), text)
        What is missing, and how it is to be named.
    args : Namespace
        With the options of `add_expect_options`.
    """
    ranges = []
    for gap, text in gaps:
        ranges.append(gap)
        say(f"missing: {text}")
    if args.resubmit is not None:
        if args.per_job:
            jobs = sorted({job for a, z in ranges for job in range(a // args.per_job, (z - 1) // args.per_job + 1)})
            lines = [str(job) for job in jobs]
        else:
            lines = [f"{a}:{z}" for a, z in sorted(set(ranges))]
        with atomic_write(args.resubmit) as stream:
            stream.write("".join(f"{line}\n" for line in lines).encode())
        if lines:
            say(f"-> {args.resubmit}: {len(lines)} to send again")
    return 3 if ranges else 0


def tell_problems(store: Any) -> int:
    """Name what cannot be used; such a run has not simply succeeded: 1, else 0."""
    for problem in store.problems:
        say(f"left out: {store.path / 'shards' / problem.shard}: {problem.reason}")
    return 1 if store.problems else 0


def terminate_as_interrupt() -> None:
    """Batch systems end a job by SIGTERM: what is done is kept, as after Ctrl-C."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
