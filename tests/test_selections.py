"""Repositories of the npy layout, custom seasons, public folders and the demo behind one protocol."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from nusky import selections
from nusky.events import Events
from nusky.selections import DataRepository, PSDataSpecs, PublicRelease, Repository, resolve
from nusky.specs import CustomDataSpec, CustomDataSpecs, DataSpec

EXP = {"run": "i8", "event": "i8", "subevent": "i4", "ra": "f8", "dec": "f8", "azi": "f4", "zen": "f4",
       "time": "f8", "logE": "f4", "angErr": "f4"}  # fmt: skip
MC = {**EXP, "trueE": ">f8", "trueRa": "f8", "trueDec": "f8", "ow": "f8"}
MODERN = {"azi": "azimuth", "zen": "zenith", "time": "mjd", "logE": "log10energy", "angErr": "sigma",
          "trueE": "true_energy", "trueRa": "true_ra", "trueDec": "true_dec", "ow": "oneweight"}  # fmt: skip


def table(columns: dict[str, str], n: int, first_mjd: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    out = np.zeros(n, dtype=list(columns.items()))
    for name in columns:
        if name in ("ra", "trueRa", "azi"):
            out[name] = 2 * np.pi * rng.random(n)
        elif name in ("dec", "trueDec"):
            out[name] = np.arcsin(rng.uniform(-1, 1, n))
        elif name == "zen":
            out[name] = np.pi * rng.random(n)
        elif name == "time":
            out[name] = np.sort(first_mjd + rng.random(n))
        elif name == "logE":
            out[name] = rng.uniform(2, 6, n)
        elif name == "angErr":
            out[name] = rng.uniform(0.004, 0.05, n)
        elif name in ("trueE", "ow"):
            out[name] = 10 ** rng.uniform(2, 6, n)
        else:
            out[name] = np.arange(n)
    return out


def runs(first_mjd: float) -> np.ndarray:
    out = np.zeros(2, dtype=[("run", "i8"), ("start", "f8"), ("stop", "f8"), ("livetime", "f8"), ("events", "i8")])
    out["start"], out["stop"] = [first_mjd, first_mjd + 0.5], [first_mjd + 0.5, first_mjd + 1.0]
    out["livetime"] = 0.49
    return out


def write_season(folder: pathlib.Path, key: str, first_mjd: float, mc: bool = True) -> None:
    (folder / "GRL").mkdir(parents=True, exist_ok=True)
    np.save(folder / f"{key}_exp.npy", table(EXP, 30, first_mjd))
    np.save(folder / "GRL" / f"{key}_exp.npy", runs(first_mjd))
    if mc:
        np.save(folder / f"{key}_MC.npy", table(MC, 20, first_mjd))


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "ps_tracks" / "version-003-p02"
    write_season(folder, "IC86_2011", 55694.0)
    write_season(folder, "IC86_2012", 56043.0)
    write_season(folder, "IC86_2013", 56414.0, mc=False)
    return tmp_path


def test_a_season_is_read_from_the_layout(root: pathlib.Path) -> None:
    files = Repository(root)
    folder = root / "ps_tracks" / "version-003-p02"
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


def test_both_spellings_give_the_same_season(root: pathlib.Path) -> None:
    version = "version-003-p02"
    before = Repository(root).read(version, "IC86_2011")
    for name in ("IC86_2011_exp.npy", "IC86_2011_MC.npy"):
        path = root / "ps_tracks" / version / name
        array = np.load(path)
        array.dtype.names = tuple(MODERN.get(field, field) for field in array.dtype.names)
        np.save(path, array)
    after = Repository(root).read(version, "IC86_2011")
    for part in ("data", "sim"):
        for column in getattr(before, part).columns:
            np.testing.assert_array_equal(getattr(after, part)[column], getattr(before, part)[column])
    assert after.fingerprint != before.fingerprint  # other bytes


def test_versions_and_specs_are_what_the_folders_hold(root: pathlib.Path) -> None:
    files = Repository(root)
    assert isinstance(files, DataRepository)
    assert files.versions == ("version-003-p02",)
    assert [spec.key for spec in files.specs("version-003-p02")] == ["IC86_2011", "IC86_2012", "IC86_2013"]
    assert files.specs("version-009") == ()


def test_later_seasons_share_the_simulation_of_2012(root: pathlib.Path) -> None:
    files = Repository(root)
    np.testing.assert_array_equal(
        files.read("version-003-p02", "IC86_2013").sim.ra, files.read("version-003-p02", "IC86_2012").sim.ra
    )


def test_joined_seasons_read_all_their_files(root: pathlib.Path) -> None:
    write_season(root / "ps_tracks" / "version-003-p02", "IC86_2014", 56779.0, mc=False)
    season = Repository(root).read("version-003-p02", PSDataSpecs.ps_2012_2014[0])
    assert len(season.data) == 90
    assert season.livetime == pytest.approx(3 * 0.98)
    assert season.grl is not None
    assert len(season.grl) == 6


@pytest.mark.parametrize("name", ["IC86_2011_MC.npy", "IC86_2011_exp.npy", "GRL/IC86_2011_exp.npy"])
def test_missing_files_are_named(root: pathlib.Path, name: str) -> None:
    (root / "ps_tracks" / "version-003-p02" / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        Repository(root).read("version-003-p02", "IC86_2011")


def test_unknown_versions_seasons_and_folders_are_refused(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    files = Repository(root)
    with pytest.raises(FileNotFoundError, match=r"version-099.*versions here: version-003-p02"):
        files.read("version-099", "IC86_2011")
    with pytest.raises(KeyError, match="no season 'IC22'; known keys: IC40"):
        files.read("version-003-p02", "IC22")
    with pytest.raises(FileNotFoundError, match="no such folder"):
        _ = Repository(tmp_path / "nowhere").versions
    with pytest.raises(FileNotFoundError, match="sample"):
        _ = Repository(root, sample="gfu").versions


def test_another_sample_folder_is_found_and_two_are_ambiguous(root: pathlib.Path) -> None:
    version = "version-001"
    write_season(root / "mine" / version, "IC86_2011", 55694.0)
    assert len(Repository(root).read(version, "IC86_2011").data) == 30
    write_season(root / "theirs" / version, "IC86_2011", 55694.0)
    with pytest.raises(ValueError, match=r"several samples \(mine, theirs\)"):
        Repository(root).read(version, "IC86_2011")
    assert len(Repository(root, sample="mine").read(version, "IC86_2011").data) == 30
    # The sample a specification names is preferred.
    write_season(root / "ps_tracks" / version, "IC86_2011", 55694.0)
    assert len(Repository(root).read(version, "IC86_2011").data) == 30


def test_the_users_repository_comes_from_the_environment_when_used(
    root: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUSKY_DATA_DIR", raising=False)
    monkeypatch.delenv("CSKY_DATA_ANALYSES_DIR", raising=False)
    assert repr(selections.repo) == "Repository(from the environment)"
    with pytest.raises(FileNotFoundError, match=r"set NUSKY_DATA_DIR .*selections\.demo"):
        selections.repo.read("version-003-p02", PSDataSpecs.ps_2011[0])
    monkeypatch.setenv("CSKY_DATA_ANALYSES_DIR", str(root))
    assert selections.repo.versions == ("version-003-p02",)
    monkeypatch.setenv("NUSKY_DATA_DIR", str(root / "elsewhere"))
    with pytest.raises(FileNotFoundError, match="elsewhere"):
        _ = selections.repo.versions


def edit(root: pathlib.Path, name: str, change: Any) -> None:
    path = root / "ps_tracks" / "version-003-p02" / name
    np.save(path, change(np.load(path)))


def without(name: str) -> Any:
    from numpy.lib import recfunctions

    return lambda array: recfunctions.drop_fields(array, name, usemask=False)


def with_value(column: str, row: int, value: float) -> Any:
    def change(array: np.ndarray) -> np.ndarray:
        array[column][row] = value
        return array

    return change


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
    root: pathlib.Path, name: str, change: Any, message: str
) -> None:
    edit(root, name, change)
    with pytest.raises(ValueError, match=message):
        Repository(root).read("version-003-p02", "IC86_2011")


def test_pickled_files_are_not_opened(root: pathlib.Path) -> None:
    path = root / "ps_tracks" / "version-003-p02" / "IC86_2011_exp.npy"
    np.save(path, np.array([{"ra": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match="not a readable npy file without pickled objects"):
        Repository(root).read("version-003-p02", "IC86_2011")
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="not a readable npy file"):
        Repository(root).read("version-003-p02", "IC86_2011")


def test_odd_rows_are_repaired_dropped_or_kept_and_reported_in_one_line(root: pathlib.Path) -> None:
    def change(array: np.ndarray) -> np.ndarray:
        array["ra"][0] = -1.0
        array["angErr"][1] = 0.0
        array["dec"][2] = np.nan
        array = np.concatenate([array, array[10:11]])
        return array

    edit(root, "IC86_2011_exp.npy", change)
    season = Repository(root).read("version-003-p02", "IC86_2011", on_bad="drop", min_sigma=0.01)
    assert len(season.data) == 30
    assert season.data.sigma.min() == 0.01
    assert np.all(np.diff(season.data.mjd) >= 0)
    lines = [note for note in season.notes if note.startswith("data:")]
    assert len(lines) == 1
    for part in ("1 RA outside", "exactly 0", "1 dropped: a value that is not finite (dec)", "1 exact duplicates, kept",
                 "1 rows out of time order, sorted"):  # fmt: skip
        assert part in lines[0]


def test_fingerprint_is_that_of_the_dataset_and_follows_files_and_settings(root: pathlib.Path) -> None:
    files, version = Repository(root), "version-003-p02"
    before = files.fingerprint(version, "IC86_2011")
    assert files.read(version, "IC86_2011").fingerprint == before
    assert files.fingerprint(version, PSDataSpecs.ps_2011[0]) == before
    assert files.fingerprint(version, "IC86_2012") != before
    assert files.fingerprint(version, "IC86_2011", min_sigma=0.01) != before
    edit(root, "GRL/IC86_2011_exp.npy", with_value("livetime", 0, 0.4))
    assert files.fingerprint(version, "IC86_2011") != before


def custom(**changes: Any) -> CustomDataSpec:
    arguments: dict[str, Any] = {
        "exp": table(EXP, 30, 55000.0),
        "mc": table(MC, 20, 55000.0),
        "livetime": 300.0,
        "key": "MINE",
    }
    return CustomDataSpecs.CustomDataSpec(**{**arguments, **changes})


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


def test_point_source_specs_have_cskys_names_and_add_up() -> None:
    assert [spec.key for spec in PSDataSpecs.ps_2011] == ["IC86_2011"]
    assert [spec.key for spec in PSDataSpecs.ps_10yr] == ["IC40", "IC59", "IC79", "IC86_2011", "IC86_2012_2017"]
    assert [spec.key for spec in PSDataSpecs.ps_7yr][-1] == "IC86_2012_2014"
    assert PSDataSpecs.ps_2017[0].mc == "IC86_2012_MC.npy"
    assert PSDataSpecs.ps_40 + PSDataSpecs.ps_59 == (PSDataSpecs.IC40, PSDataSpecs.IC59)
    assert len({spec.key for spec in PSDataSpecs.seasons}) == 10


def test_resolve_fills_in_version_and_seasons(root: pathlib.Path) -> None:
    files = Repository(root)
    version, specs = resolve(files)
    assert version == "version-003-p02"
    assert [spec.key for spec in specs if isinstance(spec, DataSpec)] == ["IC86_2011", "IC86_2012", "IC86_2013"]
    assert resolve(files, None, "IC86_2011") == (version, ("IC86_2011",))
    assert resolve(files, PSDataSpecs.ps_2011) == (version, PSDataSpecs.ps_2011)
    assert resolve(files, version, PSDataSpecs.ps_2011[0]) == (version, PSDataSpecs.ps_2011)
    assert resolve(files, None, [custom()])[0] == "custom"


def test_resolve_refuses_what_it_would_have_to_guess(root: pathlib.Path) -> None:
    files = Repository(root)
    with pytest.raises(ValueError, match="named twice: IC86_2011"):
        resolve(files, "version-003-p02", PSDataSpecs.ps_2011 + PSDataSpecs.ps_2011)
    with pytest.raises(ValueError, match="no season"):
        resolve(files, "version-099")
    with pytest.raises(TypeError, match="no data specification"):
        resolve(files, "version-003-p02", [7])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="a version is a string"):
        resolve(files, PSDataSpecs.ps_2011, PSDataSpecs.ps_2011)
    write_season(root / "ps_tracks" / "version-004-p00", "IC86_2011", 55694.0)
    with pytest.raises(ValueError, match=r"2 versions \(version-003-p02, version-004-p00\); name one"):
        resolve(files)


def test_public_folders_are_recognised_and_others_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        PublicRelease(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no public release known here; expected upgoing_events\.txt.*CPKQ-K003"):
        PublicRelease(tmp_path)
    (tmp_path / "events").mkdir()
    (tmp_path / "irfs").mkdir()
    empty = PublicRelease(tmp_path)
    assert empty.versions == ("ps-10yr",)
    with pytest.raises(FileNotFoundError, match="no season is complete"):
        empty.specs("ps-10yr")


def test_the_real_releases_resolve_by_themselves(shared_data: pathlib.Path) -> None:
    first = PublicRelease(shared_data / "icecube_ic86_2011")
    assert isinstance(first, DataRepository)
    version, specs = resolve(first)
    assert (version, specs) == ("ic86-first-year", PSDataSpecs.ps_2011)
    assert first.fingerprint(version, specs[0]) == first.read(version, specs[0]).fingerprint
    with pytest.raises(KeyError, match="holds only the season IC86_2011"):
        first.read(version, "IC40")
    with pytest.raises(ValueError, match="has version 'ic86-first-year', not 'ps-10yr'"):
        first.read("ps-10yr", "IC40")
    with pytest.raises(TypeError, match="holds its own seasons"):
        first.read(version, custom())
    ten = PublicRelease(shared_data / "icecube_ps10_subset")
    assert resolve(ten) == ("ps-10yr", PSDataSpecs.ps_40)
    assert ten.fingerprint("ps-10yr", "IC40") == ten.read("ps-10yr", PSDataSpecs.IC40).fingerprint
    with pytest.raises(FileNotFoundError, match=r"IC86_I_exp\.csv"):
        ten.read("ps-10yr", "IC86_I")


def test_the_demo_is_named_synthetic_and_answers_to_the_tutorials_season() -> None:
    demo = selections.demo
    assert isinstance(demo, DataRepository)
    version, specs = resolve(demo)
    assert version == "synthetic-v1"
    lines: list[str] = []
    season = demo.read(version, PSDataSpecs.ps_2011[0], log=lines.append)
    assert season.key == "IC86_2011_synthetic" == specs[0].key  # type: ignore[union-attr]
    assert "synthetic" in lines[0]
    assert demo.fingerprint(version, "IC86_2011") == season.fingerprint
    with pytest.raises(KeyError, match="hold only IC86_2011_synthetic"):
        demo.read(version, "IC40")
    with pytest.raises(ValueError, match="'synthetic-v1', not 'version-003-p02'"):
        demo.read("version-003-p02", "IC86_2011")
