"""Trials of maps whose loop runs in the core: what goes this way, and that it gives the bits of each trial alone.

`test_one_seed` compares more kinds of runners, a few trials each.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.executors.on_threads import InterruptedBatch
from nusky.hotspots.finder import SpotFinder
from nusky.injection import DecRandomization
from nusky.pixels import PixelSet, select_pixels
from nusky.pixels.refinement import Refinement
from seasons import one_season, two_seasons

NSIDE = 16


def prior(ra: float = 3.0, dec: float = 0.3, width: float = 0.4, floor: float = 1e-5) -> Any:
    vectors = np.array(healpy.pix2vec(NSIDE, np.arange(12 * NSIDE**2)))
    return np.maximum(floor, np.exp((healpy.ang2vec(np.pi / 2 - dec, ra) @ vectors - 1) / width**2))


def scan(**options: Any) -> Any:
    given = {"ana": two_seasons(), "nside": NSIDE, "src": cy.sources(1.0, 0.2), "mp_cpus": 1}
    return cy.get_sky_scan_trial_runner(**(given | options))


def of_priors(**options: Any) -> Any:
    return cy.get_spatial_prior_trial_runner(**({"ana": two_seasons(), "llh_priors": prior(), "mp_cpus": 1} | options))


RUNNERS: dict[str, Callable[[], Any]] = {
    "few pixels": lambda: replace(
        scan(), pixels=PixelSet(NSIDE, [3, 700, healpy.ang2pix(NSIDE, np.pi / 2 - 0.2, 1.0)])
    ),
    "cone": lambda: replace(scan(), pixels=select_pixels(64, cone=(1.0, 0.2, 0.05))),
    "no energy": lambda: scan(energy=False),
    "narrow prior": lambda: of_priors(llh_priors=prior(width=0.1, floor=0.0), ana=one_season()),
    "two priors": lambda: of_priors(llh_priors=[prior(), prior(1.0, -0.8, 0.2)]),
}


@pytest.mark.parametrize("name", RUNNERS)
def test_every_row_is_that_of_its_trial(name: str) -> None:
    runner = RUNNERS[name]()
    assert runner._in_core
    assert runner._together(0.0) > 1
    hot = 0.0
    for n_sig in (0.0, 9.0):
        runner._prepare(n_sig)
        numbers = np.array([2, 3, 4, 9, 11])  # parts of three blocks of random numbers
        tables = runner._tables(numbers, n_sig, False, 5, 1)
        for n_threads in (2, 8):
            assert runner._tables(numbers, n_sig, False, 5, n_threads).tobytes() == tables.tobytes()
        for table, j in zip(tables, numbers.tolist(), strict=True):
            alone = runner._table(runner.draw_trial(5, j, n_sig, False), 1)
            assert alone.tobytes() == table.tobytes()
        hot = float(tables["ts"].max())
    assert hot > 9


def test_threads_and_batches_do_not_matter() -> None:
    runner = scan(ana=one_season())
    whole = runner.get_many_fits(11, 4, seed=9)
    for mp_cpus, pieces in ((2, (11,)), (3, (1, 4, 6)), (16, (5, 6))):
        first = 0
        for n in pieces:
            part = runner.get_many_fits(n, 4, seed=9, first_trial=first, mp_cpus=mp_cpus)
            np.testing.assert_array_equal(part.ts, whole.ts[first : first + n])
            first += n


def test_what_the_core_cannot_do_goes_one_by_one() -> None:
    plain = scan()
    assert not replace(plain, declinations=DecRandomization(width=0.05, pole_exclusion=0.1))._in_core
    assert not replace(plain, refine=Refinement(64))._in_core
    assert not scan(sigsub=True)._in_core

    class Own(type(plain)):  # type: ignore[misc]
        def draw_trial(self, seed: int, index: int, n_sig: float, poisson: bool) -> Any:
            return super().draw_trial(seed + 1, index, n_sig, poisson)

    own = Own(**{name: getattr(plain, name) for name in (field.name for field in fields(plain))})
    assert not own._in_core
    assert own.get_many_fits(2, seed=1).ts.tolist() == plain.get_many_fits(2, seed=2).ts.tolist()


def test_much_signal_is_not_all_in_memory_at_once() -> None:
    runner = scan()
    assert runner._together(1e5) == 2
    assert runner._together(1e7) == 1


def test_what_is_done_at_an_interrupt_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = scan(ana=one_season())
    whole = runner.get_many_fits(40, seed=1)
    kept, calls = SpotFinder.best_of_scrambles, []

    def stopped(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return kept(*arguments)

    monkeypatch.setattr(SpotFinder, "best_of_scrambles", stopped)
    with pytest.raises(InterruptedBatch) as caught:
        runner.get_many_fits(40, seed=1)
    partial = caught.value.partial
    assert 0 < len(partial) < 40
    assert partial.ts.tolist() == whole.ts[: len(partial)].tolist()
