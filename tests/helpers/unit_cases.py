"""Public calls with an angle, a time, an energy or a pure number in them, as plain numbers or as Quantities."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from astropy import units as u

import nusky as cy
from nusky.data import Uptime
from nusky.dists import TSD, BinnedTSD, Chi2TSD, ts_to_p, ts_to_p_error
from nusky.hyp.pixel_spectra import PixelSpectra
from nusky.injection import DecRandomization
from nusky.injection.signal import InjectionOptions
from nusky.likelihood.model import LikelihoodOptions
from nusky.pixels import full_sky, near_events_mask, nearby, select_pixels
from nusky.priors import gaussian
from nusky.sensitivity import DeclinationTSDs, central_energy_range, declination_tsds, sensitivity_curve
from nusky.source import TimeWindow, sources
from nusky.sphere import local_azimuth, offset_by, rotate_to, separation, turned_with_earth
from nusky.transients import TransientOptions
from seasons import one_season


class Numbers:
    """Plain numbers in nusky's units, or (`given` True) Quantities in others."""

    def __init__(self, given: bool) -> None:
        self.given = given

    def _in(self, value: Any, unit: str, other: str) -> Any:
        return u.Quantity(value, unit).to(other) if self.given else value

    def rad(self, value: Any) -> Any:
        return self._in(value, "rad", "deg")

    def days(self, value: Any) -> Any:
        return self._in(value, "day", "s")

    def gev(self, value: Any) -> Any:
        return self._in(value, "GeV", "TeV")

    def pure(self, value: Any) -> Any:
        return self._in(value, "", "percent")


@cache
def runner(kind: str = "map") -> Any:
    analysis, quiet = one_season(), {"mp_cpus": 1}
    if kind == "point":
        return cy.get_trial_runner(ana=analysis, src=cy.sources(1.0, 0.2), **quiet)
    if kind == "prior":
        prior = np.ones(12 * 8**2)
        return cy.get_spatial_prior_trial_runner(ana=analysis, llh_priors=prior, **quiet)
    return cy.get_sky_scan_trial_runner(ana=analysis, nside=8, src=cy.sources(1.0, 0.2), **quiet)


SPECTRA = np.outer(np.arange(12.0 * 8**2), [1.0, 0.5])
SPECTRA[::2, 1] = 0.0


@cache
def spectra_runner() -> Any:
    return cy.get_trial_runner(ana=one_season(), template=SPECTRA, bins_energy=[1e3, 1e4, 1e5], mp_cpus=1)


@cache
def localization() -> Any:
    return runner().get_localization(runner().get_one_trial(8, seed=1), nside=16)


@cache
def reading() -> Any:
    return runner("point").get_one_llh(5, seed=1)


def bg() -> TSD:
    return TSD([0.5, 2.0, 4.0], n_zero=7)


def season() -> Any:
    return one_season()[0]


def factory(call: Callable[..., Any], **options: Any) -> Any:
    return call(ana=one_season(), mp_cpus=1, **options).config_hash


def scan_runner(**options: Any) -> Any:
    return factory(cy.get_sky_scan_trial_runner, nside=8, **options)


def windowed(**options: Any) -> Any:
    return TransientOptions(TimeWindow(56000.0, 1.0), **options).as_dict()


@cache
def library() -> Any:
    kept = cy.store.ScanLibrary(tempfile.mkdtemp(), runner())
    kept.add(runner(), range(3), seed=1)
    return kept


@cache
def a_scan() -> Any:
    return library().take(runner().get_one_scan(seed=1))


def local_p(dec: Any, ts: Any) -> Any:
    return np.exp(-np.asarray(ts) / 2 - np.asarray(dec) ** 2)


_ARGUMENTS: dict[str, Callable[[], tuple[Any, ...]]] = {
    "fit": lambda: (None,),
    "fit_one": lambda: (a_scan(),),
    "hottest_by_p": lambda: (local_p,),
    "most_significant": lambda: (a_scan(), local_p),
}


