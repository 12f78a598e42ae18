from __future__ import annotations

import subprocess
import sys

import pytest

from places import ROOT


@pytest.mark.slow
def test_twenty_random_kills_of_stores_libraries_and_merges_lose_nothing_but_the_piece_in_work() -> None:
    words = [sys.executable, str(ROOT / "bench" / "store" / "kill_store.py"), "--kills", "20", "--seed", "3"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    kills = [int(line.split()[1]) for line in done.stdout.splitlines()]
    assert len(kills) == 4
    assert sum(kills) >= 20
