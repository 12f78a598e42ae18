"""Scripts as csky's users write them run to their end."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import nusky as cy
from csky_scripts import SCRIPTS
from nusky.analysis import SubAnalysis
from seasons import season, two_seasons
from transient_season import timed_analysis

mpl.use("agg")
TIMED = ("transient", "flare", "light curve")


@pytest.fixture(autouse=True)
def session() -> Iterator[None]:
    before = dict(cy.CONF)
    cy.CONF.clear()
    with mpl.rc_context():  # scripts set the style of csky's pictures
        yield
    cy.CONF.clear()
    cy.CONF.update(before)
    plt.close("all")


def fresh_season() -> SubAnalysis:
    return SubAnalysis(**{f.name: getattr(season(), f.name) for f in fields(SubAnalysis)})


# Smearing a template for the errors of a season's events takes seconds
EACH = [pytest.param(name, marks=[pytest.mark.slow] if "template" in name else []) for name in SCRIPTS]


@pytest.mark.filterwarnings("ignore:p is interpolated between declinations")
@pytest.mark.parametrize("name", EACH)
def test_a_script_runs_to_its_end(name: str, tmp_path: Path) -> None:
    healpy = pytest.importorskip("healpy")
    pytest.importorskip("histlite")
    ana = timed_analysis() if any(word in name for word in TIMED) else two_seasons()
    cy.CONF.update(ana=ana, mp_cpus=2)
    names = {
        "cy": cy,
        "np": np,
        "hp": healpy,
        "plt": plt,
        "ana": ana,
        "tmp": str(tmp_path),
        "fresh_season": fresh_season,
    }
    with contextlib.redirect_stdout(io.StringIO()):
        exec(SCRIPTS[name], {**names, "src": cy.utils.Sources(ra=1.0, dec=0.1)})


def test_there_are_as_many_as_were_driven_by_hand() -> None:
    assert len(SCRIPTS) >= 63
