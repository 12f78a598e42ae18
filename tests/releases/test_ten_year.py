"""The ten-year release: a small one with smearing matrices made here, and the real part that is at hand."""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
import pytest

from nusky.releases import (
    TEN_YEAR_STEMS,
    is_ten_year,
    read_ic86_first_year,
    read_ten_year,
    ten_year_fingerprint,
    ten_year_seasons,
)
from nusky.releases.tables import area_table, read_table
from nusky.sphere.rotation import separation

EVENTS_HEADER = "# MJD[days]  log10(E/GeV)   AngErr[deg]  RA[deg]  Dec[deg]  Azimuth[deg]  Zenith[deg]"
SMEARING_HEADER = (
    "#log10(E_nu/GeV)_min log10(E_nu/GeV)_max Dec_nu_min[deg] Dec_nu_max[deg] log10(E/GeV)_min log10(E/GeV)_max "
    "PSF_min[deg] PSF_max[deg] AngErr_min[deg] AngErr_max[deg] Fractional_Counts"
)


def write_season(folder: pathlib.Path, stem: str, first_mjd: float, response: str | None) -> None:
    for name in ("events", "uptime", "irfs"):
        (folder / name).mkdir(exist_ok=True)
    rng = np.random.default_rng(int(first_mjd))
    n = 50
    dec = rng.uniform(-80, 80, n)
    mjd = np.sort(first_mjd + rng.random(n))
    rows = np.column_stack([mjd, rng.uniform(2, 6, n), rng.uniform(0.2, 2, n), rng.uniform(0, 360, n), dec,
                            rng.uniform(0, 360, n), dec + 90])  # fmt: skip
    np.savetxt(folder / "events" / f"{stem}_exp.csv", rows, fmt="%.8f", header=EVENTS_HEADER, comments="")
    runs = [[first_mjd, first_mjd + 0.5], [first_mjd + 0.5, first_mjd + 1.0]]
    np.savetxt(
        folder / "uptime" / f"{stem}_exp.csv", runs, fmt="%.8f", header="MJD_start[days] MJD_stop[days]", comments=""
    )
    if response is None:
        return
    edges = [-90.0, -5.0, 30.0, 90.0]
    bands = list(enumerate(itertools.pairwise(edges), 1))
    area = [[e, e + 1, lo, hi, 100.0 * k] for e in (2.0, 3.0) for k, (lo, hi) in bands]
    np.savetxt(folder / "irfs" / f"{response}_effectiveArea.csv", area, fmt="%.2f", header="#a b c d e", comments="")


def write_smearing(folder: pathlib.Path, stem: str) -> None:
    """log10 E one below the truth; σ 1 … 2° south, 0.2 … 0.4° north, ψ to 3/2 of it; one row without width."""
    rows = [[2, 3, -90, -10, 0, 0, 0, 0, 0, 0, 1.0]]
    for dec_lo, dec_hi, deg in ((-90, -10, 1.0), (-10, 90, 0.2)):
        for true in (2, 3):
            rows.append([true, true + 1, dec_lo, dec_hi, true - 1, true, deg, 2 * deg, deg, 2 * deg, 0.7])
            rows.append([true, true + 1, dec_lo, dec_hi, true - 1, true, 2 * deg, 3 * deg, deg, 2 * deg, 0.3])
    np.savetxt(folder / "irfs" / f"{stem}_smearing.csv", rows, fmt="%.6f", header=SMEARING_HEADER, comments="")


@pytest.fixture
def release(tmp_path: pathlib.Path) -> pathlib.Path:
    write_season(tmp_path, "IC40", 54562.0, "IC40")
    write_season(tmp_path, "IC86_II", 56043.0, "IC86_II")
    write_season(tmp_path, "IC86_III", 56414.0, None)
    write_season(tmp_path, "IC86_IV", 56779.0, None)
    write_season(tmp_path, "IC79", 55348.0, None)  # no area of its own: not readable
    write_smearing(tmp_path, "IC86_II")
    return tmp_path


