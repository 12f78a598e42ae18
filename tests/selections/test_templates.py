from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nusky.selections import Repository


def test_a_map_by_its_name(tmp_path: Path) -> None:
    import healpy

    (tmp_path / "templates").mkdir()
    sky = np.arange(192.0)
    np.save(tmp_path / "templates" / "pi0.npy", sky)
    healpy.write_map(str(tmp_path / "belt.fits"), healpy.reorder(sky, r2n=True), nest=True, dtype=np.float64)
    repo = Repository(local_root=tmp_path)
    np.testing.assert_array_equal(repo.get_template("pi0"), sky)
    np.testing.assert_array_equal(repo.get_template("belt.fits"), sky)
    repo.clear_cache()


def test_spectra_of_pixels(tmp_path: Path) -> None:
    np.savez(tmp_path / "kra.npz", flux=np.ones((192, 3)), energy_bins=np.logspace(2, 5, 4))
    np.savez(tmp_path / "bad.npz", flux=np.ones((192, 3)), energy_bins=np.logspace(2, 5, 3))
    repo = Repository(tmp_path)
    flux, edges = repo.get_template("kra", per_pixel_flux=True)
    assert flux.shape == (192, 3)
    assert edges[0] == 100
    for name, per_pixel, message in (
        ("kra", False, "per_pixel_flux=True for spectra"),
        ("bad", True, r"flux .npix, M. and energy_bins .M \+ 1"),
    ):
        with pytest.raises(ValueError, match=message):
            repo.get_template(name, per_pixel_flux=per_pixel)
    with pytest.raises(FileNotFoundError, match="no template 'pi1': looked for"):
        repo.get_template("pi1")


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    np.save(tmp_path / "old.npy", {"flux": 1}, allow_pickle=True)
    with pytest.raises(ValueError, match="is a pickle"):
        Repository(tmp_path).get_template("old")
