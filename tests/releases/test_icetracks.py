"""The track releases: a small DR1 with a plain smearing matrix made here, and the real part that is at hand."""

from __future__ import annotations

import itertools
import pathlib

import numpy as np
import pytest

from nusky.hyp import PowerLawFlux
from nusky.releases import TrackRelease, icetracks_fingerprint, is_track_release, read_ic86_first_year, read_icetracks
from nusky.releases.icetracks import read_area
from nusky.sphere.rotation import separation

EVENTS_HEADER = "# MJD[days]  log10(E/GeV)   AngErr[deg]  RA[deg]  Dec[deg]  Azimuth[deg]  Zenith[deg]"
AREA_HEADER = "# logEmin_nu  logEmax_nu  decmin decmax  Aeff"
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
    np.savetxt(folder / "irfs" / f"{response}_effectiveArea.csv", area, fmt="%.2f", header=AREA_HEADER, comments="")


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
    tracks = TrackRelease.of(release)
    assert is_track_release(release)
    assert (tracks.version, tracks.number) == ("icetracks-dr1", 1)
    assert tracks.keys(joined=False) == ("IC40", "IC79", "IC86_2012", "IC86_2013", "IC86_2014")
    assert tracks.keys(joined=True) == ("IC40", "IC79", "IC86_2012_2014")
    assert tracks.files("IC79").missing == [release / "irfs" / "IC79_effectiveArea.csv"]


def test_columns_units_and_uptime(release: pathlib.Path) -> None:
    season = read_icetracks(release, "IC40")
    rows = np.loadtxt(release / "events" / "IC40_exp.csv")
    np.testing.assert_array_equal(season.data.mjd, rows[:, 0])
    np.testing.assert_allclose(season.data.azimuth, np.radians(rows[:, 5]), rtol=1e-12)
    np.testing.assert_allclose(season.data.zenith, np.radians(rows[:, 6]), rtol=1e-12)
    assert season.livetime == pytest.approx(1.0)
    assert season.grl is not None
    assert len(season.grl) == 2
    assert any("no smearing matrix" in note and "stand-in" in note for note in season.notes)


def test_areas_are_square_centimetres_against_declination(release: pathlib.Path) -> None:
    sim = read_icetracks(release, "IC40").sim
    weight = sim.oneweight * sim.true_energy**-2.0
    edges = np.sin(np.radians([-90.0, -5.0, 30.0, 90.0]))
    found, _ = np.histogram(np.sin(sim.true_dec), edges, weights=weight)
    expected = 2 * np.pi * np.diff(edges) * (1e-2 - 1e-4) * [100.0, 200.0, 300.0]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_the_smearing_matrix_is_used_where_it_is_at_hand(release: pathlib.Path) -> None:
    season = read_icetracks(release, "IC86_2012", log=(lines := []).append)
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
    assert season.area is not None
    assert season.area.area.tolist() == [[100.0, 200.0, 300.0]] * 2
    assert season.response is not None
    # log10 E is one below the truth, so E^-2 gives ten times as many below 2 as above; σ are told apart at −10 deg
    joint = season.response.energies_and_sigmas(
        np.sin(np.radians([-90.0, -10.0, 90.0])), np.array([1.0, 2.0, 3.0]), [PowerLawFlux(2.0)]
    )[0]
    np.testing.assert_allclose(joint.sum(axis=2), [[10 / 11, 1 / 11]] * 2)
    sigmas = np.degrees(season.response.sigma_edges)
    assert np.all(joint[0][:, sigmas[1:] < 1.0] == 0)
    assert np.all(joint[1][:, sigmas[:-1] > 0.4] == 0)


def test_later_seasons_use_the_response_of_2012_and_join(release: pathlib.Path) -> None:
    one, joined = read_icetracks(release, "IC86_2013"), read_icetracks(release, "IC86_2012_2014")
    assert "response from IC86_II_smearing.csv (1 rows without width in AngErr left out)" in one.notes
    assert len(joined.data) == 150
    assert joined.livetime == pytest.approx(3.0)
    assert np.all(np.diff(joined.data.mjd) >= 0)
    with pytest.raises(FileNotFoundError, match=r"IC86_V_exp\.csv"):
        read_icetracks(release, "IC86_2012_2017")


def test_bad_input_is_refused_with_the_place(release: pathlib.Path) -> None:
    with pytest.raises(KeyError, match="'IC22' is not in icetracks-dr1"):
        read_icetracks(release, "IC22")
    with pytest.raises(FileNotFoundError, match=r"IC79 lacks irfs/IC79_effectiveArea\.csv; download .*IC40"):
        read_icetracks(release, "IC79")
    path = release / "events" / "IC40_exp.csv"
    good = path.read_text()
    path.write_text(good + "54562.1 3.0 0.5 10.0 95.0 10.0 10.0\n")
    with pytest.raises(ValueError, match=r"IC40_exp\.csv: column 'Dec\[deg\]', row 50 .*: 95 is a declination"):
        read_icetracks(release, "IC40")
    path.write_text(good)
    smearing = release / "irfs" / "IC86_II_smearing.csv"
    rows = np.loadtxt(smearing)
    rows[2, 10] = -1
    np.savetxt(smearing, rows, header=SMEARING_HEADER, comments="")
    with pytest.raises(ValueError, match=r"IC86_II_smearing\.csv: smearing matrix: row 2 .*Fractional_Counts -1"):
        read_icetracks(release, "IC86_2012")
    np.savetxt(smearing, rows[:1], header=SMEARING_HEADER, comments="")
    with pytest.raises(ValueError, match="AngErr_min = AngErr_max"):
        read_icetracks(release, "IC86_2012")


def test_fingerprint_is_that_of_the_dataset_and_follows_the_smearing_file(release: pathlib.Path) -> None:
    before = icetracks_fingerprint(TrackRelease.of(release), "IC86_2012")
    assert read_icetracks(release, "IC86_2012").fingerprint == before
    (release / "irfs" / "IC86_II_smearing.csv").unlink()
    assert icetracks_fingerprint(TrackRelease.of(release), "IC86_2012") != before


def test_the_real_ic40_season(shared_data: pathlib.Path) -> None:
    folder = shared_data / "icecube_ps10_subset"
    if not folder.is_dir():
        pytest.skip(f"no ten-year release at {folder}")
    assert TrackRelease.of(folder).keys(joined=True) == ("IC40",)
    season = read_icetracks(folder, "IC40")
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
    table = read_area(path)
    for lo, hi in ((-1.0, -0.6), (-0.6, -0.3), (-0.3, -0.1), (-0.1, 0.3), (0.3, 0.6), (0.6, 1.0)):
        band = (first.true_dec > np.arcsin(lo)) & (first.true_dec < np.arcsin(hi))
        weight = np.sum((first.oneweight * first.true_energy**-2.0)[band])
        assert table.integral(2.0, lo, hi) == pytest.approx(weight, rel=0.1)
