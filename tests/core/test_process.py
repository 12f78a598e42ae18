"""The compiled core and the process it runs in: signals, forks, threads, the GIL, memory, the environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import pytest

import core_sky
from core_sky import made_up, patch, same_bits
from nusky import _core
from places import ROOT

PREAMBLE = f"""
import os, signal, sys, time
sys.path.insert(0, {str(ROOT / "tests" / "helpers")!r})
import numpy as np
import core_sky
from nusky import _core
"""


def run(code: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PREAMBLE + code],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | environment,
        check=False,
    )


class Scan:
    """A scan that takes a few tenths of a second, prepared."""

    def __init__(self) -> None:
        self.likelihood, self.index = core_sky.likelihood(), core_sky.index(made_up(30_000, 3))
        self.directions = _core.Directions(*core_sky.whole_sky(30_000))

    def __call__(self, **options: Any) -> core_sky.Fits:
        return _core.scan(self.likelihood, self.index, self.directions, **options)


@pytest.fixture(scope="module")
def scan() -> Scan:
    return Scan()


# ---- progress -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
def test_progress_is_told_in_order_from_the_calling_thread(scan: Scan, n_threads: int) -> None:
    seen: list[tuple[int, int, int]] = []
    scan(n_threads=n_threads, progress=lambda done, total: seen.append((done, total, threading.get_ident())))
    done, total, thread = zip(*seen, strict=True)
    assert list(done) == sorted(set(done))
    assert len(done) > 1
    assert done[-1] == 30_000
    assert set(total) == {30_000}
    assert set(thread) == {threading.get_ident()}


@pytest.mark.parametrize("n_threads", [1, 2])
def test_what_progress_raises_comes_out_of_the_scan_and_ends_it(scan: Scan, n_threads: int) -> None:
    class Enough(Exception):
        pass

    calls: list[int] = []
    error = Enough("no more")

    def progress(done: int, total: int) -> None:
        calls.append(done)
        raise error

    with pytest.raises(Enough) as raised:
        scan(n_threads=n_threads, progress=progress)
    assert raised.value is error
    assert len(calls) == 1
    assert calls[0] < 30_000
    assert same_bits(scan(n_threads=n_threads), scan())


# ---- threads ------------------------------------------------------------------------------------------------------


def test_other_python_threads_run_during_a_scan(scan: Scan) -> None:
    result: list[core_sky.Fits] = []
    worker = threading.Thread(target=lambda: result.append(scan(n_threads=1)))
    ticks, began = 0, time.perf_counter()
    worker.start()
    while worker.is_alive():
        time.sleep(0.002)
        ticks += 1
    took = time.perf_counter() - began
    assert took > 0.05
    assert ticks >= 5  # with the GIL held there would be one or two
    assert same_bits(result[0], scan())


def test_scans_may_run_in_several_python_threads_at_once(scan: Scan) -> None:
    expected = scan(n_threads=1)
    results: list[core_sky.Fits] = []
    workers = [threading.Thread(target=lambda n=n: results.append(scan(n_threads=n))) for n in (1, 2, 1)]  # type: ignore[misc]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 3
    assert all(same_bits(result, expected) for result in results)


def test_no_more_threads_are_used_than_the_process_may(scan: Scan) -> None:
    code = """
events = core_sky.made_up(3000)
index = core_sky.index(events, n_threads=500)
directions = _core.Directions(*core_sky.whole_sky(20000))
_core.scan(core_sky.likelihood(), index, directions, n_threads=500)
print(_core.max_threads(), len(os.listdir("/proc/self/task")))
"""
    if not os.path.isdir("/proc/self/task"):
        pytest.skip("no /proc on this system")
    done = run(code)
    assert done.returncode == 0, done.stderr
    allowed, used = map(int, done.stdout.split())
    assert allowed == len(os.sched_getaffinity(0)) or "OMP_NUM_THREADS" in os.environ
    spare = int(run('print(len(os.listdir("/proc/self/task")))').stdout)  # those of numpy's linear algebra
    assert used <= allowed - 1 + spare


@pytest.mark.parametrize(("value", "expected"), [("1", 1), ("100000", None)])
def test_omp_num_threads_is_an_upper_bound(value: str, expected: int | None) -> None:
    done = run("print(_core.max_threads(), len(os.sched_getaffinity(0)))", OMP_NUM_THREADS=value)
    threads, cores = map(int, done.stdout.split())
    assert threads == (cores if expected is None else expected)


# ---- signals ------------------------------------------------------------------------------------------------------

INTERRUPTED = """
signal.signal(signal.SIGINT, signal.default_int_handler)
events = core_sky.made_up(100_000, widest=8.0)
index = core_sky.index(events)
directions = _core.Directions(*core_sky.whole_sky(12 * 512**2))
likelihood = core_sky.likelihood()
print("ready", flush=True)
began = time.time()
try:
    CALL
