from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest

import nusky
import oracle
from nusky import Analysis, get_analysis, hyp
from nusky.analysis.cache import DamagedCache, StaleCache
from nusky.analysis.season import SubAnalysis
from nusky.analysis.set_up import ModelOptions, input_hash, set_up
from nusky.events import Events
from small_repository import SmallRepository, small_season

core = pytest.importorskip("nusky._core", reason="the C++ core is not built")
FILE = "SMALL_1.subanalysis.v1.npz"


@pytest.fixture(scope="module")
def season() -> SubAnalysis:
    return set_up(small_season())


@pytest.fixture(scope="module")
def two() -> Analysis:
    seasons = {
        key: small_season(key, seed, n=n, days=d) for key, seed, n, d in (("A", 1, 2000, 100.0), ("B", 2, 300, 9.0))
    }
    return get_analysis(SmallRepository(seasons), logging=False)


def test_a_season_holds_the_models_values_of_its_own_events(season):
    assert season.background_density.shape == (2000,)
    assert season.log_energy_ratio.shape == (2000, 49)
    assert season.log_energy_ratio.dtype == np.float32
    density, log_ratio = season.columns(season.data)
    np.testing.assert_array_equal(density, season.background_density)
    np.testing.assert_array_equal(log_ratio, season.log_energy_ratio)
    np.testing.assert_allclose(density, season.background(season.data.sindec))
    assert season.acceptance(0.3, 2.0) == pytest.approx(season.acceptance.for_flux(hyp.PowerLawFlux(2))(0.3))
    with pytest.raises(AttributeError):
        season.key = "other"
    with pytest.raises(ValueError, match="read-only"):
        season.log_energy_ratio[0] = 0


def test_cskys_names_are_there(season):
    assert season.sig is season.sim
    assert season.bg_data is season.data
    assert (season.mjd_min, season.mjd_max) == (55_000.0, pytest.approx(55_000 + 100 * 9 / 8 + 10))
    assert "made-up" in season.notes[0]
    assert repr(season) == "SubAnalysis(SMALL_1 | v1 | 2000 events, 100.00 days, 49 gamma nodes 1 ... 4)"


def test_columns_need_no_sindec(season):
    some = season.data[:5]
    bare = Events({name: some[name] for name in ("dec", "log10energy")})
    for got, expected in zip(season.columns(bare), season.columns(some), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_the_first_run_builds_and_tells_and_the_second_reads(tmp_path, capsys):
    repo = SmallRepository()
    first = get_analysis(repo, "v1", ["SMALL_1"], dir=tmp_path / "ana")
    built = capsys.readouterr().out
    path = tmp_path / "ana" / FILE
    for line in (
        "Setting up Analysis for:\nSMALL_1\nSetting up SMALL_1...\nReading a season ...\nEnergy PDF Ratio Model...\n"
        "  * gamma = 4.0000 ...\nSignal Acceptance Model...\n  * gamma = 4.0000 ...\n",
        "  a made-up season\n",
        f"-> {path}\nDone.\n",
    ):
        assert line in built
    again = get_analysis(repo, "v1", ["SMALL_1"], dir=tmp_path / "ana")
    assert capsys.readouterr().out == f"Setting up Analysis for:\nSMALL_1\nSetting up SMALL_1...\n<- {path}\nDone.\n"
    assert repo.reads == 1
    assert again.fingerprint == first.fingerprint
    assert_same(again[0], first[0])


def assert_same(a: SubAnalysis, b: SubAnalysis) -> None:
    for mine, theirs in ((a.data, b.data), (a.sim, b.sim), (a.grl, b.grl)):
        assert mine.columns == theirs.columns
        for name in mine.columns:
            np.testing.assert_array_equal(mine[name], theirs[name])
    np.testing.assert_array_equal(a.log_energy_ratio, b.log_energy_ratio)
    np.testing.assert_array_equal(a.background_density, b.background_density)
    np.testing.assert_array_equal(a.energy.table, b.energy.table)
    assert repr(a.energy) == repr(b.energy)
    np.testing.assert_array_equal(a.acceptance.log_acceptance, b.acceptance.log_acceptance)
    s = np.linspace(-1, 1, 31)
    np.testing.assert_array_equal(a.background(s), b.background(s))
    assert (a.key, a.version, a.livetime, a.notes, a.fingerprint) == (
        b.key,
        b.version,
        b.livetime,
        b.notes,
        b.fingerprint,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"gammas": np.linspace(1, 4, 25)},
        {"empty": "nearest"},
        {"smooth": False},
        {"min_sigma": 0.01},
        {"on_bad": "drop"},
    ],
    ids=lambda c: next(iter(c)),
)
def test_any_other_option_makes_the_cache_stale(tmp_path, capsys, change):
    repo = SmallRepository()
    get_analysis(repo, dir=tmp_path)
    get_analysis(repo, dir=tmp_path, **change)
    assert "stale and is rebuilt" in capsys.readouterr().out
    assert repo.reads == 2
    get_analysis(repo, dir=tmp_path, **change)
    assert repo.reads == 2


