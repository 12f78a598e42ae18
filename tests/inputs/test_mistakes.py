"""Mistakes of newcomers that once got a traceback, a wrong number or a message in other units than they had typed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nusky as cy
from nusky.cli.command import main
from nusky.followup import read_target
from small_analysis import small_analysis


@pytest.fixture(scope="module")
def ana() -> Any:
    return small_analysis("one", n_data=200, n_sim=2000)


@pytest.mark.parametrize("given", ["/nowhere", None, 3])
def test_a_folder_is_no_repository(given: Any) -> None:
    with pytest.raises(TypeError, match=r"expected a repository.*PublicRelease\(path\)"):
        cy.get_analysis(given)


def test_a_folder_without_data_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cy.write_sky_map(tmp_path / "m.fits", np.ones(48))
    assert main(["scan", str(tmp_path / "m.fits"), "--kind", "probability", "--data", str(tmp_path)]) == 2
    assert "holds no data" in capsys.readouterr().err


@pytest.mark.parametrize("value", [-1e-12, np.array([1e-12, -1e-12])])
def test_a_negative_flux_gives_no_negative_events(ana: Any, value: Any) -> None:
    runner = cy.get_trial_runner(src=cy.sources(1.0, 0.3), ana=ana)
    with pytest.raises(ValueError, match="is negative"):
        runner.to_ns(value, E0=100, unit=1e3, gamma=2)


def test_an_array_in_two_dimensions_is_named_with_its_shape(ana: Any) -> None:
    with pytest.raises(ValueError, match=r"llh_priors\[0\] \(a row of \(24, 32\)\)"):
        cy.get_spatial_prior_trial_runner(ana=ana, llh_priors=np.ones((24, 32)))


@pytest.mark.parametrize("text", ["10,95,1", "400,10,1", "10,20,-1", "10,20,0", "10,nan,1"])
def test_a_position_is_refused_in_the_units_it_was_given_in(text: str) -> None:
    with pytest.raises(ValueError, match="is no position in degrees"):
        read_target(text)


@pytest.mark.parametrize("days", [0.0, -5.0])
def test_a_window_without_length_is_none(days: float) -> None:
    with pytest.raises(ValueError, match=r"t_100\[0\] = ") as error:
        cy.sources(1.0, 0.3, mjd=57000.0, t_100=days)
    assert "e-324" not in str(error.value)
