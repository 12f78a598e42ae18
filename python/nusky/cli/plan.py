"""``nusky plan``: a folder with all that a batch system needs for the trials of a search."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nusky.cli.inputs import add_hypothesis_options, runner_of
from nusky.cli.values import n_events, say, whole_number

__all__ = ["add_parser"]

Source = Callable[[Path | None], Any]


def add_parser(commands: Any, source: Source) -> None:
    """Add the command to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        What ``ArgumentParser.add_subparsers`` gives.
    source : callable
        From ``--data`` to what `get_analysis` takes.
    """
    plan = commands.add_parser(
        "plan",
        help="write the job files of a search for SLURM, HTCondor, Snakemake or dask-jobqueue",
        description=(
            "Make the folder DIR with the runner, the analysis and the files of a batch system. The folder can be "
            "moved as a whole. Each job makes its own part; the last step joins the parts and lists what is missing."
        ),
    )
    plan.add_argument("out", type=Path, metavar="DIR", help="search folder; made if missing")
    plan.add_argument("--system", choices=("slurm", "htcondor", "snakemake", "dask"), default="slurm")
    plan.add_argument("--library", action="store_true", help="make scans for a library, with --scan NSIDE")
    add_hypothesis_options(plan)
    plan.add_argument("--n-trials", type=whole_number, required=True, metavar="T", help="trials (scans) of all jobs")
    plan.add_argument("--per-job", type=whole_number, required=True, metavar="M", help="trials (scans) of each job")
    plan.add_argument("--seed", type=whole_number, required=True)
    plan.add_argument("--n-sig", type=n_events, default=0.0, metavar="N", help="events to inject")
    plan.add_argument("--poisson", action="store_true", help="draw the number of injected events around N")
    plan.add_argument("--minutes", type=whole_number, default=60, metavar="N", help="time of a job; default: 60")
    plan.add_argument("--memory", type=whole_number, default=2000, metavar="MB", help="of a job; default: 2000")
    plan.add_argument("--threads", type=whole_number, default=1, metavar="N", help="of a job; default: 1")
    plan.set_defaults(run=lambda args: _plan(args, source))


def _plan(args: argparse.Namespace, source: Source) -> int:
    from nusky.executors.plan import plan_jobs

    plan, files = plan_jobs(
        runner_of(args, source),
        args.out,
        system=args.system,
        n_trials=args.n_trials,
        per_job=args.per_job,
        seed=args.seed,
        n_sig=args.n_sig,
        poisson=args.poisson,
        minutes=args.minutes,
        memory_mb=args.memory,
        threads=args.threads,
        library=args.library,
    )
    say(f"{plan.n_jobs} jobs of {plan.per_job} {'scans' if plan.library else 'trials'} in {args.out}:")
    for path in files:
        say(f"-> {path}")
    start = {
        "slurm": "bash submit.sh",
        "htcondor": "condor_submit_dag search.dag",
        "snakemake": "snakemake --cores all",
        "dask": "python workers.py",
    }
    say(f"start them there with: {start[args.system]}")
    return 0
