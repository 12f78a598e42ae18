"""The how-to pages on sensitivity, trials and the scan library run as they are written, down to the submit files."""

from __future__ import annotations

import re
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

from nusky.executors.plan import JobPlan
from places import ROOT

PAGES = ROOT / "docs" / "howto"

# The documentation is built in CI, too, from the same cells
pytestmark = pytest.mark.slow


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


def test_every_command_of_the_pages_has_options_that_exist() -> None:
    from nusky.cli.command import _parser

    told = []
    for page in ("trials_and_cluster.md", "scan_library.md"):
        for block in blocks(page, "bash"):
            for line in block.splitlines():
                words = shlex.split(line, comments=True)
                if words and words[0] == "nusky":
                    told.append(_parser().parse_args(words[1:]).command)
    assert {"plan", "status", "merge", "trials", "library"} <= set(told)


def test_what_the_page_says_of_the_planned_files_is_so(tmp_path: Path) -> None:
    plan = JobPlan("runner.npz", n_trials=100, per_job=10)
    page = (PAGES / "trials_and_cluster.md").read_text()
    for system, command in re.findall(r"^\| `(\w+)` \| `([^`]+)` \|", page, flags=re.M):
        files = plan.files(system)
        assert command.split()[-1] in files or system == "snakemake", (system, command)
        assert "again.sub" in files or system != "htcondor"
