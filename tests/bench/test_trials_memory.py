"""Trials and scans leave no memory behind, and many trials in one call take what their rows take."""

from __future__ import annotations

import sys

import pytest
from trials_memory import growth, peak

import nusky as cy
from seasons import two_seasons

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory of the process is read from /proc"),
]


def test_trials_and_scans_leave_nothing_behind() -> None:
    tr = cy.get_trial_runner(src=cy.sources(1.0, 0.2), ana=two_seasons(), mp_cpus=1)
    sstr = cy.get_sky_scan_trial_runner(nside=8, ana=two_seasons(), mp_cpus=1)
    for work, n in ((lambda i: tr.get_many_fits(400, 5, seed=i), 50), (lambda i: sstr.get_one_scan(seed=i), 60)):
        after = growth(work, n)
        assert after[-1] - after[1] < 2.0, after  # MiB


def test_many_trials_take_what_their_rows_take() -> None:
    tr = cy.get_trial_runner(src=cy.sources(1.0, 0.2), ana=two_seasons(), mp_cpus=1)
    tr.get_many_fits(1000, seed=1)
    before = peak()
    trials = tr.get_many_fits(400_000, seed=1)
    assert peak() - before < 3 * len(trials) * trials.dtype.itemsize / 2**20 + 8
