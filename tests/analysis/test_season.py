"""Seasons with published tables: what ln R is made of, and that it survives the cache file."""

from __future__ import annotations

import dataclasses
import pathlib

import numpy as np
import pytest

from nusky import get_analysis, hyp
from nusky.analysis.season import EventRatio, SubAnalysis, open_season
from nusky.analysis.set_up import ModelOptions, set_up
from nusky.data.dataset import Dataset
from nusky.response import TabulatedSignal
from response_tables import physics_season
from small_repository import SmallRepository, small_season

GAMMAS = (1.0, 2.0, 2.5, 4.0)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return physics_season(5000, bins=8)


@pytest.fixture(scope="module")
def season(dataset: Dataset) -> SubAnalysis:
    return set_up(dataset, ModelOptions(GAMMAS))


def test_signal_energies_are_those_of_the_tables(season: SubAnalysis, dataset: Dataset) -> None:
    signal = TabulatedSignal(dataset.response, dataset.sindec_bins, dataset.log10energy_bins)
    one = signal.histogram(hyp.PowerLawFlux(2.0))
    other = signal.histogram(hyp.PowerLawFlux(2.5))
    counts, *_ = np.histogram2d(dataset.data.sindec, dataset.data.log10energy, [*season.kw_energy["hkw"]["bins"]])
    both = (one > 0) & (counts > 0)
    assert both.sum() > 300
    # Background drops out of the difference of two spectra
    found = season.energy.table[..., 2] - season.energy.table[..., 1]
    np.testing.assert_allclose(found[both], np.log(other[both] / one[both]), atol=1e-9)


def test_log_ratio_is_energy_and_sigma_together(season: SubAnalysis) -> None:
    data = season.data
    energy = season.energy.log_ratio(data.sindec, data.log10energy)
    assert season.sigma is not None
    sigma = season.sigma.log_ratio(data.sindec, data.log10energy, data.sigma)
    np.testing.assert_allclose(season.log_energy_ratio, energy + sigma, atol=1e-5)
    assert np.abs(sigma).mean() > 0.2
    np.testing.assert_array_equal(season.columns(data)[1], season.log_energy_ratio)


def test_the_term_can_be_left_out_and_is_not_made_up(dataset: Dataset) -> None:
    without = set_up(dataset, ModelOptions(GAMMAS, sigma_term=False))
    assert without.sigma is None
    data = without.data
    np.testing.assert_array_equal(
        without.log_energy_ratio, without.energy.log_ratio(data.sindec, data.log10energy).astype(np.float32)
    )
    bare = dataclasses.replace(dataset, response=None)
    assert set_up(bare, ModelOptions(GAMMAS)).sigma is None
    with pytest.raises(ValueError, match=r"season MADE: sigma_term=True .* no smearing matrix"):
        set_up(bare, ModelOptions(GAMMAS, sigma_term=True))
    with pytest.raises(ValueError, match=r"season SMALL_1: sigma_term=True"):
        get_analysis(SmallRepository({"SMALL_1": small_season()}), sigma_term=True, logging=False)


def test_one_spectrum_has_the_ratio_of_its_node(season: SubAnalysis) -> None:
    of_flux = season.ratio_of_flux(hyp.PowerLawFlux(2.5))
    np.testing.assert_allclose(of_flux(season.data)[:, 0], season.log_energy_ratio[:, 2], atol=2e-5)
    # Without simulation, too: tables know every spectrum
    np.testing.assert_array_equal(
        season.without_sim().ratio_of_flux(hyp.PowerLawFlux(2.5))(season.data), of_flux(season.data)
    )


def test_cache_files_keep_tables_and_term(season: SubAnalysis, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "MADE.subanalysis.made.npz"
    season.save(path)
    again = open_season(path)
    assert again.response is not None
    for name in ("log_background", "table"):
        np.testing.assert_array_equal(getattr(again.sigma, name), getattr(season.sigma, name))
    np.testing.assert_array_equal(again.ratio(season.data), season.log_energy_ratio)
    flux = hyp.PowerLawFlux(2.0, energy_cutoff=1e5)
    np.testing.assert_array_equal(again.ratio_of_flux(flux)(season.data), season.ratio_of_flux(flux)(season.data))
    np.testing.assert_array_equal(again.acceptance.log_acceptance, season.acceptance.log_acceptance)


def test_events_need_their_errors(season: SubAnalysis) -> None:
    ratio = EventRatio(season.energy, season.sigma)
    events = season.data[:3]
    narrow, wide = (ratio(events.with_columns(sigma=np.full(3, np.radians(deg)))) for deg in (0.3, 8.0))
    assert np.all(narrow > wide)
