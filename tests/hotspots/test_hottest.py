"""The hottest spot of a map."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.hotspots.hottest import best_of_map, embed_scan, mlog10
from nusky.hotspots.terms import PriorTerms
from nusky.pixels import PixelSet, full_sky
from nusky.trial.status import Status

SKY = full_sky(1)
FALLBACK = np.array([3, 4])


def fits(ts: list[float]) -> tuple[np.ndarray, ...]:
    values = np.array(ts, dtype=np.float64)
    return values, values / 2, np.where(values > 0, 2.0, np.nan), np.where(values > 0, 0, 1).astype(np.int8)


def test_each_prior_has_its_own_best_pixel() -> None:
    ts = [0.0] * 12
    ts[5], ts[7] = 9.0, 8.0
    terms = np.zeros((2, 12))
    terms[1, 5] = -3.0
    table = best_of_map(fits(ts), PriorTerms.of_matrix(terms, SKY, FALLBACK))
    assert table["pixel"].tolist() == [5, 7]
    assert table["ts_raw"].tolist() == [9.0, 8.0]
    assert table["ns"].tolist() == [4.5, 4.0]
    assert table["ra"].tolist() == SKY.ra[[5, 7]].tolist()
    assert table["prior"].tolist() == [0, 1]


def test_of_equal_values_the_lowest_pixel_is_taken() -> None:
    table = best_of_map(fits([1.0] * 12), PriorTerms.of_matrix(np.zeros((1, 12)), SKY, FALLBACK[:1]))
    assert table["pixel"][0] == 0


def test_negative_values_are_kept_raw_and_clipped_in_ts() -> None:
    table = best_of_map(fits([0.0] * 12), PriorTerms.of_matrix(np.full((1, 12), -4.0), SKY, FALLBACK[:1]))
    assert (table["ts_raw"][0], table["ts"][0]) == (-4.0, 0.0)
    assert table["status"][0] == Status.NO_EXCESS


def test_a_prior_without_any_allowed_pixel_stays_at_its_maximum() -> None:
    terms = np.zeros((2, 12))
    terms[1] = -np.inf
    table = best_of_map(fits([5.0] * 12), PriorTerms.of_matrix(terms, SKY, FALLBACK))
    assert table["pixel"].tolist() == [0, 4]
    assert table["ts_raw"][1] == -np.inf
    assert (table["ts"][1], table["ns"][1]) == (0.0, 0.0)
    assert np.isnan(table["gamma"][1])
    assert table["status"][1] == Status.NOT_SCANNED
    assert table["dec"][1] == pytest.approx(SKY.dec[4])


def test_some_pixels_of_the_sky_keep_their_numbers() -> None:
    some = PixelSet(1, [2, 9])
    table = best_of_map(fits([1.0, 4.0]), PriorTerms.of_matrix(np.zeros((1, 2)), some, FALLBACK[:1]))
    assert table["pixel"][0] == 9
    scan = embed_scan(fits([1.0, 4.0]), some, None, True, {})  # type: ignore[arg-type]
    assert scan.ts.tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 4, 0, 0]
    assert scan.status.tolist() == [-1, -1, 0, -1, -1, -1, -1, -1, -1, 0, -1, -1]
    assert np.flatnonzero(np.isfinite(scan.gamma)).tolist() == [2, 9]


def test_p_values_are_checked_and_zero_gives_infinity() -> None:
    dec, ts = np.zeros(3), np.array([0.0, 1.0, 2.0])
    assert mlog10(None, dec, ts) is ts
    assert mlog10(lambda d, t: [1.0, 0.1, 0.0], dec, ts).tolist() == [0.0, 1.0, np.inf]
    for bad in (np.nan, -0.1, 1.5):
        with pytest.raises(ValueError, match="must return probabilities"):
            mlog10(lambda d, t, bad=bad: np.full(3, bad), dec, ts)
