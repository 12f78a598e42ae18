"""float32 rounds π/2, 2π and 1 up: wherever such a limit is asked for, the rounded value is the limit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import nusky as cy
from nusky.maps import read_sky_map
from nusky.pixels import select_pixels
from nusky.source import sources
from nusky.sphere import at_limits

HALF, WHOLE, PI = np.float32(np.pi / 2), np.float32(2 * np.pi), np.float32(np.pi)
ONE = np.nextafter(np.float32(1), np.float32(2))
x = np.array([1.0])
SKY = x / (4 * np.pi)
LEVELS = np.r_[ONE, np.linspace(0, 1, 47, dtype="f4")]


def scan(dec: object = 0.1, sigma: object = 0.1, src_ra: object = 1.0, src_dec: object = 0.1) -> float:
    one = cy.scan_events(
        x, np.ravel(dec), np.ravel(sigma), SKY, None, None, src_ra=src_ra, src_dec=src_dec, n_threads=1
    )
    return float(one.ts[0])


CASES: dict[str, Callable[[], bool]] = {
    "declination of a source": lambda: float(sources(0.0, HALF).dec[0]) == np.pi / 2,
    "south pole": lambda: float(sources(0.0, -HALF).dec[0]) == -np.pi / 2,
    "right ascension of a source": lambda: float(sources(WHOLE, 0.0).ra[0]) == 0.0,
    "extension": lambda: float(sources(1, 0, extension=np.float32(np.radians(20))).extension[0]) > 0.34,
    "max_dec": lambda: len(select_pixels(8, max_dec=HALF)) == 768,
    "min_dec": lambda: len(select_pixels(8, min_dec=-HALF)) == 768,
    "cone at the pole": lambda: len(select_pixels(8, cone=(0.0, HALF, 0.2))) > 0,
    "cone of the whole sky": lambda: len(select_pixels(8, cone=(0.0, 0.0, PI))) == 768,
    "near an event at the pole": lambda: len(select_pixels(8, near_events=([1.0], [HALF], [0.2]))) > 0,
    "containment": lambda: len(select_pixels(2, prior=np.arange(1, 49), containment=ONE)) == 48,
    "area": lambda: abs(read_sky_map(np.ones(48)).area(ONE) - 4 * np.pi) < 1e-9,
    "confidence level": lambda: float(read_sky_map(LEVELS, kind="cl").probability[0]) == 0.0,
    "event of a scan": lambda: scan(dec=HALF) >= 0,
    "sigma of a scan": lambda: scan(sigma=PI) >= 0,
    "source of a scan": lambda: scan(src_ra=WHOLE, src_dec=HALF) >= 0,
    "zoom": lambda: cy.plotting.SkyZoom(0.0, HALF).dec == np.pi / 2,
}


@pytest.mark.parametrize("name", CASES)
def test_the_limit_in_single_precision_is_the_limit(name: str) -> None:
    assert CASES[name]()


@pytest.mark.parametrize("value", [1.5709, -1.5709, np.pi, np.nan])
def test_what_is_further_out_stays_and_is_refused(value: float) -> None:
    np.testing.assert_array_equal(at_limits([value], -np.pi / 2, np.pi / 2), [value])
    with pytest.raises(ValueError, match=r"dec\[0\]"):
        sources(1.0, value)


def test_an_infinite_limit_moves_nothing() -> None:
    assert at_limits([-5.0, 4.0], -np.inf, np.pi).tolist() == [-5.0, 4.0]
