"""Masked, NaN and UNSEEN values are no numbers, in whatever they are given; what lies under a mask is never used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import healpy
import numpy as np
import pytest

import nusky as cy
from nusky.data import Uptime
from nusky.dists import TSD, BinnedTSD, ts_to_p
from nusky.pixels import full_sky, near_events_mask, nearby, position_regions, refined_pixels
from nusky.priors import gaussian
from nusky.sensitivity import fit_efficiency
from seasons import one_season

MASKED = np.ma.array([0.1, 0.2], mask=[False, True])
TSDS = {0.0: TSD([1.0], n_zero=9), 0.004: TSD([1.0], n_zero=9)}

REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "TS, masked": (lambda: TSD([1.0, 2.0]).sf(MASKED), "a TS must be a number"),
    "TS, UNSEEN": (lambda: TSD([1.0, 2.0]).sf(healpy.UNSEEN), "a TS must be a number"),
    "TS of a histogram": (lambda: BinnedTSD([1.0, 2.0]).sf(MASKED), "a TS must be a number"),
    "declination of a p-value": (lambda: ts_to_p(TSDS, MASKED * 0.01, 1.0), "dec holds NaN at 1"),
    "declination of an acceptance": (lambda: one_season()[0].acceptance(MASKED, 2.0), "off the sphere"),
    "events near pixels": (lambda: near_events_mask(8, MASKED, np.array([0.1, 0.1]), 0.1), r"ra\[1\] = nan"),
    "events near a set": (lambda: nearby(full_sky(8), np.array([1.0, 1.0]), MASKED, 0.1), r"dec\[1\] = nan"),
    "reach of events": (lambda: near_events_mask(8, np.array([1.0, 1.0]), np.zeros(2), MASKED), r"radius\[1\] = nan"),
    "injected signals": (lambda: fit_efficiency([0, 1, np.nan], [1, 2, 3], [5, 5, 5]), "must be finite"),
    "counts to a flux": (
        lambda: cy.get_trial_runner(ana=one_season(), src=cy.sources(1.0, 0.2)).to_E2dNdE(MASKED, gamma=2),
        "must be finite",
    ),
    "runs": (lambda: Uptime(np.array([1.0, np.nan]), np.array([2.0, 3.0])), "must be finite MJD"),
    "runs, masked": (lambda: Uptime(np.array([1.0, 2.0]), np.ma.array([2.0, 3.0], mask=[0, 1])), "must be finite MJD"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_needs_a_number_refuses_a_gap(name: str) -> None:
    act, said = REFUSED[name]
    with pytest.raises(ValueError, match=said):
        act()


@pytest.mark.parametrize("mark", ["mask", np.nan, healpy.UNSEEN])
def test_a_gap_is_never_the_hottest_pixel(mark: Any) -> None:
    sky = full_sky(8)
    ts = np.linspace(0.0, 5.0, len(sky))
    gone = np.zeros(len(sky), dtype=bool)
    gone[[7, 300]] = True
    # under the mask lies the largest value
    given: Any = np.ma.array(np.where(gone, 99.0, ts), mask=gone) if mark == "mask" else np.where(gone, mark, ts)
    (region,) = position_regions(sky, given, levels=(0.5,))
    assert region.best == len(sky) - 1
    assert not region.inside[gone].any()
    assert refined_pixels(sky, given, 16).pixels.tolist() == refined_pixels(sky, ts, 16).pixels.tolist()


def test_a_gap_is_written_as_maps_say_it(tmp_path: Path) -> None:
    values = np.arange(48.0)
    gone = np.isin(np.arange(48), [3, 40])
    for i, given in enumerate((np.where(gone, np.nan, values), np.ma.array(values, mask=gone))):
        cy.write_sky_map(tmp_path / f"{i}.fits", given)
        read = healpy.read_map(tmp_path / f"{i}.fits")
        np.testing.assert_array_equal(read == healpy.UNSEEN, gone)
        np.testing.assert_array_equal(read[~gone], values[~gone])


def test_a_skycoord_is_a_position() -> None:
    coordinates = pytest.importorskip("astropy.coordinates")
    there = coordinates.SkyCoord(1.0, 0.2, unit="rad").galactic
    np.testing.assert_allclose(gaussian(there, fwhm=0.5).map, gaussian(1.0, 0.2, fwhm=0.5).map)
    with pytest.raises(TypeError, match="needs ra and dec, or a SkyCoord"):
        gaussian(1.0, fwhm=0.5)
    runner = cy.get_sky_scan_trial_runner(ana=one_season(), nside=8, src=cy.sources(1.0, 0.2), mp_cpus=1)
    found = runner.get_localization(runner.get_one_trial(8, seed=1), nside=16)
    best = coordinates.SkyCoord(found.ra, found.dec, unit="rad").galactic
    assert found.contains(best, None, 0.5)
    assert found.contains(there, None, 0.9) == found.contains(1.0, 0.2, 0.9)
    assert found.ts_at(best) == found.ts[found.best]
    with pytest.raises(TypeError, match="prior: expected a map or several, got"):
        cy.sources(1.0, 0.2, prior=Path("map.fits"))
