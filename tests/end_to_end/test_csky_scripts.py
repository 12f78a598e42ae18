"""Scripts in csky's manner run to their end with nothing changed but the import."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import nusky as cy
from seasons import one_season, two_seasons

mpl.use("agg")


@pytest.fixture(autouse=True)
def session(tmp_path: Path) -> Any:
    before = dict(cy.CONF)
    cy.CONF.clear()
    cy.CONF.update(ana=two_seasons(), mp_cpus=1)
    yield SimpleNamespace(dir=tmp_path)
    cy.CONF.clear()
    cy.CONF.update(before)
    plt.close("all")


def test_background_trials_to_disk_and_back(tmp_path: Path) -> None:
    from nusky import bk, utils

    for dec in (-10.0, 20.0):
        src = cy.utils.Sources(ra=0.0, dec=dec, deg=True)
        tr = cy.get_trial_runner(src=src)
        for seed in (0, 1):
            trials = tr.get_many_fits(20.0, seed=seed, logging=False)
            out = utils.ensure_dir(f"{tmp_path}/bg/dec/{dec:+.0f}")
            np.save(f"{out}/trials_{seed:04d}.npy", trials.as_array)
    bg = bk.get_all(tmp_path / "bg", "trials*npy", merge=np.concatenate, post_convert=cy.dists.Chi2TSD, log=False)
    b = bk.get_best(bg, "dec", 18)
    assert b is bg["dec"][20.0]
    assert b.n_total == 40
    assert len(b.trials["ns"]) == 40
    with pytest.raises(KeyError, match="'gamma' is not among 'dec'"):
        bk.get_best(bg, "gamma", 2)
    with pytest.raises(FileNotFoundError, match="no file"):
        bk.get_all(tmp_path, "*.txt")


def test_sensitivity_and_discovery_potential() -> None:
    timer = cy.timing.Timer()
    tr = cy.get_trial_runner(src=cy.sources(77.36, 5.69, deg=True), flux=cy.hyp.PowerLawFlux(2.5, energy_cutoff=1e5))
    with timer.time("background"):
        bg = cy.dists.Chi2TSD(tr.get_many_fits(200, n_sig=0, poisson=False, seed=1))
    sens = tr.find_n_sig(bg.median(), 0.9, batch_size=50, first_batch_size=20, n_bootstrap=1, tol=0.3, seed=2)
    sens["flux"] = tr.to_E2dNdE(sens, E0=1, unit=1e3)
    assert sens["flux"] == pytest.approx(tr.to_E2dNdE(sens["n_sig"], E0=1, unit=1e3))
    assert tr.to_ns(E2dNdE=sens["flux"], E0=1, unit=1e3) == pytest.approx(sens["n_sig"])
    assert tr.to_model_norm(sens) == pytest.approx(sens["n_sig"] / tr.sig_inj_acc_total)
    with pytest.raises(KeyError, match="was found by the search"):
        sens["n_sig"] = 1.0
    assert "flux" in dict(sens)
    assert cy.describe(bg).startswith("Chi2TSD from 200 trials")


def test_bias_with_a_histogram() -> None:
    hl = pytest.importorskip("histlite")
    tr = cy.get_trial_runner(src=cy.sources(0.0, 10.0, deg=True))
    n_sigs = np.r_[:21:10]
    trials = [tr.get_many_fits(10, n_sig=n_sig, logging=False, seed=n_sig) for n_sig in n_sigs]
    for n_sig, t in zip(n_sigs, trials, strict=True):
        t["ntrue"] = np.repeat(n_sig, len(t))
    allt = cy.utils.Arrays.concatenate(trials)
    h = hl.hist((allt.ntrue, allt.ns), bins=(3, 10))
    assert h.values.sum() == 30
    assert tr.sig_injs[0].flux[0].gamma == 2
    ax = plt.subplots()[1]
    bg = cy.dists.Chi2TSD(trials[0])
    hist = bg.get_hist(bins=10)
    hl.plot1d(ax, hist, crosses=True)
    assert float(hist.integrate().values) == pytest.approx(float(hist.values @ np.diff(hist.bins[0])))
    assert allt.as_dataframe.groupby("ntrue").ns.median().loc[20] > 10


def test_customflux_with_the_model_as_key() -> None:
    flux = cy.hyp.PowerLawFlux(2.7, energy_cutoff=1e6)
    conf = {
        "flux": flux,
        "energy": "customflux",
        "randomize": ["ra"],
        cy.pdf.CustomFluxEnergyPDFRatioModel: {
            "hkw": {"bins": (np.linspace(-1, 1, 20), np.linspace(1, 8, 20))},
            "flux": flux,
            "features": ["sindec", "log10energy"],
            "normalize_axes": ([1]),
        },
        "update_bg": False,
        "sigsub": False,
        "keep_extra": "gamma",
        "mp_cpus": 1,
    }
    tr = cy.get_trial_runner(conf, src=cy.sources(0, 0.1))
    trial = tr.get_one_trial(10, seed=1)
    L = tr.get_one_llh_from_trial(trial)
    ts, params = L.fit()
    assert -2 * L.get_minus_llh_ratio(ns=params["ns"]) == pytest.approx(ts, rel=1e-6)
    assert tuple(params) == ("ns",)
    assert tr.get_many_fits(3, seed=1).keys() == ("ts", "ns")


def test_randomised_declinations() -> None:
    conf = {
        "src": cy.sources(0, 0.1),
        "flux": cy.hyp.PowerLawFlux(2.0),
        "randomize": ["ra", cy.inj.DecRandomizer],
        "sindec_bandwidth": np.radians(5),
        "dec_rand_method": "gaussian_fixed",
        "dec_rand_kwargs": {"randomization_width": np.radians(3)},
        "dec_rand_pole_exlusion": np.radians(8),
    }
    tr = cy.get_trial_runner(conf)
    bg = tr.get_one_trial(seed=1)[0][0]
    assert np.std(bg[0].dec - one_season()[0].data["dec"]) == pytest.approx(np.radians(3), rel=0.1)
    assert tr.get_one_fit(8, seed=1)[0] > 10


def test_energies_of_a_trial_edited_in_place() -> None:
    tr = cy.get_trial_runner(src=cy.sources(0, 0.1))
    trial = tr.get_one_trial(10, poisson=False, seed=1)
    before = tr.get_one_fit_from_trial(trial)
    trial[0][0][1]["energy"] = trial[0][0][1]["energy"] * 0 + 1e6
    after = tr.get_one_fit_from_trial(trial, _fmin_method="minuit")
    assert after.ts > before.ts
    assert trial.evss[0][1].log10energy.max() == 6
    assert tr.format_result(after).startswith("ts     ")


def test_likelihood_scan_and_its_terms() -> None:
    tr = cy.get_trial_runner(src=cy.sources(0, 0.1))
    L = tr.get_one_llh(n_sig=20, poisson=False, seed=100)
    L.fit(_fmin_method="bfgs")
    ts, mesh = L.scan_ts(ns=np.linspace(0, 40, 9), gamma=np.linspace(1, 4, 7))
    best = np.argwhere(ts == np.amax(ts))[0]
    plt.pcolormesh(mesh[0], mesh[1], ts)
    assert 10 <= mesh[0][tuple(best)] <= 30
    SB = cy.inspect.get_space_eval(L, -1, 0)()[0] * cy.inspect.get_energy_eval(L, -1, 0)(gamma=2)[0]
    assert (SB > 0).all()


def test_models_of_a_season_are_plotted() -> None:
    hl = pytest.importorskip("histlite")
    a = cy.CONF["ana"][0]
    ax = plt.subplots()[1]
    hl.plot1d(ax, a.bg_space_param.h, crosses=True)
    sd = np.linspace(-1, 1, 50)
    ax.plot(sd, a.bg_space_param(sindec=sd) * 2 * np.pi)
    eprm = a.energy_pdf_ratio_model
    for gamma in (eprm.gammas[0], 2.0):
        hl.plot2d(ax, eprm.hs_ratio[gamma], log=True)
        assert np.isfinite(eprm.ss_hl[gamma](0.1, np.linspace(2, 6, 5))).all()
    assert a.acc_param(0.1, 2.0) > 0
    assert a.plot_key == "small"
    assert cy.CONF["ana"].mjd_min < cy.CONF["ana"].mjd_max


def test_a_sky_scan_from_a_trial() -> None:
    ra, dec = cy.trial.SkyScanner.get_healpix_grid(8)
    sstr = cy.get_sky_scan_trial_runner(nside=8, mp_scan_cpus=2, min_dec=-1.4, max_dec=1.4, src=cy.sources(0, 0.1))
    trial = sstr.get_one_trial(15, poisson=True, seed=1)
    scan = sstr.get_one_scan_from_trial(trial, logging=False, seed=3)
    assert scan.shape == (4, len(ra))
    assert len(sstr.scan_dec) < len(dec)
    _, ax = plt.subplots(subplot_kw={"projection": "aitoff"})
    sp = cy.plotting.SkyPlotter(pc_kw={"vmin": 0})
    sp.plot_map(ax, scan[1], n_ticks=2, cb_kw={"shrink": 0.5}, nohr=True)
    assert scan[1].max() > 10


def test_a_spatial_prior_search() -> None:
    prior = np.exp(-0.5 * (cy.trial.SkyScanner.get_healpix_grid(8)[1] - 0.3) ** 2 / 0.1)
    conf = {"extra_keep": ["energy"], "cut_n_sigma": 3, "full_sky": True, "fitter_args": {"_fmin_method": "minuit"}}
    sptr = cy.get_spatial_prior_trial_runner(conf, llh_priors=prior, src_tr=cy.sources(0, 0), get_pixmask=True)
    trial = sptr.get_one_trial(10, False, 4)
    fit = sptr.get_one_fit_from_trial(trial, flat=True)
    assert np.asarray(fit).shape == (6,)
    bg = cy.dists.TSD(sptr.get_many_fits(5, 0, False, 1, False))
    assert bg.trials.as_dataframe.shape == (5, 6)


def test_an_analysis_of_two_versions(npy_root: Path, tmp_path: Path) -> None:
    from nusky import selections as sel

    specs = cy.selections.PSDataSpecs
    repo = cy.selections.Repository(local_root=npy_root, remote_root="far:/data", username="me")
    version = "version-003-p02"
    ana = cy.get_analysis(
        repo, version, specs.ps_2011, version, sel.PSDataSpecs.ps_2012, dir=tmp_path, min_sigma=0, logging=False
    )
    assert ana.keys == ("IC86_2011", "IC86_2012")
    with pytest.raises(TypeError, match="pairs, a version and its specifications"):
        cy.get_analysis(repo, version, specs.ps_2011, version, logging=False)


def test_injectors_are_read() -> None:
    tr = cy.get_trial_runner(src=cy.sources(0, 0.1), inj_conf={"flux": cy.hyp.PowerLawFlux(3.0)})
    for sig, bg in zip(tr.sig_injs, tr.bg_injs, strict=True):
        assert sig.probs.sum() == pytest.approx(1)
        assert len(sig.inject(5, seed=1) or ()) == 5
        assert len(bg.inject(seed=1)) == len(bg.data)
        with pytest.raises(TypeError, match=r"another runner: get_trial_runner\(…, inj_conf=\{'flux': …\}\)"):
            sig.flux[0] = cy.hyp.PowerLawFlux(2.0)
        with pytest.raises(AttributeError, match="sig cannot be set: a runner's injectors stay as they were made"):
            sig.sig = sig.sig[:10]
        with pytest.raises(AttributeError, match=r"ana\[k\]\.data = … before runners are made"):
            bg.data = bg.data[:10]


def test_binned_spectra_have_cskys_names() -> None:
    flux = cy.hyp.BinnedFlux(bins_energy=[1e3, 1e4, 1e5], flux=[1e-12, 1e-14])
    assert flux == cy.hyp.BinnedFlux([1e3, 1e4, 1e5], [1e-12, 1e-14])
    assert cy.hyp.from_json(flux.to_json()) == flux
    with pytest.raises(TypeError, match=r"needs values= .csky's flux=., once"):
        cy.hyp.BinnedFlux(bins_energy=[1e3, 1e4])
    assert cy.get_trial_runner(src=cy.sources(0, 0.1), flux=flux).to_ns(1e-9, E0=5, unit=1e3) > 0


def test_angles() -> None:
    rng = cy.utils.get_random(1)
    zen, az = np.arccos(rng.uniform(-1, 1, 20)), rng.uniform(0, 2 * np.pi, 20)
    z, a = cy.coord.rotate_source_to_xaxis(1.2, 0.4, zen, az)
    back = cy.coord.rotate_xaxis_to_source(1.2, 0.4, z, a)
    np.testing.assert_allclose(back, (zen, az), atol=1e-12)
    np.testing.assert_allclose(cy.coord.delta_angle(np.pi / 2, 0.0, z, a), cy.coord.delta_angle(1.2, 0.4, zen, az))
