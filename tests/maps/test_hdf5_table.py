from __future__ import annotations

import numpy as np
import pytest

from map_files import nested, sky
from nusky.maps.multiorder import MultiOrderMap
from nusky.maps.reader import read_sky_map
from nusky.priors import PriorPolicy, SpatialPrior


def chime(path, ipix, cl, nside, ordering="nested"):
    h5py = pytest.importorskip("h5py", reason="HDF5 maps need h5py")
    with h5py.File(path, "w") as f:
        f.attrs.update({"tns_name": "FRB20990101A", "ra": 40.0, "dec": 30.0, "frame": "ICRS", "units": "degrees"})
        group = f.create_group("healpix")
        group.attrs["nside"] = nside
        group.attrs["ordering"] = ordering
        group["ipix"] = ipix
        group["CL"] = cl
        f.create_group("projection")["data"] = np.zeros((3, 4))
    return path


def test_a_chime_file_is_sparse_nested_fine_and_has_repeats(tmp_path):
    import healpy

    nside = 4096
    ipix = healpy.query_disc(nside, healpy.ang2vec(40.0, 30.0, lonlat=True), np.radians(0.3), nest=True)
    cl = np.linspace(0.01, 0.999, ipix.size).astype(np.float32)
    path = chime(tmp_path / "FRB_localization.h5", np.r_[ipix, ipix[:50]], np.r_[cl, cl[:50]], nside)
    got = read_sky_map(path)
    assert isinstance(got, MultiOrderMap)
    assert (got.nside, len(got), got.record.n_duplicate, got.record.kind) == (4096, ipix.size, 50, "cl")
    assert got.record.header["TNS_NAME"] == "FRB20990101A"
    p = (1 - cl.astype(float)) / (1 - cl.astype(float)).sum()
    flat = read_sky_map(path, nside=256)
    want = np.bincount(healpy.nest2ring(256, ipix >> 8), weights=p, minlength=flat.probability.size)
    np.testing.assert_allclose(flat.probability, want, rtol=1e-10, atol=1e-300)
    with pytest.raises(ValueError, match=r"PriorPolicy\(regrade=512\)"):
        SpatialPrior(got)
    assert SpatialPrior(got, policy=PriorPolicy(regrade=256)).peak == int(want.argmax())
    clash = chime(tmp_path / "clash.h5", np.r_[ipix[:5], ipix[0]], np.r_[cl[:5], 0.9], nside)
    with pytest.raises(ValueError, match="different values in rows 0 and 5"):
        read_sky_map(clash)
    bad = chime(tmp_path / "bad.h5", ipix[:3], np.array([0.1, 1.5, 0.2]), nside)
    with pytest.raises(ValueError, match=r"1\.5 in row 1 is outside"):
        read_sky_map(bad)


def test_an_hdf5_file_with_probdensity_is_read_when_its_frame_and_order_are_known(tmp_path):
    h5py = pytest.importorskip("h5py", reason="HDF5 maps need h5py")
    p = sky()
    with h5py.File(tmp_path / "m.h5", "w") as f:
        f["PROBDENSITY"] = nested(p)
    got = read_sky_map(tmp_path / "m.h5", nest=True, frame="C")
    np.testing.assert_allclose(got.probability, p, rtol=1e-12)
    with pytest.raises(ValueError, match="frame="):
        read_sky_map(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="nest=True"):
        read_sky_map(tmp_path / "m.h5", frame="C")
    with h5py.File(tmp_path / "none.h5", "w") as f:
        f["events"] = np.zeros(5)
    with pytest.raises(ValueError, match="no group holds a sky map"):
        read_sky_map(tmp_path / "none.h5")
    # a table, as astropy writes it
    with h5py.File(tmp_path / "t.h5", "w") as f:
        rows = np.zeros(12, dtype=[("UNIQ", "i8"), ("PROBDENSITY", "f8")])
        rows["UNIQ"], rows["PROBDENSITY"] = np.arange(4, 16), 1.0
        f["skymap"] = rows
    assert len(read_sky_map(tmp_path / "t.h5", frame="C")) == 12
