"""A planned search on a real SLURM of one node: jobs in an array, one of them lost, sent again, joined."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from nusky import conf
from nusky.executors.plan import plan_jobs
from nusky.source.positions import sources
from nusky.store.scans import ScanLibrary
from nusky.store.trials import TrialStore
from small_analysis import small_analysis

CONF = """ClusterName=one
SlurmctldHost={host}(127.0.0.1)
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser=root
AuthType=auth/munge
StateSaveLocation={where}/ctld
SlurmdSpoolDir={where}/d
SlurmctldPidFile={where}/slurmctld.pid
SlurmdPidFile={where}/slurmd.pid
SlurmctldLogFile={where}/slurmctld.log
SlurmdLogFile={where}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=0,bf_interval=2
ReturnToService=2
MpiDefault=none
MaxArraySize=2
KillWait=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=normal Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment in which sbatch finds a SLURM that listens on the loopback only."""
    if os.geteuid() != 0:
        pytest.skip("a SLURM of our own needs root")
    if not all(shutil.which(name) for name in ("slurmctld", "slurmd", "munged", "sbatch")):
        pytest.skip("SLURM is not installed (Debian: slurm-wlm, munge)")
    where = tmp_path_factory.mktemp("slurm")
    host = socket.gethostname().partition(".")[0]
    for name in ("ctld", "d"):
        (where / name).mkdir()
    where.chmod(0o755)
    (where / "slurm.conf").write_text(CONF.format(host=host, where=where))
    environment = {**os.environ, "SLURM_CONF": str(where / "slurm.conf")}
    subprocess.run(["install", "-d", "-o", "munge", "-g", "munge", "-m", "755", "/run/munge"], check=True)
    munge = subprocess.run(
        ["setpriv", "--reuid", "munge", "--regid", "munge", "--clear-groups", "/usr/sbin/munged"],
        capture_output=True,
        text=True,
        check=False,
    )
    daemons = [["slurmctld", "-i"], ["slurmd"]]
    for command in daemons:
        subprocess.run(command, env=environment, check=True, capture_output=True)
    try:
        for _ in range(100):
            state = subprocess.run(
                ["sinfo", "-h", "-o", "%t"], env=environment, capture_output=True, text=True, check=False
            )
            if "idle" in state.stdout:
                break
            time.sleep(0.1)
        else:
            pytest.fail(f"SLURM did not start: {state.stdout} {state.stderr} {munge.stderr}")
        yield environment
    finally:
        for name in ("slurmctld", "slurmd"):
            pid = where / f"{name}.pid"
            if pid.exists():
                subprocess.run(["kill", pid.read_text().strip()], check=False)
        if munge.returncode == 0:
            subprocess.run(["pkill", "-x", "munged"], check=False)


def wait_for_jobs(environment: dict[str, str], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        queue = subprocess.run(["squeue", "-h"], env=environment, capture_output=True, text=True, check=True)
        if not queue.stdout.strip():
            return
        time.sleep(0.3)
    pytest.fail(f"jobs did not end: {queue.stdout}")


@pytest.mark.slow
def test_an_array_with_a_lost_job_is_completed_from_its_list(slurm: dict[str, str], tmp_path: Path) -> None:
    runner = conf.get_trial_runner(src=sources(1.0, 0.3), ana=small_analysis("one"))
    search = tmp_path / "search"
    plan_jobs(runner, search, n_trials=90, per_job=30, seed=5, minutes=5, memory_mb=500)
    environment = {**slurm, "PATH": slurm["PATH"]}
    subprocess.run(["bash", str(search / "submit.sh")], env=environment, check=True, capture_output=True)
    wait_for_jobs(environment, 120)
    # three jobs are more than an array takes here
    assert len({path.name.partition("_")[0] for path in (search / "logs").glob("*_*.txt")}) == 2
    np.testing.assert_array_equal(
        TrialStore(search / "trials").read(n_sig=0)["ts"], runner.get_many_fits(90, seed=5).ts
    )
    # a node that lost its disk
    shutil.rmtree(search / "parts" / "1")
    shutil.rmtree(search / "trials")
    merged = subprocess.run(
        ["bash", str(search / "merge.sh")], cwd=search, env=environment, check=False, capture_output=True
    )
    assert merged.returncode == 3
    assert (search / "resubmit.txt").read_text() == "1\n"
    subprocess.run(["bash", str(search / "submit.sh"), "resubmit.txt"], cwd=search, env=environment, check=True)
    wait_for_jobs(environment, 120)
    assert len(TrialStore(search / "trials")) == 90


def state_of_job(environment: dict[str, str], job: str) -> str:
    """What SLURM says of every task of an array, empty once it has forgotten them."""
    said = subprocess.run(
        ["scontrol", "show", "job", job], env=environment, capture_output=True, text=True, check=False
    )
    return said.stdout


@pytest.mark.slow
def test_a_job_that_runs_into_its_limit_is_sent_again_and_goes_on(slurm: dict[str, str], tmp_path: Path) -> None:
    runner = conf.get_trial_runner(src=sources(1.0, 0.3), ana=small_analysis("one"))
    search = tmp_path / "search"
    plan_jobs(runner, search, n_trials=200_000, per_job=200_000, seed=5, minutes=5, memory_mb=500)
    text = (search / "array.sh").read_text()
    (search / "array.sh").write_text(text.replace("--out parts/$job &", "--out parts/$job --chunk 2000 &"))
    said = subprocess.run(["bash", "submit.sh"], cwd=search, env=slurm, check=True, capture_output=True, text=True)
    job = said.stdout.split("jobs: ")[1].split()[0]
    shards = search / "parts" / "0" / "shards"
    end = time.monotonic() + 60
    while time.monotonic() < end and not (shards.exists() and len(list(shards.glob("*.npz"))) >= 2):
        time.sleep(0.05)
    subprocess.run(["scancel", "--signal=TERM", "--batch", job], env=slurm, check=True)
    while "Reason=BeginTime" not in state_of_job(slurm, job):
        assert time.monotonic() < end, state_of_job(slurm, job)
        time.sleep(0.1)
    # SLURM lets two minutes pass before it starts a requeued job: not here. But its node refuses a job that is
    # started again in the second in which it was stopped ("Job credential revoked"), and then the job has failed.
    subprocess.run(["scontrol", "update", f"JobId={job}_0", "StartTime=now+3"], env=slurm, check=True)
    log = search / "logs" / f"{job}_0.txt"
    end = time.monotonic() + 200
    while "of them are in" not in log.read_text().partition("try 2")[2]:
        assert time.monotonic() < end, log.read_text() + state_of_job(slurm, job)
        time.sleep(0.1)
    wait_for_jobs(slurm, 120)
    assert "trials are kept; the same command goes on" in log.read_text()
    assert TrialStore(search / "trials").missing(seed=5, start=0, stop=200_000) == []


@pytest.mark.slow
def test_workers_of_dask_jobqueue_make_a_library(slurm: dict[str, str], tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is an optional dependency")
    runner = conf.get_sky_scan_trial_runner(nside=4, ana=small_analysis("one"))
    search = tmp_path / "search"
    plan_jobs(
        runner, search, system="dask", library=True, n_trials=40, per_job=20, seed=5, minutes=5, memory_mb=500
    )  # fmt: skip
    slurm = {
        **slurm,
        "DASK_JOBQUEUE__SLURM__INTERFACE": "lo",
        "DASK_JOBQUEUE__SLURM__SCHEDULER_OPTIONS": "{'dashboard_address': '127.0.0.1:0'}",
        "DASK_JOBQUEUE__SLURM__WORKER_EXTRA_ARGS": "['--no-dashboard']",
    }
    done = subprocess.run(
        [sys.executable, "workers.py"], cwd=search, env=slurm, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    wait_for_jobs(slurm, 60)
    library = ScanLibrary(search / "library")
    assert library.missing(seed=5, start=0, stop=40) == []
    direct = ScanLibrary(tmp_path / "direct", runner)
    direct.add(runner, range(40), seed=5)
    assert library.fit(None).tobytes() == direct.fit(None).tobytes()
