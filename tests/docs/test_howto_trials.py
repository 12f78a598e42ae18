"""The how-to pages on sensitivity, trials and the scan library run as they are written, down to the submit files."""

from __future__ import annotations

import os
import re
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from places import ROOT

PAGES = ROOT / "docs" / "howto"


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"```{re.escape(kind)}\n(.*?)```", (PAGES / page).read_text(), flags=re.S)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore:p is interpolated between:UserWarning")  # nodes of the pages are far apart
@pytest.mark.parametrize("page", ["sensitivity.md", "trials_and_cluster.md", "scan_library.md"])
def test_every_cell_of_the_page_runs(page: str, tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("agg")
    cells = blocks(page, "{code-cell} ipython3")
    assert len(cells) >= 3
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"{page}, cell {number}", "exec"), names)
    said = capsys.readouterr().out
    if page == "sensitivity.md":
        assert "extrapolated with the chi2 fit" in said
        assert "n_trials  | n_inj" in said
        assert re.search(r"discovery potential\s+\d\.\d\de-1\d \+/- \de-1\d TeV/cm2/s", said)
        assert names["limit"].n_sig > names["sens"].n_sig
    elif page == "trials_and_cluster.md":
        assert "[(1000, 1500)]" in said
        assert "likelihood.gamma: stored null, given 2.5" in said
        assert len(names["store"]) == 1200
    else:
        assert "[ True  True  True]" in said
        assert "whole sky: TS = " in said


def test_the_clusters_of_the_page_write_job_files_with_one_thread_a_worker() -> None:
    handler = signal.getsignal(signal.SIGINT)
    jobqueue = pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is an optional dependency")
    signal.signal(signal.SIGINT, handler)  # importing it replaces what Ctrl-C does, for every test after this one
    page = (PAGES / "trials_and_cluster.md").read_text()
    calls = re.findall(r"cluster = (\w+Cluster)\((.*?)\)\n", page)
    assert [name for name, _ in calls] == ["SLURMCluster", "HTCondorCluster"]
    expected = {
        "SLURMCluster": ("#SBATCH -n 1", "#SBATCH --cpus-per-task=1", "#SBATCH --mem=2G", "#SBATCH -t 04:00:00"),
        "HTCondorCluster": ("condor_submit", "MY.DaskWorkerCores = 1", "MY.DaskWorkerMemory = 2000000000", "Queue"),
    }
    for name, arguments in calls:
        options = eval(f"dict({arguments})")
        with getattr(jobqueue, name)(**options, scheduler_options={"dashboard_address": None}) as cluster:
            script = cluster.job_script()
        for line in (*expected[name], "distributed.cli.dask_worker", "--nthreads 1"):
            assert line in script, f"{line} is not in the file for {name}:\n{script}"


@pytest.mark.skipif(os.name != "posix", reason="a shell script")
def test_the_job_array_of_the_page_gives_each_job_its_range_and_merges(tmp_path: Path) -> None:
    array, merge = blocks("trials_and_cluster.md", "bash")
    # the program under its own name, saying what it was asked instead of doing it
    program = tmp_path / "bin" / "nusky"
    program.parent.mkdir()
    program.write_text(f'#!{sys.executable}\nimport sys\nprint(" ".join(sys.argv[1:]))\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environment = {
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "SEARCH": "s.npz",
        "STORES": str(tmp_path),
    }
    said = []
    for job in (0, 7):
        (tmp_path / f"job{job}").mkdir()
        slurm = {**environment, "SLURM_ARRAY_TASK_ID": str(job)}
        for run, arguments in ((slurm, []), (environment, [str(job)])):  # SLURM, and HTCondor
            command = ["bash", "-c", array, "trials.sh", *arguments]
            said.append(subprocess.run(command, env=run, check=True, capture_output=True, text=True).stdout)
    for k, job in ((0, 0), (1, 0), (2, 7), (3, 7)):
        trials = f"{1000 * job}:{1000 * job + 1000}"
        assert said[k] == f"trials --runner s.npz --seed 1 --trials {trials} --threads 1 --out {tmp_path}/job{job}\n"
    merged = subprocess.run(["bash", "-c", merge], env=environment, check=True, capture_output=True, text=True).stdout
    assert merged == f"merge {tmp_path}/job0 {tmp_path}/job7 --out {tmp_path}/all --export {tmp_path}/all.parquet\n"
    # and the real program takes exactly these options
    from nusky.cli.command import _parser

    for line in (*said, merged):
        assert _parser().parse_args(line.split()).command in ("trials", "merge")


def test_the_condor_file_of_the_page_runs_the_script_for_as_many_jobs_as_the_array() -> None:
    (submit,) = blocks("trials_and_cluster.md", "text")
    settings = dict(re.findall(r"^(\w+)\s*= (.*)$", submit, flags=re.M))
    assert (settings["executable"], settings["arguments"]) == ("trials.sh", "$(Process)")
    (array, _) = blocks("trials_and_cluster.md", "bash")
    last = int(re.search(r"--array=0-(\d+)", array).group(1))  # type: ignore[union-attr]
    assert f"queue {last + 1}" in submit
