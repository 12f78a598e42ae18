"""Damaged files are read as a probability or refused by name, quickly; the bench does the same ten thousand times."""

from __future__ import annotations

import importlib.util
import pathlib
from typing import Any

import numpy as np
import pytest

from nusky.maps import SkyMap, read_sky_map, write_sky_map
from places import ROOT


def bench() -> Any:
    path = ROOT / "bench" / "mutated_maps.py"
    if not path.exists():
        pytest.skip("the benches are not beside the tests")
    spec = importlib.util.spec_from_file_location("mutated_maps", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_damaged_files_are_read_rightly_or_refused_by_name() -> None:
    assert bench().run(500, seed=7) == {}


@pytest.mark.parametrize(
    ("card", "value"),
    [
        ("NAXIS2", "1000000000000"),
        ("NAXIS2", "-5"),
        ("NAXIS", "999999999999"),
        ("TFIELDS", "100000"),
        ("PCOUNT", "-99"),
    ],
)
def test_headers_that_lie_about_sizes_are_refused_at_once(tmp_path: pathlib.Path, card: str, value: str) -> None:
    path = write_sky_map(tmp_path / "a.fits", SkyMap(np.ones(48)))
    content = bytearray(path.read_bytes())
    at = content.rfind(card.ljust(8).encode() + b"=")
    content[at : at + 80] = f"{card:<8}= {value:>20}".ljust(80).encode()
    path.write_bytes(bytes(content))
    with pytest.raises(ValueError, match=r"a\.fits"):
        read_sky_map(path)


def test_a_bomb_is_not_unpacked(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    from nusky.maps import table

    monkeypatch.setattr(table, "MOST_BYTES", 10_000)
    (tmp_path / "bomb.fits.gz").write_bytes(gzip.compress(b"\0" * 20_000))
    with pytest.raises(ValueError, match=r"bomb\.fits\.gz unpacks to more than"):
        read_sky_map(tmp_path / "bomb.fits.gz")


def test_hdf5_does_not_reach_into_other_files(tmp_path: pathlib.Path) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["PROBDENSITY"] = np.ones(48)
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["PROBDENSITY"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "PROBDENSITY")
    with pytest.raises(ValueError, match=r"link\.h5"):
        read_sky_map(tmp_path / "link.h5", nest=True, frame="C")
    raw = tmp_path / "raw.bin"
    raw.write_bytes(np.ones(48).tobytes())
    with h5py.File(tmp_path / "outside.h5", "w") as file:
        file.create_dataset("PROBDENSITY", shape=(48,), dtype="f8", external=[(str(raw), 0, 384)])
    with pytest.raises(ValueError, match=r"outside\.h5.*another file"):
        read_sky_map(tmp_path / "outside.h5", nest=True, frame="C")
