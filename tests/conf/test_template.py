"""``get_trial_runner(template=…)``: what it takes, and what it says to maps that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import nusky as cy
import template_oracle

MAP = template_oracle.band(8)


def runner(template: Any = MAP, **settings: Any) -> Any:
    return cy.get_trial_runner(template=template, ana=template_oracle.one(), **settings)


def test_csky_s_names_make_a_template_runner() -> None:
    conf = {
        "ana": template_oracle.one(),
        "space": "template",
        "sig": "template",
        "fast_weight": True,
        "update_bg": False,
    }
    tr = cy.get_trial_runner(conf, template=MAP, fitter_args={"gamma": 2.7}, cut_n_sigma=5, sigsub=True)
    assert type(tr).__name__ == "TemplateTrialRunner"
    assert tr.sigsub is True
    assert tr.likelihood.gamma == 2.7
    assert tr.template.probability.sum() == pytest.approx(1)


def test_order_and_frame_of_an_array_are_said() -> None:
    import healpy

    ring = runner()
    nested = runner(MAP[healpy.nest2ring(8, np.arange(768))], nest=True)
    assert np.array_equal(ring.template.probability, nested.template.probability)
    turned = runner(frame="galactic")
    assert not np.allclose(turned.template.probability, ring.template.probability)
    assert ring.config_hash != turned.config_hash


def test_a_map_that_was_read_is_taken_as_it_is() -> None:
    sky = cy.priors.SkyMap(MAP)
    assert runner(sky).template is sky
    with pytest.raises(ValueError, match="turned to equatorial"):
        runner(sky, frame="galactic")


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.where(np.arange(768) == 5, -1.0, MAP), r"template\[5\] = -1 is negative \(1 such"),
        (np.where(np.arange(768) > 760, np.nan, MAP), r"template\[761\] = nan is not a number \(7 such"),
        (np.where(np.arange(768) == 5, np.inf, MAP), "infinite"),
        (np.zeros(768), "no value is larger than 0"),
        (MAP[:700], "no full-sky HEALPix map"),
        ("plane.fits", "read_sky_map"),
    ],
)
def test_a_map_that_is_none_is_refused(bad: Any, message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        runner(bad)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frame": "supergalactic"}, "frame"),
        ({"src": cy.sources(1, 0)}, "two hypotheses"),
        ({"space": "ps"}, "only 'template'"),
        ({"sig": "lc"}, "sig='lc'"),
        ({"sig": "tw"}, "sig='tw'"),
        ({"time": "utf", "box": True}, "time='utf'"),
        ({"cut_n_sigma": 2}, "without a cut"),
        ({"ts_to_p": lambda dec, ts: ts}, "ts_to_p"),
    ],
)
def test_what_does_not_go_with_a_template_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        runner(**settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"space": "template"}, "without template="),
        ({"sig": "template"}, "sig='template'"),
        ({"frame": "galactic"}, "there is no template="),
        ({"nest": True}, "there is no template="),
    ],
)
def test_what_goes_with_a_template_only_is_refused_without_one(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        cy.get_trial_runner(src=cy.sources(1, 0), ana=template_oracle.one(), **settings)


SPECTRA = template_oracle.spectra()
EACH = {"template": SPECTRA.flux, "bins_energy": SPECTRA.energy_bins}


def test_a_spectrum_in_each_pixel_as_csky_s_scripts_give_it() -> None:
    total = cy.hyp.BinnedFlux(bins_energy=SPECTRA.energy_bins, flux=SPECTRA.flux.sum(axis=0))
    bins = (np.linspace(-1, 1, 11), np.linspace(2, 7, 15))
    conf = {
        **EACH,
        "fast_weight": False,
        "sigsub": True,
        "energy": False,
        cy.pdf.CustomFluxEnergyPDFRatioModel: {
            "hkw": {"bins": bins},
            "flux": total,
            "features": ["sindec", "log10energy"],
            "normalize_axes": [1],
        },
    }
    tr = cy.get_trial_runner(conf, ana=template_oracle.one())
    assert (tr.by_pixel, tr.likelihood.mode, tr.likelihood.flux) == (False, "flux", total)
    assert tr.spectra.total == total


def test_the_energy_term_is_that_of_the_pixels_unless_another_is_asked_for() -> None:
    assert runner(**EACH).by_pixel
    assert runner((SPECTRA.flux, SPECTRA.energy_bins)).config() == runner(**EACH).config()
    fixed = runner(**EACH, fitter_args={"gamma": 2.5})
    assert (fixed.by_pixel, fixed.likelihood.gamma) == (False, 2.5)
    assert runner(**EACH, energy=False).likelihood.mode == "off"


def test_spectra_turn_with_their_frame_and_order() -> None:
    import healpy

    ring = runner(**EACH)
    nested = runner(SPECTRA.flux[healpy.nest2ring(8, np.arange(768))], bins_energy=SPECTRA.energy_bins, nest=True)
    assert np.allclose(ring.spectra.flux, nested.spectra.flux, rtol=1e-12)
    turned = runner(**EACH, frame="galactic").spectra
    assert np.allclose(turned.flux.sum(axis=0), SPECTRA.flux.sum(axis=0), rtol=1e-9)
    assert turned.flux[:, 3].argmax() != SPECTRA.flux[:, 3].argmax()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"template": SPECTRA.flux}, r"bins_energy= \(11 values"),
        ({"bins_energy": [1e2, 1e3]}, "a spectrum in each pixel"),
        ({**EACH, "bins_energy": SPECTRA.energy_bins[:-1]}, "M \\+ 1 edges"),
        ({**EACH, "energy": "fit"}, "not free"),
        ({**EACH, "template": -SPECTRA.flux}, "a flux is a number of 0 or more"),
        ({**EACH, "bins_energy": SPECTRA.energy_bins * 1e-9}, "miss the simulated"),
    ],
)
def test_spectra_that_are_none_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        runner(**settings)