def test_changed_files_make_the_cache_stale(tmp_path, capsys):
    get_analysis(SmallRepository(), dir=tmp_path)
    get_analysis(SmallRepository(salt="another"), dir=tmp_path)
    assert "stale and is rebuilt" in capsys.readouterr().out


def test_a_damaged_cache_is_rebuilt_with_a_message(tmp_path, capsys):
    repo = SmallRepository()
    first = get_analysis(repo, dir=tmp_path, logging=False)
    path = tmp_path / FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    again = get_analysis(repo, dir=tmp_path)
    assert "damaged and is rebuilt" in capsys.readouterr().out
    assert repo.reads == 2
    assert_same(again[0], first[0])


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    ana = get_analysis(SmallRepository(), logging=False)
    assert list(tmp_path.iterdir()) == []
    assert ana[0].path is None
    assert len(ana[0].sim) == 20_000


def test_a_folder_that_cannot_be_written_to_stops_before_anything_is_read(tmp_path):
    (tmp_path / "file").write_text("")
    repo = SmallRepository()
    with pytest.raises(OSError, match="cannot write the analysis cache"):
        get_analysis(repo, dir=tmp_path / "file" / "ana", logging=False)
    assert repo.reads == 0


def test_load_sig_false_keeps_no_simulation_and_says_so_when_asked(tmp_path):
    for _ in range(2):
        ana = get_analysis(SmallRepository(), dir=tmp_path, load_sig=False, logging=False)
        with pytest.raises(ValueError, match=r"SMALL_1.*load_sig=True"):
            _ = ana[0].sim
        assert ana[0].acceptance(0.0, 2.0) > 0


@pytest.mark.parametrize(
    ("kw", "message"),
    [
        ({"gammas": [3, 2]}, "gammas"),
        ({"gammas": [2.0]}, "gammas"),
        ({"empty": "zero"}, "empty='zero'"),
        ({"min_sigma": -1}, "min_sigma"),
        ({"version": "v9"}, "v9|v1"),
    ],
)
def test_unusable_options_are_refused(kw, message):
    if "version" in kw:
        with pytest.raises((ValueError, KeyError)):
            get_analysis(nusky.selections.demo, kw["version"], logging=False)
        return
    with pytest.raises(ValueError, match=message):
        get_analysis(SmallRepository(), logging=False, **kw)


def test_a_season_that_cannot_be_modelled_is_named():
    bad = small_season()
    import dataclasses

    narrow = dataclasses.replace(bad, sindec_bins=np.linspace(0, 1, 5))
    with pytest.raises(ValueError, match=r"season SMALL_1: .*outside sindec_bins"):
        set_up(narrow)


def test_an_analysis_is_a_sequence_of_seasons(two):
    assert len(two) == 2
    assert two.keys == ("A", "B")
    assert [ana.key for ana in two] == ["A", "B"]
    assert two["B"] is two[1]
    assert two[1:].keys == ("B",)
    assert isinstance(two[:1], Analysis)
    assert two.livetime == 109.0
    assert Analysis([two[1]]).fingerprint != two.fingerprint
    assert repr(two) == "Analysis(A, B | 2300 events, 109.00 days, 49 gamma nodes 1 ... 4)"
    with pytest.raises(KeyError, match="has A, B"):
        two["C"]
    with pytest.raises(ValueError, match="named twice: A"):
        Analysis([two[0], two[0]])
    with pytest.raises(ValueError, match="at least one"):
        Analysis([])
    with pytest.raises(TypeError, match="SubAnalysis"):
        Analysis(["A"])
    other = set_up(small_season("C"), ModelOptions(gammas=(2.0, 3.0)))
    with pytest.raises(ValueError, match="different gamma nodes"):
        Analysis([two[0], other])


def test_the_acceptance_table_of_seasons_with_other_nodes_loses_nothing(two):
    nodes, table = two.acceptance_table()
    assert table.shape == (2, len(nodes), 49)
    dec = np.arcsin(np.linspace(-1, 1, 333))
    for k, ana in enumerate(two):
        for g in (0, 16, 48):
            expected = ana.acceptance(dec, ana.gamma_nodes[g])
            np.testing.assert_allclose(np.exp(np.interp(np.sin(dec), nodes, table[k, :, g])), expected, rtol=1e-10)


def test_event_columns_are_built_once_for_each_setting(two):
    columns = two.event_columns(5.0, 0.0)
    assert [len(c) for c in columns] == [2000, 300]
    assert two.event_columns() is columns
    assert two.event_columns(3.0, 0.0) is not columns
    found = []
    threads = [threading.Thread(target=lambda: found.append(two.event_columns(4.0, 0.01))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(c) for c in found}) == 1


