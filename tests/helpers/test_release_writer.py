"""The release writer against plain formatting and its own physics."""

from __future__ import annotations

import io
import pathlib

import numpy as np
import pytest

import release_physics as physics
from fixed_text import write_rows
from release_writer import DR2, TINY, response_of, smearing_edges, write_release


@pytest.mark.parametrize(("separator", "blanks"), [(" ", True), (",", False), ("\t", False)])
def test_fixed_text_is_what_percent_formatting_gives(separator: str, blanks: bool) -> None:
    rng = np.random.default_rng(1)
    columns = [rng.uniform(-180, 180, 500), rng.integers(-5, 10**8, 500), rng.uniform(50_000, 60_000, 500)]
    columns[0][:3] = [0.0, -0.001, -0.4]
    file = io.BytesIO()
    write_rows(file, columns, (3, 0, 8), separator=separator)
    rows = file.getvalue().decode().splitlines()
    for row, values in zip(rows, zip(*columns, strict=True), strict=True):
        expected = separator.join(f"{v:16.{d}f}" for v, d in zip(values, (3, 0, 8), strict=True))
        assert row.replace("-0.000", " 0.000" if blanks else "0.000") == (
            expected if blanks else expected.replace(" ", "")
        ).replace("-0.000", " 0.000" if blanks else "0.000")


def test_a_release_has_the_files_of_the_real_one(tmp_path: pathlib.Path) -> None:
    write_release(tmp_path / "one", "dr1", **{**TINY, "seasons": None, "size": 1e-4, "bins": 2})
    assert sum(path.is_file() for path in (tmp_path / "one").rglob("*")) == 36
    write_release(tmp_path / "two", "dr2-2.0", **{**TINY, "seasons": None, "size": 1e-4, "bins": 2})
    names = {str(path.relative_to(tmp_path / "two")) for path in (tmp_path / "two").rglob("*.csv")}
    assert names == {f"{folder}/{stem}_exp.csv" for folder in ("events", "uptime") for stem in DR2} | {
        f"irfs/{response_of(stem, 'dr2-2.0')}_{what}.csv" for stem in DR2 for what in ("effectiveArea", "smearing")
    }


def test_fractions_of_a_cell_sum_to_one_and_follow_the_physics(tmp_path: pathlib.Path) -> None:
    folder = write_release(tmp_path, "dr1", **{**TINY, "seasons": ("IC86_II",), "bins": 8})
    rows = np.loadtxt(folder / "irfs" / "IC86_II_smearing.csv")
    energy, dec = smearing_edges("IC86_II", "dr1", True)
    cell = rows[(rows[:, 0] == np.round(energy[1], 2)) & (rows[:, 2] == dec[1])]
    assert len(cell) == 8**3
    assert cell[:, 10].sum() == pytest.approx(1.0, abs=1e-7)
    centre = physics.ENERGY_SLOPE * 0.5 * (energy[1] + energy[2]) + physics.ENERGY_OFFSET
    assert np.sum(cell[:, 10] * 0.5 * (cell[:, 4] + cell[:, 5])) == pytest.approx(centre, abs=0.01)
    rng = np.random.default_rng(2)
    slice_ = cell[cell[:, 4] == np.unique(cell[:, 4])[4]]
    middle = np.full(200_000, slice_[0, 4:6].mean())
    sigma = physics.draw_sigma(middle, np.zeros(1), rng)
    mean = np.sum(slice_[:, 10] * slice_[:, 8:10].mean(axis=1)) / slice_[:, 10].sum()
    assert mean == pytest.approx(sigma.mean(), rel=0.03)
