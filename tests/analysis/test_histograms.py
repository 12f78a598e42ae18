"""What of a season can be changed as in csky, and until when."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

import nusky as cy
from nusky.analysis.background import Background
from nusky.analysis.season import SubAnalysis
from seasons import season


def fresh() -> SubAnalysis:
    whole = season()
    return SubAnalysis(**{f.name: getattr(whole, f.name) for f in fields(whole)})


def test_other_events_under_the_same_models() -> None:
    a, whole = fresh(), season()
    a.data = a.data[a.data["log10energy"] > 3]
    kept = whole.data["log10energy"] > 3
    np.testing.assert_allclose(a.background_density, whole.background_density[kept])
    np.testing.assert_allclose(a.log_energy_ratio, whole.log_energy_ratio[kept], atol=1e-5)
    assert a.fingerprint != whole.fingerprint
    assert a.background is whole.background
    tr = cy.get_trial_runner(ana=cy.Analysis([a]), src=cy.sources(1, 0.1))
    assert tr.get_one_trial(seed=1).n_events == (int(kept.sum()),)


def test_events_of_a_table() -> None:
    a = fresh()
    a.data = cy.utils.Arrays(a.data.as_dataframe.drop(labels=[0, 1, 10**9], errors="ignore"))
    assert len(a.data) == len(season().data) - 2
    with pytest.raises(ValueError, match="no column azimuth, dec"):
        a.data = {"ra": np.zeros(2)}
    with pytest.raises(TypeError, match="must be Events, Arrays or a DataFrame"):
        a.data = 3


def test_another_background() -> None:
    a = fresh()
    a.bg_space_param = Background.from_data(a.data["sindec"], np.linspace(-1, 1, 6))
    assert a.bg_space_param is a.background
    np.testing.assert_allclose(a.background_density, a.background(a.data["sindec"]))
    assert a.fingerprint != season().fingerprint
    with pytest.raises(TypeError, match="must be a Background"):
        a.bg_space_param = None


def test_nothing_changes_below_a_runner() -> None:
    a = fresh()
    cy.get_trial_runner(ana=cy.Analysis([a]), src=cy.sources(1, 0.1))
    with pytest.raises(AttributeError, match="a runner uses this season"):
        a.data = a.data
    with pytest.raises(AttributeError, match="stays as it was made"):
        a.livetime = 3.0


def test_an_analysis_has_a_name_and_stays_as_it_is() -> None:
    ana = cy.Analysis([season()])
    ana.name = "mine"
    assert ana.name == "mine"
    with pytest.raises(AttributeError, match="stays as it was made"):
        ana.anas = ()
    with pytest.raises(TypeError, match="takes nothing else"):
        cy.Analysis([season()], "version")
    again = cy.analysis.Analysis(cy.selections.demo, cy.selections.PSDataSpecs.ps_2011)
    assert again.fingerprint == cy.get_analysis(cy.selections.demo).fingerprint


def test_the_energy_term_as_csky_calls_it() -> None:
    model, events = season().energy_pdf_ratio_model, season().data[:5]
    rows, ratio = model(events)(gamma=2.5)
    np.testing.assert_allclose(np.log(ratio), model.ss_hl[2.5](events["sindec"], events["log10energy"]), atol=1e-9)
    assert len(rows) == 5
    assert dict(zip(model.gammas, model.ss_hl, strict=True))[2.5] == model.ss_hl[2.5]
    pytest.importorskip("histlite")
    assert model.ss_hl[2.0].eval(bins=10).values.shape == (10, 10)
    with pytest.raises(KeyError, match=r"γ = 2.51 is no node; the nearest is 2.5"):
        model.hs_ratio[2.51]
    with pytest.raises(TypeError, match="give gamma="):
        model(events)()
