"""`JobPlan`: the files that make a search's trials with a batch system, and join them at the end."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from nusky.executors.spec import write_spec
from nusky.files.atomic import atomic_write

__all__ = ["JobPlan", "System", "plan_jobs"]

System = Literal["slurm", "htcondor", "snakemake"]


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

    def __post_init__(self) -> None:
        for name in ("n_trials", "per_job", "minutes", "memory_mb", "threads"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}={value!r} must be a whole number of at least 1")

    @property
    def n_jobs(self) -> int:
        """Number of jobs."""
        return -(-self.n_trials // self.per_job)

    def command(self, job: str) -> str:
        """What one job runs, in the search folder; `job` is its number in the words of the batch system."""
        poisson = " --poisson" if self.poisson else ""
        return (
            f"nusky trials --runner {self.spec} --seed {self.seed} --n-sig {self.n_sig:g}{poisson} --job {job} "
            f"--per-job {self.per_job} --of {self.n_trials} --threads {self.threads} --out parts/{job}"
        )

    @property
    def merge(self) -> str:
        """What joins the parts; its exit status is 3 while trials are missing, and `resubmit.txt` lists their jobs."""
        return (
            f"nusky merge --parts parts --out trials --expect 0:{self.n_trials} --per-job {self.per_job} "
            "--resubmit resubmit.txt"
        )

    def files(self, system: System) -> dict[str, str]:
        """Text of each file, by name.

        Parameters
        ----------
        system : {"slurm", "htcondor", "snakemake"}

        Raises
        ------
        ValueError
            For another system.
        """
        writers = {"slurm": self._slurm, "htcondor": self._htcondor, "snakemake": self._snakemake}
        if system not in writers:
            raise ValueError(f"system={system!r} is not known; use one of {', '.join(writers)}")
        return writers[system]()

    def _slurm(self) -> dict[str, str]:
        array = (
            "#!/bin/bash\n"
            f"#SBATCH --job-name=nusky\n#SBATCH --array=0-{self.n_jobs - 1}\n#SBATCH --cpus-per-task={self.threads}\n"
            f"#SBATCH --mem={self.memory_mb}M\n#SBATCH --time={self.minutes}\n#SBATCH --requeue\n"
            "#SBATCH --output=logs/%a.txt\n"
            "# SIGTERM comes 60 s before the limit: what is done is kept, the same job goes on from there.\n"
            "#SBATCH --signal=B:TERM@60\n"
            f"exec {self.command('$SLURM_ARRAY_TASK_ID')}\n"
        )
        merge = (
            "#!/bin/bash\n#SBATCH --job-name=nusky-merge\n#SBATCH --output=logs/merge.txt\n"
            f"#SBATCH --mem={self.memory_mb}M\nexec {self.merge}\n"
        )
        submit = (
            "#!/bin/bash\n# Jobs, and the merge after the last; `bash submit.sh LIST` sends those of a list again.\n"
            'set -euo pipefail\ncd "$(dirname "$0")"\nmkdir -p logs parts\n'
            'jobs=()\n[ $# -eq 0 ] || jobs=(--array="$(paste -sd, "$1")")\n'
            'id=$(sbatch --parsable "${jobs[@]}" array.sh)\nsbatch --dependency=afterany:"$id" merge.sh\n'
        )
        return {"array.sh": array, "merge.sh": merge, "submit.sh": submit}

    def _htcondor(self) -> dict[str, str]:
        job = (
            "# PATH is that of the machine that submits: condor jobs start without one.\n"
            "executable = job.sh\narguments = $(JOB)\nlog = logs/$(JOB).log\noutput = logs/$(JOB).out\n"
            "error = logs/$(JOB).err\ngetenv = PATH\n"
            f"request_cpus = {self.threads}\nrequest_memory = {self.memory_mb} MB\n"
            "max_retries = 3\non_exit_hold = (ExitBySignal == True)\nqueue 1\n"
        )
        run = f"#!/bin/bash\nset -euo pipefail\nexec {self.command('$1')}\n"
        lines = [f'JOB trials{i} job.sub\nVARS trials{i} JOB="{i}"\nRETRY trials{i} 3' for i in range(self.n_jobs)]
        names = " ".join(f"trials{i}" for i in range(self.n_jobs))
        dag = "\n".join([*lines, "JOB merge merge.sub", f"PARENT {names} CHILD merge", ""])
        merge = (
            "executable = merge.sh\nlog = logs/merge.log\noutput = logs/merge.out\nerror = logs/merge.err\n"
            f"getenv = PATH\nrequest_memory = {self.memory_mb} MB\nqueue 1\n"
        )
        return {
            "job.sub": job,
            "job.sh": run,
            "merge.sub": merge,
            "merge.sh": f"#!/bin/bash\nset -euo pipefail\nexec {self.merge}\n",
            "search.dag": dag,
        }

    def _snakemake(self) -> dict[str, str]:
        rules = (
            f'rule all:\n    input: "trials/manifest.jsonl"\n\n'
            f'rule trials:\n    output: "parts/{{job}}/manifest.jsonl"\n    retries: 3\n    threads: {self.threads}\n'
            f"    resources: mem_mb={self.memory_mb}, runtime={self.minutes}\n"
            f'    shell: "{self.command("{wildcards.job}")}"\n\n'
            f'rule merge:\n    input: expand("parts/{{job}}/manifest.jsonl", job=range({self.n_jobs}))\n'
            f'    output: "trials/manifest.jsonl"\n    shell: "{self.merge}"\n'
        )
        return {"Snakefile": rules}


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
    system : {"slurm", "htcondor", "snakemake"}
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
    spec, _ = write_spec(runner, where, portable=True)
    plan = JobPlan(Path(spec).name, **options)
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
