"""Signal of a template: where it comes from, and how seasons share it."""

from __future__ import annotations

import numpy as np
import pytest

import template_oracle
from nusky.injection import InjectionOptions, SignalInjector, TemplateInjector, trial_draws

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
