"""Many trials on threads: order, errors and Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from nusky.executors import on_threads
from nusky.executors.on_threads import InterruptedBatch, check_indices, fit_batch, share_threads
from nusky.progress import Progress

DTYPE = np.dtype([("ts", "f8"), ("ns", "f8")])


def row(ts: float, ns: float) -> np.ndarray:
    return np.array([(ts, ns)], dtype=DTYPE)


def square(some: np.ndarray, n_threads: int) -> np.ndarray:
    time.sleep(0.0002 * (some[0] % 3))
    return np.array([(j * j, j) for j in some.tolist()], dtype=DTYPE)


@pytest.mark.parametrize("together", [1, 2, 100])
@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_rows_are_in_the_order_of_the_indices_whatever_the_threads(n_threads: int, together: int) -> None:
    indices = np.array([5, 3, 11, 0, 7, 2, 40, *range(60, 100)], dtype=np.int64)
    rows = fit_batch(square, indices, DTYPE, n_threads, 100, None, together)
    assert rows["ns"].tolist() == indices.tolist()
    assert rows["ts"].tolist() == (indices**2).tolist()


def test_pieces_are_as_long_as_the_clock_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_threads, "_PIECE", 60.0)
    sizes: list[int] = []

    def fits(some: np.ndarray, n_threads: int) -> np.ndarray:
        sizes.append(len(some))
        if len(sizes) == 5:  # from here on calls are slow
            monkeypatch.setattr(on_threads, "_PIECE", 0.0)
        return square(some, n_threads)

    rows = fit_batch(fits, np.arange(103), DTYPE, 1, 100, None, 31)
    assert sizes == [4, 8, 16, 28, 28, 12, 4, 3]
    assert rows["ns"].tolist() == list(range(103))


def test_an_empty_batch_gives_no_rows() -> None:
    assert len(fit_batch(square, np.empty(0, dtype=np.int64), DTYPE, 2, 100)) == 0


def test_many_trials_run_one_per_thread_and_few_use_all_threads_each() -> None:
    assert share_threads(1000, 8, 136_264) == (8, 1)
    assert share_threads(3, 8, 136_264) == (1, 8)
    at_once, each = share_threads(1000, 64, 1_100_000)
    assert at_once * each <= 64
    assert at_once * 150 * 1_100_000 <= 2e9
    assert share_threads(10, 4, 10**9) == (1, 4)


@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_first_error_stops_the_batch(n_threads: int) -> None:
    seen: list[int] = []

    def fails(some: np.ndarray, n_threads: int) -> np.ndarray:
        seen.append(some[0])
        time.sleep(0.001)
        if some[0] == 4:
            raise ValueError("trial 4 is broken")
        return row(0.0, 0.0)

    with pytest.raises(ValueError, match="trial 4 is broken"):
        fit_batch(fails, np.arange(500), DTYPE, n_threads, 100)
    assert len(seen) < 400


@pytest.mark.parametrize("n_threads", [1, 2])
def test_ctrl_c_keeps_the_finished_trials(n_threads: int) -> None:
    def interrupts(some: np.ndarray, n_threads: int) -> np.ndarray:
        if some[0] == 30:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.002)
        return row(float(some[0]), 1.0)

    with pytest.raises(InterruptedBatch) as caught:
        fit_batch(interrupts, np.arange(5000), DTYPE, n_threads, 100)
    stopped = caught.value
    assert isinstance(stopped, KeyboardInterrupt)
    assert 20 <= len(stopped.partial) < 2000
    assert stopped.partial["ts"].tolist() == stopped.indices.tolist()
    assert stopped.n_trials == 5000
    assert f"after {len(stopped.partial)} of 5000 trials" in str(stopped)
    assert threading.active_count() < 10


def test_progress_is_told_of_every_trial_in_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    for n_threads in (1, 3):
        with Progress("Go:", 50, "trials") as progress:
            fit_batch(square, np.arange(50), DTYPE, n_threads, 100, progress)
    assert capsys.readouterr().out.count("50/50 trials complete.") == 2


def test_indices_are_checked() -> None:
    assert check_indices([3, 1]).dtype == np.int64
    assert check_indices([]).tolist() == []
    with pytest.raises(ValueError, match="must not be negative"):
        check_indices([-1])
    with pytest.raises(TypeError, match="must be integers"):
        check_indices(np.array([0.5]))
    with pytest.raises(ValueError, match="one-dimensional"):
        check_indices(np.zeros((2, 2), dtype=int))


def test_an_uncaught_interruption_ends_a_script_as_ctrl_c_does() -> None:
    code = (
        "import numpy as np; from nusky.executors.on_threads import check_indices, InterruptedBatch; "
        "raise InterruptedBatch(np.zeros(3), np.arange(3), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "interrupted after 3 of 9 trials" in done.stderr


def test_numbers_taken_from_a_table_are_made_contiguous() -> None:
    table = np.zeros(4, dtype=[("ts", "f8"), ("trial", "i8")])
    table["trial"] = [3, 1, 2, 0]
    numbers = check_indices(table["trial"])
    assert numbers.flags.c_contiguous
    assert numbers.tolist() == [3, 1, 2, 0]
