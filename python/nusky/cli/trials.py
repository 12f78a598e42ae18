"""``nusky trials``, ``merge``, ``status``: trials by job arrays, without any server; ``nusky fit``, ``sensitivity``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nusky.cli.inputs import add_hypothesis_options, runner_of
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
from nusky.cli.values import n_events, real_number, say, whole_number

if TYPE_CHECKING:
    from nusky.store.block import Block

__all__ = ["add_parsers"]

Source = Callable[[Path | None], Any]


def add_parsers(commands: Any, source: Source) -> None:
    """Add the commands to the command line.

    Parameters
    ----------
    commands : argparse subparsers
        What ``ArgumentParser.add_subparsers`` gives.
    source : callable
        From ``--data`` to what `get_analysis` takes.
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
    add_part_options(trials, "trials")
    trials.add_argument("--out", type=Path, required=True, metavar="DIR", help="store; made if missing")
    add_hypothesis_options(trials)
    trials.add_argument(
        "--n-sig", type=n_events, default=0.0, metavar="N", help="events to inject; default: %(default)g"
    )
    trials.add_argument("--poisson", action="store_true", help="draw the number of injected events around N")
    trials.add_argument("--threads", type=whole_number, default=0, metavar="N", help="default: all that are allowed")
    trials.add_argument(
        "--chunk", type=whole_number, metavar="N", help="trials of one file; default: some seconds' worth"
    )
    trials.set_defaults(run=lambda args: _trials(args, source))

    merge = commands.add_parser(
        "merge",
        help="join stores of trials into one",
        description="Copy the trials of several stores into one, in few large files. The sources stay as they are.",
    )
    add_merge_options(merge, "trials", "stores")
    merge.add_argument("--export", type=Path, metavar="FILE", help="also write all trials to .h5, .parquet or .npz")
    merge.set_defaults(run=_merge)
    status = commands.add_parser(
        "status", help="what a store of trials, or those of a search, holds and what is missing"
    )
    status.add_argument(
        "store", type=Path, metavar="DIR", help="store, or a planned search with the stores of its jobs"
    )
    add_expect_options(status, "trials")
    status.set_defaults(run=_status)

    fit = commands.add_parser(
        "fit",
        help="fit one trial, or the real sky",
        description="Fit one scrambled trial, or the real sky with --truth; print the best fit.",
    )
    add_hypothesis_options(fit)
    fit.add_argument("--seed", type=whole_number, default=1, help="default: %(default)s")
    fit.add_argument("--n-sig", type=whole_number, default=0, metavar="N", help="events to inject; default: 0")
    fit.add_argument("--truth", action="store_true", help="fit the real, unscrambled sky")
    fit.add_argument("--threads", type=whole_number, default=0, metavar="N", help="default: all that are allowed")
    fit.add_argument("--out", type=Path, metavar="FILE", help="write the fit to this .json")
    fit.set_defaults(run=lambda args: _fit(args, source))

    sensitivity = commands.add_parser(
        "sensitivity",
        help="the flux that is found in 90 %% of trials, and on request the discovery potential",
        description="Make background trials and trials with signal; print the sensitivity as events and as a flux.",
    )
    add_hypothesis_options(sensitivity)
    sensitivity.add_argument("--seed", type=whole_number, default=1, help="default: %(default)s")
    sensitivity.add_argument(
        "--trials", type=whole_number, default=1000, metavar="N", help="of background; default: %(default)s"
    )
    sensitivity.add_argument("--tol", type=real_number, default=0.05, help="relative error; default: %(default)s")
    sensitivity.add_argument(
        "--n-sigma", type=real_number, metavar="S", help="also the flux that half of the trials see with S sigma"
    )
    sensitivity.add_argument("--threads", type=whole_number, default=0, metavar="N", help="default: all allowed")
    sensitivity.set_defaults(run=lambda args: _sensitivity(args, source))


def _fit(args: argparse.Namespace, source: Source) -> int:
    if args.truth and args.n_sig:
        raise ValueError(f"--truth fits the real sky, into which nothing is injected; leave --n-sig {args.n_sig} away")
    runner: Any = runner_of(args, source)
    say(f"{runner!r}")
    asked = {"TRUTH": True} if args.truth else {"n_sig": args.n_sig, "seed": args.seed}
    fit = runner.get_one_fit(**asked, mp_cpus=args.threads)
    say(runner.format_result(fit))
    for note in fit.notes:
        say(note)
    if args.out is not None:
        fit.save(args.out)
        say(f"-> {args.out}")
    return 0


