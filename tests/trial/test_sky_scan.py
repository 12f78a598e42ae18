"""`SkyScan`: maps with names that behave like csky's array."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from nusky.trial.sky_scan import SkyScan
from nusky.trial.status import Status

NSIDE = 8
NPIX = 12 * NSIDE**2


def make(rows: int = 4) -> SkyScan:
    rng = np.random.default_rng(1)
    values = rng.random((rows, NPIX))
    status = np.zeros(NPIX, dtype=np.int8)
    status[:5] = Status.NOT_SCANNED
    values[:, :5] = 0.0
    if rows == 4:
        values[3, :5] = np.nan
    columns = ("mlog10p", "ts", "ns", "gamma")[:rows]
    provenance = {
        "seed": 12345678901234567890,
        "TRUTH": False,
        "version": "0.1.0",
        "gamma_fixed": 2.5 if rows == 3 else None,
    }
    return SkyScan(values, status, columns, provenance)


def test_it_is_array_like_with_named_rows() -> None:
    scan = make()
    assert scan.shape == (4, NPIX)
    assert scan.ndim == 2
    assert len(scan) == 4
    assert np.shares_memory(scan[1], scan.ts)
    assert np.shares_memory(scan["ns"], scan[2])
    assert np.asarray(scan).shape == (4, NPIX)
    assert scan[1, 7] == scan.ts[7]
    assert scan[1:3].shape == (2, NPIX)
    mlog10p, ts, ns, gamma = scan
    np.testing.assert_array_equal(ts, scan.ts)
    np.testing.assert_array_equal(gamma, scan.gamma)
    assert mlog10p.shape == ns.shape
    with pytest.raises(KeyError, match="no row 'dec'"):
        scan["dec"]


def test_it_is_read_only() -> None:
    scan = make()
    with pytest.raises(ValueError, match="read-only"):
        scan[1][0] = 5.0
    with pytest.raises(ValueError, match="read-only"):
        scan.status[0] = 5


def test_it_knows_what_was_scanned() -> None:
    scan = make()
    assert scan.n_scanned == NPIX - 5
    assert not scan.scanned[:5].any()
    assert scan.nside == NSIDE
    assert f"{NPIX - 5} pixels scanned" in repr(scan)


def test_with_a_fixed_gamma_there_are_three_rows_and_gamma_is_known() -> None:
    scan = make(rows=3)
    assert scan.shape == (3, NPIX)
    assert np.isnan(scan.gamma[0])
    assert scan.gamma[10] == 2.5


@pytest.mark.parametrize("rows", [3, 4])
@pytest.mark.parametrize("name", ["scan.fits", "scan.fits.gz", "scan.npz"])
def test_files_give_back_the_maps_to_the_last_bit(tmp_path: Path, name: str, rows: int) -> None:
    scan = make(rows)
    scan.save(tmp_path / name)
    again = SkyScan.read(tmp_path / name)
    np.testing.assert_array_equal(again.values, scan.values)
    np.testing.assert_array_equal(again.status, scan.status)
    assert again.provenance == scan.provenance
    assert again.columns == scan.columns
    assert again.values.dtype.isnative
    assert [path.name for path in tmp_path.iterdir()] == [name], "nothing is left behind"


@pytest.mark.parametrize("name", ["scan.fits", "scan.npz"])
def test_no_file_holds_ts_under_the_name_of_a_p_value(tmp_path: Path, name: str) -> None:
    values = make().values.copy()
    values[0] = values[1]
    scan = SkyScan(values, make().status, provenance={"mlog10p_is_ts": True})
    scan.save(tmp_path / name)
    again = SkyScan.read(tmp_path / name)
    np.testing.assert_array_equal(again.values, values)
    assert again.columns == scan.columns
    if name.endswith("fits"):
        from astropy.io import fits

        assert fits.getdata(tmp_path / name, 1).names == ["TS", "NS", "GAMMA", "STATUS"]
    else:
        assert np.load(tmp_path / name)["values"].shape == (3, NPIX)
    known = SkyScan(make().values, make().status, provenance={"mlog10p_is_ts": False})
    known.save(tmp_path / name)
    np.testing.assert_array_equal(SkyScan.read(tmp_path / name).mlog10p, known.mlog10p)


def test_a_file_of_the_first_version_is_read(tmp_path: Path) -> None:
    scan = make()
    header = {"format": "nusky sky scan", "version": 1, "columns": scan.columns, "provenance": {"mlog10p_is_ts": True}}
    np.savez(tmp_path / "old.npz", values=scan.values, status=scan.status, header=np.array(json.dumps(header)))
    np.testing.assert_array_equal(SkyScan.read(tmp_path / "old.npz").values, scan.values)


def test_healpy_reads_the_map(tmp_path: Path) -> None:
    import healpy

    scan = make()
    scan.save(tmp_path / "scan.fits")
    ts, gamma = healpy.read_map(tmp_path / "scan.fits", field=(1, 3))
    np.testing.assert_array_equal(ts, scan.ts)
    np.testing.assert_array_equal(gamma, scan.gamma)


def test_the_header_says_ring_equatorial_and_where_it_came_from(tmp_path: Path) -> None:
    from astropy.io import fits

    make().save(tmp_path / "scan.fits")
    header = fits.getheader(tmp_path / "scan.fits", 1)
    assert (header["ORDERING"], header["COORDSYS"], header["NSIDE"]) == ("RING", "C", NSIDE)
    assert header["SEED"] == "12345678901234567890"
    assert header["TRUTH"] is False
    assert header["CREATOR"] == "nusky 0.1.0"


def test_bad_shapes_and_names_are_refused(tmp_path: Path) -> None:
    status = np.zeros(NPIX, dtype=np.int8)
    with pytest.raises(ValueError, match="no full HEALPix sky"):
        SkyScan(np.zeros((4, NPIX - 1)), status[:-1])
    with pytest.raises(ValueError, match="status must have shape"):
        SkyScan(np.zeros((4, NPIX)), status[:-1])
    with pytest.raises(ValueError, match="values must have shape"):
        SkyScan(np.zeros((3, NPIX)), status)
    with pytest.raises(ValueError, match=r"ending must be \.fits"):
        make().save(tmp_path / "scan.txt")


def test_reading_something_else_says_so(tmp_path: Path) -> None:
    import healpy

    healpy.write_map(str(tmp_path / "other.fits"), np.arange(12.0), dtype=np.float64)
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    for name in ("other.fits", "other.npz"):
        with pytest.raises(ValueError, match="is not a sky scan"):
            SkyScan.read(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"missing\.fits does not exist"):
        SkyScan.read(tmp_path / "missing.fits")
