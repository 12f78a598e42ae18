"""Randomised declinations: how far, where not, the same from the same seed; and the fit of such a trial."""

from __future__ import annotations

import numpy as np
import pytest

import nusky as cy
from nusky.executors import read_spec, write_spec
from nusky.injection import DecRandomization
from seasons import oracle_fit, two_seasons


def test_declinations_move_by_the_width_and_stay_out_of_the_caps() -> None:
    dec = np.concatenate([np.zeros(20_000), np.full(500, 1.3), np.full(500, -1.55)])
    new = DecRandomization(0.05, pole_exclusion=0.2).moved(dec, np.random.default_rng(1).random(len(dec)))
    assert new[:20_000].std() == pytest.approx(0.05, rel=0.02)
    assert abs(new[:20_000].mean()) < 4 * 0.05 / np.sqrt(20_000)
    assert new.max() <= np.pi / 2 - 0.2
    assert (new[-500:] == -1.55).all()


@pytest.mark.parametrize(("width", "exclusion", "named"), [(0.0, 0.0, "width"), (True, 0, "width"), (0.1, 2.0, "pole")])
def test_what_is_out_of_range_is_refused(width: float, exclusion: float, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        DecRandomization(width, exclusion)


def test_the_fit_takes_density_and_energy_term_at_the_new_declination(tmp_path: object) -> None:
    src = cy.sources(1.0, 0.2)
    settings = {"randomize": ["ra", cy.inj.DecRandomizer], "dec_rand_kwargs": {"randomization_width": 0.05}}
    tr, plain = (cy.get_trial_runner(kw, ana=two_seasons(), src=src) for kw in (settings, {}))
    trial = tr.get_one_trial(8, seed=1)
    np.testing.assert_array_equal(trial.background[0].ra, plain.get_one_trial(8, seed=1).background[0].ra)
    fit, slow = tr.get_one_fit_from_trial(trial), oracle_fit(two_seasons(), trial, 1.0, 0.2)
    assert (fit.ts, fit.ns, fit.gamma) == (
        pytest.approx(slow.ts, rel=1e-5),
        pytest.approx(slow.ns, rel=1e-4),
        pytest.approx(slow.gamma, rel=1e-4),
    )
    assert tr.get_many_fits(2, 8, seed=1).ts[0] == fit.ts
    assert tr.config() != plain.config()
    path, digest = write_spec(tr, str(tmp_path))
    assert read_spec(path, digest).config() == tr.config()
    window = cy.sources(1.0, 0.2, mjd=55700.0, t_100=2.0)
    with pytest.raises(ValueError, match="not randomised in a time window"):
        cy.get_trial_runner(settings, ana=two_seasons(), src=window, use_grl=False)