def test_a_scan_of_the_analysis_is_the_references_fit(two):
    """Two seasons of different size, one source injected: everything from the events to the fit, by the other route."""
    rng = np.random.default_rng(3)
    ra = [np.array(ana.data.ra) for ana in two]
    sim = two[0].sim
    near = rng.choice(np.flatnonzero(np.abs(sim.dec - 0.2) < 0.02), 15)
    injected = sim[near].with_columns(ra=np.full(15, 2.0), dec=np.full(15, 0.2), sindec=np.full(15, np.sin(0.2)))
    parts = [(c, r, k, None, None) for k, (c, r) in enumerate(zip(two.event_columns(), ra, strict=True))]
    parts.append((two.columns_for(0, injected), np.array(injected.ra), 0, None, None))
    n_events = np.array([2015.0, 300.0])
    src_ra = np.concatenate([[2.0], rng.uniform(0, 6, 11)])
    src_dec = np.concatenate([[0.2], np.arcsin(rng.uniform(-1, 1, 11))])
    index = core.EventIndex(parts, n_events)
    ts, ns, _, status = core.scan(two.likelihood(), index, core.Directions(src_ra, src_dec))

    used = ("ra", "dec", "sigma", "sindec", "log10energy")
    joined = [Events.concatenate([two[0].data.select(*used), injected.select(*used)]), two[1].data]
    seasons = []
    for ana, ev in zip(two, joined, strict=True):
        background, log_ratio = ana.columns(ev)
        seasons.append(oracle.Season(ev.ra, ev.dec, ev.sigma, background, log_ratio))
    nodes, table = two.acceptance_table()
    for p in range(len(src_ra)):
        fit = oracle.fit(
            seasons, src_ra[p], src_dec[p], gamma_nodes=two.gamma_nodes, sindec_nodes=nodes, log_acceptance=table
        )
        assert ts[p] == pytest.approx(fit.ts, abs=1e-3)
    assert ts[0] > 30
    assert status[0] == 0
    assert ns[0] == pytest.approx(15, abs=6)


def test_an_analysis_travels_by_path_and_hash_and_by_pickle(tmp_path, two, capsys):
    saved = two.save(tmp_path)
    assert capsys.readouterr().out.count("-> ") == 2
    paths = [ana.path for ana in saved]
    opened = Analysis.open(paths, fingerprint=two.fingerprint)
    for a, b in zip(opened, two, strict=True):
        assert_same(a, b)
    with pytest.raises(StaleCache, match="data changed"):
        Analysis.open(paths[:1], fingerprint=two.fingerprint)
    with pytest.raises(FileNotFoundError):
        Analysis.open([tmp_path / "none.npz"])
    for copied in (pickle.loads(pickle.dumps(saved)), copy.deepcopy(two)):
        assert copied.fingerprint == two.fingerprint
        assert len(copied.event_columns()[1]) == 300


def test_a_cache_whose_parts_do_not_fit_is_damaged(tmp_path, two):
    from nusky.analysis.cache import read_cache, write_cache
    from nusky.analysis.season import open_season

    two.save(tmp_path)
    path = tmp_path / "B.subanalysis.v1.npz"
    meta, arrays = read_cache(path)
    arrays["background_density"] = arrays["background_density"][:-1]
    write_cache(path, arrays, {name: meta[name] for name in meta if name not in ("format", "schema", "arrays")})
    with pytest.raises(DamagedCache, match="do not fit"):
        open_season(path)


def test_the_identity_of_a_season_depends_on_data_options_and_code(monkeypatch):
    base = input_hash("data", ModelOptions())
    assert base == input_hash("data", ModelOptions())
    assert base != input_hash("other", ModelOptions())
    assert base != input_hash("data", ModelOptions(smooth=False))
    monkeypatch.setattr("nusky.analysis.set_up.code_version", lambda: "99")
    assert base != input_hash("data", ModelOptions())


def test_the_demo_goes_to_the_users_cache_folder(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(
        "nusky.selections.synthetic.synthetic_season", lambda *, min_sigma: small_season("IC86_2011_synthetic")
    )
    get_analysis(nusky.selections.demo, "synthetic-v1", nusky.selections.PSDataSpecs.ps_2011)
    assert "Setting up Analysis for:\nIC86_2011_synthetic\n" in capsys.readouterr().out
    assert [p.name for p in (tmp_path / "nusky").iterdir()] == ["IC86_2011_synthetic.subanalysis.synthetic-v1.npz"]
    # Where there is no such folder to be had, the demo still runs.
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/none")
    get_analysis(nusky.selections.demo)
    assert "No cache is kept" in capsys.readouterr().out