def test_seasons_with_all_files_are_listed_and_what_others_lack_is_known(release: pathlib.Path) -> None:
    ready, partial = ten_year_seasons(release)
    assert is_ten_year(release)
    assert ready == ("IC40", "IC86_2012", "IC86_2013", "IC86_2014")
    assert partial == {"IC79": (str(pathlib.Path("irfs") / "IC79_effectiveArea.csv"),)}


def test_columns_units_and_uptime(release: pathlib.Path) -> None:
    season = read_ten_year(release, "IC40")
    rows = np.loadtxt(release / "events" / "IC40_exp.csv")
    np.testing.assert_array_equal(season.data.mjd, rows[:, 0])
    np.testing.assert_allclose(season.data.azimuth, np.radians(rows[:, 5]), rtol=1e-12)
    np.testing.assert_allclose(season.data.zenith, np.radians(rows[:, 6]), rtol=1e-12)
    assert season.livetime == pytest.approx(1.0)
    assert season.grl is not None
    assert len(season.grl) == 2
    assert any("no smearing matrix" in note and "stand-in" in note for note in season.notes)


def test_areas_are_square_centimetres_against_declination(release: pathlib.Path) -> None:
    sim = read_ten_year(release, "IC40").sim
    weight = sim.oneweight * sim.true_energy**-2.0
    edges = np.sin(np.radians([-90.0, -5.0, 30.0, 90.0]))
    found, _ = np.histogram(np.sin(sim.true_dec), edges, weights=weight)
    expected = 2 * np.pi * np.diff(edges) * (1e-2 - 1e-4) * [100.0, 200.0, 300.0]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_the_smearing_matrix_is_used_where_it_is_at_hand(release: pathlib.Path) -> None:
    season = read_ten_year(release, "IC86_2012", log=(lines := []).append)
    assert any("IC86_II_smearing.csv" in line for line in lines)
    assert "response from IC86_II_smearing.csv (1 rows without width in AngErr left out)" in season.notes
    sim = season.sim
    np.testing.assert_array_less(np.abs(np.log10(sim.true_energy) - 0.5 - 0.5 - sim.log10energy), 1.0)
    psi = np.degrees(separation(sim.ra, sim.dec, sim.true_ra, sim.true_dec))
    south = np.sin(sim.true_dec) < np.sin(np.radians(-10))
    for mask, deg in ((south, 1.0), (~south, 0.2)):
        assert np.degrees(sim.sigma[mask]).min() >= deg - 1e-9
        assert np.degrees(sim.sigma[mask]).max() <= 2 * deg + 1e-9
        assert psi[mask].min() >= deg - 1e-6
        assert psi[mask].max() <= 3 * deg + 1e-6
        assert np.mean(psi[mask] > 2 * deg) == pytest.approx(0.3, abs=0.01)


def test_later_seasons_use_the_response_of_2012_and_join(release: pathlib.Path) -> None:
    one, joined = read_ten_year(release, "IC86_2013"), read_ten_year(release, "IC86_2012_2014")
    assert "response from IC86_II_smearing.csv (1 rows without width in AngErr left out)" in one.notes
    assert len(joined.data) == 150
    assert joined.livetime == pytest.approx(3.0)
    assert np.all(np.diff(joined.data.mjd) >= 0)
    with pytest.raises(FileNotFoundError, match=r"IC86_V_exp\.csv"):
        read_ten_year(release, "IC86_2012_2017")


def test_every_season_has_files_named_after_its_stems() -> None:
    assert TEN_YEAR_STEMS["IC86_2011"] == ("IC86_I",)
    assert TEN_YEAR_STEMS["IC86_2017"] == ("IC86_VII",)
    assert len(TEN_YEAR_STEMS["IC86_2012_2017"]) == 6


