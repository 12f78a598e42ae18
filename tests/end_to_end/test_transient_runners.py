"""The three runners with a time window: trials, pixels, fluxes and fluences, reproducibility, p-values."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky import hyp
from nusky.executors.spec import read_spec, write_spec
from nusky.hotspots.hottest import best_of_map, scan_pixels
from nusky.source.window import TimeWindow
from nusky.transients.on_time import TransientOptions
from nusky.trial.fit import Fit
from nusky.trial.status import Status
from transient_season import FIRST, timed_analysis

ANA = timed_analysis()
TWO = timed_analysis(FIRST, FIRST + 100)
WINDOW = {"mjd": FIRST + 20.3, "t_100": 0.05}
RA, DEC = 2.0, 0.3


def bump(nside: int = 32, ra: float = RA, dec: float = DEC, width: float = 0.12) -> np.ndarray:
    import healpy as hp

    x = np.array(hp.pix2vec(nside, np.arange(hp.nside2npix(nside))))
    centre = hp.ang2vec(np.pi / 2 - dec, ra)
    return np.exp((centre @ x - 1) / width**2)


def point(ana: Any = ANA, window: dict[str, float] | None = None, **kw: Any) -> cy.TrialRunner:
    return cy.get_trial_runner(src=cy.sources(RA, DEC, **(WINDOW if window is None else window)), ana=ana, **kw)


def sky(ana: Any = ANA, **kw: Any) -> cy.SkyScanTrialRunner:
    return cy.get_sky_scan_trial_runner(nside=16, src_tr=cy.sources(0, 0, **WINDOW), ana=ana, **kw)


def prior(ana: Any = ANA, **kw: Any) -> cy.SpatialPriorTrialRunner:
    options: dict[str, Any] = {"llh_priors": bump(), "src_tr": cy.sources(0, 0, **WINDOW), "containment": 0.99, **kw}
    return cy.get_spatial_prior_trial_runner(ana=ana, **options)


def assert_same(a: np.ndarray, b: np.ndarray) -> None:
    for name in a.dtype.names:  # NaN equals NaN in single columns only
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def whole_map(tr: Any, trial: Any) -> np.ndarray:
    """Best fits from the fits of every pixel."""
    fits = scan_pixels(tr.model, tr.index_trial(trial, 1), tr.pixels, 1, False)
    return best_of_map(fits, tr._finder.terms)


@pytest.mark.parametrize("make", [point, sky, prior])
def test_every_runner_fits_trials_of_its_window(make):
    tr = make(**({"src": cy.sources(RA, DEC)} if make is sky else {}))
    assert tr.on_time.n_background == pytest.approx(2.5, rel=0.05)
    trial = tr.get_one_trial(4, seed=3)
    assert trial.window == TimeWindow(**WINDOW)
    for events in (*trial.evss[0],):
        assert trial.window.inside(events.mjd).all()
    assert trial.n_injected == 4
    fit = tr.get_one_fit(4, seed=3)
    assert fit.status is Status.OK
    assert fit.ns == pytest.approx(4, abs=1)
    assert fit.ts > 10


def test_signal_shares_the_seasons_by_their_acceptance_in_the_window():
    tr = point(TWO, {"mjd": FIRST + 99.8, "t_100": 0.6})  # 0.1 days in the first, 0.4 in the second
    n = np.array([[0 if inj is None else len(inj) for inj in tr.get_one_trial(50, seed=s).injected] for s in range(40)])
    share = tr.signal_injector.acceptance(DEC)
    assert n.sum(axis=0)[0] / n.sum() == pytest.approx(share[0] / share.sum(), abs=0.03)
    assert share[0] / share.sum() == pytest.approx(0.2, abs=0.05)
    early = point(TWO, {"mjd": FIRST + 3.0, "t_100": 0.5}).get_one_trial(20, seed=1)
    assert [None if inj is None else len(inj) for inj in early.injected] == [20, None]


def test_a_trial_depends_on_seed_and_number_only():
    tr = prior(mp_cpus=2)
    for n_sig in (0, 2):
        whole = tr.get_many_fits(40, n_sig, seed=7)
        assert whole[0].ts == tr.get_one_fit(n_sig, seed=7).ts
        again = tr.get_many_fits(15, n_sig, seed=7, first_trial=20, mp_cpus=1)
        assert_same(again, whole[20:35])
    assert len(np.unique(tr.get_many_fits(40, 2, seed=7).ts)) == 40


def test_background_does_not_depend_on_the_signal():
    tr = prior()
    quiet, loud = tr.get_one_trial(0, seed=5), tr.get_one_trial(3, seed=5)
    np.testing.assert_array_equal(quiet.evss[0][0].ra, loud.evss[0][0].ra)
    np.testing.assert_array_equal(quiet.evss[0][0].mjd, loud.evss[0][0].mjd)


@pytest.mark.parametrize("n_sig", [0, 2])
@pytest.mark.parametrize("zero", ["exclude", "floor"])
def test_the_pixels_near_events_give_what_the_whole_map_gives(n_sig, zero):
    """To the last bit, status and place of trials without an event near the region included."""
    gap = bump(64, width=0.06)
    gap[np.argsort(gap)[:-3000]] = 0.0
    tr = prior(llh_priors=gap, prior_zero=zero, containment=1.0 if zero == "exclude" else None)
    empty = 0
    for j in range(60):
        trial = tr.draw_trial(11, j, n_sig, False)
        quick = tr._best(tr.index_trial(trial, 1), 1)
        assert_same(quick, whole_map(tr, trial))
        scan = tr.get_one_scan_from_trial(trial)
        total = scan[1] + tr.llh_prior_term[0]
        assert quick["pixel"][0] == np.argmax(np.where(scan.status != Status.NOT_SCANNED, total, -np.inf))
        assert quick["ts_raw"][0] == total[quick["pixel"][0]]
        empty += int(quick["status"][0] == Status.NO_EVENTS)
    assert (empty > 5) if n_sig == 0 else (empty == 0)


def test_a_scan_without_a_prior_agrees_with_its_map_too():
    tr = sky(src=cy.sources(RA, DEC))
    for j in range(20):
        trial = tr.draw_trial(1, j, 1, False)
        assert_same(tr._best(tr.index_trial(trial, 1), 1), whole_map(tr, trial))


def test_two_priors_are_fitted_each_for_itself():
    tr = prior(llh_priors=[bump(), bump(ra=4.0, dec=-0.5)])
    fit = tr.get_one_fit(6, seed=2)
    assert len(fit.per_prior) == 2
    trial = tr.get_one_trial(6, seed=2)
    quick = tr._best(tr.index_trial(trial, 1), 1)
    assert_same(quick, whole_map(tr, trial))
    assert_same(quick, fit.per_prior)


def test_an_empty_window_ends_at_the_prior_maximum():
    tr = prior(src_tr=cy.sources(0, 0, mjd=FIRST + 20.3, t_100=1 / 86_400))
    peak = int(np.argmax(bump()))
    for seed in range(5):
        fit = tr.get_one_fit(seed=seed)
        assert (fit.ts, fit.ns, fit.pixel, fit.status) == (0.0, 0.0, peak, Status.NO_EVENTS)
    fit = tr.get_one_fit(TRUTH=True)
    assert (fit.ts, fit.pixel, fit.TRUTH) == (0.0, peak, True)
    many = tr.get_many_fits(50, seed=1)
    assert (many.ts == 0).mean() > 0.9
    scan = tr.get_one_scan(seed=1)
    assert scan.shape == (4, 12 * 32**2)
    assert (scan[1] == 0).all()


def test_the_truth_is_the_real_events_of_the_window(caplog):
    tr = prior()
    trial = tr.get_one_trial(TRUTH=True)
    data = ANA[0].data
    inside = trial.window.inside(data.mjd)
    np.testing.assert_array_equal(trial.evss[0][0].ra, data.ra[inside])
    np.testing.assert_array_equal(trial.evss[0][0].mjd, data.mjd[inside])
    assert "TRUTH" in caplog.text


def test_flux_in_the_window_times_its_uptime_is_the_fluence():
    steady = cy.get_trial_runner(src=cy.sources(RA, DEC), ana=ANA)
    tr = point()
    days = WINDOW["t_100"]
    assert tr.get_acc_total(gamma=2) == pytest.approx(steady.get_acc_total(gamma=2) * days / 90)
    flux, fluence = (f(3, gamma=2, E0=100, unit=1e3) for f in (tr.to_E2dNdE, tr.to_fluence))
    assert flux == pytest.approx(steady.to_E2dNdE(3, gamma=2, E0=100, unit=1e3) * 90 / days)
    assert fluence == pytest.approx(flux * days * 86_400)
    # the fluence of n events does not depend on how long the window is
    assert point(window={"mjd": FIRST + 20.3, "t_100": 0.5}).to_fluence(3, gamma=2, unit=1e3) == pytest.approx(fluence)
    assert tr.to_ns(flux, gamma=2, E0=100, unit=1e3) == pytest.approx(3)
    assert tr.to_ns(fluence, gamma=2, E0=100, unit=1e3, fluence=True) == pytest.approx(3)
    cut = hyp.PowerLawFlux(2, energy_cutoff=1e5)
    assert tr.to_fluence(3, cut, E0=1e4) == pytest.approx(tr.to_E2dNdE(3, cut, E0=1e4) * days * 86_400)
    assert tr.to_fluence(tr.get_one_fit(3, seed=1)) > 0


def test_fluence_counts_the_uptime_only():
    over_gap = point(window={"mjd": FIRST + 20.5, "t_100": 1.0})  # 0.9 days up
    assert over_gap.to_fluence(1, gamma=2) == pytest.approx(over_gap.to_E2dNdE(1, gamma=2) * 0.9 * 86_400)
    assert over_gap.to_fluence(1, gamma=2) == pytest.approx(point().to_fluence(1, gamma=2))


def test_of_tails_flux_is_that_of_the_plateau_and_fluence_that_of_all():
    tailed = point(window={"mjd": FIRST + 20.4, "t_100": 0.05, "sigma_t": 0.02})
    days = 0.05 + 0.02 * np.sqrt(2 * np.pi) * 0.99993666
    assert tailed.on_time.days == pytest.approx(days, rel=1e-7)
    assert tailed.to_fluence(1, gamma=2) == pytest.approx(tailed.to_E2dNdE(1, gamma=2) * days * 86_400)
    assert tailed.to_fluence(1, gamma=2) == pytest.approx(point().to_fluence(1, gamma=2))


def test_runners_of_maps_convert_too_and_steady_ones_have_no_fluence():
    assert prior().to_fluence(2, gamma=2) == pytest.approx(prior().to_E2dNdE(2, gamma=2) * 0.05 * 86_400)
    assert sky().to_fluence(2, gamma=2, dec=DEC) == pytest.approx(point().to_fluence(2, gamma=2))
    steady = cy.get_trial_runner(src=cy.sources(RA, DEC), ana=ANA)
    with pytest.raises(ValueError, match="to_fluence needs a time window"):
        steady.to_fluence(3)
    with pytest.raises(ValueError, match=r"fluence=True. needs a time window"):
        steady.to_ns(1e-3, fluence=True)


def test_injected_counts_match_the_fluence_they_stand_for():
    """A flux in the window gives, event by event of the simulation, the counts that the conversion says."""
    tr = point(ana=TWO, window={"mjd": FIRST + 99.8, "t_100": 0.6})
    phi = 1e-2
    expected = 0.0
    for on in tr.on_time:
        sim = on.season.sim
        band = np.abs(np.sin(sim.true_dec) - np.sin(DEC)) < 0.1
        weight = sim.oneweight[band] * sim.true_energy[band] ** -2.0 / (2 * np.pi * 0.2)
        expected += phi * weight.sum() * on.uptime.days * 86_400
    assert tr.to_ns(phi, gamma=2, E2dNdE=False) == pytest.approx(expected, rel=0.05)


def test_sensitivity_quotes_a_fluence():
    tr = point(mp_cpus=2)
    found = cy.sensitivity.sensitivity(tr, n_bg_trials=300, batch_size=100, tol=0.2, seed=1)
    assert found.fluence == pytest.approx(tr.to_fluence(found.n_sig, unit=1e3))
    assert f"in the window, fluence={found.fluence:.3e} at E0=1 " in repr(found)
    assert found.n_sig < 5
    steady = cy.get_trial_runner(src=cy.sources(RA, DEC), ana=ANA)
    assert cy.sensitivity.sensitivity(steady, n_bg_trials=300, batch_size=100, tol=0.2, seed=1).fluence is None


def test_the_window_is_part_of_the_configuration():
    tr = prior()
    assert tr.config()["transient"]["window"] == {**WINDOW, "sigma_t": 0.0}
    json.dumps(tr.config())
    hashes = {
        runner.config_hash
        for runner in (
            tr,
            prior(scramble="time"),
            prior(off_days=10),
            prior(src_tr=cy.sources(0, 0, mjd=FIRST + 20.3, t_100=0.06)),
            prior(src_tr=cy.sources(0, 0, **WINDOW, sigma_t=0.01)),
            prior(src_tr=None),
        )
    }
    assert len(hashes) == 6
    assert "transient" not in prior(src_tr=None).config()


@pytest.mark.parametrize("make", [point, sky, prior])
def test_results_say_their_window_also_when_read_again(make, tmp_path):
    tr = make(scramble="time", off_days=20, gamma=2.5)
    trial = tr.get_one_trial(0 if make is sky else 3, seed=1)
    said = {
        **WINDOW,
        "sigma_t": 0.0,
        "scramble": "time",
        "use_grl": True,
        "off_days": 20.0,
        "n_background": [tr.on_time.n_background],
        "n_events": list(trial.n_events),
    }
    fit = tr.get_one_fit_from_trial(trial)
    assert fit.window == said
    assert f"{trial.n_events[0]} events in 4320 s from MJD 56020.30000" in repr(fit)
    fit.save(tmp_path / "fit.json")
    assert Fit.read(tmp_path / "fit.json").window == said
    assert tr.get_one_fit(TRUTH=True).window["n_events"] == [int(trial.window.inside(ANA[0].data.mjd).sum())]
    if make is not point:
        assert tr.get_localization(trial, nside=64).provenance["window"] == said
        scan = tr.get_one_scan_from_trial(trial)
        scan.save(tmp_path / "scan.fits")
        again = cy.SkyScan.read(tmp_path / "scan.fits")
        assert again.provenance["window"] == said
        assert "gamma fixed at 2.5, window of 0.05 d from MJD 56020.30000" in repr(again)
    # a trial of the whole livetime is cut to the window, and so is what is said about it
    everything = prior(src_tr=None).get_one_trial(seed=1)
    known = tr.get_one_fit_from_trial(everything).window["n_events"]
    assert known == [int(trial.window.inside(ANA[0].data.mjd).sum())] != [everything.n_events[0]]
    steady = prior(src_tr=None).get_one_fit(seed=1)
    assert steady.window is None
    assert "MJD" not in repr(steady)


@pytest.mark.parametrize("make", [point, sky, prior])
def test_runners_travel_with_their_window(make, tmp_path):
    tr = make(scramble="time")
    path, digest = write_spec(tr, tmp_path)
    there = read_spec(path, digest)
    assert there.transient == tr.transient
    assert there.config() == tr.config()
    np.testing.assert_array_equal(there.fit_trials(range(5), seed=1)["ts"], tr.fit_trials(range(5), seed=1)["ts"])


@pytest.mark.parametrize("scramble", ["ra", "time"])
def test_p_values_of_background_are_never_too_small(scramble):
    """P(p <= alpha) = alpha up to the fraction of TS > 0, and at most alpha beyond it."""
    tr = prior(scramble=scramble, mp_cpus=2)
    known = cy.dists.TSD(tr.get_many_fits(4_000, seed=1).ts)
    fresh = tr.get_many_fits(2_000, seed=2).ts
    p = known.p_values(fresh)
    eta = float(np.mean(fresh > 0))
    assert 0.02 < eta < 0.9
    for alpha in (0.02, 0.05, 0.1, 0.3):
        wanted = alpha if alpha < eta else 0.0
        error = 4 * np.sqrt(alpha * (1 - alpha) * (1 / 2_000 + 1 / 4_000))
        share = float(np.mean(p <= alpha))
        assert share <= alpha + error
        assert share >= wanted - error or alpha > 0.9 * eta
    # real trials whose background was drawn in another way are unlike: the test can fail
    assert np.mean(known.p_values(tr.get_many_fits(300, 2, seed=3).ts) <= 0.02) > 0.5


def test_fitted_events_are_those_injected_on_average():
    tr = point(gamma=2.0, mp_cpus=2)
    fits = tr.get_many_fits(300, 5, seed=4)
    assert fits.ns.mean() == pytest.approx(5, abs=0.25)


def test_factories_take_the_window_where_csky_has_it():
    conf = {"time": "transient", "extended": True, "sig": "transient", "ana": ANA}
    src = cy.sources(RA, DEC, **WINDOW)
    expected = TransientOptions(TimeWindow(**WINDOW))
    runners = [
        cy.get_trial_runner(conf, src=src),
        cy.get_sky_scan_trial_runner(conf, nside=16, src=src),
        cy.get_sky_scan_trial_runner(conf, nside=16, src_tr=src),
        cy.get_sky_scan_trial_runner(conf, nside=16, src_kw=WINDOW, src=cy.sources(RA, DEC)),
        cy.get_spatial_prior_trial_runner(conf, {"sig": "transient"}, llh_priors=bump(), src_kw=WINDOW),
        cy.get_spatial_prior_trial_runner(conf, llh_priors=bump(), src_tr=src),
    ]
    assert [runner.transient for runner in runners] == [expected] * len(runners)
    from astropy import units as u
    from astropy.time import Time

    timed = cy.sources(RA, DEC, mjd=Time(FIRST + 20.3, format="mjd"), t_100=0.05 * u.day)
    assert cy.get_trial_runner(src=timed, ana=ANA).transient.window.t_100 == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("kw", "said"),
    [
        ({"src": cy.sources(RA, DEC), "time": "transient"}, "time='transient' .* needs a time window"),
        ({"src": cy.sources(RA, DEC), "extended": True}, "extended=True .* needs a time window"),
        ({"src": cy.sources(RA, DEC), "sig": "transient"}, "sig='transient' .* needs a time window"),
        ({"src": cy.sources(RA, DEC), "scramble": "time"}, "scramble='time' .* needs a time window"),
        ({"src": cy.sources(RA, DEC), "use_grl": False}, "use_grl=False .* needs a time window"),
        ({"src": cy.sources(RA, DEC), "off_days": 5}, "off_days needs a time window"),
        ({"src": cy.sources(RA, DEC, **WINDOW), "time": "utf"}, "time='utf' does not go with a time window"),
        ({"src": cy.sources(RA, DEC, **WINDOW), "extended": False}, "extended=False does not go with a time window"),
        ({"src": cy.sources(RA, DEC, **WINDOW), "scramble": "mjd"}, "scramble='mjd' .* only 'ra' or 'time'"),
        ({"src": cy.sources(RA, DEC, mjd=FIRST + 20.92, t_100=0.01)}, "no season took data in the window"),
        ({"src": cy.sources(RA, DEC, mjd=FIRST - 900, t_100=10)}, "no season took data in the window"),
    ],
)
def test_what_does_not_go_together_is_refused(kw, said):
    with pytest.raises(ValueError, match=said):
        cy.get_trial_runner(ana=ANA, **kw)


def test_windows_that_contradict_each_other_are_refused():
    other = cy.sources(RA, DEC, mjd=FIRST + 1, t_100=0.5)
    with pytest.raises(ValueError, match=r"src has the time window TimeWindow.*the runner TimeWindow"):
        sky(src=other)
    with pytest.raises(ValueError, match="the runner none"):
        cy.TrialRunner(analysis=ANA, src=other)
    with pytest.raises(ValueError, match="pass it as src_tr="):
        prior(src_tr=None, src=other)
    with pytest.raises(TypeError, match="src_tr must come from"):
        prior(src_tr=(0, 0))
