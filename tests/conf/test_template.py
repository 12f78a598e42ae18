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
        ({"sigsub": True}, "give gamma="),
        ({"space": "ps"}, "only 'template'"),
        ({"sig": "lc"}, "sig='lc'"),
        ({"cut_n_sigma": 2}, "without a cut"),
        ({"ts_to_p": lambda dec, ts: ts}, "ts_to_p"),
        ({"update_bg": True}, "update_bg"),
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
        ({"sigsub": True}, "for templates only"),
        ({"frame": "galactic"}, "there is no template="),
        ({"nest": True}, "there is no template="),
    ],
)
def test_what_goes_with_a_template_only_is_refused_without_one(settings: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        cy.get_trial_runner(src=cy.sources(1, 0), ana=template_oracle.one(), **settings)
