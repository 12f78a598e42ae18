"""Many pieces of work on threads, processes or machines, and a runner as a file for them."""

from __future__ import annotations

from nusky.executors.batches import LostBatch, contiguous_runs, run_batches
from nusky.executors.on_threads import InterruptedBatch, check_indices, fit_batch
from nusky.executors.plan import JobPlan, plan_jobs
from nusky.executors.pool import ignore_interrupts, n_workers
from nusky.executors.protocols import DrawsTrials, FitsTrials, KeepsTrials, ScansPixels
from nusky.executors.spec import read_spec, write_spec
from nusky.executors.tasks import LostTask
from nusky.executors.workers import run_pieces

__all__ = [
    "DrawsTrials",
    "FitsTrials",
    "InterruptedBatch",
    "JobPlan",
    "KeepsTrials",
    "LostBatch",
    "LostTask",
    "ScansPixels",
    "check_indices",
    "contiguous_runs",
    "fit_batch",
    "ignore_interrupts",
    "n_workers",
    "plan_jobs",
    "read_spec",
    "run_batches",
    "run_pieces",
    "write_spec",
]
