"""Signal of a template: where it comes from, and how seasons share it."""

from __future__ import annotations

import numpy as np
import pytest

import template_oracle
from nusky.hyp import PixelSpectra
from nusky.injection import InjectionOptions, SignalInjector, SpectraInjector, TemplateInjector, trial_draws
from nusky.sphere import separation

FLUX = template_oracle.band(16) / template_oracle.band(16).sum()


def test_pixels_come_in_proportion_to_flux_times_acceptance() -> None:
    import healpy

    signal = SignalInjector(template_oracle.one(), InjectionOptions())
    events = TemplateInjector(signal, FLUX).inject(trial_draws(1, 0), 40_000, False)[0]
    assert events is not None
    theta, phi = healpy.pix2ang(16, np.arange(len(FLUX)))
    expected = FLUX * signal.acceptance(np.pi / 2 - theta)[0]
    expected *= 40_000 / expected.sum()
    # Large pixels hide what the reconstruction scatters
    found = np.bincount(healpy.ang2pix(2, np.pi / 2 - events["dec"], events["ra"]), minlength=48)
    wanted = np.bincount(healpy.ang2pix(2, theta, phi), expected, minlength=48)
    large = wanted > 200
    assert large.sum() > 15
    assert np.abs(found / wanted - 1)[large] == pytest.approx(0, abs=0.25)
    assert np.average((found / wanted)[large], weights=wanted[large]) == pytest.approx(1, abs=0.03)


def test_seasons_share_by_what_each_accepts_of_the_template() -> None:
    import healpy

    signal = SignalInjector(template_oracle.two(), InjectionOptions())
    parts = TemplateInjector(signal, FLUX).inject(trial_draws(2, 0), 20_000, False)
    counts = [0 if part is None else len(part) for part in parts]
    theta, _ = healpy.pix2ang(16, np.arange(len(FLUX)))
    accepted = (FLUX * signal.acceptance(np.pi / 2 - theta)).sum(axis=1)
    assert sum(counts) == 20_000
    assert counts[0] / 20_000 == pytest.approx(accepted[0] / accepted.sum(), abs=0.015)


def test_events_come_from_anywhere_in_a_pixel() -> None:
    one = np.zeros(12 * 4**2)
    one[90] = 1.0
    injector = TemplateInjector(SignalInjector(template_oracle.one(), InjectionOptions()), one)
    events = injector.inject(trial_draws(1, 0), 2_000, False)[0]
    assert events is not None
    assert np.std(events["ra"]) > 0.05
    assert injector.inject(trial_draws(1, 0), 0, True) == (None,)


def test_events_of_spectra_come_in_proportion_to_flux_and_acceptance_of_pixel_and_energy() -> None:
    import healpy

    spectra, analysis = template_oracle.spectra(), template_oracle.two()
    n = 40_000
    injector = SpectraInjector(SignalInjector(analysis, InjectionOptions()), spectra)
    found = injector.inject(trial_draws(1, 0), n, False)
    theta, phi = healpy.pix2ang(8, np.arange(768))
    accepted = np.array([season.acceptance.in_bins(spectra, np.pi / 2 - theta) for season in analysis])
    events = spectra.flux.T * accepted  # (K, M, npix)
    shares = events / events.sum()
    assert sum(map(len, filter(None, found))) == n
    for k, some in enumerate(found):
        assert some is not None
        sim = analysis[k].sim
        part = np.searchsorted(spectra.energy_bins, sim["true_energy"][some["idx"]]) - 1
        # Energies, and in the two kinds of spectra the halves of the sky
        for m in range(10):
            assert np.mean(part == m) * len(some) / n == pytest.approx(shares[k, m].sum(), abs=5e-3)
        hot = np.cos(phi - 2.0) * np.sin(theta) > 0.3
        pixel = healpy.ang2pix(8, np.pi / 2 - some["dec"], some["ra"])
        for m in (2, 8):
            expected = shares[k, m, hot].sum() / shares[k, m].sum()
            assert np.mean(hot[pixel[part == m]]) == pytest.approx(expected, abs=0.06)


def test_an_extension_spreads_events_of_spectra() -> None:
    spectra = template_oracle.spectra()
    narrow, wide = (
        SpectraInjector(SignalInjector(template_oracle.one(), InjectionOptions(extension=width)), spectra).inject(
            trial_draws(1, 0), 500, False
        )[0]
        for width in (0.0, 0.1)
    )
    away = np.asarray(separation(narrow["ra"], narrow["dec"], wide["ra"], wide["dec"]))
    assert np.sqrt(np.mean(away**2) / 2) == pytest.approx(0.1, rel=0.1)


def test_spectra_without_events_cannot_be_injected() -> None:
    low = PixelSpectra(np.ones((12, 2)), [1e-3, 1e-2, 1e-1])
    with pytest.raises(ValueError, match="nothing can be injected"):
        SpectraInjector(SignalInjector(template_oracle.one(), InjectionOptions()), low).prepare()
