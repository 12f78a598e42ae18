"""What a call that names only some of version and seasons means."""

from __future__ import annotations

import pathlib

import pytest

from npy_layout import custom, write_season
from nusky.data.specs import DataSpec
from nusky.selections import PSDataSpecs, Repository, repo, resolve
from nusky.selections.npy import DATA_DIR_VARIABLES


def test_point_source_specs_have_cskys_names_and_add_up() -> None:
    assert [spec.key for spec in PSDataSpecs.ps_2011] == ["IC86_2011"]
    assert [spec.key for spec in PSDataSpecs.ps_10yr] == ["IC40", "IC59", "IC79", "IC86_2011", "IC86_2012_2017"]
    assert [spec.key for spec in PSDataSpecs.ps_7yr][-1] == "IC86_2012_2014"
    assert PSDataSpecs.ps_2017[0].mc == "IC86_2012_MC.npy"
    assert PSDataSpecs.ps_40 + PSDataSpecs.ps_59 == (PSDataSpecs.IC40, PSDataSpecs.IC59)
    assert len({spec.key for spec in PSDataSpecs.seasons}) == 10


def test_resolve_fills_in_version_and_seasons(npy_root: pathlib.Path) -> None:
    files = Repository(npy_root)
    version, specs = resolve(files)
    assert version == "version-003-p02"
    assert [spec.key for spec in specs if isinstance(spec, DataSpec)] == ["IC86_2011", "IC86_2012", "IC86_2013"]
    assert resolve(files, None, "IC86_2011") == (version, ("IC86_2011",))
    assert resolve(files, PSDataSpecs.ps_2011) == (version, PSDataSpecs.ps_2011)
    assert resolve(files, version, PSDataSpecs.ps_2011[0]) == (version, PSDataSpecs.ps_2011)
    assert resolve(files, None, [custom()])[0] == "custom"


def test_resolve_refuses_what_it_would_have_to_guess(npy_root: pathlib.Path) -> None:
    files = Repository(npy_root)
    with pytest.raises(ValueError, match="named twice: IC86_2011"):
        resolve(files, "version-003-p02", PSDataSpecs.ps_2011 + PSDataSpecs.ps_2011)
    with pytest.raises(ValueError, match="no season"):
        resolve(files, "version-099")
    with pytest.raises(TypeError, match="no data specification"):
        resolve(files, "version-003-p02", [7])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="a version is a string"):
        resolve(files, PSDataSpecs.ps_2011, PSDataSpecs.ps_2011)
    write_season(npy_root / "ps_tracks" / "version-004-p00", "IC86_2011", 55694.0)
    with pytest.raises(ValueError, match=r"2 versions \(version-003-p02, version-004-p00\); name one"):
        resolve(files)


def test_seasons_with_files_of_their_own_need_no_folder_of_data(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in DATA_DIR_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert resolve(repo, None, [custom()])[0] == "custom"
