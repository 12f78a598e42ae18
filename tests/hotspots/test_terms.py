"""Prior terms of a catalogue: the short lists give what the whole rows give."""

from __future__ import annotations

import numpy as np
import pytest

from nusky.hotspots.terms import PriorTerms
from nusky.pixels import PixelSet, full_sky, select_pixels
from nusky.priors import PriorPolicy, SpatialPrior

NSIDE = 8
SKY = full_sky(NSIDE)
VECTORS = np.stack([np.cos(SKY.dec) * np.cos(SKY.ra), np.cos(SKY.dec) * np.sin(SKY.ra), np.sin(SKY.dec)])


def catalogue(n: int, width: float, floor: float = 0.0, zero: str = "exclude", seed: int = 0) -> list[SpatialPrior]:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(n, 3))
    centres /= np.linalg.norm(centres, axis=1)[:, None]
    policy = PriorPolicy(zero=zero)  # type: ignore[arg-type]
    maps = [np.maximum(np.exp((c @ VECTORS - 1) / width**2), floor) for c in centres]
    maps = [np.where(m > 1e-12, m, 0.0) for m in maps]
    return [SpatialPrior(m, policy=policy) for m in maps]


def by_hand(priors: list[SpatialPrior], pixels: PixelSet, ts: np.ndarray) -> tuple[list[int], list[float]]:
    rows, values = [], []
    for prior in priors:
        total = ts + prior.term[pixels.pixels]
        rows.append(int(np.argmax(total)) if np.isfinite(total).any() else -1)
        values.append(float(total.max()))
    return rows, values


@pytest.mark.parametrize("kept", [1, 5, 40, 767, 5000])
@pytest.mark.parametrize(
    ("width", "floor", "zero"),
    [(0.1, 0.0, "exclude"), (0.5, 1e-4, "exclude"), (0.2, 0.0, "floor"), (3.0, 0.0, "floor")],
)
def test_short_lists_find_the_best_pixel_of_the_whole_rows_to_the_last_bit(
    kept: int, width: float, floor: float, zero: str
) -> None:
    priors = catalogue(12, width, floor, zero)
    rng = np.random.default_rng(1)
    for pixels in (SKY, select_pixels(NSIDE, min_dec=-0.3, max_dec=1.0)):
        short = PriorTerms.of(priors, pixels, matrix_bytes=0, kept=kept)
        whole = PriorTerms.of(priors, pixels)
        assert short.matrix is None
        assert whole.matrix is not None
        for scale in (0.0, 1.0, 10.0, 100.0):
            ts = np.maximum(0.0, rng.normal(size=len(pixels))) * scale
            rows, values = by_hand(priors, pixels, ts)
            for terms in (short, whole):
                best = terms.best(ts)
                assert best.row.tolist() == rows
                assert best.value.tolist() == values


def test_of_equal_pixels_the_first_is_taken_whether_it_was_kept_or_not() -> None:
    prior = SpatialPrior(np.ones(SKY.npix))
    for kept in (1, 10, 100):
        short = PriorTerms.of([prior], SKY, matrix_bytes=0, kept=kept)
        ts = np.zeros(SKY.npix)
        assert short.best(ts).row.tolist() == [0]
        ts[[300, 40, 500]] = 7.5
        assert short.best(ts).row.tolist() == [40]


def test_a_prior_outside_the_pixels_has_no_best_one() -> None:
    south, north = (np.where(mask, 1.0, 0.0) for mask in (SKY.dec < -0.5, SKY.dec > 0.5))
    pixels = select_pixels(NSIDE, min_dec=0.0)
    priors = [SpatialPrior(south), SpatialPrior(north)]
    for bytes_ in (0, 2**26):
        terms = PriorTerms.of(priors, pixels, matrix_bytes=bytes_, kept=3)
        best = terms.best(np.ones(len(pixels)))
        assert best.row[0] == -1
        assert best.value[0] == -np.inf
        assert pixels.dec[best.row[1]] > 0.5
        assert terms.fallback[0] == priors[0].peak


def test_terms_at_rows_agree_in_both_forms_and_row_minus_one_is_nowhere() -> None:
    priors = catalogue(3, 0.3)
    short, whole = (PriorTerms.of(priors, SKY, matrix_bytes=b, kept=4) for b in (0, 2**26))
    rows = np.array([5, -1, 700, 0])
    for j in range(3):
        np.testing.assert_array_equal(short.at(j, rows), whole.at(j, rows))
        assert whole.at(j, rows)[1] == -np.inf
        np.testing.assert_array_equal(short.row(j), whole.row(j))


def test_a_thousand_priors_keep_a_few_megabytes() -> None:
    priors = catalogue(20, 0.5, 1e-6)
    terms = PriorTerms.of(priors, SKY, matrix_bytes=0, kept=100)
    assert sum(row.nbytes + term.nbytes for row, term in zip(terms.kept_row, terms.kept_term, strict=True)) == 20 * 1200


def test_nothing_scanned_is_nothing_found() -> None:
    none = PixelSet(NSIDE, np.empty(0, dtype=np.int64))
    best = PriorTerms.of(catalogue(2, 0.3), none).best(np.empty(0))
    assert best.row.tolist() == [-1, -1]
