"""The tutorial on spatial priors, cell by cell as written; only the import and the repository differ."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nusky

pytest.importorskip("histlite")

SETUP = """
import numpy as np
import matplotlib.pyplot as plt
import healpy as hp
import histlite as hl
import nusky as cy
"""
STYLE = "cy.plotting.mrichman_mpl()"
ANALYSIS = "ana = cy.get_analysis(cy.selections.demo, 'synthetic-v1', cy.selections.PSDataSpecs.ps_2011, dir=ana_dir)"
CONF = "cy.CONF['ana'] = ana"
PRIOR = """
m = hl.heal.hist(128, [0], [np.pi]).smoothing(np.radians(10)).normalize()
m.map = np.maximum(1e-4, m.map)
"""
PLOT = """
fig, ax = plt.subplots (subplot_kw=dict (projection='aitoff'))
sp = cy.plotting.SkyPlotter(pc_kw=dict())
mesh, cb = sp.plot_map(ax, {what}, n_ticks=2)
kw = dict(color='.5', alpha=.5)
sp.plot_gp(ax, lw=.5, **kw)
sp.plot_gc(ax, **kw)
ax.grid(**kw)
cb.set_label(r'{label}')
plt.tight_layout()
"""
RUNNER = """
prior = np.where(m.map >= m.map.min(), m.map, 0)
dec85 = np.radians(85)
sptr = cy.get_spatial_prior_trial_runner(llh_priors=hp.ud_grade(m.map, 64), min_dec=-dec85, max_dec=dec85,
src_tr=cy.sources(np.pi,0.), conf={"extra_keep":["energy"]})
"""
FIT = "result = sptr.get_one_fit(20, seed=1, mp_cpus=15, logging=True)"
PRINT = """
print('TS, ns, gamma (ra,dec) = {:.2f}, {:.2f}, {:.2f} ({:.2f}, {:.2f})'.format(
result[1], result[2], result[3], *np.degrees(result[-2:])))
"""
TRIAL = "trial = sptr.get_one_trial(20, seed=1)"
SCAN_RUNNER = "sstr = cy.get_sky_scan_trial_runner(nside=64, min_dec=-dec85, max_dec=dec85)"
SCAN = "scan = sstr.get_one_scan_from_trial(trial, mp_cpus=15, logging=True)"
WITH_PRIOR = "ts_with_prior = scan[1] + sptr.llh_prior_term[0]"


@pytest.fixture(scope="module")
def out() -> dict[str, str]:
    return {}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory, out: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Namespace after all cells have run, with what each of them printed in `out`."""
    from matplotlib import pyplot

    pyplot.close("all")  # what other tests left open is not of the page
    import contextlib
    import io

    import matplotlib

    before = dict(nusky.CONF)
    nusky.CONF.clear()
    space: dict[str, Any] = {"ana_dir": str(tmp_path_factory.mktemp("ana"))}
    cells = {
        "setup": SETUP,
        "style": STYLE,
        "analysis": ANALYSIS,
        "conf": CONF,
        "prior": PRIOR,
        "plot prior": PLOT.format(what="np.log10(m.map)", label="spatial prior (log scale, a.u.)"),
        "runner": RUNNER,
        "fit": FIT,
        "print": PRINT,
        "trial": TRIAL,
        "scan runner": SCAN_RUNNER,
        "scan": SCAN,
        "plot scan": PLOT.format(what="scan[1]", label="TS without prior"),
        "with prior": WITH_PRIOR,
        "plot with prior": PLOT.format(what="ts_with_prior", label="TS including prior"),
        "plot clipped": PLOT.format(what="np.maximum(0, ts_with_prior)", label="TS including prior"),
        "flux": "flux = sptr.to_E2dNdE(20, E0=100, unit=1e3, gamma=2)",
    }
    with matplotlib.rc_context():
        matplotlib.use("Agg")
        for name, cell in cells.items():
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(cell, space)
            out[name] = printed.getvalue()
        yield space
        space["plt"].close("all")
    nusky.CONF.clear()
    nusky.CONF.update(before)


def test_every_cell_runs_in_order_and_the_analysis_narrates(notebook: dict[str, Any], out: dict[str, str]) -> None:
    assert nusky.CONF["ana"] is notebook["ana"]
    lines = out["analysis"].splitlines()
    assert lines[0] == "Setting up Analysis for:"
    assert lines[-1] == "Done."


def test_the_fit_prints_csky_s_progress_and_indexes_like_its_array(
    notebook: dict[str, Any], out: dict[str, str]
) -> None:
    cores = nusky.get_sky_scan_trial_runner(nside=1)._threads(15)
    assert out["fit"].startswith(f"Scanning 48984 locations using {cores} cores:\n")
    assert "48984/48984 coordinates complete." in out["fit"]
    assert re.fullmatch(
        r"TS, ns, gamma \(ra,dec\) = \d+\.\d\d, \d+\.\d\d, \d\.\d\d \(\d+\.\d\d, -?\d+\.\d\d\)\n", out["print"]
    )
    result = notebook["result"]
    assert len(result) == 6
    assert result[0] == result[1] == result.ts
    assert repr(result).startswith("array([")


def test_the_hottest_point_is_at_the_injected_source(notebook: dict[str, Any]) -> None:
    trial, result = notebook["trial"], notebook["result"]
    columns = "columns: dec, energy, idx, inj, log10energy, ra, sigma, sindec"
    assert repr(trial).startswith(
        f"SpatialPriorTrial(evss=[[Events(136244 items | {columns}), Events(20 items | {columns})]], "
        "n_exs=[0], ra=array(["
    )
    assert np.degrees([trial.ra, trial.dec]).ravel().shape == (2,)
    # Found within a pixel or two of where they were put, about as many as there are, with about their spectrum
    from nusky.sphere.rotation import separation

    assert separation(trial.ra[0], trial.dec[0], result.ra, result.dec) < np.radians(1.5)
    assert 12 < result.ns < 30
    assert 1.6 < result.gamma < 2.6
    assert result.ts > 25


def test_the_scan_reproduces_the_fit(notebook: dict[str, Any], out: dict[str, str]) -> None:
    scan, result = notebook["scan"], notebook["result"]
    assert scan.shape == (4, 49152)
    assert out["scan"].startswith("Scanning 48984 locations using ")
    best = int(np.argmax(np.where(scan.scanned, notebook["ts_with_prior"], -np.inf)))
    assert best == result.pixel
    assert notebook["ts_with_prior"][best] == result.ts
    assert scan.n_scanned == 48984


def test_the_pictures_are_drawn(notebook: dict[str, Any], tmp_path: Path) -> None:
    figures = [notebook["plt"].figure(number) for number in notebook["plt"].get_fignums()]
    assert len(figures) == 4
    for number, figure in enumerate(figures):
        path = tmp_path / f"{number}.png"
        figure.savefig(path)
        assert path.stat().st_size > 20_000


def test_counts_without_a_spectrum_name_gamma_and_with_it_give_the_flux(notebook: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="pass gamma="):
        notebook["sptr"].to_E2dNdE(20, E0=100, unit=1e3)
    assert notebook["flux"] == pytest.approx(1.07e-11, rel=0.05)
