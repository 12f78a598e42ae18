"""The benchmark of a whole release runs, here on a small one."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

from places import ROOT
from release_writer import TINY, write_release


@pytest.mark.slow
def test_every_step_reports_time_and_memory(tmp_path: pathlib.Path) -> None:
    folder = write_release(tmp_path / "release", "dr2-2.0", **TINY)
    options = ["--nside", "8", "--trials", "5", "--threads", "1", "--step", "read", "--step", "open"]
    command = [
        sys.executable,
        str(ROOT / "bench" / "releases" / "release.py"),
        str(folder),
        *options,
        "--step",
        "point",
    ]
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=environment)
    assert done.returncode == 0, done.stderr
    for step in ("read", "open", "point"):
        assert f"\n{step}: " in done.stdout
    assert done.stdout.count(" MB not shared)") == 3
    assert "Analysis(IC40, IC86_2011_2013 | 1227 events, 1411.40 days" in done.stdout
