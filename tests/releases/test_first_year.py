"""The first-year IC86 release: a small copy of its format, and the real one where it is at hand."""

from __future__ import annotations

import itertools
import pathlib
import time

import numpy as np
import pytest

from nusky.data.dataset import Dataset
from nusky.releases import first_year_fingerprint, is_first_year, read_ic86_first_year
from nusky.releases.tables import area_table

EVENTS = """MJD\tlog10(E)\tang_err\tRA\tDec
   55694      3.0      1.0    275.1     39.1
   55695      2.9      0.5    360.0      4.7
   55696      2.9      0.0     58.0     -3.0
   55695      3.1    495.8    223.8     21.6
"""


@pytest.fixture
def release(tmp_path: pathlib.Path) -> pathlib.Path:
    """Three energies and two halves of the sky, 1 m² above the horizon (cos zenith > 0) and 3 m² below."""
    (tmp_path / "upgoing_events.txt").write_text(EVENTS)
    (tmp_path / "downgoing_events.txt").write_text(
        EVENTS.splitlines()[0] + "\n   55694      4.6      0.2    242.6    -22.6\n"
    )
    rows = [
        f"{10.0**e:.3e} {10.0 ** (e + 1):.3e} {low:.2f} {low + 1:.2f} {1.0 if low == 0 else 3.0:.3e}"
        for e in (2, 3, 4)
        for low in (-1.0, 0.0)
    ]
    (tmp_path / "TabulatedAeff.txt").write_text(
        "#  E_min[GeV] E_max[GeV] cos(zenith)_min cos(zenith)_max Aeff[m^2]\n" + "\n".join(rows) + "\n"
    )
    (tmp_path / "AngRes.txt").write_text("1.3, 2.5\n0.7, 3.5\n")
    return tmp_path


def test_rows_units_and_repairs_of_the_format(release: pathlib.Path) -> None:
    lines: list[str] = []
    season = read_ic86_first_year(release, log=lines.append)
    assert season.key == "IC86_2011"
    assert len(season.data) == 4
    np.testing.assert_array_equal(season.data.mjd, [55694, 55694, 55695, 55696])
    np.testing.assert_allclose(season.data.dec, np.radians([39.1, -22.6, 4.7, -3.0]), rtol=1e-12)
    np.testing.assert_allclose(season.data.ra, np.radians([275.1, 242.6, 0.0, 58.0]), atol=1e-12)
    np.testing.assert_allclose(np.degrees(season.data.sigma), [1.0, 0.2, 0.5, 0.2], rtol=1e-12)
    assert season.grl is None
    assert lines == [f"Reading {release / name} ..." for name in (
        "upgoing_events.txt", "downgoing_events.txt", "TabulatedAeff.txt", "AngRes.txt")]  # fmt: skip
    repairs = season.notes[0]
    for part in ("1 RA outside", "1 sigma below 0.2 deg", "1 dropped: an angular error", "1 sigma that was exactly 0"):
        assert part in repairs
    assert any("stand-in" in note for note in season.notes)


def test_areas_turn_from_zenith_square_metres_to_declination_square_centimetres(release: pathlib.Path) -> None:
    sim = read_ic86_first_year(release).sim
    north = np.sin(sim.true_dec) > 0
    # ∫ E^-2 dE over 1e2 … 1e5 GeV, 2π sr each: 3 m² below the detector's horizon is the northern sky.
    expected = 2 * np.pi * (1e-2 - 1e-5)
    weight = sim.oneweight * sim.true_energy**-2.0
    assert weight[north].sum() == pytest.approx(3e4 * expected, rel=1e-3)
    assert weight[~north].sum() == pytest.approx(1e4 * expected, rel=1e-3)


