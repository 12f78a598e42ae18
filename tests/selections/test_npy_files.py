"""Seasons of the user's own: arrays, Events, mappings and files."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from npy_layout import EXP, MODERN, custom, runs, table, with_value
from nusky import selections
from nusky.events import Events


def test_custom_seasons_take_arrays_events_mappings_and_paths(tmp_path: pathlib.Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("NUSKY_DATA_DIR", raising=False)
    monkeypatch.delenv("CSKY_DATA_ANALYSES_DIR", raising=False)
    exp = table(EXP, 30, 55000.0)
    np.save(tmp_path / "exp.npy", exp)
    expected = selections.repo.read("any", custom())  # needs no repository
    mapping = {name: exp[name] for name in exp.dtype.names}
    events = Events({MODERN.get(name, name): exp[name] for name in exp.dtype.names})
    for source in (mapping, events, tmp_path / "exp.npy", [tmp_path / "exp.npy"], [exp[:10], exp[10:]]):
        season = selections.repo.read("any", custom(exp=source))
        for column in expected.data.columns:
            np.testing.assert_array_equal(season.data[column], expected.data[column])


def test_custom_seasons_keep_their_bins_livetime_and_good_runs() -> None:
    season = selections.repo.read(
        "v", custom(sindec_bins=[-1, 0, 1], logenergy_bins=np.linspace(2, 7, 6), grl=runs(55000.0), livetime=None)
    )
    np.testing.assert_array_equal(season.sindec_bins, [-1, 0, 1])
    np.testing.assert_array_equal(season.log10energy_bins, np.linspace(2, 7, 6))
    assert season.livetime == pytest.approx(0.98)
    other = selections.repo.read("v", custom(grl=runs(55000.0), livetime=2.0))
    assert other.livetime == 2.0
    assert any("livetime given as 2.00 d, the good-run list says 0.98 d" in note for note in other.notes)
    outside = selections.repo.read("v", custom(grl=runs(54000.0)))
    assert any("30 events outside the good-run list, kept" in note for note in outside.notes)


def test_custom_fingerprints_follow_the_arrays() -> None:
    before = selections.repo.fingerprint("v", custom())
    assert selections.repo.read("v", custom()).fingerprint == before
    assert selections.repo.fingerprint("v", custom(exp=with_value("ra", 0, 0.5)(table(EXP, 30, 55000.0)))) != before
    assert selections.repo.fingerprint("v", custom(livetime=301.0)) != before
    assert selections.repo.fingerprint("v", custom(sindec_bins=[-1, 0, 1])) != before


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"livetime": None}, ValueError, "needs livetime= .* or grl="),
        ({"livetime": -3.0}, ValueError, "livetime=-3.0 days must be finite and positive"),
        ({"key": ""}, ValueError, "needs a key"),
        ({"exp": 3}, TypeError, "exp: got int; give a path"),
        ({"exp": {"ra": [1.0], "dec": [0.0, 1.0]}}, ValueError, "columns differ in length"),
        ({"exp": {"ra": ["a"]}}, ValueError, "column 'ra' is"),
        ({"exp": {"time": [1.0], "mjd": [2.0]}}, ValueError, "'mjd' and 'time' mean the same but differ"),
        ({"sindec_bins": [1, -1]}, ValueError, "sindec_bins must be"),
        ({"mc": "nowhere.npy"}, FileNotFoundError, r"nowhere\.npy: no such file \(mc\)"),
    ],
)
def test_bad_custom_seasons_are_refused(changes: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        selections.repo.read("v", custom(**changes))


def test_further_columns_of_the_simulation_are_kept_where_asked_for(tmp_path: pathlib.Path) -> None:
    from dataclasses import replace

    from numpy.lib import recfunctions

    spec = custom()
    weights = np.linspace(0.0, 1.0, len(spec.mc))
    mc = recfunctions.append_fields(spec.mc, "conv", weights, usemask=False)
    kept = replace(spec, mc=mc, keep=("conv",))
    season = selections.repo.read("v", kept)
    assert season.sim["conv"].tolist() == weights.tolist()
    assert "conv" not in selections.repo.read("v", replace(spec, mc=mc)).sim
    assert season.fingerprint == selections.repo.fingerprint("v", kept)
    assert season.fingerprint != selections.repo.fingerprint("v", replace(spec, mc=mc))
    np.save(tmp_path / "mc.npy", mc)
    assert selections.repo.read("v", replace(kept, mc=tmp_path / "mc.npy")).sim["conv"].tolist() == weights.tolist()
    with pytest.raises(ValueError, match=r"missing column\(s\) conv"):
        selections.repo.read("v", replace(spec, keep=("conv",)))
    weights[3] = np.nan
    mc["conv"] = weights
    with pytest.raises(ValueError, match="'conv'"):
        selections.repo.read("v", kept)
    with pytest.raises(TypeError, match="give names"):
        custom(keep="conv")
    with pytest.raises(AttributeError, match=r"replace\(spec, keep="):
        selections.PSDataSpecs.IC86_2011._keep.append("conv")
