"""How many threads a call may use."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from nusky import threads
from nusky.threads import allowed_threads, resolve_threads


@pytest.fixture
def four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_affinity", lambda: 4)
    monkeypatch.setattr(threads, "_cgroup_quota", lambda: None)
    threads._say_capped.cache_clear()


@pytest.mark.usefixtures("four")
def test_none_and_zero_mean_all_that_are_allowed() -> None:
    assert (resolve_threads(None), resolve_threads(0), resolve_threads(3), resolve_threads(np.int32(2))) == (4, 4, 3, 2)


@pytest.mark.usefixtures("four")
def test_more_than_allowed_is_capped_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="nusky"):
        assert [resolve_threads(15) for _ in range(3)] == [4, 4, 4]
    assert caplog.messages == ["mp_cpus=15: using 4, all that this process may use."]


@pytest.mark.usefixtures("four")
@pytest.mark.parametrize(("value", "expected"), [("2", 2), ("3,2", 3), ("99", 4), ("many", 4), ("0", 4), ("", 4)])
def test_omp_num_threads_is_an_upper_bound(monkeypatch: pytest.MonkeyPatch, value: str, expected: int) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert allowed_threads() == expected


def test_negative_numbers_and_what_is_no_integer_are_refused() -> None:
    with pytest.raises(ValueError, match="must not be negative"):
        resolve_threads(-1)
    for bad in (1.5, "2", True):
        with pytest.raises(TypeError, match="must be an integer"):
            resolve_threads(bad)  # type: ignore[arg-type]


@pytest.mark.usefixtures("four")
def test_messages_name_the_argument_that_was_given(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ValueError, match=r"n_threads must not be negative .*, got -2"):
        resolve_threads(-2, "n_threads")
    with pytest.raises(TypeError, match=r"n_threads must be an integer .*, got 2\.0"):
        resolve_threads(2.0, "n_threads")  # type: ignore[arg-type]
    assert resolve_threads(9, "n_threads") == 4
    assert caplog.messages == ["n_threads=9: using 4, all that this process may use."]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity mask on this system")
def test_the_affinity_mask_is_respected() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert threads._affinity() == 1
        assert resolve_threads(8) == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("content", "expected"), [("max 100000\n", None), ("150000 100000\n", 2), ("20000 100000\n", 1), ("nonsense", None)]
)
def test_a_container_quota_is_read_and_rounded_up(tmp_path: Path, content: str, expected: int | None) -> None:
    (tmp_path / "cgroup").write_text("0::/slot7\n")
    (tmp_path / "slot7").mkdir()
    (tmp_path / "slot7" / "cpu.max").write_text(content)
    assert threads._cgroup_quota(tmp_path / "cgroup", tmp_path) == expected


def test_a_system_without_control_groups_has_no_quota(tmp_path: Path) -> None:
    assert threads._cgroup_quota(tmp_path / "missing", tmp_path) is None


LEFT_BY_DASK = """
import os
from nusky.threads import allowed_threads
if __name__ == "__main__":
    before = allowed_threads()
    from distributed import Client, LocalCluster
    with LocalCluster(n_workers=1, processes=True, dashboard_address=None) as cluster, Client(cluster) as client:
        print(os.environ["OMP_NUM_THREADS"], allowed_threads() == before, client.submit(allowed_threads).result())
"""


@pytest.mark.slow
def test_dask_does_not_leave_its_client_on_one_thread(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="dask.distributed is an optional dependency")
    script = tmp_path / "script.py"
    script.write_text(LEFT_BY_DASK)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP", "MALLOC"))}
    done = subprocess.run([sys.executable, str(script)], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "True", "1"], done.stdout + done.stderr
