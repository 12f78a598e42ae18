from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_trials import half_chi2
from nusky.dists import TSD, Chi2TSD, read_tsd
from nusky.dists.binned_tsd import BinnedTSD


@pytest.mark.parametrize(
    "tsd",
    [
        TSD([1.0, -2.0], n_zero=3),
        Chi2TSD(half_chi2(500), threshold=0.5, fscale=None),
        BinnedTSD([1.0, 300.0], n_zero=5),
    ],
)
def test_a_saved_distribution_comes_back_the_same(tsd: TSD, tmp_path: Path) -> None:
    tsd.save(tmp_path / "bg.npz")
    back = read_tsd(tmp_path / "bg.npz")
    assert repr(back) == repr(tsd)
    x = np.linspace(0.6, 5, 7)
    np.testing.assert_array_equal(back.sf(x), tsd.sf(x))


def test_a_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    TSD(np.arange(1000.0)).save(tmp_path / "a.npz")
    whole = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.npz is damaged"):
        read_tsd(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", x=np.arange(3))
    with pytest.raises(ValueError, match=r"b\.npz is damaged or something else"):
        read_tsd(tmp_path / "b.npz")
    with pytest.raises(FileNotFoundError):
        read_tsd(tmp_path / "c.npz")
