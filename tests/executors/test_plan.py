from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nusky import conf
from nusky.cli.command import main
from nusky.executors.plan import JobPlan, plan_jobs
from nusky.source.positions import sources
from nusky.store.trials import TrialStore
from small_analysis import small_analysis


@pytest.fixture(scope="module")
def runner() -> Any:
    return conf.get_trial_runner(src=sources(1.0, 0.3), ana=small_analysis("one"))


@pytest.fixture(scope="module")
def planned(runner: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("search")
    plan_jobs(runner, where, n_trials=50, per_job=20, seed=3)
    return where


def run_job(folder: Path, job: int, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.chdir(folder)
    spec = next(folder.glob("runner-*.npz")).name
    words = JobPlan(spec, n_trials=50, per_job=20, seed=3).command(str(job)).split()
    return main(words[1:])


def test_a_moved_folder_makes_the_trials_of_one_run_and_lists_what_is_missing(
    runner: Any, planned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(planned, moved)
    assert str(planned).encode() not in b"".join(p.read_bytes() for p in moved.iterdir() if p.is_file())
    plan = JobPlan("x", n_trials=50, per_job=20, seed=3)
    assert plan.n_jobs == 3
    for job in (0, 2):
        assert run_job(moved, job, monkeypatch) == 0
    capsys.readouterr()
    assert main(["status", str(moved), "--expect", "0:50"]) == 3
    said = capsys.readouterr().out
    assert "2 stores in" in said
    assert "30 trials with n_sig = 0 (seed 3), from 0 to 50" in said
    assert "missing: trials 20:40 with n_sig = 0, seed 3\n" in said
    assert main(plan.merge.split()[1:]) == 3
    assert "missing: trials 20:40" in capsys.readouterr().out
    assert (moved / "resubmit.txt").read_text() == "1\n"
    assert run_job(moved, 1, monkeypatch) == 0
    assert main(plan.merge.split()[1:]) == 0
    assert (moved / "resubmit.txt").read_text() == ""
    rows = TrialStore(moved / "trials").read(n_sig=0)
    np.testing.assert_array_equal(rows["ts"], runner.get_many_fits(50, seed=3).ts)
    assert main(["status", str(moved / "trials"), "--expect", "0:60"]) == 3
    assert "50 trials with n_sig = 0 (seed 3), from 0 to 50" in capsys.readouterr().out


@pytest.mark.parametrize("system", ["slurm", "htcondor", "snakemake", "dask"])
def test_the_files_of_each_system_say_all_jobs(system: Any, runner: Any, tmp_path: Path) -> None:
    plan, files = plan_jobs(runner, tmp_path, system=system, n_trials=1000, per_job=300, n_sig=2.5, poisson=True)
    text = "\n".join(path.read_text() for path in files)
    said = {"dask": '"n_sig": 2.5, "poisson": True'}
    assert said.get(system, "--n-sig 2.5 --poisson") in text
    assert "1000" in text
    for path in files:
        if path.suffix == ".sh":
            assert os.access(path, os.X_OK)
            subprocess.run(["bash", "-n", str(path)], check=True)
        if path.suffix == ".py":
            compile(path.read_text(), path.name, "exec")
    last = {
        "slurm": "seq 0 3",
        "htcondor": 'VARS job3 JOB="3"\nRETRY job3 3\nFINAL merge merge.sub\n',
        "snakemake": "range(4)",
        "dask": "scale(jobs=4)",
    }
    assert last[system] in text
    assert plan.n_jobs == 4
    if system != "dask":
        assert "--per-job 300 --of 1000" in text
        assert "logs/" in text
        assert "nusky merge --parts parts --out trials --expect 0:1000 --per-job 300 --resubmit resubmit.txt" in text


def test_a_library_is_planned_as_trials_are(runner: Any, tmp_path: Path) -> None:
    sky = conf.get_sky_scan_trial_runner(nside=4, ana=runner.analysis)
    for system in ("slurm", "htcondor", "snakemake", "dask"):
        plan, files = plan_jobs(sky, tmp_path / system, system=system, n_trials=100, per_job=10, library=True)
        text = "\n".join(path.read_text() for path in files)
        if system == "dask":
            assert 'ScanLibrary(here / "library", runner)' in text
        else:
            assert "nusky library make --runner" in text
            assert "nusky library merge --parts parts --out library --expect 0:100 --per-job 10" in text
        assert "n-sig" not in text
        assert plan.library
    with pytest.raises(ValueError, match=r"n_sig=2 and library=True do not go together"):
        plan_jobs(sky, tmp_path / "x", n_trials=100, per_job=10, library=True, n_sig=2.0)
    with pytest.raises(TypeError, match="library=True needs a runner of a sky scan"):
        plan_jobs(runner, tmp_path / "x", n_trials=100, per_job=10, library=True)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("shared", [True, False], ids=["shared folder", "files transferred"])
def test_a_condor_job_runs_in_a_bare_environment(runner: Any, tmp_path: Path, shared: bool) -> None:
    search = tmp_path / "search"
    plan_jobs(runner, search, system="htcondor", n_trials=50, per_job=20, seed=3)
    job = (search / "job.sub").read_text()
    fields = dict(line.split(" = ", 1) for line in job.splitlines() if " = " in line)
    where = search / fields["initialdir"]
    script = search / "job.sh"
    if not shared:  # condor brings the files named into an empty folder
        where = tmp_path / "scratch"
        where.mkdir()
        for name in fields["transfer_input_files"].split(", "):
            shutil.copy(search / fields["initialdir"] / name, where)
        script = Path(shutil.copy(script, where))
        shutil.move(search, tmp_path / "gone")
    nusky = tmp_path / "bin" / "nusky"
    nusky.parent.mkdir()
    paths = os.pathsep.join(p for p in sys.path if p)
    nusky.write_text(f'#!/bin/bash\nPYTHONPATH="{paths}" exec "{sys.executable}" -m nusky "$@"\n')
    nusky.chmod(0o755)
    bare = {"PATH": f"{nusky.parent}:/usr/bin:/bin"}  # as getenv = PATH gives it
    assert fields["getenv"] == "PATH"
    subprocess.run(["bash", str(script), "2"], cwd=where, env=bare, check=True, capture_output=True)
    made = TrialStore(where / fields["transfer_output_files"].replace("$(JOB)", "2"))
    np.testing.assert_array_equal(made.read(n_sig=0)["ts"], runner.get_many_fits(50, seed=3).ts[40:])


def test_condor_itself_understands_the_submit_files(runner: Any, tmp_path: Path) -> None:
    htcondor2 = pytest.importorskip("htcondor2", reason="htcondor is an optional checker")
    plan_jobs(runner, tmp_path, system="htcondor", n_trials=50, per_job=20, seed=3)
    for name in ("job.sub", "again.sub", "merge.sub"):
        submit = htcondor2.Submit((tmp_path / name).read_text())
        assert submit["executable"] in ("job.sh", "merge.sh")
        assert "PATH" in submit["getenv"]
    assert submit["universe"] == "local"


def test_snakemake_itself_understands_the_rules(runner: Any, tmp_path: Path) -> None:
    if shutil.which("snakemake") is None:
        pytest.skip("snakemake is an optional checker")
    plan_jobs(runner, tmp_path, system="snakemake", n_trials=50, per_job=20, seed=3)
    dry = subprocess.run(
        ["snakemake", "--dry-run", "--cores", "1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert dry.returncode == 0, dry.stdout + dry.stderr
    jobs = dict(line.split() for line in dry.stdout.splitlines() if re.fullmatch(r"(all|job|merge|total) +\d+", line))
    assert jobs == {"all": "1", "job": "3", "merge": "1", "total": "5"}


def test_a_plan_that_cannot_be_is_refused_before_anything_is_written(runner: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="per_job=0 must be a whole number of at least 1"):
        plan_jobs(runner, tmp_path / "a", n_trials=10, per_job=0)
    with pytest.raises(ValueError, match="system='pbs' is not known"):
        plan_jobs(runner, tmp_path / "a", system="pbs", n_trials=10, per_job=1)  # type: ignore[arg-type]
    assert not (tmp_path / "a").exists()


def test_a_terminated_job_keeps_what_is_done_and_goes_on(planned: Path, tmp_path: Path) -> None:
    import signal

    spec = next(planned.glob("runner-*.npz"))
    words = [sys.executable, "-m", "nusky", "trials", "--runner", str(spec), "--seed", "1", "--trials", "0:1000000"]
    with subprocess.Popen(
        [*words, "--out", str(tmp_path / "s"), "--threads", "1", "--chunk", "500"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as job:
        shards = tmp_path / "s" / "shards"
        for _ in range(600):
            if shards.exists() and any(shards.glob("*.npz")):
                break
            try:
                job.wait(0.1)
            except subprocess.TimeoutExpired:
                continue
            break
        job.send_signal(signal.SIGTERM)
        said, _ = job.communicate(timeout=60)
    assert job.returncode == 130, said
    assert "trials are kept; the same command goes on" in said
    assert len(TrialStore(tmp_path / "s")) > 0