def test_bad_input_is_refused_with_the_place(release: pathlib.Path) -> None:
    with pytest.raises(KeyError, match="'IC22' is not in the ten-year release"):
        read_ten_year(release, "IC22")
    with pytest.raises(FileNotFoundError, match=r"IC79_effectiveArea\.csv.*readable seasons .*IC40"):
        read_ten_year(release, "IC79")
    path = release / "events" / "IC40_exp.csv"
    good = path.read_text()
    path.write_text(good + "54562.1 3.0 0.5 10.0 95.0 10.0 10.0\n")
    with pytest.raises(ValueError, match=r"IC40_exp\.csv: column 'Dec\[deg\]', row 50 .*: 95 is a declination"):
        read_ten_year(release, "IC40")
    path.write_text(good)
    smearing = release / "irfs" / "IC86_II_smearing.csv"
    rows = np.loadtxt(smearing)
    rows[2, 10] = -1
    np.savetxt(smearing, rows)
    with pytest.raises(ValueError, match=r"IC86_II_smearing\.csv: smearing matrix: fractional counts"):
        read_ten_year(release, "IC86_2012")
    np.savetxt(smearing, rows[:1])
    with pytest.raises(ValueError, match="AngErr_min = AngErr_max"):
        read_ten_year(release, "IC86_2012")


def test_events_outside_the_uptime_are_counted_and_kept(release: pathlib.Path) -> None:
    path = release / "events" / "IC40_exp.csv"
    path.write_text(path.read_text() + "54560.1 3.0 0.5 10.0 5.0 10.0 95.0\n")
    season = read_ten_year(release, "IC40")
    assert len(season.data) == 51
    assert "1 events outside the good-run list, kept" in season.notes[0]
    assert "1 rows out of time order, sorted" in season.notes[0]


def test_fingerprint_is_that_of_the_dataset_and_follows_the_smearing_file(release: pathlib.Path) -> None:
    before = ten_year_fingerprint(release, "IC86_2012")
    assert read_ten_year(release, "IC86_2012").fingerprint == before
    (release / "irfs" / "IC86_II_smearing.csv").unlink()
    assert ten_year_fingerprint(release, "IC86_2012") != before


def test_the_real_ic40_season(shared_data: pathlib.Path) -> None:
    folder = shared_data / "icecube_ps10_subset"
    if not folder.is_dir():
        pytest.skip(f"no ten-year release at {folder}")
    assert ten_year_seasons(folder)[0] == ("IC40",)
    assert "IC86_2011" in ten_year_seasons(folder)[1]
    season = read_ten_year(folder, "IC40")
    assert len(season.data) == 36_900
    assert season.livetime == pytest.approx(376.36, abs=0.01)
    assert season.grl is not None
    assert len(season.grl) == 1420
    assert not any("outside the good-run list" in note for note in season.notes)
    rows = np.loadtxt(folder / "irfs" / "IC40_effectiveArea.csv", skiprows=1)
    energies = 10 ** rows[:, :2]
    per_cell = rows[:, 4] * (1 / energies[:, 0] - 1 / energies[:, 1])
    per_cell *= 2 * np.pi * (np.sin(np.radians(rows[:, 3])) - np.sin(np.radians(rows[:, 2])))
    assert np.sum(season.sim.oneweight * season.sim.true_energy**-2.0) == pytest.approx(per_cell.sum(), rel=1e-3)


def test_the_areas_of_the_two_releases_agree(shared_data: pathlib.Path) -> None:
    """Two parsers, two units, two conventions of the direction, one detector season."""
    path = shared_data / "icecube_ps10_subset" / "irfs" / "IC86_I_effectiveArea.csv"
    first = read_ic86_first_year(shared_data / "icecube_ic86_2011").sim
    rows = read_table(path, ("logEmin", "logEmax", "decmin", "decmax", "Aeff"), lambda _: None)
    table = area_table(path, 10 ** rows[:, :2], np.sin(np.radians(rows[:, 2:4])), rows[:, 4])
    for lo, hi in ((-1.0, -0.6), (-0.6, -0.3), (-0.3, -0.1), (-0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        band = (first.true_dec > np.arcsin(lo)) & (first.true_dec < np.arcsin(hi))
        weight = np.sum((first.oneweight * first.true_energy**-2.0)[band])
        assert table.integral(2.0, lo, hi) == pytest.approx(weight, rel=0.1)
