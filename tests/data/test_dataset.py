from __future__ import annotations

import pathlib
from typing import Any

import numpy as np
import pytest

from nusky.data.dataset import DATA_COLUMNS, LOG10ENERGY_BINS, SIM_COLUMNS, SINDEC_BINS, Dataset
from nusky.events import Events
from nusky.files.hashing import content_hash


def season(**changes: Any) -> Dataset:
    values: dict[str, Any] = {
        "key": "K",
        "version": "v",
        "data": Events(dict.fromkeys(DATA_COLUMNS, np.ones(3))),
        "sim": Events(dict.fromkeys(SIM_COLUMNS, np.ones(2))),
        "grl": None,
        "livetime": 10.0,
        "sindec_bins": SINDEC_BINS,
        "log10energy_bins": LOG10ENERGY_BINS,
        "notes": (),
        "fingerprint": "",
    }
    return Dataset(**{**values, **changes})


def test_default_edges_cover_the_sky_and_increase() -> None:
    assert SINDEC_BINS[0] == -1.0
    assert SINDEC_BINS[-1] == 1.0
    assert len(SINDEC_BINS) - 1 == 4 + 10 + 9 + 18  # bins of the four ranges, which share their borders
    assert np.all(np.diff(SINDEC_BINS) > 1e-3)


def test_repr_tells_key_version_counts_and_livetime() -> None:
    assert repr(season()) == "Dataset(K | v | 3 events, 2 simulated, 10.00 days)"


def test_a_dataset_is_frozen_and_its_edges_read_only() -> None:
    one = season(sindec_bins=np.array([-1.0, 0.0, 1.0]))
    with pytest.raises(AttributeError):
        one.livetime = 3.0  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        one.sindec_bins[0] = 0.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": Events(dict.fromkeys(DATA_COLUMNS, np.ones(0)))}, "data holds no events"),
        ({"sim": Events(dict.fromkeys(SIM_COLUMNS, np.ones(0)))}, "sim holds no events"),
        ({"data": Events({"ra": [1.0]})}, r"data lacks the column\(s\) \['dec'"),
        ({"livetime": 0.0}, "livetime is 0.0 days"),
        ({"livetime": np.nan}, "livetime is nan"),
        ({"sindec_bins": np.array([0.0, 0.0, 1.0])}, "sindec_bins must be"),
        ({"sindec_bins": np.array([-90.0, 90.0])}, "degrees or radians"),
        ({"log10energy_bins": np.array([1.0])}, "log10energy_bins must be"),
    ],
)
def test_impossible_seasons_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        season(**changes)


def test_content_hash_follows_content_not_place(tmp_path: pathlib.Path) -> None:
    (tmp_path / "a").mkdir()
    for folder in (tmp_path, tmp_path / "a"):
        (folder / "x.npy").write_bytes(b"one")
    first = content_hash(["v"], [tmp_path / "x.npy"])
    assert first == content_hash(["v"], [tmp_path / "a" / "x.npy"])
    (tmp_path / "x.npy").write_bytes(b"two")
    assert first != content_hash(["v"], [tmp_path / "x.npy"])
    assert first != content_hash(["w"], [tmp_path / "a" / "x.npy"])
    with pytest.raises(FileNotFoundError):
        content_hash([], [tmp_path / "missing.npy"])


def test_content_hash_tells_arrays_apart_by_value_type_and_shape() -> None:
    base = np.arange(4.0)
    hashes = {content_hash([a]) for a in (base, base + 1, base.astype(np.float32), base.reshape(2, 2))}
    assert len(hashes) == 4
    assert content_hash([base[::2]]) == content_hash([base[::2].copy()])
