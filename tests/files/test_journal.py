"""What a journal does when it is thrown away; what it holds is tested by `tests/store`."""

from __future__ import annotations

import concurrent.futures.thread as pools
import gc
import threading
from pathlib import Path

import numpy as np
import pytest

from nusky.files import Identity, Journal, atomic


def test_a_journal_collected_while_a_thread_starts_waits_for_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    monkeypatch.setattr(atomic, "_sync", synced.append)
    journal = Journal(tmp_path / "j", Identity("test-1", "0", {"a": 1}))
    for k in range(3):
        journal.append(f"{k}.npz", {"x": np.arange(k)}, {"k": k})
    names = list(journal._unsynced)
    assert names
    synced.clear()

    def throw_away() -> None:
        nonlocal journal
        with pools._global_shutdown_lock:  # as in ThreadPoolExecutor.submit, where the collector may run
            del journal
            gc.collect()

    thread = threading.Thread(target=throw_away, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "waits for the lock that it holds"
    assert [Path(path).name for path in synced] == names
