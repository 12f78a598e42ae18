"""Trials of a template: the same at every call and in every process, fluxes, windows, what is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nusky as cy
import template_oracle
from nusky.executors import read_spec, run_batches, write_spec
from nusky.store import TrialStore
from transient_season import timed_analysis

MAP = template_oracle.band(8)


def runner(**settings: Any) -> Any:
    return cy.get_trial_runner(**{"template": MAP, "ana": template_oracle.two(), "gamma": 2.0, **settings})


@pytest.mark.parametrize("settings", [{}, {"sigsub": True}, {"gamma": None}, {"energy": False}])
def test_one_fit_is_trial_zero_of_many_on_any_threads(settings: dict[str, Any]) -> None:
    tr = runner(**settings)
    many = tr.get_many_fits(4, 400, seed=3, mp_cpus=2)
    assert list(many[0]) == list(tr.get_one_fit(400, seed=3))
    assert np.array_equal(many.ts, tr.get_many_fits(4, 400, seed=3, mp_cpus=1).ts)
    assert many.ts.max() > 0
    assert tr.get_one_fit_from_trial(tr.get_one_trial(400, seed=3)).ts == many.ts[0]


def test_it_travels_and_says_what_decides_its_numbers(tmp_path: Path) -> None:
    tr = runner(sigsub=True)
    again = read_spec(*write_spec(tr, tmp_path, portable=True))
    assert again.config() == tr.config()
    assert again.config_hash != runner().config_hash != runner(template=MAP[::-1].copy()).config_hash
    assert np.array_equal(again.fit_trials([2], 10, seed=1).ts, tr.fit_trials([2], 10, seed=1).ts)
    assert "nside 8" in repr(tr)


def test_stores_and_executors_take_it(tmp_path: Path) -> None:
    tr = runner(ana=template_oracle.one(), sigsub=True)
    store = TrialStore(tmp_path / "store", tr.config())
    how: dict[str, Any] = {"n_sig": 200, "seed": 1}
    with ThreadPoolExecutor(1) as executor:
        rows = run_batches(tr, range(4), **how, executor=executor, store=store, spool=tmp_path)
    assert np.array_equal(rows["ts"], tr.get_many_fits(4, **how).ts)
    assert np.array_equal(np.sort(store.read(n_sig=200)["ts"]), np.sort(rows["ts"]))
    assert rows["ts"].max() > 0


def test_a_flux_is_that_of_the_whole_map_and_spreads_over_it() -> None:
    import healpy

    tr = runner(ana=template_oracle.one())
    theta, _ = healpy.pix2ang(8, np.arange(768))
    share = MAP / MAP.sum()
    events = (share * template_oracle.one()[0].acceptance(np.pi / 2 - theta, 2.0)).sum()
    assert tr.get_acc_total(gamma=2.0) == pytest.approx(events, rel=1e-9)
    flux = tr.to_E2dNdE(10)
    assert tr.to_ns(flux) == pytest.approx(10)
    assert tr.per_steradian(flux) * 4 * np.pi == pytest.approx(flux)
    assert tr.flux_map(flux).mean() == pytest.approx(tr.per_steradian(flux))
    assert tr.flux_map(flux).argmax() == MAP.argmax()
    with pytest.raises(TypeError, match="whole template"):
        tr.get_acc_total(gamma=2.0, dec=0.1)


def test_sensitivities_come_with_it() -> None:
    result = runner(ana=template_oracle.one()).find_n_sig(
        ts=2.0, beta=0.5, seed=1, batch_size=40, max_batch_size=40, tol=0.4, mp_cpus=1
    )
    assert 1 < result.n_sig < 400


def test_in_a_time_window_few_events_carry_it() -> None:
    settings = {"ana": timed_analysis(), "src_tr": cy.sources(0, 0, mjd=56020.0, t_100=5.0)}
    tr = runner(**settings)
    assert tr.get_many_fits(5, 6, seed=1).ts.max() > 0
    assert tr.get_one_fit(6, seed=1).window is not None
    with pytest.raises(ValueError, match="whole seasons"):
        runner(**settings, sigsub=True)


def test_a_template_where_nothing_is_accepted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from nusky.likelihood import LikelihoodModel

    whole = LikelihoodModel.acceptances

    def blind(model: Any) -> Any:
        nodes, sindec, table = whole(model)
        return nodes, sindec, np.where(sindec[:, None] < 0.2, -200.0, table)

    monkeypatch.setattr(LikelihoodModel, "acceptances", blind)
    with pytest.raises(ValueError, match="zero wherever the seasons accept"):
        runner(template=template_oracle.blob(8, 1.0, -1.2, 0.05) * (template_oracle.blob(8, 1.0, -1.2, 0.05) > 1e-3))


def with_spectra(**settings: Any) -> Any:
    given = template_oracle.spectra()
    return cy.get_trial_runner(
        template=given.flux, bins_energy=given.energy_bins, ana=template_oracle.two(), **settings
    )


@pytest.mark.parametrize("settings", [{}, {"sigsub": True}, {"gamma": 2.0}, {"energy": False}])
@pytest.mark.slow
def test_with_a_spectrum_in_each_pixel_trials_are_the_same_everywhere(settings: dict[str, Any], tmp_path: Path) -> None:
    tr = with_spectra(**settings)
    many = tr.get_many_fits(4, 300, seed=3, mp_cpus=2)
    assert list(many[0]) == list(tr.get_one_fit(300, seed=3))
    assert np.array_equal(many.ts, tr.get_many_fits(4, 300, seed=3, mp_cpus=1).ts)
    assert many.ts.max() > 0
    again = read_spec(*write_spec(tr, tmp_path, portable=True))
    assert again.config() == tr.config()
    assert again.config_hash != runner().config_hash
    assert np.array_equal(again.fit_trials([2], 300, seed=3).ts, many.ts[2:3])


def test_fluxes_of_spectra_are_multiples_of_them() -> None:
    tr = with_spectra()
    norm = tr.to_model_norm(100)
    assert tr.get_acc_total() * norm == pytest.approx(100)
    where = {"E0": 30.0, "unit": 1e3}
    flux = tr.to_E2dNdE(100, **where)
    assert flux == pytest.approx(norm * tr.spectra.total(3e4) * 3e4**2 / 1e3)
    assert tr.to_ns(flux, **where) == pytest.approx(100)
    sky = tr.flux_map(flux, **where)
    assert sky.mean() == pytest.approx(tr.per_steradian(flux))
    assert sky.argmax() == tr.spectra.share_at(3e4).argmax()
    assert tr.to_model_norm(100, flux=tr.spectra.total) == pytest.approx(norm)
    with pytest.raises(ValueError, match="multiples of it"):
        tr.to_E2dNdE(100, gamma=2.0)
    with pytest.raises(ValueError, match="no flux at 1 GeV"):
        tr.flux_map(flux)


def test_spectra_in_a_time_window() -> None:
    given = template_oracle.spectra()
    tr = cy.get_trial_runner(
        template=given.flux,
        bins_energy=given.energy_bins,
        ana=timed_analysis(),
        src_tr=cy.sources(0, 0, mjd=56020.0, t_100=5.0),
    )
    many = tr.get_many_fits(5, 6, seed=1)
    assert many.ts.max() > 0
    assert list(many[0]) == list(tr.get_one_fit(6, seed=1))
    assert tr.to_fluence(3, E0=10, unit=1e3) > 0
