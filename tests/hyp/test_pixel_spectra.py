"""`PixelSpectra`: what is a map of spectra, and the few spectra it is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nusky.hyp import PixelSpectra

EDGES = np.array([1e2, 1e3, 1e4, 1e5, 1e6])
HARD, SOFT = np.array([1e-3, 1e-5, 1e-7, 1e-9]), np.array([4e-3, 4e-6, 4e-9, 4e-12])


def mixed() -> PixelSpectra:
    part = np.linspace(0, 1, 48)
    return PixelSpectra(np.outer(part, HARD) + np.outer((1 - part) ** 2, SOFT), EDGES)


def test_two_spectra_in_any_mixture_are_two_components() -> None:
    spectra = mixed()
    factors, found = spectra.components(np.ones(4))
    assert len(found) == 2
    again = sum(np.outer(f, one.values) for f, one in zip(factors, found, strict=True))
    assert np.allclose(again, spectra.flux, rtol=1e-9, atol=1e-15)


def test_as_many_components_as_energies_are_enough_for_any_map() -> None:
    rng = np.random.default_rng(1)
    spectra = PixelSpectra(rng.uniform(0, 1, (192, 4)), EDGES)
    factors, found = spectra.components(np.array([1.0, 2.0, 0.5, 1.0]))
    again = sum(np.outer(f, one.values) for f, one in zip(factors, found, strict=True))
    assert len(found) == 4
    assert np.allclose(again, spectra.flux, atol=1e-9)


def test_energies_without_events_need_no_component() -> None:
    _, found = mixed().components(np.array([0, 1, 0, 0]))
    assert len(found) == 1
    with pytest.raises(ValueError, match="miss the simulated ones"):
        mixed().components(np.zeros(4))


def test_shares_and_total() -> None:
    spectra = mixed()
    assert spectra.total(5e4) == pytest.approx(spectra.flux[:, 2].sum())
    assert spectra.shares.sum() == pytest.approx(1)
    assert spectra.share_at(5e4)[7] == pytest.approx(spectra.flux[7, 2] / spectra.flux[:, 2].sum())
    assert spectra.share_at(1e6)[7] == pytest.approx(spectra.flux[7, 3] / spectra.flux[:, 3].sum())
    with pytest.raises(ValueError, match="no flux at 10 GeV"):
        spectra.share_at(10.0)


@pytest.mark.parametrize(
    ("flux", "edges", "message"),
    [
        (np.ones((12, 4)), EDGES[:4], "M \\+ 1 edges"),
        (np.ones(12), EDGES, "M \\+ 1 edges"),
        (np.ones((13, 4)), EDGES, "13"),
        (np.zeros((12, 4)), EDGES, "no value is larger than 0"),
        (np.where(np.arange(48).reshape(12, 4) == 9, -1.0, 1.0), EDGES, r"template\[2, 1\] = -1"),
        (np.where(np.arange(48).reshape(12, 4) == 9, np.nan, 1.0), EDGES, r"template\[2, 1\] = nan"),
        (np.ones((12, 4)), EDGES[::-1], "increase"),
    ],
)
def test_what_is_no_map_of_spectra_is_refused(flux: Any, edges: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PixelSpectra(flux, edges)