def test_the_known_defect_raises_when_asked_and_others_always(release: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=r"upgoing_events\.txt: column 'ang_err', row 3 .*495\.8"):
        read_ic86_first_year(release, on_bad="raise")
    path = release / "downgoing_events.txt"
    path.write_text(path.read_text() + "   55694      4.6      0.2    242.6    nan\n")
    with pytest.raises(ValueError, match=r"downgoing_events\.txt: column 'Dec', row 1 .*nan"):
        read_ic86_first_year(release)
    assert len(read_ic86_first_year(release, on_bad="drop").data) == 4


def test_duplicates_and_disorder_are_reported_not_fatal(release: pathlib.Path) -> None:
    path = release / "upgoing_events.txt"
    path.write_text(path.read_text() + EVENTS.splitlines()[1] + "\n")
    notes = read_ic86_first_year(release).notes[0]
    assert "1 exact duplicates, kept" in notes
    assert "1 rows out of time order, sorted" in notes


@pytest.mark.parametrize("name", ["upgoing_events.txt", "TabulatedAeff.txt", "AngRes.txt"])
def test_missing_files_are_named(release: pathlib.Path, name: str) -> None:
    (release / name).unlink()
    assert is_first_year(release)
    with pytest.raises(FileNotFoundError, match=name):
        read_ic86_first_year(release)
    with pytest.raises(FileNotFoundError, match=name):
        first_year_fingerprint(release)


def test_malformed_tables_are_refused_with_the_file_name(release: pathlib.Path) -> None:
    path = release / "upgoing_events.txt"
    path.write_text(EVENTS.splitlines()[0] + "\n 55694 3.0 1.0 275.1\n")
    with pytest.raises(ValueError, match=r"upgoing_events\.txt: 5 names .*MJD.* stand before rows of 4 numbers"):
        read_ic86_first_year(release)
    path.write_text(EVENTS + " 55694 3.0 1.0 275.1 soft\n")
    with pytest.raises(ValueError, match=r"upgoing_events\.txt: row 4 .* is not a row of numbers.*soft"):
        read_ic86_first_year(release)
    path.write_text(EVENTS.splitlines()[0] + "\n")
    with pytest.raises(ValueError, match=r"upgoing_events\.txt: the table has no rows"):
        read_ic86_first_year(release)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda rows: rows[:-1], "overlap or leave gaps|do not fill"),
        (lambda rows: np.vstack([rows, rows[:1]]), "do not fill the 3 x 2 cells exactly once"),
        (lambda rows: rows * [1, 1, 1, 1, -1], "nowhere negative"),
        (lambda rows: np.delete(rows, [2, 3], axis=0), "energy bins overlap or leave gaps"),
    ],
)
def test_incomplete_area_tables_are_refused(release: pathlib.Path, edit: object, message: str) -> None:
    path = release / "TabulatedAeff.txt"
    np.savetxt(path, edit(np.loadtxt(path)))  # type: ignore[operator]
    with pytest.raises(ValueError, match=f"TabulatedAeff.txt: .*({message})"):
        read_ic86_first_year(release)


def test_fingerprint_is_cheap_equal_and_follows_contents_and_settings(release: pathlib.Path) -> None:
    before = first_year_fingerprint(release)
    assert read_ic86_first_year(release).fingerprint == before
    assert first_year_fingerprint(release, min_sigma=0.01) != before
    assert first_year_fingerprint(release, on_bad="drop") != before
    (release / "AngRes.txt").write_text("1.2, 2.5\n")
    assert first_year_fingerprint(release) != before


@pytest.fixture(scope="module")
def real(shared_data: pathlib.Path) -> Dataset:
    folder = shared_data / "icecube_ic86_2011"
    if not folder.is_dir():
        pytest.skip(f"no first-year release at {folder}")
    return read_ic86_first_year(folder)


def test_the_real_release_is_read_whole(real: Dataset) -> None:
    assert len(real.data) == 138_322 - 1
    assert real.livetime == 332.61
    notes = real.notes[0]
    for part in ("898 sigma below 0.2 deg", "12 sigma that was exactly 0", "1 dropped", "17 RA outside"):
        assert part in notes
    assert np.all(np.diff(real.data.mjd) >= 0)
    assert 300_000 < len(real.sim) < 600_000
    assert real.sim.true_energy.min() >= 1e2
    assert real.sim.true_energy.max() <= 1e9


