"""Files of batch systems, as texts: each takes a `JobPlan` and gives them by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nusky.executors.plan import JobPlan

__all__ = ["dask_files", "htcondor_files", "slurm_files", "snakemake_files"]

_TRIES = 3  # further tries of a job that failed


def slurm_files(plan: JobPlan) -> dict[str, str]:
    """An array for each thousand or so jobs of a list, as many as the cluster takes at once, and the merge after them.

    Parameters
    ----------
    plan : JobPlan
    """
    array = f"""#!/bin/bash
#SBATCH --job-name=nusky
#SBATCH --cpus-per-task={plan.threads}
#SBATCH --mem={plan.memory_mb}M
#SBATCH --time={plan.minutes}
#SBATCH --output=logs/%A_%a.txt
#SBATCH --open-mode=append
#SBATCH --requeue
# SIGTERM comes 60 s before the limit: what is done is kept, and the job goes on from there when it is started again.
#SBATCH --signal=B:TERM@60
# array.sh LIST FIRST: task i runs the job on line FIRST + i of LIST.
set -uo pipefail
job=$(sed -n "$(($2 + SLURM_ARRAY_TASK_ID))p" "$1")
echo "job $job on $(hostname), try $((${{SLURM_RESTART_COUNT:-0}} + 1))"
{plan.command("$job")} &
child=$!
trap 'kill -TERM $child' TERM
wait $child
code=$?
while kill -0 $child 2> /dev/null; do wait $child; code=$?; done # the signal ended the first wait, not the job
if [ $code -ne 0 ] && [ "${{SLURM_RESTART_COUNT:-0}}" -lt {_TRIES} ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit $code
"""
    merge = f"""#!/bin/bash
#SBATCH --job-name=nusky-merge
#SBATCH --output=logs/merge.txt
#SBATCH --mem={plan.memory_mb}M
exec {plan.merge}
"""
    submit = f"""#!/bin/bash
# All jobs, and the merge after the last; `bash submit.sh resubmit.txt` sends those of a list, one number a line, again.
set -euo pipefail
cd "$(dirname "$0")"
mkdir -p logs parts lists
list=lists/$(date +%s)-$$.txt
if [ $# -eq 0 ]; then seq 0 {plan.n_jobs - 1} > "$list"; else cp "$1" "$list"; fi
n=$(wc -l < "$list")
if [ "$n" -eq 0 ]; then echo "nothing to send"; exit; fi
most=$(scontrol show config | sed -n 's/^MaxArraySize *= *//p')
most=${{most:-1001}}
ids=
for ((first = 1; first <= n; first += most)); do
  last=$((n - first < most - 1 ? n - first : most - 1))
  ids=$ids:$(sbatch --parsable --array=0-$last array.sh "$list" $first)
done
echo "$n jobs: ${{ids#:}}"
sbatch --dependency=afterany"$ids" merge.sh
"""
    return {"array.sh": array, "merge.sh": merge, "submit.sh": submit}


def htcondor_files(plan: JobPlan) -> dict[str, str]:
    """A DAG of all jobs with retries and the merge at its end; the folder may be shared, or its files be transferred.

    Parameters
    ----------
    plan : JobPlan
    """
    spec = plan.spec
    run = f"""#!/bin/bash
set -euo pipefail
mkdir -p "$1"
# With file transfer the runner is here, on a shared file system beside the folder of the parts.
runner={spec}
[ -e "$runner" ] || runner=../{spec}
exec {plan.command("$1", runner='"$runner"', out='"$1"')}
"""
    job = f"""# PATH is that of the machine that submits: condor's jobs start without one.
executable = job.sh
arguments = $(JOB)
initialdir = parts
log = ../logs/$(JOB).log
output = ../logs/$(JOB).out
error = ../logs/$(JOB).err
getenv = PATH
should_transfer_files = IF_NEEDED
transfer_input_files = {", ".join(f"../{name}" for name in (spec, *plan.beside))}
transfer_output_files = $(JOB)
when_to_transfer_output = ON_EXIT_OR_EVICT
kill_sig = SIGTERM
request_cpus = {plan.threads}
request_memory = {plan.memory_mb} MB
request_disk = 1 GB
+MaxRuntime = {60 * plan.minutes}
"""
    merge = f"""# on the machine that submits
universe = local
executable = merge.sh
log = logs/merge.log
output = logs/merge.out
error = logs/merge.err
getenv = PATH
request_memory = {plan.memory_mb} MB
queue 1
"""
    nodes = "".join(f'JOB job{i} job.sub\nVARS job{i} JOB="{i}"\nRETRY job{i} {_TRIES}\n' for i in range(plan.n_jobs))
    return {
        "job.sh": run,
        "job.sub": job + "queue 1\n",
        "again.sub": f"# condor_submit again.sub: the jobs that the merge has found missing\n{job}"
        f"max_retries = {_TRIES}\nqueue JOB from resubmit.txt\n",
        "merge.sh": f"#!/bin/bash\nset -euo pipefail\nexec {plan.merge}\n",
        "merge.sub": merge,
        # the final node runs even where jobs have failed for good, and lists what is missing
        "search.dag": nodes + "FINAL merge merge.sub\n",
    }


def snakemake_files(plan: JobPlan) -> dict[str, str]:
    """Rules for each job and the merge.

    A store is no output of a rule: Snakemake removes the outputs of a job that failed, and with them what is done.

    Parameters
    ----------
    plan : JobPlan
    """
    rules = f"""wildcard_constraints:
    job=r"\\d+"

rule all:
    input: "done/merge"

rule job:
    output: touch("done/{{job}}")
    log: "logs/{{job}}.txt"
    retries: {_TRIES}
    threads: {plan.threads}
    resources: mem_mb={plan.memory_mb}, runtime={plan.minutes}
    shell: "{plan.command("{wildcards.job}")} >> {{log}} 2>&1"

rule merge:
    input: expand("done/{{job}}", job=range({plan.n_jobs}))
    output: touch("done/merge")
    log: "logs/merge.txt"
    resources: mem_mb={plan.memory_mb}
    shell: "{plan.merge} > {{log}} 2>&1"
"""
    return {"Snakefile": rules}


def dask_files(plan: JobPlan) -> dict[str, str]:
    """A script that has dask-jobqueue start workers, a job each, and gives them the trials.

    Parameters
    ----------
    plan : JobPlan
    """
    seed = f"range({plan.n_trials}), seed={plan.seed}"
    where = "executor=client.get_executor(pure=False), spool=here, logging=True"
    if plan.library:
        imports = "from nusky.executors import read_spec\nfrom nusky.store import ScanLibrary"
        work = f"""library = ScanLibrary(here / "library", runner)
        library.add(runner, {seed}, {where})"""
    else:
        imports = "from nusky.executors import read_spec, run_batches\nfrom nusky.store import TrialStore"
        work = f"""store = TrialStore(here / "trials", runner.config())
        how = {{"n_sig": {plan.n_sig!r}, "poisson": {plan.poisson}, "store": store}}
        run_batches(runner, {seed}, **how, {where})"""
    script = f'''"""Started again, it makes what is missing; ~/.config/dask/jobqueue.yaml takes further options."""

from pathlib import Path

from dask.distributed import Client
from dask_jobqueue import SLURMCluster as Cluster  # HTCondorCluster, PBSCluster, … take the same arguments
{imports}

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    runner = read_spec(here / "{plan.spec}")
    cluster = Cluster(
        cores={plan.threads},
        processes={plan.threads},  # each of one thread
        memory="{plan.memory_mb}MB",
        walltime="{plan.minutes // 60:02d}:{plan.minutes % 60:02d}:00",
        log_directory=str(here / "logs"),
    )
    with cluster, Client(cluster) as client:
        cluster.scale(jobs={plan.n_jobs})
        {work}
'''
    return {"workers.py": script}
