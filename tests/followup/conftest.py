"""One follow-up of the synthetic season, for all tests of what is made from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nusky as cy
from nusky.followup import follow_up, write_follow_up


@pytest.fixture(scope="session")
def ana() -> Any:
    return cy.get_analysis(cy.selections.demo)


@pytest.fixture(scope="session")
def found(ana: Any) -> Any:
    return follow_up("180,10,5", ana=ana, livetime=True, n_trials=100, limits=False, nside=64, n_sig=12)


@pytest.fixture(scope="session")
def files(found: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What was written, by name."""
    return {path.name: path for path in write_follow_up(found, tmp_path_factory.mktemp("follow-up") / "out")}


@pytest.fixture(scope="session")
def windowed(ana: Any) -> Any:
    """A window of a day with events of a source in it, and its limits."""
    start = ana[0].mjd_min + 10
    return follow_up("180,10,4", ana=ana, start=start, stop=start + 1, n_trials=100, nside=64, n_sig=4, seed=2)