def test_rounded_values_fill_the_bins_evenly(real: Dataset) -> None:
    steps = np.round(np.degrees(np.arcsin(real.sindec_bins)) / 0.1 - 0.5, 6)
    assert np.all(steps[1:-1] == np.round(steps[1:-1]))
    in_bins, _ = np.histogram(np.arange(10, 90) / 10, real.log10energy_bins)
    assert set(in_bins[1:30]) == {2}


def test_the_real_weights_reproduce_the_published_area(real: Dataset, shared_data: pathlib.Path) -> None:
    path = shared_data / "icecube_ic86_2011" / "TabulatedAeff.txt"
    rows = np.loadtxt(path)
    table = area_table(path, rows[:, :2], -rows[:, 3:1:-1], rows[:, 4] * 1e4)
    bands = np.linspace(-1, 1, 21)
    for gamma in (1.5, 2.0, 2.5, 3.0, 3.5):
        weight = real.sim.oneweight * real.sim.true_energy**-gamma
        found, _ = np.histogram(np.sin(real.sim.true_dec), bands, weights=weight)
        expected = [table.integral(gamma, lo, hi) for lo, hi in itertools.pairwise(bands)]
        np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_twenty_events_from_the_tutorials_prior_are_the_tutorials_flux(real: Dataset) -> None:
    """20 events ↔ E²dN/dE = 1.0685e-11 TeV cm⁻² s⁻¹ for γ = 2, a prior of 10° FWHM at (180°, 0°), |δ| < 85°."""
    import healpy as hp

    theta, phi = hp.pix2ang(64, np.arange(hp.nside2npix(64)))
    psi = hp.rotator.angdist([np.pi / 2, np.pi], [theta, phi])
    prior = np.exp(-0.5 * (psi / (np.radians(10) / np.sqrt(8 * np.log(2)))) ** 2)
    prior[np.abs(np.pi / 2 - theta) > np.radians(85)] = 0
    prior /= prior.sum()
    # Acceptance in bands of sin δ from the simulated set, cm² s per (GeV⁻¹ cm⁻² s⁻¹ at 1 GeV).
    edges = np.linspace(-1, 1, 101)
    sim = real.sim
    weight, _ = np.histogram(np.sin(sim.true_dec), edges, weights=sim.oneweight * sim.true_energy**-2.0)
    acceptance = weight / (2 * np.pi * np.diff(edges)) * real.livetime * 86400
    at_pixel = np.interp(np.cos(theta), 0.5 * (edges[1:] + edges[:-1]), acceptance)
    flux_tev = 20 / (prior @ at_pixel) / 1e3
    assert flux_tev == pytest.approx(1.0685320290882531e-11, rel=0.03)


def test_the_angular_check_is_reported_beside_the_published_resolution(real: Dataset) -> None:
    note = real.notes[-1]
    assert "AngRes.txt" in note
    pairs = [
        (float(p.split(" (")[0]), float(p.split("(")[1].split(")")[0])) for p in note.split("true: ")[1].split(", ")
    ]
    assert [published for _, published in pairs] == [1.3, 0.7, 0.5, 0.4, 0.3, 0.3]
    # The stand-in agrees where most events are and is wider than published at high energies, never narrower.
    assert pairs[0][0] == pytest.approx(1.3, rel=0.1)
    assert all(ours > 0.9 * published for ours, published in pairs)


def test_the_real_release_reads_quickly(shared_data: pathlib.Path, real: Dataset) -> None:
    start = time.process_time()
    read_ic86_first_year(shared_data / "icecube_ic86_2011")
    assert time.process_time() - start < 6.0  # 0.6 s on an idle core; a guard against a slow parser, no benchmark
