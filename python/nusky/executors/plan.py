"""`JobPlan`: the files that make a search's trials with a batch system, and join them at the end."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nusky.executors.batch_systems import dask_files, htcondor_files, slurm_files, snakemake_files
from nusky.executors.spec import write_spec
from nusky.files.atomic import atomic_write

__all__ = ["JobPlan", "System", "plan_jobs"]

System = Literal["slurm", "htcondor", "snakemake", "dask"]

_WRITERS = {"slurm": slurm_files, "htcondor": htcondor_files, "snakemake": snakemake_files, "dask": dask_files}


@dataclass(frozen=True)
class JobPlan:
    """Jobs that each make `per_job` trials of one search.

    Attributes
    ----------
    spec : str
        File name of the runner's description, in the search folder.
    n_trials, per_job : int
    seed : int
    n_sig : float
    poisson : bool
    minutes : int
        Time a job may take.
    memory_mb : int
    threads : int
        Processors of a job.
    library : bool
        Make scans for a library, not trials.
    beside : tuple of str
        Files in the search folder that the runner needs.

    Examples
    --------
    >>> plan = JobPlan("runner.npz", n_trials=10_000, per_job=3000)
    >>> plan.n_jobs, plan.command("3")  # doctest: +NORMALIZE_WHITESPACE
    (4, 'nusky trials --runner runner.npz --seed 1 --n-sig 0 --job 3 --per-job 3000 --of 10000
    --threads 1 --out parts/3')
    """

    spec: str
    n_trials: int
    per_job: int
    seed: int = 1
    n_sig: float = 0.0
    poisson: bool = False
    minutes: int = 60
    memory_mb: int = 2000
    threads: int = 1
    library: bool = False
    beside: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("n_trials", "per_job", "minutes", "memory_mb", "threads"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}={value!r} must be a whole number of at least 1")
        if self.library and (self.n_sig or self.poisson):
            raise ValueError(f"n_sig={self.n_sig:g} and library=True do not go together: a library is of background")

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return -(-self.n_trials // self.per_job)

    def command(self, job: str, *, runner: str | None = None, out: str | None = None) -> str:
        """What one job runs, in the search folder.

        Parameters
        ----------
        job : str
            Its number in the words of the batch system.
        runner, out : str, optional
            Other places than those in the folder.
        """
        signal = "" if self.library else f" --n-sig {self.n_sig:g}{' --poisson' if self.poisson else ''}"
        return (
            f"nusky {'library make' if self.library else 'trials'} --runner {runner or self.spec} --seed {self.seed}"
            f"{signal} --job {job} --per-job {self.per_job} --of {self.n_trials} --threads {self.threads} "
            f"--out {out or f'parts/{job}'}"
        )

    @property
    def merge(self) -> str:
        """What joins the parts; its exit status is 3 while trials are missing, and `resubmit.txt` lists their jobs."""
        what = "library merge --parts parts --out library" if self.library else "merge --parts parts --out trials"
        return f"nusky {what} --expect 0:{self.n_trials} --per-job {self.per_job} --resubmit resubmit.txt"

    def files(self, system: System) -> dict[str, str]:
        """Text of each file, by name.

        Parameters
        ----------
        system : {"slurm", "htcondor", "snakemake", "dask"}

        Raises
        ------
        ValueError
            For another system.
        """
        if system not in _WRITERS:
            raise ValueError(f"system={system!r} is not known; use one of {', '.join(_WRITERS)}")
        return _WRITERS[system](self)


def plan_jobs(
    runner: Any, folder: str | os.PathLike[str], *, system: System = "slurm", **options: Any
) -> tuple[JobPlan, tuple[Path, ...]]:
    """Write a search folder: the runner, the analysis beside it, and the files of a batch system.

    The folder can be moved or sent to another machine as a whole: nothing in it names a place outside.

    Parameters
    ----------
    runner : Runner
    folder : path-like
        Made if missing.
    system : {"slurm", "htcondor", "snakemake", "dask"}
        "dask" is a script for dask-jobqueue.
    **options
        `n_trials`, `per_job`, `seed`, … of `JobPlan`.

    Returns
    -------
    JobPlan, tuple of Path
        The plan and the files.

    Raises
    ------
    ValueError, TypeError
        An option that is unknown or out of range, or a runner that cannot travel.

    Examples
    --------
    >>> plan, files = plan_jobs(tr, "search", n_trials=10**6, per_job=10**4)     # doctest: +SKIP
    """
    JobPlan("", **options).files(system)  # complains before anything is written
    where = Path(folder).expanduser()
    if options.get("library") and not hasattr(runner, "pixels"):
        raise TypeError(f"library=True needs a runner of a sky scan, got {runner!r}")
    spec, _ = write_spec(runner, where, portable=True)
    beside = tuple(sorted(path.name for path in where.glob("season-*.npz")))
    plan = JobPlan(Path(spec).name, beside=beside, **options)
    written = []
    for name in ("logs", "parts"):
        (where / name).mkdir(exist_ok=True)
    for name, text in plan.files(system).items():
        path = where / name
        with atomic_write(path) as stream:
            stream.write(text.encode())
        if name.endswith(".sh"):
            path.chmod(0o755)
        written.append(path)
    return plan, tuple(written)