except KeyboardInterrupt:
    print("interrupted", time.time(), time.time() - began, flush=True)
else:
    print("finished", time.time(), time.time() - began, flush=True)
ts, *_ = _core.scan(likelihood, index, _core.Directions(*core_sky.whole_sky(100)))
print(len(ts), flush=True)
"""


@pytest.mark.parametrize(
    "call",
    [
        "_core.scan(likelihood, index, directions)",
        "_core.scan(likelihood, index, directions, n_threads=1, progress=lambda done, total: None)",
        "_core.hottest(likelihood, index, _core.SearchPlan(directions, np.zeros((1, len(directions)))), prune=False)",
    ],
    ids=["scan", "scan with progress", "hottest"],
)
def test_ctrl_c_ends_a_long_scan_within_a_second(call: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PREAMBLE + INTERRUPTED.replace("CALL", call)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.4)
        sent = time.time()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    what, at, took = out.splitlines()[0].split()
    assert what == "interrupted", (out, err)
    assert float(took) >= 0.3
    assert float(at) - sent < 1.0
    assert out.splitlines()[1] == "100"  # and the core is as good as before
    assert process.returncode == 0


# ---- fork ---------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_forked_after_a_scan_on_all_threads_scans_and_does_not_hang() -> None:
    code = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns about any fork of a process with threads
events = core_sky.made_up(5000)
index, likelihood = core_sky.index(events), core_sky.likelihood()
directions = _core.Directions(*core_sky.whole_sky(5000))
before = _core.scan(likelihood, index, directions, n_threads=0)
child = os.fork()
if child == 0:
    again = core_sky.index(events)  # what was built before the fork serves, and so does what is built after it
    good = all(core_sky.same_bits(before, _core.scan(likelihood, i, directions)) for i in (index, again))
    grandchild = os.fork()
    if grandchild == 0:
        os._exit(0 if core_sky.same_bits(before, _core.scan(likelihood, again, directions)) else 1)
    _, status = os.waitpid(grandchild, 0)
    os._exit(0 if good and status == 0 else 1)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert core_sky.same_bits(before, _core.scan(likelihood, index, directions, n_threads=0))
"""
    done = run(code, timeout=40)
    assert done.returncode == 0, done.stderr


# ---- memory -------------------------------------------------------------------------------------------------------


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc on this system")
def test_memory_does_not_grow_over_repeated_trials_and_errors() -> None:
    events, likelihood = made_up(4000), core_sky.likelihood()
    columns = core_sky.columns(events)
    directions = patch(12).directions()
    search = _core.SearchPlan(directions, np.zeros((3, len(directions))))

    def trial(seed: int) -> None:
        ra = 2 * np.pi * np.random.default_rng(seed).random(4000)
        index = _core.EventIndex([(columns, ra, 0, None, None)], np.array([4000.0]))
        _core.scan(likelihood, index, directions, progress=lambda done, total: None)
        _core.hottest(likelihood, index, search)
        with pytest.raises(ValueError, match="gamma"):
            _core.scan(likelihood, index, directions, gamma=9.0)
        with pytest.raises(ValueError, match="ra"):
            _core.EventIndex([(columns, ra * np.nan, 0, None, None)], np.array([4000.0]))

    for seed in range(15):
        trial(seed)
    before = resident()
    for seed in range(60):
        trial(seed)
    # An index of 4000 events takes 0.4 MB: were it kept, this would be 24 MB
    assert resident() - before < 4e6


# ---- environment --------------------------------------------------------------------------------------------------


def test_the_environment_chooses_the_instruction_set() -> None:
    here = _core.simd_levels().split()
    for name in here:
        done = run("print(_core.simd_level())", NUSKY_SIMD=name)
        assert done.stdout.strip() == name, done.stderr
    assert run("print(_core.simd_level())", NUSKY_SIMD="").stdout.strip() == here[-1]


def test_an_unknown_instruction_set_in_the_environment_is_an_error_that_names_it() -> None:
    code = """
def scan():
    index = core_sky.index(core_sky.made_up(10))
    return _core.scan(core_sky.likelihood(), index, _core.Directions(*core_sky.whole_sky(500)))

for call in (_core.simd_level, scan):
    try:
        call()
    except ValueError as error:
        assert "pentium" in str(error), error
    else:
        raise AssertionError("no error")
_core.set_simd_level(_core.simd_levels().split()[0])
scan()
"""
    done = run(code, NUSKY_SIMD="pentium")
    assert done.returncode == 0, done.stderr


def test_importing_the_core_leaves_the_floating_point_mode_alone() -> None:
    # A library linked with -ffast-math would set flush-to-zero for the whole process
    done = run("tiny = np.float64(5e-324); assert tiny * 1.0 > 0; assert np.float32(1e-45) * np.float32(1) > 0")
    assert done.returncode == 0, done.stderr