def drawn(draw: Callable[[Any], Any]) -> Any:
    """Numbers of what stands in ordinary axes afterwards."""
    plt = pytest.importorskip("matplotlib.pyplot")
    fig, ax = plt.subplots()
    try:
        draw(ax)
        lines = [np.ravel(line.get_xydata()) for line in ax.lines]
        offsets = [np.ravel(c.get_offsets()) for c in ax.collections]
        sizes = [[p.get_radius() for p in ax.patches if hasattr(p, "get_radius")]]
        return np.concatenate([*lines, *offsets, *sizes, ax.get_xlim(), ax.get_ylim()])
    finally:
        plt.close(fig)


SDT = {0.1: bg(), 0.105: bg()}

# call.parameter: what it gives for these numbers
CASES: dict[str, Callable[[Numbers], Any]] = {
    "sources.ra": lambda q: sources(q.rad(1.0), 0.1).ra,
    "sources.dec": lambda q: sources(1.0, q.rad(0.1)).dec,
    "sources.extension": lambda q: sources(1.0, 0.1, extension=q.rad(0.01)).extension,
    "sources.mjd": lambda q: sources(1.0, 0.1, mjd=q.days(56000.0), t_100=1.0).mjd,
    "sources.t_100": lambda q: sources(1.0, 0.1, mjd=56000.0, t_100=q.days(2.0)).t_100,
    "sources.sigma_t": lambda q: sources(1.0, 0.1, mjd=56000.0, t_100=1.0, sigma_t=q.days(2.0)).sigma_t,
    "TimeWindow.mjd": lambda q: TimeWindow(q.days(56000.0), 1.0).mjd,
    "TimeWindow.t_100": lambda q: TimeWindow(56000.0, q.days(2.0)).t_100,
    "TimeWindow.sigma_t": lambda q: TimeWindow(56000.0, 1.0, q.days(0.5)).sigma_t,
    "TimeWindow.inside.mjd": lambda q: TimeWindow(56000.0, 1.0).inside(q.days([56000.5, 56002.0])),
    "TimeWindow.profile.mjd": lambda q: TimeWindow(56000.0, 1.0, 0.5).profile(q.days([56000.5, 56001.3])),
    "TimeWindow.elapsed.mjd": lambda q: TimeWindow(56000.0, 1.0).elapsed(q.days([56000.5, 56002.0])),
    "TransientOptions.off_days": lambda q: windowed(off_days=q.days(10.0))["off_days"],
    "data.Uptime.start": lambda q: Uptime(q.days(np.array([1.0])), np.array([2.0])).days,
    "data.Uptime.stop": lambda q: Uptime(np.array([1.0]), q.days(np.array([2.0]))).days,
    "data.Uptime.contains.mjd": lambda q: Uptime(np.array([1.0]), np.array([2.0])).contains(q.days([0.5, 1.5])),
    "select_pixels.min_dec": lambda q: len(select_pixels(8, min_dec=q.rad(0.2))),
    "select_pixels.max_dec": lambda q: len(select_pixels(8, max_dec=q.rad(0.2))),
    "select_pixels.cone": lambda q: len(select_pixels(8, cone=(q.rad(1.0), q.rad(0.2), q.rad(0.4)))),
    "pixels.nearby.ra": lambda q: nearby(full_sky(8), q.rad(np.array([1.0])), np.array([0.2]), 0.4).pixels,
    "pixels.nearby.dec": lambda q: nearby(full_sky(8), np.array([1.0]), q.rad(np.array([0.2])), 0.4).pixels,
    "pixels.nearby.radius": lambda q: nearby(full_sky(8), np.array([1.0]), np.array([0.2]), q.rad(0.4)).pixels,
    "pixels.near_events_mask.radius": lambda q: near_events_mask(
        8, np.array([1.0]), np.array([0.2]), np.array([q.rad(0.3)]) if not q.given else q.rad(np.array([0.3]))
    ),
    "priors.gaussian.ra": lambda q: gaussian(q.rad(1.0), 0.2, fwhm=0.3, nside=16).map,
    "priors.gaussian.dec": lambda q: gaussian(1.0, q.rad(0.2), fwhm=0.3, nside=16).map,
    "priors.gaussian.fwhm": lambda q: gaussian(1.0, 0.2, fwhm=q.rad(0.3), nside=16).map,
    "get_sky_scan_trial_runner.min_dec": lambda q: scan_runner(min_dec=q.rad(-0.3)),
    "get_sky_scan_trial_runner.cone": lambda q: scan_runner(cone=(1.0, 0.2, q.rad(0.3))),
    "get_sky_scan_trial_runner.extension": lambda q: scan_runner(extension=q.rad(0.01)),
    "get_sky_scan_trial_runner.gamma": lambda q: scan_runner(gamma=q.pure(2.0)),
    "get_sky_scan_trial_runner.cut_n_sigma": lambda q: scan_runner(cut_n_sigma=q.pure(4.0)),
    "get_sky_scan_trial_runner.sindec_bandwidth": lambda q: scan_runner(sindec_bandwidth=q.pure(0.05)),
    "get_sky_scan_trial_runner.inj_conf extension": lambda q: scan_runner(inj_conf={"extension": q.rad(0.01)}),
    "injection.InjectionOptions.extension": lambda q: InjectionOptions(extension=q.rad(0.01)).extension,
    "injection.InjectionOptions.sindec_bandwidth": lambda q: (
        InjectionOptions(sindec_bandwidth=q.pure(0.05)).sindec_bandwidth
    ),
    "likelihood.LikelihoodOptions.extension": lambda q: LikelihoodOptions(extension=q.rad(0.01)).extension,
    "likelihood.LikelihoodOptions.gamma": lambda q: LikelihoodOptions(gamma=q.pure(2.0), mode="fixed").gamma,
    "likelihood.LikelihoodOptions.cut_n_sigma": lambda q: LikelihoodOptions(cut_n_sigma=q.pure(4.0)).cut_n_sigma,
    "injection.DecRandomization.width": lambda q: DecRandomization(q.rad(0.05)).width,
    "injection.DecRandomization.moved.dec": lambda q: DecRandomization(0.05).moved(
        q.rad(np.array([0.1, 0.2])), np.array([0.3, 0.6])
    ),
    "Localization.contains.ra": lambda q: localization().contains(q.rad(localization().ra), localization().dec, 0.5),
    "Localization.contains.dec": lambda q: localization().contains(localization().ra, q.rad(localization().dec), 0.5),
    "Localization.ts_at.ra": lambda q: localization().ts_at(q.rad(localization().ra), localization().dec),
    "Localization.ts_at.dec": lambda q: localization().ts_at(localization().ra, q.rad(localization().dec)),
    "Localization.plot.width": lambda q: drawn(lambda ax: localization().plot(ax, width=q.rad(0.5))),
    "plotting.SkyZoom.ra": lambda q: drawn(lambda ax: cy.plotting.SkyZoom(q.rad(1.0), 0.2).frame(ax)),
    "plotting.SkyZoom.dec": lambda q: drawn(lambda ax: cy.plotting.SkyZoom(1.0, q.rad(0.2)).frame(ax)),
    "plotting.SkyZoom.width": lambda q: drawn(lambda ax: cy.plotting.SkyZoom(1.0, 0.2, width=q.rad(0.3)).frame(ax)),
    "plotting.SkyZoom.plot_points.ra": lambda q: drawn(
        lambda ax: cy.plotting.SkyZoom(1.0, 0.2).plot_points(ax, q.rad(1.01), 0.21)
    ),
    "plotting.SkyZoom.plot_points.dec": lambda q: drawn(
        lambda ax: cy.plotting.SkyZoom(1.0, 0.2).plot_points(ax, 1.01, q.rad(0.21))
    ),
    **{
        f"plotting.SkyZoom.plot_rings.{name}": lambda q, i=i: drawn(
            lambda ax: cy.plotting.SkyZoom(1.0, 0.2).plot_rings(
                ax,
                *(q.rad(np.array([x])) if k == i else np.array([x]) for k, x in enumerate((1.01, 0.21, 0.02))),
                [1.0],
            )
        )
        for i, name in enumerate(("ra", "dec", "sigma"))
    },
    "plotting.SkyZoom.plot_events.max_sigma": lambda q: drawn(
        lambda ax: cy.plotting.SkyZoom(1.0, 0.2).plot_events(ax, season().data, max_sigma=q.rad(0.02))
    ),
    "plotting.SkyPlotter.radec_to_mpl.ra": lambda q: cy.plotting.SkyPlotter().radec_to_mpl(q.rad(1.0), 0.2),
    "plotting.SkyPlotter.radec_to_mpl.dec": lambda q: cy.plotting.SkyPlotter().radec_to_mpl(1.0, q.rad(0.2)),
    "plotting.SkyPlotter.thetaphi_to_mpl.theta": lambda q: cy.plotting.SkyPlotter().thetaphi_to_mpl(q.rad(1.0), 0.2),
    "plotting.SkyPlotter.thetaphi_to_mpl.phi": lambda q: cy.plotting.SkyPlotter().thetaphi_to_mpl(1.0, q.rad(0.2)),
    "sphere.separation.ra_1": lambda q: separation(q.rad(1.0), 0.2, 1.1, 0.3),
    "sphere.separation.dec_1": lambda q: separation(1.0, q.rad(0.2), 1.1, 0.3),
    "sphere.offset_by.ra": lambda q: offset_by(q.rad(1.0), 0.2, 0.1, 0.3),
    "sphere.offset_by.dec": lambda q: offset_by(1.0, q.rad(0.2), 0.1, 0.3),
    "sphere.offset_by.distance": lambda q: offset_by(1.0, 0.2, q.rad(0.1), 0.3),
    "sphere.offset_by.angle": lambda q: offset_by(1.0, 0.2, 0.1, q.rad(0.3)),
    **{
        f"{call}.{name}": lambda q, i=i: rotate_to(*(q.rad(x) if k == i else x for k, x in enumerate(_SIX)))
        for call in ("sphere.rotate_to", "csky.coord.rotate_to")
        for i, name in enumerate(("ra", "dec", "true_ra", "true_dec", "source_ra", "source_dec"))
    },
    "sphere.local_azimuth.ra": lambda q: local_azimuth(q.rad(1.0), 56000.0),
    "sphere.local_azimuth.mjd": lambda q: local_azimuth(1.0, q.days(56000.0)),
    "sphere.turned_with_earth.ra": lambda q: turned_with_earth(q.rad(1.0), 56000.0, 56000.3),
    "sphere.turned_with_earth.mjd": lambda q: turned_with_earth(1.0, q.days(56000.0), 56000.3),
    "sphere.turned_with_earth.new_mjd": lambda q: turned_with_earth(1.0, 56000.0, q.days(56000.3)),
    "analysis.acceptance.Acceptance.__call__.dec": lambda q: season().acceptance(q.rad(0.2), 2.0),
    "analysis.acceptance.Acceptance.__call__.gamma": lambda q: season().acceptance(0.2, q.pure(2.0)),
    "analysis.acceptance.FluxAcceptance.__call__.dec": lambda q: season().acceptance.for_flux(cy.hyp.PowerLawFlux(2))(
        q.rad(0.2)
    ),
    "analysis.background.Background.__call__.sindec": lambda q: season().background(q.pure(0.2)),
    "analysis.background.Background.log_density.sindec": lambda q: season().background.log_density(q.pure(0.2)),
    "analysis.EnergyRatio.log_ratio.sindec": lambda q: season().energy.log_ratio(q.pure([0.2]), [3.0]),
    "analysis.EnergyRatio.log_ratio.log10energy": lambda q: season().energy.log_ratio([0.2], q.pure([3.0])),
    "Analysis.event_columns.extension": lambda q: len(one_season().event_columns(5.0, q.rad(0.01))),
    "get_acc_total.dec": lambda q: runner().get_acc_total(gamma=2, dec=q.rad(0.2)),
    "get_acc_total.gamma": lambda q: runner("point").get_acc_total(gamma=q.pure(2.0)),
    "to_ns.value": lambda q: runner("point").to_ns(
        1e-9 * u.GeV / u.cm**2 / u.s if q.given else 1e-9, gamma=2, E0=1.0, unit=1.0
    ),
    "to_ns.E2dNdE": lambda q: runner("point").to_ns(
        E2dNdE=1e-9 * u.GeV / u.cm**2 / u.s if q.given else 1e-9, gamma=2, E0=1.0, unit=1.0
    ),
    "to_E2dNdE.ns": lambda q: runner("point").to_E2dNdE(q.pure(3.0), gamma=2),
    "to_E2dNdE.E0": lambda q: runner("point").to_E2dNdE(3.0, gamma=2.5, E0=q.gev(1e5)),
    "to_E2dNdE.unit": lambda q: runner("point").to_E2dNdE(3.0, gamma=2.5, unit=q.gev(1e3)),
    "to_ns.E0": lambda q: runner("point").to_ns(1e-12, gamma=2.5, E0=q.gev(1e5)),
    "to_dNdE.E0": lambda q: runner("point").to_dNdE(3.0, gamma=2.5, E0=q.gev(1e5)),
    "hypotheses.TemplateTrialRunner.flux_map.E0": lambda q: spectra_runner().flux_map(1.0, E0=q.gev(2e4)),
    "hyp.PixelSpectra.energy_bins": lambda q: PixelSpectra(SPECTRA, q.gev(np.array([1e3, 1e4, 1e5]))).energy_bins,
    "hyp.PixelSpectra.share_at.energy": lambda q: PixelSpectra(SPECTRA, [1e3, 1e4, 1e5]).share_at(q.gev(2e4)),
    "to_model_norm.ns": lambda q: runner("point").to_model_norm(q.pure(3.0), gamma=2),
    "sensitivity.central_energy_range.where": lambda q: central_energy_range(one_season(), q.rad(0.2)),
    "sensitivity.central_energy_range.width": lambda q: central_energy_range(one_season(), 0.2, width=q.rad(0.1)),
    "dists.ts_to_p.dec": lambda q: ts_to_p(SDT, q.rad(0.102), 1.0),
    "dists.ts_to_p_error.dec": lambda q: ts_to_p_error(SDT, q.rad(0.102), 1.0),
    "sensitivity.DeclinationTSDs.relative_error.dec": lambda q: DeclinationTSDs(
        [0.1, 0.105], [bg(), bg()]
    ).relative_error(q.rad(0.102), 1.0),
    "dists.ts_to_p.ts": lambda q: ts_to_p(SDT, 0.102, q.pure(1.0)),
    "sensitivity.DeclinationTSDs.dec": lambda q: DeclinationTSDs(q.rad([0.1, 0.105]), [bg(), bg()]).dec,
    "sensitivity.DeclinationTSDs.__call__.dec": lambda q: DeclinationTSDs([0.1, 0.105], [bg(), bg()])(
        q.rad(0.102), 1.0
    ),
    "sensitivity.DeclinationTSDs.__call__.ts": lambda q: DeclinationTSDs([0.1, 0.105], [bg(), bg()])(
        0.102, q.pure(1.0)
    ),
    "sensitivity.sensitivity_curve.dec": lambda q: (
        sensitivity_curve(
            lambda dec: runner("point"), q.rad(np.array([0.1, 0.3])), seed=1, tol=0.5, batch_size=60, n_bg_trials=60
        ).dec
    ),
    "sensitivity.declination_tsds.dec": lambda q: (
        declination_tsds(runner(), 4, dec=q.rad([0.1, 0.3]), seed=1, n_ra=2).dec
    ),
    **{
        f"dists.{kind.__name__}.{name}.x": lambda q, kind=kind, name=name: getattr(
            kind([0.5, 2.0, 4.0], n_zero=7), name
        )(q.pure(1.5))
        for kind in (TSD, Chi2TSD, BinnedTSD)
        for name in ("sf", "cdf", "sf_error", "p_values", "sf_nsigma", "n_above")
    },
    "dists.TSD.beyond.x": lambda q: bg().beyond(q.pure(5.0)),
    "dists.TSD.is_extrapolated.x": lambda q: bg().is_extrapolated(q.pure(5.0)),
    "dists.TSD.p_value.x": lambda q: bg().p_value(q.pure(1.5)).p,
    "dists.Chi2TSD.pdf.x": lambda q: Chi2TSD([0.5, 2.0, 4.0]).pdf(q.pure(1.5)),
    "likelihood.LikelihoodReading.scan_ts.ns": lambda q: reading().scan_ts(
        ns=q.pure(np.array([1.0, 2.0])), gamma=[2.0]
    ),
    "likelihood.LikelihoodReading.get_minus_llh_ratio.ns": lambda q: reading().get_minus_llh_ratio(
        ns=q.pure(2.0), gamma=2.0
    ),
    "likelihood.LikelihoodReading.get_minus_llh_ratio.gamma": lambda q: reading().get_minus_llh_ratio(
        ns=2.0, gamma=q.pure(2.0)
    ),
    "get_one_fit.n_sig": lambda q: runner("point").get_one_fit(q.pure(3.0), seed=1).ts,
    "get_many_fits.n_sig": lambda q: runner("point").get_many_fits(2, q.pure(3.0), seed=1).ts,
    "find_n_sig.ts": lambda q: (
        runner("point").find_n_sig(q.pure(1.0), 0.5, seed=1, tol=0.5, batch_size=20, first_batch_size=10).n_sig
    ),
    "hyp.Flux.__call__.energy": lambda q: cy.hyp.PowerLawFlux(2)(q.gev(1e4)),
    "hyp.PowerLawFlux.energy_range": lambda q: cy.hyp.PowerLawFlux(2, energy_range=q.gev([1e3, 1e5])).energy_range,
    "hyp.PowerLawFlux.energy_cutoff": lambda q: cy.hyp.PowerLawFlux(2, energy_cutoff=q.gev(1e5)).energy_cutoff,
    "hyp.PowerLawFlux.gamma": lambda q: cy.hyp.PowerLawFlux(q.pure(2.5)).gamma,
    "hyp.BrokenPowerLawFlux.energy_break": lambda q: (
        cy.hyp.BrokenPowerLawFlux(2, 3, energy_break=q.gev(1e4)).energy_break
    ),
    **{
        f"hyp.BrokenPowerLawFlux.{name}": lambda q, name=name, value=value: getattr(
            cy.hyp.BrokenPowerLawFlux(2, 3, energy_break=1e4, **{name: q.gev(value)}), name
        )
        for name, value in (("energy_range", [1e3, 1e5]), ("energy_cutoff", 1e5))
    },
    "hyp.TableFlux.energy": lambda q: cy.hyp.TableFlux(q.gev([1e3, 1e4]), [1.0, 0.1]).energy,
    "hyp.BinnedFlux.energy_bins": lambda q: cy.hyp.BinnedFlux(q.gev([1e3, 1e4]), [1.0]).energy_bins,
    **{
        f"store.ScanLibrary.{call}.{name}": lambda q, call=call, name=name: getattr(library(), call)(
            *_ARGUMENTS[call](), **{name: q.rad(-0.1 if name == "min_dec" else 0.1)}
        )["pixel"]
        for call in ("fit", "fit_one", "hottest_by_p", "most_significant")
        for name in ("min_dec", "max_dec")
    },
}
_RING = (1.01, 0.21, 0.02)
_SIX = (1.0, 0.2, 1.05, 0.21, 2.0, -0.3)