def _sensitivity(args: argparse.Namespace, source: Source) -> int:
    from dataclasses import replace

    from nusky.sensitivity import discovery_potential, sensitivity

    runner: Any = runner_of(args, source)
    runner = replace(runner, mp_cpus=args.threads)
    say(f"{runner!r}")
    options: dict[str, Any] = {"n_bg_trials": args.trials, "seed": args.seed, "tol": args.tol, "logging": True}
    say(f"{sensitivity(runner, **options)!r}")
    if args.n_sigma is not None:
        say(f"{discovery_potential(runner, n_sigma=args.n_sigma, **options)!r}")
    return 0


def _trials(args: argparse.Namespace, source: Source) -> int:
    from nusky.executors.batches import run_batches
    from nusky.executors.on_threads import InterruptedBatch
    from nusky.store.trials import TrialStore

    start, stop = part_of_job(args)
    terminate_as_interrupt()
    runner = runner_of(args, source)
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
    except (InterruptedBatch, KeyboardInterrupt):  # in a fit, or between two of them while a shard is written
        store.refresh()
        kept = stop - start - sum(b - a for a, b in store.missing(**where, start=start, stop=stop))
        say(f"interrupted: {kept} of {stop - start} trials are kept; the same command goes on")
        return 130
    say(f"{store!r}")
    return tell_problems(store)


def _merge(args: argparse.Namespace) -> int:
    from nusky.store.merging import merge
    from nusky.store.trials import TrialStore

    stores = [TrialStore(source, mix_versions=args.mix_versions) for source in sources_of(args)]
    merged = merge(args.out, stores, mix_versions=args.mix_versions, logging=True)
    for n_sig in merged.n_sigs:
        say(f"{merged.count(n_sig=n_sig):>12d} trials with n_sig = {n_sig:g}")
    say(f"{merged!r}")
    if args.export is not None:
        merged.export(args.export)
        say(f"-> {args.export}")
    # every byte of them was read: what was left out was left out of the sources
    return max([_missing(merged.blocks, args), *(tell_problems(store) for store in stores)])


def _status(args: argparse.Namespace) -> int:
    from nusky.store.trials import TrialStore

    stores = [TrialStore(path, mix_versions=True) for path in _stores_of(args.store)]
    first = stores[0]
    for store in stores[1:]:
        first.identity.require_same(store.identity, str(first.path), mix_versions=True)
    say(f"{first!r}" if len(stores) == 1 else f"{len(stores)} stores in {args.store}")
    versions = sorted({store.version for store in stores})
    say(f"configuration {first.config_hash}, made by version {', '.join(versions)}")
    blocks = sorted(block for store in stores for block in store.blocks)
    for (n_sig, poisson, seed), (start, stop, n) in _sets(blocks).items():
        how = "Poisson, " if poisson else ""
        say(f"{n:>12d} trials with n_sig = {n_sig:g} ({how}seed {seed}), from {start} to {stop}")
    times = sorted(path.stat().st_mtime for store in stores for path in (store.path / "shards").glob("*.npz"))
    if len(times) > 1 and times[-1] > times[0]:
        n = sum(map(len, blocks))
        say(f"{n / (times[-1] - times[0]):.1f} trials/s between the first shard and the last")
    return max([_missing(blocks, args), *map(tell_problems, stores)])


def _stores_of(path: Path) -> list[Path]:
    """A store, or those of a planned search or another folder of parts."""
    if (path / "manifest.jsonl").exists() or not path.is_dir():
        return [path]
    parts = path / "parts" if (path / "parts").is_dir() else path
    return sorted(part.parent for part in parts.glob("*/manifest.jsonl")) or [path]


def _sets(blocks: Iterable[Block]) -> dict[tuple[float, bool, int], tuple[int, int, int]]:
    """First trial, end and number of trials of each signal and seed."""
    found: dict[tuple[float, bool, int], tuple[int, int, int]] = {}
    for block in blocks:
        start, stop, n = found.get(block.set_key, (block.start, block.stop, 0))
        found[block.set_key] = (min(start, block.start), max(stop, block.stop), n + len(block))
    return found


def _missing(blocks: Sequence[Block], args: argparse.Namespace) -> int:
    """Name the expected trials that are not there, and the jobs to send again; 3 if there are any."""
    from nusky.store.block import Block, BlockSets

    if args.expect is None:
        return 0
    sets = BlockSets(blocks)
    gaps = [
        ((a, z), f"trials {a}:{z} with n_sig = {n_sig:g}, seed {seed}")
        for n_sig, poisson, seed in list(_sets(blocks)) or [(0.0, False, 0)]
        for a, z in sets.gaps(Block(n_sig, poisson, seed, *args.expect))
    ]
    return tell_missing(gaps, args)
