"""A user's files in the npy layout: found, read, and refused by name where they are bad."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from npy_layout import MODERN, edit, with_value, without, write_season
from nusky import selections
from nusky.selections import DataRepository, PSDataSpecs, Repository


def test_a_season_is_read_from_the_layout(npy_root: pathlib.Path) -> None:
    files = Repository(npy_root)
    folder = npy_root / "ps_tracks" / "version-003-p02"
    lines: list[str] = []
    season = files.read("version-003-p02", PSDataSpecs.ps_2011[0], log=lines.append)
    stored = np.load(folder / "IC86_2011_exp.npy")
    assert season.key == "IC86_2011"
    assert season.version == "version-003-p02"
    np.testing.assert_array_equal(season.data.mjd, stored["time"])
    np.testing.assert_array_equal(season.data.sigma, stored["angErr"].astype(float))
    optional = {"run", "event", "subevent", "azimuth", "zenith"}
    assert set(season.data.columns) == {"ra", "dec", "sindec", "sigma", "log10energy", "mjd"} | optional
    np.testing.assert_array_equal(season.sim.oneweight, np.load(folder / "IC86_2011_MC.npy")["ow"])
    assert season.sim.true_energy.dtype.isnative
    assert season.livetime == pytest.approx(0.98)  # the list's own column, not stop − start
    assert [line.split()[1] for line in lines] == [
        str(folder / name) for name in ("IC86_2011_MC.npy", "IC86_2011_exp.npy", "GRL/IC86_2011_exp.npy")
    ]
    assert season.notes == ()


def test_both_spellings_give_the_same_season(npy_root: pathlib.Path) -> None:
    version = "version-003-p02"
    before = Repository(npy_root).read(version, "IC86_2011")
    for name in ("IC86_2011_exp.npy", "IC86_2011_MC.npy"):
        path = npy_root / "ps_tracks" / version / name
        array = np.load(path)
        array.dtype.names = tuple(MODERN.get(field, field) for field in array.dtype.names)
        np.save(path, array)
    after = Repository(npy_root).read(version, "IC86_2011")
    for part in ("data", "sim"):
        for column in getattr(before, part).columns:
            np.testing.assert_array_equal(getattr(after, part)[column], getattr(before, part)[column])
    assert after.fingerprint != before.fingerprint  # other bytes


def test_versions_and_specs_are_what_the_folders_hold(npy_root: pathlib.Path) -> None:
    files = Repository(npy_root)
    assert isinstance(files, DataRepository)
    assert files.versions == ("version-003-p02",)
    assert [spec.key for spec in files.specs("version-003-p02")] == ["IC86_2011", "IC86_2012", "IC86_2013"]
    assert files.specs("version-009") == ()


def test_later_seasons_share_the_simulation_of_2012(npy_root: pathlib.Path) -> None:
    files = Repository(npy_root)
    np.testing.assert_array_equal(
        files.read("version-003-p02", "IC86_2013").sim.ra, files.read("version-003-p02", "IC86_2012").sim.ra
    )


def test_joined_seasons_read_all_their_files(npy_root: pathlib.Path) -> None:
    write_season(npy_root / "ps_tracks" / "version-003-p02", "IC86_2014", 56779.0, mc=False)
    season = Repository(npy_root).read("version-003-p02", PSDataSpecs.ps_2012_2014[0])
    assert len(season.data) == 90
    assert season.livetime == pytest.approx(3 * 0.98)
    assert season.grl is not None
    assert len(season.grl) == 6


@pytest.mark.parametrize("name", ["IC86_2011_MC.npy", "IC86_2011_exp.npy", "GRL/IC86_2011_exp.npy"])
def test_missing_files_are_named(npy_root: pathlib.Path, name: str) -> None:
    (npy_root / "ps_tracks" / "version-003-p02" / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        Repository(npy_root).read("version-003-p02", "IC86_2011")


def test_unknown_versions_seasons_and_folders_are_refused(npy_root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    files = Repository(npy_root)
    with pytest.raises(FileNotFoundError, match=r"version-099.*versions here: version-003-p02"):
        files.read("version-099", "IC86_2011")
    with pytest.raises(KeyError, match="no season 'IC22'; known keys: IC40"):
        files.read("version-003-p02", "IC22")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        _ = Repository(tmp_path / "nowhere").versions
    with pytest.raises(FileNotFoundError, match="sample"):
        _ = Repository(npy_root, sample="gfu").versions


def test_another_sample_folder_is_found_and_two_are_ambiguous(npy_root: pathlib.Path) -> None:
    version = "version-001"
    write_season(npy_root / "mine" / version, "IC86_2011", 55694.0)
    assert len(Repository(npy_root).read(version, "IC86_2011").data) == 30
    write_season(npy_root / "theirs" / version, "IC86_2011", 55694.0)
    with pytest.raises(ValueError, match=r"several samples \(mine, theirs\)"):
        Repository(npy_root).read(version, "IC86_2011")
    assert len(Repository(npy_root, sample="mine").read(version, "IC86_2011").data) == 30
    # The sample a specification names is preferred.
    write_season(npy_root / "ps_tracks" / version, "IC86_2011", 55694.0)
    assert len(Repository(npy_root).read(version, "IC86_2011").data) == 30


def test_the_users_repository_comes_from_the_environment_when_used(
    npy_root: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUSKY_DATA_DIR", raising=False)
    monkeypatch.delenv("CSKY_DATA_ANALYSES_DIR", raising=False)
    assert repr(selections.repo) == "Repository(from the environment)"
    with pytest.raises(FileNotFoundError, match=r"set NUSKY_DATA_DIR .*selections\.demo"):
        selections.repo.read("version-003-p02", PSDataSpecs.ps_2011[0])
    monkeypatch.setenv("CSKY_DATA_ANALYSES_DIR", str(npy_root))
    assert selections.repo.versions == ("version-003-p02",)
    monkeypatch.setenv("NUSKY_DATA_DIR", str(npy_root / "elsewhere"))
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        _ = selections.repo.versions


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("IC86_2011_exp.npy", without("angErr"), r"IC86_2011_exp\.npy: missing column\(s\) sigma"),
        ("IC86_2011_MC.npy", without("ow"), r"IC86_2011_MC\.npy: missing column\(s\) oneweight"),
        ("GRL/IC86_2011_exp.npy", without("stop"), r"missing column\(s\) stop of a good-run list"),
        ("IC86_2011_exp.npy", with_value("dec", 7, np.nan), r"column 'dec', row 7 .*nan is a value that is not finite"),
        ("IC86_2011_exp.npy", with_value("angErr", 3, 9.0), r"column 'angErr', row 3 .*: 9 is an angular error"),
        ("IC86_2011_MC.npy", with_value("ow", 5, -2.0), r"column 'ow', row 5 .*: -2 is a negative weight"),
        ("IC86_2011_MC.npy", with_value("trueDec", 1, 2.0), r"column 'trueDec', row 1"),
        ("GRL/IC86_2011_exp.npy", with_value("livetime", 0, -1.0), "'livetime' has values that are negative"),
        ("IC86_2011_exp.npy", lambda a: a[:0], "data holds no events"),
        ("GRL/IC86_2011_exp.npy", lambda a: a[:0], "good-run list is empty"),
        ("IC86_2011_exp.npy", lambda a: np.ones(3), "not a one-dimensional structured array"),
    ],
)
def test_bad_files_are_refused_by_name_column_row_and_value(
    npy_root: pathlib.Path, name: str, change: Any, message: str
) -> None:
    edit(npy_root, name, change)
    with pytest.raises(ValueError, match=message):
        Repository(npy_root).read("version-003-p02", "IC86_2011")


def test_pickled_files_are_not_opened(npy_root: pathlib.Path) -> None:
    path = npy_root / "ps_tracks" / "version-003-p02" / "IC86_2011_exp.npy"
    np.save(path, np.array([{"ra": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="not a readable npy file without pickled objects"):
        Repository(npy_root).read("version-003-p02", "IC86_2011")
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not a readable npy file"):
        Repository(npy_root).read("version-003-p02", "IC86_2011")


def test_odd_rows_are_repaired_dropped_or_kept_and_reported_in_one_line(npy_root: pathlib.Path) -> None:
    def change(array: np.ndarray) -> np.ndarray:
        array["ra"][0] = -1.0
        array["angErr"][1] = 0.0
        array["dec"][2] = np.nan
        array = np.concatenate([array, array[10:11]])
        return array

    edit(npy_root, "IC86_2011_exp.npy", change)
    season = Repository(npy_root).read("version-003-p02", "IC86_2011", on_bad="drop", min_sigma=0.01)
    assert len(season.data) == 30
    assert season.data.sigma.min() == 0.01
    assert np.all(np.diff(season.data.mjd) >= 0)
    lines = [note for note in season.notes if note.startswith("data:")]
    assert len(lines) == 1
    for part in ("1 RA outside", "exactly 0", "1 dropped: a value that is not finite (dec)", "1 exact duplicates, kept",
                 "1 rows out of time order, sorted"):  # fmt: skip
        assert part in lines[0]


def test_fingerprint_is_that_of_the_dataset_and_follows_files_and_settings(npy_root: pathlib.Path) -> None:
    files, version = Repository(npy_root), "version-003-p02"
    before = files.fingerprint(version, "IC86_2011")
    assert files.read(version, "IC86_2011").fingerprint == before
    assert files.fingerprint(version, PSDataSpecs.ps_2011[0]) == before
    assert files.fingerprint(version, "IC86_2012") != before
    assert files.fingerprint(version, "IC86_2011", min_sigma=0.01) != before
    edit(npy_root, "GRL/IC86_2011_exp.npy", with_value("livetime", 0, 0.4))
    assert files.fingerprint(version, "IC86_2011") != before
