from __future__ import annotations

import pytest

import nusky as cy
from seasons import two_seasons


def test_models_of_a_runner() -> None:
    tr = cy.get_trial_runner(ana=two_seasons(), src=cy.sources(1, 0.1))
    llh_model = cy.inspect.get_llh_model(tr, -1)
    assert llh_model.N_bg == len(two_seasons()[1].data)
    assert llh_model.pdf_ratio_model is cy.inspect.get_pdf_ratio_model(tr, -1)
    assert cy.inspect.get_space_model(tr)(sindec=0.1) == two_seasons()[1].background(0.1)
    assert cy.inspect.get_energy_model(tr, 0).gammas[0] == 1
    with pytest.raises(ValueError, match="season 2 is not there"):
        cy.inspect.get_llh_model(tr, 2)
