"""``nusky trials`` and ``nusky merge``: trials by job arrays, without any server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nusky.cli.values import n_events, say, trial_range, whole_number

if TYPE_CHECKING:
    from nusky.executors.protocols import FitsTrials

__all__ = ["add_parsers"]


def add_parsers(commands: Any) -> None:
    """Add the commands to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        What ``ArgumentParser.add_subparsers`` gives.
    """
    trials = commands.add_parser(
        "trials",
        help="make trials and keep them in a store; give every job its own range",
        description=(
            "Fit trials A … B-1 of a seed and keep them in the store DIR. Jobs may share DIR. What is there already is "
            "not made again: a job that was killed is simply started once more."
        ),
    )
    trials.add_argument(
        "--seed", type=whole_number, required=True, help="seed of the whole run, the same for every job"
    )
    trials.add_argument("--trials", type=trial_range, required=True, metavar="A:B", help="trial numbers of this job")
    trials.add_argument("--out", type=Path, required=True, metavar="DIR", help="store; made if missing")
    what = "runner written by nusky.executors.spec.write_spec; default: the tutorial's search on the synthetic season"
    trials.add_argument("--runner", type=Path, metavar="FILE", help=what)
    trials.add_argument(
        "--n-sig", type=n_events, default=0.0, metavar="N", help="events to inject; default: %(default)g"
    )
    trials.add_argument("--poisson", action="store_true", help="draw the number of injected events around N")
    trials.add_argument("--threads", type=whole_number, default=0, metavar="N", help="default: all that are allowed")
    trials.add_argument(
        "--chunk", type=whole_number, metavar="N", help="trials of one file; default: some seconds' worth"
    )
    trials.set_defaults(run=_trials)

    merge = commands.add_parser(
        "merge",
        help="join stores of trials into one",
        description="Copy the trials of several stores into one, in few large files. The sources stay as they are.",
    )
    merge.add_argument("sources", type=Path, nargs="+", metavar="DIR", help="stores to join")
    merge.add_argument("--out", type=Path, required=True, metavar="DIR", help="store to write; made if missing")
    merge.add_argument("--export", type=Path, metavar="FILE", help="also write all trials to .h5, .parquet or .npz")
    merge.add_argument("--mix-versions", action="store_true", help="accept trials of different versions of nusky")
    merge.set_defaults(run=_merge)


def _trials(args: argparse.Namespace) -> int:
    from nusky.executors.batches import run_batches
    from nusky.executors.on_threads import InterruptedBatch
    from nusky.store.trials import TrialStore

    start, stop = args.trials
    runner = _runner(args.runner)
    store = TrialStore(args.out, runner.config())
    where = {"seed": args.seed, "n_sig": args.n_sig, "poisson": args.poisson}
    missing = sum(b - a for a, b in store.missing(**where, start=start, stop=stop))
    say(f"{runner!r}")
    say(f"configuration {store.config_hash}, seed {args.seed}, n_sig {args.n_sig:g}, trials {start}:{stop}")
    if missing < stop - start:
        say(f"{stop - start - missing} of them are in {store.path} already")
    try:
        chunk = args.chunk or None
        run_batches(
            runner, range(start, stop), **where, n_threads=args.threads, store=store, chunk=chunk, logging=missing > 0
        )
    except InterruptedBatch as interrupted:
        say(f"interrupted: {len(interrupted.partial)} of {stop - start} trials are kept; the same command goes on")
        return 130
    say(f"{store!r}")
    return _report(store)


def _merge(args: argparse.Namespace) -> int:
    from nusky.store.merging import merge
    from nusky.store.trials import TrialStore

    merged = merge(args.out, args.sources, mix_versions=args.mix_versions, logging=True)
    for n_sig in merged.n_sigs:
        say(f"{merged.count(n_sig=n_sig):>12d} trials with n_sig = {n_sig:g}")
    say(f"{merged!r}")
    if args.export is not None:
        merged.export(args.export)
        say(f"-> {args.export}")
    # opened again: what was left out was left out of the sources
    stores = [TrialStore(source, mix_versions=args.mix_versions) for source in args.sources]
    for store in stores:
        store.verify()
    return max(_report(store) for store in stores)


def _report(store: Any) -> int:
    """Name what cannot be used; such a run has not simply succeeded."""
    for problem in store.problems:
        say(f"left out: {store.path / 'shards' / problem.shard}: {problem.reason}")
    return 1 if store.problems else 0


def _runner(path: Path | None) -> FitsTrials:
    if path is not None:
        from nusky.executors.spec import read_spec

        return read_spec(path)
    from nusky.analysis.analysis import get_analysis
    from nusky.cli.demo import MAX_DEC, tutorial_prior
    from nusky.conf.factories import get_spatial_prior_trial_runner
    from nusky.selections import demo

    say("no --runner: the tutorial's search, with its prior, on the synthetic season")
    ana = get_analysis(demo, logging=False)
    return get_spatial_prior_trial_runner(
        ana=ana, llh_priors=tutorial_prior(), min_dec=-float(MAX_DEC), max_dec=float(MAX_DEC)
    )
